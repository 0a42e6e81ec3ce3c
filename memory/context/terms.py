"""The words of a text that tell what it is about: stemmed, without stop words; English and French.

Both sides of a comparison are cut the same way, so a stem need not be a word. Short prompts do not tell their language:
all words are stemmed as English ones, then lose what French verbs and nouns end in.
"""

from __future__ import annotations

import functools
import re
import threading
import unicodedata
from collections.abc import Collection
from typing import Final

import snowballstemmer

ENDS_CHARS: Final = 1000
"""Of a longer text so many characters of its beginning and of its end are read: there stands what is asked."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_APOSTROPHE = re.compile("['’]")
_COMBINING = re.compile(r"[\u0300-\u036f]")
_ELIDED: Final = frozenset("c d j l m n s t qu lorsqu puisqu jusqu aujourd".split())
"""What stands before a French apostrophe; after one, English words have what does not count."""

_STOP_WORDS: Final = frozenset(
    # English: small words, and those that say of a prompt only that it asks for something.
    "about above after again against all also always am an and another any anybody anyone anything are around as ask"
    " at away back be because been before being below best better between both but by can cannot come could day did do"
    " does doing done down during each either else ever every everything example few find first for from further get"
    " gets getting give gives go goes going good got had has have having he help hello her here hers herself hey hi him"
    " himself his how however if in into is it its itself just keep know let like list little ll look made make makes"
    " making many may maybe me mean might mine more most much must my myself need needs never new next no nobody none"
    " nor not nothing now of off often ok on once one only onto or other our ours ourselves out over own part per"
    " please put quite rather really right same say see shall she should show since so some somebody someone something"
    " still such sure take tell than thank thanks that the their theirs them themselves then there these they thing"
    " things think this those though through thus to today together too toward try two under until up upon us use used"
    " user uses using usually very want wants was way we well were what whatever when where whether which while who"
    " whole whom whose why will with within without work would write yes yet you your yours yourself explain describe"
    # French.
    " ai aie ainsi alors apres assez au aucun aucune aujourd aussi autre autres aux avant avec avez avoir avons bien"
    " bon bonjour bonne car ce ceci cela celle celles celui cependant ces cet cette ceux chaque chez chose choses comme"
    " comment contre dans de deja depuis des deux devez devoir devrait dire dis dit dois doit donc donne donner dont du"
    " elle elles en encore entre est et etaient etais etait etant ete etes etre eu eux explique expliquer faire fais"
    " fait faites faudrait faut fois font hui ici il ils je jusque la laquelle le les lesquels leur leurs lui ma mais"
    " me meme memes merci mes mettre mieux moi moins mon ne ni non nos notre nous on ont ou par parce pas pendant peu"
    " peut peuvent peux plait plus plutot pour pourquoi pourrait pouvez pouvoir premier presque puis quand que quel"
    " quelle quelles quels quelque quelques qui quoi rien sa sans se sera ses seulement si soi soit sommes son sont"
    " sous souvent suis sur ta tant te tel telle tes toi ton toujours tous tout toute toutes tres trop trouver tu un"
    " une utilisateur utilisatrice va vais vas vers veut veux via voici voila voir vont vos votre voudrais vous"
    " vraiment aide aider ecris ecrire montre montrer oui"
    # What is left of "don't" and its like.
    " don doesn didn isn aren wasn weren hasn haven hadn won couldn shouldn wouldn".split()
)

_ENDINGS: Final = ("aient", "ement", "ait", "ons", "on", "ez", "er")
"""Of French words, without accents. English ones that end so lose it in the singular as in the plural."""
_LEAST_STEM: Final = 3
_MOST_WORD: Final = 40
"""Characters of a longer word are no language."""
MOST_STEMS: Final = 65_536
"""Words whose stems are known at once."""
_PLAIN: Final = {code: chr(code) if chr(code).isalnum() or chr(code) == "'" else " " for code in range(128)}
"""What parts the words of a text in ASCII becomes a space."""
_LEAST_HEAD: Final = 2


class _Stems(dict[str, str]):
    """Words met lately and their stems; an empty one where a word says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._stemmer = snowballstemmer.stemmer("english")
        # It works on letters that it keeps in itself.
        self._lock = threading.Lock()

    def __missing__(self, word: str) -> str:
        stem = self._stem(word)
        if len(self) >= MOST_STEMS:
            self.clear()
        self[word] = stem
        return stem

    def _stem(self, word: str) -> str:
        if _APOSTROPHE.search(word):
            first, *rest = _APOSTROPHE.split(word)
            word = rest[-1] if first in _ELIDED else first
        if word in _STOP_WORDS or (len(word) == 1 and word.isascii()):
            return ""
        if not word.isalpha() or len(word) > _MOST_WORD:
            return word
        with self._lock:
            stem = str(self._stemmer.stemWord(word))
        stem = _undoubled(_without_endings(stem))
        return stem if word.startswith(_head(stem)) else word


_STEMS: Final = _Stems()


def terms(text: str) -> frozenset[str]:
    """The stems of what a text is about; of a long text, of both its ends."""
    stems = set(map(_STEMS.__getitem__, set(_words(text))))
    stems.discard("")
    return frozenset(stems)


def shared(prompt: frozenset[str], text: str) -> int:
    """How many of a prompt's stems a text has: ``len(prompt & terms(text))``, and what cannot count is not stemmed."""
    folded = _folded(_ends(text))
    return len([stem for stem, head in _heads(prompt) if head in folded and _has(folded, stem, head)])


@functools.lru_cache(maxsize=64)
def _heads(prompt: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """A prompt's stems, each with what its words begin with."""
    return tuple((stem, _head(stem)) for stem in prompt)


def _has(folded: str, stem: str, head: str) -> bool:
    at = folded.find(head)
    while at >= 0:
        start, end = at, at + len(head)
        while start and _is_inside(folded[start - 1]):
            start -= 1
        while end < len(folded) and _is_inside(folded[end]):
            end += 1
        word = folded[start:end]
        if _APOSTROPHE.search(word):
            if any(_STEMS[part] == stem for part in _WORD.findall(word)):
                return True
        elif start == at and _STEMS[word] == stem:
            return True
        at = folded.find(head, end)
    return False


def _is_inside(letter: str) -> bool:
    return letter.isalnum() or letter in "'’"


def _head(stem: str) -> str:
    """What every word of a stem begins with."""
    return stem[:-1] if len(stem) > _LEAST_HEAD and stem.isalpha() else stem


def _words(text: str) -> Collection[str]:
    """Its words, lower case and without accents, in their order."""
    folded = _folded(_ends(text))
    if not folded.isascii():
        return _WORD.findall(folded)
    words = folded.translate(_PLAIN).split()
    if "'" not in folded:
        return words
    return [part for word in words for part in (_WORD.findall(word) if "'" in word else (word,))]


def _ends(text: str) -> str:
    return text if len(text) <= 2 * ENDS_CHARS else f"{text[:ENDS_CHARS]}\n{text[-ENDS_CHARS:]}"


def _folded(text: str) -> str:
    """Lower case, without accents, compatibility forms as their plain ones."""
    if text.isascii():
        return text.lower()
    return _COMBINING.sub("", unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe")))


def _without_endings(stem: str) -> str:
    """One may stand behind another: "preferons", "prefer", "pref"."""
    while True:
        ending = next((one for one in _ENDINGS if stem.endswith(one) and len(stem) - len(one) >= _LEAST_STEM), None)
        if ending is None:
            return stem
        stem = stem[: -len(ending)]


def _undoubled(word: str) -> str:
    """ "plann" as "plan"."""
    double = len(word) > _LEAST_STEM and word[-1] == word[-2] and word[-1] not in "aeiou"
    return word[:-1] if double else word
