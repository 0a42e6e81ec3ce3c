"""Personal data in texts: mail, numbers, machines, homes, birthdays.

What has a checksum or a numbering plan is checked against it, so that order numbers, hashes, dates, prices and versions
stay.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from memory.redaction.context import names_version
from memory.redaction.finding import Finding
from memory.redaction.homes import find_homes, home_at
from memory.redaction.numbers import find_accounts, number_at

# Read backwards from the sign, so that long text without one costs nothing.
_LOCAL = re.compile(r"[\w+%'-][\w.+%'-]{0,63}(?![\w.+%'-])")
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,6}(?P<ending>[^\W\d_]{2,24}|xn--[\w-]{2,59})(?![\w@-])")
_SPELT = re.compile(
    r"""(?x)
    [\[(](?:at|à|arobase)[\])][ ]?
    (?:[\w-]{1,63}(?:\.|[ ]?[\[(](?:dot|point)[\])][ ]?)){1,6} (?P<ending>[^\W\d_]{2,24}) (?![\w@-])
    """
)
# icon@2x.png and git@host:path are no one's address.
_FILES: Final = frozenset("png jpg jpeg gif svg webp ico css js mjs ts tsx jsx py rb go rs json md txt html".split())
_SERVICES: Final = frozenset("git svn hg cvs".split())

# Where a number begins: a digit after none, nor after a letter.
_NUMBER = re.compile(r"\d(?<!\w\d)")
_IPV4 = re.compile(r"(?P<address>\d{1,3}(?:\.\d{1,3}){3})(?P<prefix>/\d{1,2})?(?![\w-]|\.\w)")
_IPV6 = re.compile(
    r"[0-9A-Fa-f:](?<![\w:.].)(?P<rest>(?:[0-9A-Fa-f]{0,4}:){1,7}[0-9A-Fa-f]{0,4})(?:%\w{1,15})?(?![\w:])"
)
_DOCUMENT = re.compile(
    r"""(?x)
    (?:passport|passeport|driver'?s?[ ]licen[cs]e|driving[ ]licen[cs]e|permis[ ]de[ ]conduire|identity[ ]card
       |carte[ ]d['’]identité)
    (?:[ ](?:number|no\.?|n°|num[ée]ro|num))?[ ]?(?:is|est|:|\#)?[ ]? (?P<value>(?=[a-z]*\d)[a-z0-9]{6,16})\b
    """
)
_BORN = re.compile(
    r"""(?x)
    (?:\bborn(?:[ ]on)?|date[ ]of[ ]birth|\bdob|birth[ ]?date|birthday(?:[ ]is)?|\bnée?[ ]le|date[ ]de[ ]naissance
       |anniversaire)
    [ ]?(?:is|est|:)?[ ]?(?:le[ ]|the[ ])?
    (?P<value> \d{1,2}[/.-]\d{1,2}[/.-]\d{2,4} | \d{4}-\d{2}-\d{2}
      | \d{1,2}(?:st|nd|rd|th|er)?(?:[ ]of)?[ ][a-zéûôîè]{3,9}\.?,?[ ]\d{4}
      | [a-z]{3,9}\.?[ ]\d{1,2}(?:st|nd|rd|th)?,?[ ]\d{4} )
    """
)
_DOCUMENT_HINTS: Final = ("pass", "licen", "permis", "identi")
_BORN_HINTS: Final = ("born", "birth", "dob", "né", "naissance", "anniversaire")
_DIGIT = re.compile(r"\d")


def find_personal(text: str) -> Iterator[Finding]:
    """Personal data in a text; findings may overlap."""
    yield from _mails(text)
    if _DIGIT.search(text) is None:
        return
    yield from _at_numbers(text)
    yield from find_accounts(text)
    yield from find_homes(text)
    yield from _machines(text)
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = text
    for kind, hints, pattern in (("id", _DOCUMENT_HINTS, _DOCUMENT), ("birthdate", _BORN_HINTS, _BORN)):
        if any(hint in lowered for hint in hints):
            for match in pattern.finditer(lowered):
                yield Finding(kind, *match.span("value"))


def _at_numbers(text: str) -> Iterator[Finding]:
    """What begins with a number."""
    end = 0
    for begin in _NUMBER.finditer(text):
        at = begin.start()
        if at < end:
            continue
        found = _machine_at(text, at) or number_at(text, at) or home_at(text, at)
        if found is not None:
            yield found
            end = found.end


def _mails(text: str) -> Iterator[Finding]:
    at = text.find("@")
    while at >= 0:
        local = _LOCAL.match(text[max(0, at - 65) : at][::-1])
        domain = _DOMAIN.match(text, at + 1)
        if local and domain and _is_mail(local[0][::-1], domain["ending"]):
            yield Finding("email", at - local.end(), domain.end())
        at = text.find("@", at + 1)
    for match in _SPELT.finditer(text) if "(" in text or "[" in text else ():
        gap = text[match.start() - 1 : match.start()] == " "
        local = _LOCAL.match(text[max(0, match.start() - gap - 65) : match.start() - gap][::-1])
        if local:
            yield Finding("email", match.start() - gap - local.end(), match.end())


def _is_mail(local: str, ending: str) -> bool:
    return ending.lower() not in _FILES and local.lower() not in _SERVICES


def _machine_at(text: str, at: int) -> Finding | None:
    match = _IPV4.match(text, at)
    if match is None or text[at - 1 : at] in (".", "-"):
        return None
    host = _is_host(match["address"], match["prefix"]) and not names_version(text, at)
    return Finding("ip", *match.span("address")) if host else None


def _machines(text: str) -> Iterator[Finding]:
    if "::" not in text and text.count(":") < 7:
        return
    for match in _IPV6.finditer(text):
        start, end = match.start(), match.end("rest")
        address = text[start:end]
        # "dead::beef" may be a name in a program.
        if sum(map(bool, address.split(":"))) >= 3 and _DIGIT.search(address) and _is_host(address, None):
            yield Finding("ip", start, end)


def _is_host(address: str, prefix: str | None) -> bool:
    """Is it the address of one machine, and not of this one, of none, or of a network?"""
    try:
        parsed = ipaddress.ip_address(address)
        if prefix and ipaddress.ip_network(address + prefix, strict=False).network_address == parsed:
            return False
    except ValueError:
        return False
    return not (parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast or address.startswith("255."))
