"""Does a text echo a memory: state what the memory says, in whatever words?"""

from __future__ import annotations

import re

from memory.common import Common
from memory.evidence import Places, gather
from memory.judging import Judge, Loaded, no_embedder
from memory.reading import prose, read

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
        self, text: str, question: str = "", embedder: Loaded = no_embedder, pool: Common = NO_POOL
    ) -> None:
        self._pool = pool
        self._text = Places(read(prose(text)))
        self._question = Places(read(question))
        self._words = _spaced(prose(text))
        self._judge = Judge("echo", question, embedder)

    def hold(self, memory: str) -> bool:
        """Does the text state what the memory says?"""
        verbatim = re.escape(_spaced(memory))
        if verbatim and re.search(rf"(?<!\w){verbatim}(?!\w)", self._words):
            return True
        evidence = gather(self._pool.weighed(read(memory)), self._text, self._question)
        return evidence.values["cover"] > 0 and self._judge.accepts(memory, evidence)


def echoes(memory: str, text: str, question: str = "", embedder: Loaded = no_embedder) -> bool:
    """Does a text state what a memory says? See ``Echoes``."""
    return Echoes(text, question, embedder).hold(memory)


def _spaced(text: str) -> str:
    """Case and spacing folded, punctuation at the end cut."""
    return " ".join(text.casefold().split()).rstrip(".!;, ")
