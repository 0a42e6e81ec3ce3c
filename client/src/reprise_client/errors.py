"""What can go wrong between an application and Reprise.

RepriseError
├── Unavailable   Reprise cannot be reached, is too slow, fails, or something else answers in its place
└── Refused       Reprise said no: a wrong key, a wrong field, nothing there
"""

from __future__ import annotations


class RepriseError(Exception):
    """Something went wrong between this application and Reprise."""


class Unavailable(RepriseError):
    """Reprise cannot be reached, is too slow, fails, or something else answers in its place.

    ``sent``: may the request have arrived all the same?
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class Refused(RepriseError):
    """Reprise said no. ``status`` is the HTTP status; ``param`` names the field that is wrong, if one is."""

    def __init__(self, message: str, status: int, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code
