"""Answers of a few words: a number, a name, a date, yes or no; alone, or as what a sentence says. Pure."""

from __future__ import annotations

import re
from typing import Final

from cache.agreement import facts, wording
from cache.agreement.reading import Said

FEW: Final = 5
"""Words of a short answer at most."""
TOO_FEW: Final = 3
"""Words up to which an answer is no sentence of its own, and has no meaning to be embedded."""
_BOLD: Final = re.compile(r"\*\*([^*\n]+)\*\*|`([^`\n]+)`")
_WORD: Final = re.compile(r"[^\W_]+(?:['.,:/-][^\W_]+)*|[%$€£°]")
_SAYS: Final = re.compile(
    r"(?:\b(?:is|are|was|were|has|have|equals|called|named|uses|use|est|sont|était|s'appelle)\b|[=:≈])"
    r"(?: (?:the|an?|about|approximately|le|la|les|un|une))?\s+([^.;]*)",
    re.IGNORECASE,
)
_ARTICLES: Final = re.compile(
    r"^(?:the|an?|le|la|les|l'|un|une|about|around|approximately|it is|it's|c'est)\s+", re.IGNORECASE
)


def is_short(said: Said) -> bool:
    """Is the whole answer a few words in one line?"""
    text = said.plain.strip()
    return bool(text) and "\n" not in text and not said.blocks and len(_WORD.findall(text)) <= FEW


def is_fragment(said: Said) -> bool:
    """Is it too short to mean anything without its question?"""
    return is_short(said) and len(_WORD.findall(said.plain)) <= TOO_FEW


def same_short(a: Said, b: Said) -> bool | None:
    """Do two answers of which one at least is short say the same? None where that cannot be told."""
    short, other = sorted((a, b), key=lambda one: (len(one.plain), one.plain))
    brief, full = _bare(short.plain), other.plain
    if _tokens(brief) == _tokens(_bare(full)):
        return True
    lead = facts.polarity(brief)
    if lead is not None and len(_tokens(brief)) == 1:
        return True if facts.polarity(full) == lead else None
    if _is_fact(brief) and _is_fact(_bare(full)):
        one, two = facts.facts_of(brief), facts.facts_of(full)
        return one.numbers == two.numbers and one.calendar == two.calendar and facts.conflict(one, two) is None
    first = other.sentences[0] if other.sentences else full
    if facts.negates(first) != facts.negates(brief):
        return None
    if _tokens(brief) in (_tokens(_bare(said)) for said in _stated(first, other.text)):
        return True
    if wording.content(brief) and wording.content(brief) == wording.content(full) and wording.same_order(brief, full):
        return True if facts.facts_of(brief) == facts.facts_of(full) else None
    if is_short(other) and not set(_tokens(brief)) & set(_tokens(full)):
        return False
    return None


def _stated(sentence: str, raw: str) -> list[str]:
    """What a sentence may be there to say: its bold words, its end after "is" or "=", its name at the front."""
    marked = [bold or code for bold, code in _BOLD.findall(raw)]
    if marked:
        return marked[:1]
    said = _SAYS.findall(sentence)
    subject = sentence.split()[0].casefold() in ("the", "it", "there", "le", "la", "l'", "les", "an", "a", "your") or (
        sentence[0].isdigit()
    )
    ends = [re.split(r",|\s\(|\s(?:is|are|in|and|from|of|which|that)\s", said[-1])[0], said[-1]] if said else []
    if subject and ends:
        return ends
    # "Emily Brontë wrote ..." answers who; where both ends name something, either may be meant.
    front = re.match(
        r"(?:The )?([A-Z][\w'-]*(?: [A-Z][\w'-]*)*) (?:wrote|painted|composed|discovered|invented|was|is|won)\b",
        sentence,
    )
    last = wording.names(sentence.split()[-1].strip(".!"), {sentence.split()[-1].strip(".!").casefold()})
    if front and not last:
        return [front.group(1)]
    numbers = re.findall(r"\d[\d.,]*\d|\d", sentence)
    dated = re.search(
        r"\b(?:in|on|at|en|le)\s+((?:[^\W\d_]+ )?\d{1,2},? (?:[^\W\d_]+ )?\d{4}|(?:[^\W\d_]+ )?\d{4})\W*$", sentence
    )
    if dated:
        return [dated.group(1)]
    return numbers if len(numbers) == 1 else []


def _bare(text: str) -> str:
    return _ARTICLES.sub("", text.strip()).strip(" .!")


def _tokens(text: str) -> list[str]:
    """Words in small letters; a date's day and month in one order."""
    found = [word.casefold().rstrip(".,") for word in _WORD.findall(text)]
    calendar = [facts.CALENDAR[word] for word in found if word in facts.CALENDAR]
    if calendar and any(word.isdigit() for word in found):
        return sorted(facts.CALENDAR.get(word, word) for word in found)
    return [_plain_number(word) for word in found]


def _plain_number(word: str) -> str:
    return word.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+", word) else word


def _is_fact(text: str) -> bool:
    """Nothing but numbers, units, months and days."""
    found = [word.casefold().rstrip(".,") for word in _WORD.findall(text)]
    known = (word[0].isdigit() or word in facts.UNITS or word in facts.CALENDAR or word == "of" for word in found)
    if re.search(r"[=+*/×÷]", text):
        return False
    return bool(found) and any(word[0].isdigit() for word in found) and all(known)
