"""Postal addresses, where their form tells them reliably: a number, a kind of street, a name; British postcodes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from memory.redaction.finding import Finding

_AFTER_FIRST = r"[A-HK-Y]?\d[A-Z\d]?[ ]\d[ABD-HJLNP-UW-Z]{2}(?![\w-])"
_ENGLISH = re.compile(
    rf"""
    \d{{1,5}}[A-Za-z]?(?:-\d{{1,4}})?,?[ ] (?:[A-Z0-9][\w'’.-]{{0,30}}[ ]){{1,4}}
    (?: (?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Boulevard|Blvd|Crescent|Terrace|Highway|Hwy|Parkway|Pkwy)\b\.?
      # Words that mean other things, too.
      | (?:Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Way|Close|Gardens|Row|Circle)\b\.?(?=,[ ]|[ ]*$|\.) )
    (?:,?[ ](?:Apt\.?|Apartment|Suite|Unit|Flat|\#)[ ]?\w{{1,6}})?
    (?: ,[ ](?:[A-Z][^\W\d_]{{1,30}}\b[.'’-]?[ ]?){{1,3}} (?:,?[ ][A-Z]{{2}}\b)?
        (?:[ ]?\d{{5}}(?:-\d{{4}})?\b|[ ]?[A-PR-UWYZ]{_AFTER_FIRST})? )?
    """,
    re.MULTILINE | re.VERBOSE,
)
_CAPITAL = r"[A-ZÀ-Ý]"
_PARTICLE = r"(?:de[ ]la[ ]|de[ ]l['’]|d['’]|du[ ]|des[ ]|de[ ])"
_FRENCH = re.compile(
    rf"""
    \d{{1,4}}(?:[ ]?(?:bis|ter|quater)|[A-D])?,?[ ]
    (?: (?i:rue|avenue|av\.|boulevard|bd\.?|impasse|allée|allee|chemin|quai|faubourg|ruelle)[ ]
        (?:{_PARTICLE}{{1,2}}[\w'’-]{{2,30}}|{_CAPITAL}[\w'’.-]{{1,30}})
      | (?i:place|cours|route|passage|square|résidence|lotissement|cité)[ ]{_PARTICLE}?{_CAPITAL}[\w'’.-]{{1,30}} )
    (?:[ ](?:(?:de|du|des|la|le|et)[ ])?{_CAPITAL}[\w'’-]{{0,30}}){{0,4}}
    (?: ,?[ ](?:à[ ])?\d{{5}}[ ]{_CAPITAL}[\w'’-]{{1,30}}(?:[ -]{_CAPITAL}[\w'’-]{{1,30}}){{0,3}} )?
    """,
    re.VERBOSE,
)
_FLAT = re.compile(r"(?:Flat|Apartment|Apt\.?|Unit|Suite)[ ]\w{1,5},?[ ]$")
_GERMAN = re.compile(
    r"""
    [A-ZÄÖÜ](?<!\w.)[a-zäöüß]{1,30}(?:straße|strasse|str\.)[ ]\d{1,4}[ ]?[a-z]?(?!\w)
    (?:,[ ]\d{5}[ ][A-ZÄÖÜ][\wäöüß-]{1,30})?
    """,
    re.VERBOSE,
)
_POSTCODE = re.compile(rf"[A-PR-UWYZ](?<![\w-].){_AFTER_FIRST}")


def home_at(text: str, at: int) -> Finding | None:
    """The address whose number stands here."""
    if text[at - 1 : at] in tuple("$€£.,-"):
        return None
    match = _ENGLISH.match(text, at) or _FRENCH.match(text, at)
    if match is None:
        return None
    flat = _FLAT.search(text, max(0, at - 20), at)
    return Finding("address", flat.start() if flat else at, match.end())


def find_homes(text: str) -> Iterator[Finding]:
    """Addresses that begin with no number."""
    for match in _POSTCODE.finditer(text):
        yield Finding("address", *match.span())
    if "str" in text:
        for match in _GERMAN.finditer(text):
            yield Finding("address", *match.span())
