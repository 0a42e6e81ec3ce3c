"""When a model behind a name has become another version: the rule, without IO.

Upstreams name the model that answered, often with a version. Three fresh answers in a row that name one new version,
and none the old, say that it has changed. An alias that is balanced between two versions does not flap: each time the
old one comes back, a change takes twice as many answers in a row.
"""

from __future__ import annotations

from typing import Final

FIRST: Final = 3
"""Answers in a row that make a change, at first."""
MOST: Final = 48
"""And after the old version has come back again and again."""


class VersionRule:
    """The version in force for one target.

    Args:
        current: the version that answered last; None where that is not known.
    """

    def __init__(self, current: str | None) -> None:
        self.current = current
        self._former: str | None = None
        self._rival: str | None = None
        self._run = 0
        self._needed = FIRST

    def seen(self, version: str) -> str | None:
        """Note which version a fresh answer names; gives the one whose place it has taken, once it has."""
        if self.current is None:
            self.current = version
        if version == self.current:
            if self._rival is not None:
                self._came_back()
            return None
        if version != self._rival:
            self._rival, self._run = version, 0
            if version == self._former:
                self._came_back(rival=version)
        self._run += 1
        if self._run < self._needed:
            return None
        self._former, self.current = self.current, version
        self._rival, self._run = None, 0
        return self._former

    def is_settled_on(self, version: str) -> bool:
        """Would another answer of this version change nothing?"""
        return version == self.current and self._rival is None

    def _came_back(self, rival: str | None = None) -> None:
        """Both versions answer: be slower to believe in a change."""
        self._rival, self._run = rival, 0
        self._needed = min(MOST, 2 * self._needed)
