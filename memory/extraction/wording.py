"""How a statement reads for somebody who does not know the conversation. Pure.

A statement keeps its own words. Where an English "I" begins it and nothing else in it points at the speaker, it
becomes "The user ..."; where something does, it is introduced with "The user says:", so that nobody takes "I" or "my"
for the assistant's. "We" and "our" stay: they name the same people to whoever reads it in that namespace. French keeps
its first person behind "L'utilisateur dit :".
"""

from __future__ import annotations

import re
from typing import Final

from memory.memories.memory import MOST_CHARS

_POINTS = re.compile(r"\b(?:i|i'?(?:m|ve|d|ll)|me|my|mine|myself)\b", re.IGNORECASE)
_POINTE = re.compile(r"\b(?:je|j'\w*|moi|ma|mon|mes|m'\w+|me)\b", re.IGNORECASE)
_ENGLISH = re.compile(
    r"\b(?:i|i'm|the|is|are|and|to|of|with|for|in|my|it|we|our|not|at|have|has|by|this|from|you|be|as|all|only)\b",
    re.IGNORECASE,
)
_FRENCH = re.compile(
    r"\b(?:je|nous|ma|mes|mon|est|sont|c'est|le|la|les|des|du|de|une?|pas|chez|dans|pour|et|avec|ne|en|au|aux|que|qui"
    r"|plus|sur|toujours|jamais|moi)\b|\b[jldmnsc]'|[éèêçà]",
    re.IGNORECASE,
)

_OPENING_CHARS: Final = 30
"""Room that is kept for "The user says:" and its like."""
_LEAST_CUT: Final = 20
_OPENINGS: Final = (
    (re.compile(r"(?:I'?m|I am|im)\s+", re.IGNORECASE), "The user is "),
    (re.compile(r"(?:I'?ve|I have)\s+got\s+", re.IGNORECASE), "The user has "),
    (re.compile(r"(?:I'?ve|I have|ive)\s+", re.IGNORECASE), "The user has "),
    (re.compile(r"I\s+(?:don'?t|do\s+not)\s+", re.IGNORECASE), "The user does not "),
    (re.compile(r"I\s+(?:can'?t|cannot|can\s+not)\s+", re.IGNORECASE), "The user cannot "),
    (
        re.compile(
            r"I\s+(?P<adverb>(?:always|never|usually|also|really|only|mostly|generally|normally|typically|still)\s+)?"
            r"(?P<verb>live|work|use|like|love|hate|prefer|own|speak|teach|study|maintain|manage|lead|run|drive|play"
            r"|enjoy|eat|drink|need|want|write|keep|take|grow|host|commute|avoid)\s+",
            re.IGNORECASE,
        ),
        "",
    ),
    (re.compile(r"my\s+", re.IGNORECASE), "The user's "),
)


def stand_alone(statement: str) -> str:
    """The statement for a reader elsewhere; see the module."""
    text = " ".join(statement.split())
    if is_french(text):
        return f"L'utilisateur dit : {text}" if _POINTE.search(text) else text
    for pattern, opening in _OPENINGS:
        found = pattern.match(text)
        if found and not _POINTS.search(text, found.end()):
            return (opening or _third_person(found)) + text[found.end() :]
    return f"The user says: {text}" if _POINTS.search(text) else text


def prefers(what: str) -> str:
    """A preference of the user's, its own words kept; "my" in them keeps its "I"."""
    return f"The user says: I prefer {what}" if _POINTS.search(what) else f"The user prefers {what}"


def fitting(plain: str, start: int, end: int) -> int:
    """The end of a statement from ``start``, moved back to a comma where it is longer than a memory may be."""
    room = start + MOST_CHARS - _OPENING_CHARS
    if end <= room:
        return end
    cut = max(plain.rfind(mark, start, room) for mark in (", ", "; ", " - "))
    return cut if cut > start + _LEAST_CUT else end


def is_french(text: str) -> bool:
    """Does a text hold more of French's small words than of English's?"""
    return language(text) == "fr"


def language(text: str) -> str:
    """``fr``, ``en``, or nothing where small words of neither outnumber the other's."""
    french, english = len(_FRENCH.findall(text)), len(_ENGLISH.findall(text))
    return "fr" if french > english else "en" if english > french else ""


def _third_person(found: re.Match[str]) -> str:
    verb = found["verb"].lower()
    verb = {"study": "studies", "teach": "teaches"}.get(verb, f"{verb}s")
    return f"The user {(found['adverb'] or '').lower()}{verb} "
