"""The words of a text that tell what it is about: stemmed lightly, without stop words; English and French.

Both sides of a comparison are cut the same way, so a stem need not be a word. Light on purpose: a prompt is read so
before it is looked up, and most of its words are new.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

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

_SUFFIXES: Final = tuple(
    sorted(
        # Plurals and forms of verbs; French ones as they are without accents.
        "s es ies ied ed ing ings ly e ee ees er ers ez ons ent ant ants ait aient ement ements ment ments"
        " ation ations tion tions ence ences ance ances ic ics".split(),
        key=lambda suffix: -len(suffix),
    )
)
_LEAST_STEM = 3


def terms(text: str) -> frozenset[str]:
    """The stems of what a text is about; of a long text, of both its ends."""
    if len(text) > 2 * ENDS_CHARS:
        text = f"{text[:ENDS_CHARS]}\n{text[-ENDS_CHARS:]}"
    stems = {_stem(word) for word in set(_WORD.findall(_folded(text)))}
    stems.discard("")
    return frozenset(stems)


def _folded(text: str) -> str:
    """Lower case, without accents, compatibility forms as their plain ones."""
    if text.isascii():
        return text.lower()
    return _COMBINING.sub("", unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe")))


@functools.lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    """A word's stem; empty for one that says nothing."""
    if "'" in word or "’" in word:
        first, *rest = _APOSTROPHE.split(word)
        word = rest[-1] if first in _ELIDED else first
    if word in _STOP_WORDS or (len(word) == 1 and word.isascii()):
        return ""
    if not word.isalpha():
        return word
    stem = _undoubled(_without_suffix(word, _SUFFIXES))
    # A word that lost its ending may now end like an infinitive: "preferred", "prefer".
    stem = _without_suffix(stem, ("er",)) if len(stem) < len(word) else stem
    return stem.rstrip("y") if len(stem) > _LEAST_STEM else stem


def _without_suffix(word: str, suffixes: Sequence[str]) -> str:
    for suffix in suffixes:
        if word.endswith(suffix) and len(word) - len(suffix) >= _LEAST_STEM and not word.endswith("ss"):
            return word[: -len(suffix)]
    return word


def _undoubled(word: str) -> str:
    """ "plann" as "plan"."""
    double = len(word) > _LEAST_STEM and word[-1] == word[-2] and word[-1] not in "aeiou"
    return word[:-1] if double else word
