"""Words as sessions compare them: folded, without politeness, numbers in any script."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

CODE: Final = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?…])[\s*_\"')]+|\n+|(?<=[。！？])")
_POLITE = frozenset(
    """please pls plz thanks thank you ok okay sure yes yeah well hi hello
    s'il vous plaît plait svp merci oui d'accord
    bitte danke ja gut
    por favor gracias sí si vale""".split()
)


def folded(text: str) -> str:
    """Text for comparing: compatibility forms, case and accents' encodings alike, digits of every script as 0 to 9."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    if plain.isascii():
        return plain
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in plain)


def words(text: str) -> list[str]:
    """The words of a text, folded."""
    return _WORD.findall(folded(text))


def telling(text: str) -> list[str]:
    """Its words without those of politeness."""
    return [word for word in words(text) if word not in _POLITE]


def sentences(text: str) -> list[str]:
    """Lines and sentences, without blank ones."""
    return [piece.strip() for piece in _SENTENCE.split(text) if piece.strip()]


def shortened(text: str, most: int) -> str:
    """At most so many characters: of a longer text the beginning, how much is left out, and the end."""
    if len(text) <= most:
        return text
    note = f"\n[… {len(text) - most} characters left out …]\n"
    room = most - len(note)
    head = room * 2 // 3
    return f"{text[:head]}{note}{text[-(room - head) :]}"


def summary(text: str, most: int) -> str:
    """The text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
