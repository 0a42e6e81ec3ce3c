"""Does a sentence only say again what the prompt already held? Pure.

Somebody who reads an answer for new facts must not find there what was put into the prompt: neither word for word nor
reflowed, in other case or with bullet marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

MOST_KNOWN: Final = 120_000
"""Characters of known text that are compared loosely; what exceeds it is compared word for word only."""
_WINDOW = 3
"""Known sentences in a row that one sentence may have been made from."""
_MOST_WORDS: Final = 80
"""Words of a sentence that are looked at."""
_LEAST_QUOTED: Final = 4
"""Words that a known sentence has at least to be recognised inside a longer one."""
_WORD = re.compile(r"[^\W_]+(?:['.,:/-][^\W_]+)*")
_BREAK = re.compile(r"[\n.!?;…]+(?=\s|$)|\n")
_EMPTY = frozenset(
    "a an and are as at be been by do does for from had has have i if in into is it its of on or our own so that the"
    " their them then there they this to us was we were will with you your my me he she his her him user users please"
    " also just since because can could would should may might must always never not no n't don't doesn't"
    " au aux avec ce ces cette cet comme dans de des du elle en est et être il ils la le les leur lui ma mes moi mon ne"
    " nos notre nous on ou par pas pour plus que qui sa se ses son sont sur ta te tes toi ton tu un une utilisateur vos"
    " votre vous y à été puisque car donc ai as avez ont avons".split()
)


def words(text: str) -> list[str]:
    """Words and numbers, case and accents folded."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    folded = "".join(char for char in folded if not unicodedata.combining(char))
    return _WORD.findall(folded)


class Known:
    """Texts that a prompt held already.

    Args:
        texts: most important first.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._whole: set[str] = set()
        self._windows: list[int] = []
        self._holding: defaultdict[str, list[int]] = defaultdict(list)
        left = MOST_KNOWN
        for text in texts:
            lines = [told for line in _BREAK.split(text) if (told := words(line))]
            self._whole.update(" ".join(line) for line in lines)
            if left > 0:
                self._take(lines)
            left -= len(text)

    def _take(self, lines: Sequence[list[str]]) -> None:
        for first in range(len(lines)):
            number = len(self._windows)
            held = {stem(word) for line in lines[first : first + _WINDOW] for word in line}
            self._windows.append(len(held))
            for word in held:
                self._holding[word].append(number)

    def holds(self, sentence: str, share: float, *, every: bool = False) -> bool:
        """Is at least ``share`` of the sentence's words, in [0, 1], said in one place already?

        A number that was not said there makes it new.

        Args:
            every: count words such as "the" and "you" too.
        """
        told = words(sentence)[:_MOST_WORDS]
        if " ".join(told) in self._whole or self._quoted(told):
            return True
        meant = {stem(word) for word in told if every or word not in _EMPTY} or {stem(word) for word in told}
        if not meant:
            return False
        found: Counter[int] = Counter()
        for word in meant:
            found.update(self._holding.get(word, ()))
        least = max(1.0, share * len(meant))
        close = [number for number, count in found.items() if count >= least]
        numbers = [word for word in meant if word[0].isdigit()]
        return any(all(number in self._holding.get(word, ()) for word in numbers) for number in close)

    def _quoted(self, told: Sequence[str]) -> bool:
        """Is at least half of a sentence a known one, word for word?"""
        least = max(_LEAST_QUOTED, (len(told) + 1) // 2)
        return any(
            " ".join(told[first:last]) in self._whole
            for first in range(len(told) - least + 1)
            for last in range(first + least, len(told) + 1)
        )


def stem(word: str) -> str:
    """A word without the commonest endings of English and French."""
    for ending in ("ing", "ed", "es", "er", "ez", "e", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
