"""Numbers of cards, accounts, people and phones, by checksums and numbering plans.

The tables come with the libraries ``phonenumbers`` and ``python-stdnum``, and are loaded with the first number.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from memory.redaction.context import before, names_phone, names_thing
from memory.redaction.finding import Finding

_CARD = re.compile(r"\d{4}(?:[ -]\d{4}){3}(?:[ -]\d{1,3})?(?!\d)|\d{4}[ -]\d{6}[ -]\d{4,5}(?!\d)|\d{12,19}(?!\d)")
# Ranges of issuers, with the lengths of their cards.
_ISSUED = re.compile(
    r"""
    4(?:\d{12}|\d{15}|\d{18}) | 5[1-5]\d{14} | 2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12} | 3[47]\d{13}
    | 6(?:011|5\d\d|4[4-9]\d)\d{12,15} | 3(?:0[0-5]|[689]\d)\d{11,16} | 35(?:2[89]|[3-8]\d)\d{12,15} | 62\d{14,17}
    | (?:5018|5020|5038|6304|6759|676[1-3])\d{8,15}
    """,
    re.VERBOSE,
)
# Begins with what is rare, so that it is found quickly; two letters stand before the digits.
_CHECKED = re.compile(r"\d\d(?<=[A-Za-z]{2}\d\d)(?<![A-Za-z0-9][A-Za-z]{2}\d\d)")
_IBAN = re.compile(r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
_IBAN_LENGTHS: Final = {
    country: int(length)
    for length, countries in (
        pair.split(":")
        for pair in """
        15:NO 16:BE 18:DK,FI,FK,FO,GL,NL,SD 19:MK,SI 20:AT,BA,EE,KZ,LT,LU,MN,XK 21:CH,CR,HR,LI,LV
        22:BG,BH,DE,GB,GE,IE,ME,RS,VA 23:AE,GI,IL,IQ,OM,SO,TL 24:AD,CZ,ES,MD,PK,RO,SA,SE,SK,TN,VG
        25:LY,PT,ST 26:IS,TR 27:BI,DJ,FR,GR,IT,MC,MR,SM 28:AL,AZ,BY,CY,DO,GT,HN,HU,LB,NI,PL,SV
        29:BR,EG,PS,QA,UA 30:JO,KW,MU,YE 31:MT,SC 32:LC 33:RU
        """.split()
    )
    for country in countries.split(",")
}
"""Characters of an IBAN by country."""

# Written so that hardly anything else looks like it: (module of stdnum with its checksum, or none; shape).
_NIR = re.compile(r"[12][ ]?\d\d[ ]?\d\d[ ]?(?:\d\d|2[AB])[ ]?\d{3}[ ]?\d{3}[ ]?\d\d(?!\w)")
_SOCIAL = re.compile(r"sécurité sociale|\bsécu\b|\bnir\b|\binsee\b")
_DISTINCT: Final = (
    ("fr.nir", _NIR),
    ("", re.compile(r"(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])")),
    ("es.dni", re.compile(r"\d{8}-?[A-HJ-NP-TV-Z](?!\w)")),
    ("be.nn", re.compile(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d(?!\w)")),
    ("ch.ssn", re.compile(r"756\.?\d{4}\.?\d{4}\.?\d\d(?!\w)")),
    ("br.cpf", re.compile(r"\d{3}\.\d{3}\.\d{3}-\d\d(?!\w)")),
    ("fi.hetu", re.compile(r"\d{6}[-+A]\d{3}[0-9A-Y](?!\w)")),
)
_LETTERED: Final = (
    # Britain: no checksum, but a shape that little else has.
    (
        "",
        re.compile(
            r"[A-CEGHJ-PR-TW-Z](?<!\w.)[A-CEGHJ-NPR-TW-Z](?<!BG|GB|KN|NK|NT|TN|ZZ)"
            r"[ ]?\d\d[ ]?\d\d[ ]?\d\d[ ]?[A-D](?!\w)"
        ),
    ),
    ("it.codicefiscale", re.compile(r"[A-Z](?<!\w.)[A-Z]{5}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z](?!\w)")),
    ("es.nie", re.compile(r"[XYZ](?<!\w.)-?\d{7}-?[A-HJ-NP-TV-Z](?!\w)")),
)
# Plain digits, which only a name before them tells from others.
_NAMED: Final = (
    ("nl.bsn", re.compile(r"\bbsn\b|burgerservicenummer")),
    ("de.idnr", re.compile(r"steuer-?id|idnr|identifikationsnummer|tax id")),
    ("pl.pesel", re.compile(r"pesel")),
    ("ca.sin", re.compile(r"\bsin\b|social insurance")),
    ("us.ssn", re.compile(r"\bssn\b|social security")),
    ("se.personnummer", re.compile(r"personnummer")),
    ("dk.cpr", re.compile(r"\bcpr\b")),
    ("pt.nif", re.compile(r"\bnif\b|contribuinte")),
    ("in_.aadhaar", re.compile(r"aadhaar")),
    ("fr.nif", re.compile(r"num[ée]ro fiscal")),
)
# No years and no dates.
_PLAIN = re.compile(r"(?!(?:19|20)\d\d[ .-]|\d\d[ .-]\d\d[ .-](?:19|20)\d\d\b)\d(?:[ .-]?\d){7,14}(?!\w)")

# As France, the United States, Britain and Germany write theirs at home.
_HOME: Final = (
    ("FR", re.compile(r"0[1-9](?:([ .\-\u00a0\u202f]?)\d\d)(?:\1\d\d){3}(?![\d-])")),
    ("US", re.compile(r"(?:1[ .-])?(?:\(?\d{3}\)[ -]?\d{3}[-. ]|\d{3}([-. ])\d{3}\1)\d{4}(?![\d-])")),
    ("GB", re.compile(r"(?:0\d{2,4}\)?[ ]\d{3,4}[ ]\d{3,4}|07\d{3}[ ]?\d{6}|0\d{4}[ ]\d{5,6})(?![\d-])")),
    ("DE", re.compile(r"(?:0\d{2,4}\)?[ ]?[/-][ ]?\d{5,8}|01[567]\d[ ]\d{7,8})(?![\d-])")),
)
_ABROAD = re.compile(r"[1-9][\d .()\-/\u00a0\u202f]{5,20}\d(?!\w)")
_LAST_GROUP = re.compile(r"[ .()\-/\u00a0\u202f]+\d+\)?$")
_TRIMS: Final = 3
_LEAST_CHARS: Final = 7
_GAPS = re.compile(r"[ -]")
_LEAST_DIGITS: Final = re.compile(r"(?:\d[ .()\-/–\u00a0\u202f]{0,2}){7}")


def find_accounts(text: str) -> Iterator[Finding]:
    """IBANs, and numbers of people that begin with letters."""
    for match in _CHECKED.finditer(text):
        start = match.start() - 2
        end = _iban_end(text, start)
        if end:
            yield Finding("iban", start, end)
    for module, shape in _LETTERED:
        for match in shape.finditer(text):
            if not module or _is_valid(module, match[0]):
                yield Finding("id", *match.span())


def number_at(text: str, at: int) -> Finding | None:
    """The number whose first digit stands here, if it is a card's, a person's or a phone's."""
    if _LEAST_DIGITS.match(text, at) is None or text[at - 1 : at] in tuple("/#$€£-_."):
        return None
    if text[at - 1 : at] in tuple(" \u00a0\u202f") and text[at - 2 : at - 1].isdigit():
        # Within a row of numbers.
        return None
    found = _card_at(text, at) or _national_at(text, at) or _phone_at(text, at)
    return None if found is None or names_thing(text, found.start) else found


def _card_at(text: str, at: int) -> Finding | None:
    match = _CARD.match(text, at)
    if match is None:
        return None
    digits = _GAPS.sub("", match[0])
    return Finding("card", *match.span()) if _ISSUED.fullmatch(digits) and _is_valid("luhn", digits) else None


def _national_at(text: str, at: int) -> Finding | None:
    for module, shape in _DISTINCT:
        match = shape.match(text, at)
        if match is not None and (not module or _is_valid(module, match[0])):
            return Finding("id", *match.span())
    plain = _PLAIN.match(text, at)
    if plain is not None:
        said = before(text, at)
        if any(name.search(said) and _is_valid(module, plain[0]) for module, name in _NAMED):
            return Finding("id", *plain.span())
        if _SOCIAL.search(said) and (match := _NIR.match(text, at)):
            return Finding("id", *match.span())
    return None


def _phone_at(text: str, at: int) -> Finding | None:
    abroad = _abroad(text, at)
    if abroad is not None:
        start, digits = abroad
        match = _ABROAD.match(text, digits)
        end = _assigned_end(text, digits, match.end(), None) if match else 0
        return Finding("phone", start, end) if end else None
    # A bracket before the first digit belongs to the number.
    opened = text[at - 1 : at] == "("
    for region, shape in _HOME:
        match = shape.match(text, at)
        if match is not None and _assigned_end(text, at, match.end(), region):
            return Finding("phone", at - (opened and ")" in match[0]), match.end())
    plain = _PLAIN.match(text, at) if names_phone(text, at) else None
    for region in ("FR", "US", "GB", "DE") if plain is not None else ():
        end = _assigned_end(text, at, plain.end(), region, shaped=False) if plain else 0
        if end:
            return Finding("phone", at, end)
    return None


def _abroad(text: str, at: int) -> tuple[int, int] | None:
    """Where a number with a country's code begins, and where the code does; None where there is none."""
    if text[at - 1 : at] == "+":
        return (at - 2 if text[at - 2 : at - 1] == "(" else at - 1), at
    return (at, at + 2) if text.startswith("00", at) else None


def _assigned_end(text: str, start: int, end: int, region: str | None, *, shaped: bool = True) -> int:
    """Where a number that some phone may have ends; further digits after it are left away, group by group."""
    for _ in range(_TRIMS):
        if end - start < _LEAST_CHARS:
            break
        number = text[start:end]
        if _is_assigned(number if region else f"+{number}", region, shaped):
            return end
        shorter = _LAST_GROUP.search(number)
        if shorter is None:
            break
        end = start + shorter.start()
    return 0


@functools.lru_cache(maxsize=4096)
def _is_assigned(number: str, region: str | None, shaped: bool) -> bool:
    """Can it be a phone's? Where its shape says so already, made-up numbers such as 555 are taken for one, too."""
    phones = _module("phonenumbers")
    try:
        parsed = phones.parse(number, region)
        if shaped and (region in (None, "US") or number.startswith("07")):
            return bool(phones.is_possible_number(parsed))
        return bool(phones.is_valid_number(parsed))
    except phones.NumberParseException:
        return False


def _iban_end(text: str, start: int) -> int:
    """Where the IBAN that begins here ends; 0 where none does."""
    length = _IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
    # Groups of four, with a blank or a hyphen after each.
    match = _IBAN.match(text, start) if length else None
    ends = [at + 1 for at, char in enumerate(match[0]) if char.isalnum()] if match else []
    if match is None or len(ends) < length:
        return 0
    end = start + ends[length - 1]
    if text[end : end + 1].isalnum() or not _is_valid("iban", _GAPS.sub("", text[start:end]).upper()):
        return 0
    return end


def _is_valid(module: str, number: str) -> bool:
    return bool(_check(module)(number))


@functools.lru_cache(maxsize=64)
def _check(module: str) -> Callable[[str], Any]:
    check: Callable[[str], Any] = _module(f"stdnum.{module}").is_valid
    return check


@functools.lru_cache(maxsize=64)
def _module(name: str) -> Any:
    return importlib.import_module(name)
