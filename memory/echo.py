"""Does a text echo a memory: state what the memory says, in whatever words?"""

from __future__ import annotations

from memory.evidence import Places, gather
from memory.judging import Judge, Loaded, no_embedder
from memory.reading import prose, read


class Echoes:
    """Looks for memories in one text. What fenced code does is not stated.

    Args:
        text: an answer, or any other text.
        question: what it answers: "at two" tells when the backup runs, if that was asked.
        embedder: the loaded embedder; without it words alone decide.
    """

    def __init__(self, text: str, question: str = "", embedder: Loaded = no_embedder) -> None:
        self._text = Places(read(prose(text)))
        self._question = Places(read(question))
        self._plain = text.casefold()
        self._judge = Judge("echo", question, embedder)

    def hold(self, memory: str) -> bool:
        """Does the text state what the memory says?"""
        reading = read(memory)
        if not any(token.weight for token in reading.tokens):
            # Signs or another script, where there are no words to weigh.
            return bool(memory.strip()) and memory.strip().casefold() in self._plain
        evidence = gather(reading, self._text, self._question)
        return evidence.values["cover"] > 0 and self._judge.accepts(memory, evidence)


def echoes(memory: str, text: str, question: str = "", embedder: Loaded = no_embedder) -> bool:
    """Does a text state what a memory says? See ``Echoes``."""
    return Echoes(text, question, embedder).hold(memory)
