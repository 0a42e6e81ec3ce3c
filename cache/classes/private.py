"""Secrets and personal data in a text: patterns, and checksums where the numbering has one.

A secret opens something: keys, tokens, passwords, card numbers, social security numbers. Personal data names somebody:
e-mail addresses, phone numbers, bank accounts. Both are read at either end of a long text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

ENDS_CHARS: Final = 2000
"""Of a long text, so many characters at either end are read: patterns over megabytes would hold up every other call."""

_SECRET: Final = re.compile(
    r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abprs]-[\w-]{10,}"
    r"|\bAIza[\w-]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
    r"|\b(?i:password|passwd|pwd|api[_ -]?key|secret)\b\s*(?:is|[:=])\s*(?=\S*[\d!@#$%^&*_])\S{6,}"
)
_SSN: Final = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_CARD: Final = re.compile(r"(?<![\d.-])[2-6](?:[ -]?\d){11,18}(?![\d-])")
_MAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,4}[A-Za-z]{2,24}\b")
_PHONE: Final = re.compile(
    r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
    r"|(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4})(?![\w-])"
)
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_DIGITS: Final = re.compile(r"\d[\d .()-]{1,3}\d")
"""Some of it stands in every number below."""
_CARD_LENGTHS: Final = frozenset({12, 13, 14, 15, 16, 17, 18, 19})


def private(text: str) -> tuple[str, ...]:
    """Of ``secrets`` and ``personal-data``, the classes a text belongs to."""
    if len(text) > 2 * ENDS_CHARS:
        text = f"{text[:ENDS_CHARS]}\n{text[-ENDS_CHARS:]}"
    numbered = _DIGITS.search(text) is not None
    secret = _SECRET.search(text) is not None or (
        numbered and (_SSN.search(text) is not None or any(map(_is_card, _digits(_CARD.findall(text)))))
    )
    personal = ("@" in text and _MAIL.search(text) is not None) or (
        numbered and (_PHONE.search(text) is not None or any(map(_is_iban, _IBAN.findall(text))))
    )
    return tuple(name for name, holds in (("secrets", secret), ("personal-data", personal)) if holds)


def _digits(numbers: Iterable[str]) -> Iterable[str]:
    return (re.sub(r"\D", "", number) for number in numbers)


def _is_card(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1, annex B); one repeated digit is no card."""
    if len(digits) not in _CARD_LENGTHS or len(set(digits)) == 1:
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0


def _is_iban(number: str) -> bool:
    """The remainder of ISO 13616: the number with its first four characters last, letters as 10 to 35, is 1 mod 97."""
    compact = number.replace(" ", "")
    moved = compact[4:] + compact[:4]
    return 15 <= len(compact) <= 34 and int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1
