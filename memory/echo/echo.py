"""Does a text echo a memory: state what the memory says, in whatever words?"""

from __future__ import annotations

from memory.echo.common import Common
from memory.echo.evidence import SLIGHT, Places, gather
from memory.echo.judging import Judge
from memory.echo.reading import Reading, prose, read
from store.embedder import EmbedderSource, no_embedder

NO_POOL = Common(())


class Echoes:
    """Looks for memories in one text. What fenced code does is not stated.

    Args:
        text: an answer, or any other text.
        question: what it answers: "at two" tells when the backup runs, if that was asked.
        embedder: the loaded embedder; without it words alone decide.
        pool: all memories that might be held; words that many of them share count less.
    """

    def __init__(
        self, text: str, question: str = "", embedder: EmbedderSource = no_embedder, pool: Common = NO_POOL
    ) -> None:
        self._pool = pool
        self._text = Places(read(prose(text)))
        self._question = Places(read(question))
        self._words = _spaced(prose(text))
        self._judge = Judge("echo", question, embedder)

    def hold(self, memory: str) -> bool:
        """Does the text state what the memory says?"""
        if _stands_in(_spaced(memory), self._words):
            return True
        reading = read(memory)
        if not self._is_touched(reading):
            return False
        evidence = gather(self._pool.weighed(reading), self._text, self._question)
        return self._judge.accepts(memory, evidence)

    def _is_touched(self, memory: Reading) -> bool:
        """Does the text hold a telling word of the memory, or half of it? Dismisses most of a pool at once."""
        found = whole = 0.0
        for token in memory.tokens:
            whole += token.weight
            if self._text.of(token):
                found += token.weight
        return found > SLIGHT or found > whole / 2


def echoes(memory: str, text: str, question: str = "", embedder: EmbedderSource = no_embedder) -> bool:
    """Does a text state what a memory says? See ``Echoes``."""
    return Echoes(text, question, embedder).hold(memory)


def _spaced(text: str) -> str:
    """Case and spacing folded; punctuation at the end cut, unless there is nothing else."""
    words = " ".join(text.casefold().split())
    return words.rstrip(".!;, ") or words


def _stands_in(words: str, text: str) -> bool:
    """Are these words in the text, and not parts of longer ones?"""
    at = text.find(words) if words else -1
    while at >= 0:
        end = at + len(words)
        if not (text[at - 1 : at].isalnum() and words[0].isalnum()) and not text[end : end + 1].isalnum():
            return True
        at = text.find(words, at + 1)
    return False
