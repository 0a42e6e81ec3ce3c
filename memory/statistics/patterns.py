"""Errors by pattern: what differs from one message to the next (ids, numbers, quoted texts) is masked. Pure."""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 300
"""Characters of a message that are looked at."""

_MASKS: Final = (
    # Order matters: what holds digits and quotes first, bare numbers last.
    (re.compile(r"https?://\S+"), "<url>"),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+"), "<email>"),
    (re.compile(r"'[^'\n]{0,200}'(?!\w)|\"[^\"\n]{0,200}\"|`[^`\n]{0,200}`|“[^”\n]{0,200}”"), "<text>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{6,}\b", re.IGNORECASE), "<hex>"),
    # Names of things made by machines: a word with a joint and digits in it (req_8a1, org-9Xk2, key***f3).
    (re.compile(r"\b[A-Za-z]+[-_*]+[\w*-]*\d[\w*-]*"), "<id>"),
    (re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w{12,}\b"), "<id>"),
    (re.compile(r"(?<![\w<])[-+]?\d+(?:,\d+)*(?:\.\d+)?"), "<n>"),
)
_SPACE: Final = re.compile(r"\s+")


def pattern_of(message: str) -> str:
    """The message with what is peculiar to one occurrence masked, on one line."""
    text = message[:MOST]
    for peculiar, mask in _MASKS:
        text = peculiar.sub(mask, text)
    return _SPACE.sub(" ", text).strip()[:MOST]
