"""What an upstream says of a call it refuses, short enough to be logged beside it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

MOST: Final = 300
"""Characters that are kept."""
_READ: Final = 64 * 1024
"""Bytes of a body that are looked at."""
_KEY: Final = re.compile(r"\b(sk|pk|key|rpr)-[\w*-]{4,}|\bBearer\s+\S+", re.IGNORECASE)


def refusal_in(body: bytes) -> str | None:
    """The message of an error body in one of the usual shapes; keys in it are left out. None where there is none."""
    text = body[:_READ].decode("utf-8", "replace")
    try:
        said = _message(json.loads(text))
    except (ValueError, RecursionError):
        said = "" if text.lstrip().startswith("<") else text
    said = " ".join(_KEY.sub("<key>", said).split())[:MOST]
    # Half a surrogate pair is text to JSON, but not to a database.
    return said.encode("utf-8", "replace").decode() or None


def _message(body: Any) -> str:
    """``error.message``, ``error``, ``message`` or ``detail``, whichever comes first."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return ""
    for name in ("error", "message", "detail"):
        said = body.get(name)
        if isinstance(said, dict):
            said = said.get("message")
        if isinstance(said, str) and said.strip():
            return said
    return ""
