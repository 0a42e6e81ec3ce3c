"""Which of the options offered a reply picks: by number, letter, place, or by its words. Pure.

A reply picks one option or none: "both", "neither", "not the first one" and questions about an option are words of the
user's own. What is picked by number or letter must be said with little else, as "I have 2 printers" picks nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final

from memory.sessions.session import Option
from memory.sessions.wording import folded, sentences, telling, words

NEAR: Final = 0.78
"""Likeness from which words count as an option's label, in [0, 1]."""
APART: Final = 0.12
"""By how much it must be nearer than to any other option."""
SHORT: Final = 6
"""Words of a first sentence that may be the whole answer."""
MOST_WORDS: Final = 14
"""A longer reply picks only what it names word for word."""

_ORDINALS: Final = {
    1: "first 1st première premier 1er 1re 1ère erste ersten erster erstes primero primera primer",
    2: "second 2nd deuxième seconde 2e 2ème zweite zweiten zweiter zweites segundo segunda",
    3: "third 3rd troisième 3e 3ème dritte dritten dritter drittes tercero tercera tercer",
    4: "fourth 4th quatrième 4e 4ème vierte vierten vierter viertes cuarto cuarta",
    5: "fifth 5th cinquième 5e 5ème fünfte fünften fünfter fünftes quinto quinta",
    6: "sixth 6th sixième 6e 6ème sechste sechsten sexto sexta",
    -1: "last dernier dernière letzte letzten letzter letztes último última",
}
_PLACES: Final = {word: place for place, names in _ORDINALS.items() for word in names.split()}
_NUMBERS: Final = {
    word: number
    for number, names in enumerate(
        (
            "one un eins uno",
            "two deux zwei dos",
            "three trois drei tres",
            "four quatre vier cuatro",
            "five cinq fünf cinco",
            "six sechs seis",
            "seven sept sieben siete",
            "eight huit acht ocho",
            "nine neuf neun nueve",
        ),
        1,
    )
    for word in names.split()
}
_FILLER: Final = frozenset(
    """i'd i'll i we'd we let's lets go going with for take pick choose select want like prefer try it's its it is
    that's that
    would my choice answer number no nr num option opt choice letter item variant the one thing a an think guess say
    then
    so do please probably definitely maybe just rather my to be as i'm im
    je prends choisis voudrais préfère pense le la l' numéro n n° choix c'est ce serait plutôt
    ich nehme wähle möchte hätte gern gerne nummer die der das es ist wäre antwort
    yo elijo prefiero quiero tomo número opción opcion el es creo que sería
    please pls plz thanks thank you ok okay sure yes yeah yep well hi hello svp s'il vous plaît plait merci oui d'accord
    bitte danke ja gut por favor gracias sí si vale""".split()
)
_MARKED = re.compile(
    r"(?:option|opt|choice|number|no|nr|letter|item|choix|numéro|nummer|opción|opcion|número|n°|#)[ .:#°]*$"
)
_NEGATED = re.compile(
    r"\b(?:not|n't|isn't|don't|doesn't|none|neither|nor|never|except|besides|anything but|ne|pas|aucun|aucune|ni"
    r"|nicht|kein"
    r"|keine|keiner|weder|ninguno|ninguna|tampoco)\b|n't\b"
)
_SEVERAL = re.compile(r"\b(?:both|all|either|any|les deux|beide|alle|ambos|ambas|todos|todas)\b")
_ASKS = re.compile(
    r"^(?:what|why|how|when|where|who|which|can|could|is|are|does|do|qu|quoi|pourquoi|comment|was|warum|wie"
    r"|qué|que|por qué|cómo)\b.*\?\s*$",
    re.DOTALL,
)
_LEADING = re.compile(r"^[\s(\[#]*(?P<mark>\d{1,2}|[a-z])\s*[).\]:,;–—-]\s+\S", re.DOTALL)


def pick(options: Sequence[Option], reply: str) -> Option | None:
    """The one option that a reply picks; None where it picks none, several, or says something else."""
    said = folded(reply).strip()
    if not options or not said or _ASKS.match(said):
        return None
    exact = _named_exactly(options, said)
    if exact is not None:
        return exact
    leading = _LEADING.match(said)
    if leading and _at(options, leading["mark"]) and not _more_marks(options, said[leading.end("mark") :]):
        return _at(options, leading["mark"])
    if _NEGATED.search(said) or _SEVERAL.search(said):
        found = _by_words(options, said) if _says_no(options, said) else None
    else:
        found = _by_mark(options, said) or _by_place(options, said) or _by_words(options, said)
    first, *more = sentences(reply)
    # What follows the answer explains it.
    return found or (pick(options, first) if more and len(words(first)) <= SHORT else None)


def _more_marks(options: Sequence[Option], rest: str) -> bool:
    """Does the rest of a reply name options by number, too?"""
    return any(_at(options, number) for number in re.findall(r"(?<![\w.])\d{1,2}(?![\w.])", rest))


def _says_no(options: Sequence[Option], said: str) -> bool:
    """Are there options that hold a negation themselves, such as "It does not print"?"""
    negative = [
        option for option in options if _NEGATED.search(folded(option.label)) or _SEVERAL.search(folded(option.label))
    ]
    return any(_contains(words(said), words(option.label)) or _likeness(option, said) >= NEAR for option in negative)


def _named_exactly(options: Sequence[Option], said: str) -> Option | None:
    told = telling(said) or words(said)
    found = [option for option in options if words(option.label) in (told, words(said))]
    return found[0] if len(found) == 1 else None


def _by_mark(options: Sequence[Option], said: str) -> Option | None:
    """``2``, ``b)``, ``option 2 please``, ``2, the cable``."""
    left = [(match.group(), match.start()) for match in re.finditer(r"\d+|[^\W\d_]+(?:'[^\W\d_]+)*", said)]
    if len(left) == 1:
        return _at(options, left[0][0])
    marks = [(word, at) for word, at in left if word not in _FILLER or _is_marked(said, at, word)]
    if len(marks) != 1:
        return None
    mark, at = marks[0]
    if len(mark) == 1 and mark.isalpha() and not _is_marked(said, at, mark) and mark in ("a", "i"):
        return None
    return _at(options, mark)


def _is_marked(said: str, at: int, word: str) -> bool:
    """Does a letter or a number word follow "option" or the like?"""
    return len(word) == 1 and _MARKED.search(said[:at]) is not None


def _at(options: Sequence[Option], mark: str) -> Option | None:
    """The option of a mark: the one that bears it, else by place."""
    mark = str(int(mark)) if mark.isdigit() else str(_NUMBERS.get(mark, mark))
    for option in options:
        if option.id == mark:
            return option
    numbered = options[0].id.isdigit() and options[-1].id.isdigit()
    if mark.isdigit():
        place = int(mark)
        own = any(option.id != str(at) for at, option in enumerate(options, 1)) and numbered
        return options[place - 1] if not own and 1 <= place <= len(options) else None
    if len(mark) == 1 and "a" <= mark <= "z" and numbered:
        place = ord(mark) - ord("a")
        return options[place] if place < len(options) else None
    return None


def _by_place(options: Sequence[Option], said: str) -> Option | None:
    """``the second one``, ``la dernière``."""
    told = words(said)
    places = [(_PLACES[word], at) for at, word in enumerate(told) if word in _PLACES]
    if len(places) != 1:
        return None
    place, at = places[0]
    # "the first one, the cable" is a pick; "the second time it worked" is none.
    others = [word for word in told[:at] if word not in _FILLER]
    follows = [word for word in told[at + 1 :] if word not in _FILLER]
    if others or (follows and not (at + 1 < len(told) and told[at + 1] in ("one", "option", "choice"))):
        return None
    if place == -1:
        return options[-1]
    return options[place - 1] if place <= len(options) else None


def _by_words(options: Sequence[Option], said: str) -> Option | None:
    """The option whose label the reply holds, or comes near to, alone."""
    told = words(said)
    named = [option for option in options if _contains(told, words(option.label))]
    # "Windows 10" names "Windows", too: what lies within a longer label that is named counts as that one.
    longest = [one for one in named if not any(one is not other and _within(one, other) for other in named)]
    if len(longest) == 1 and (len(told) <= 3 * MOST_WORDS):
        return longest[0]
    if longest or len(told) > MOST_WORDS:
        return None
    likeness = sorted(((_likeness(option, said), at) for at, option in enumerate(options)), reverse=True)
    best, at = likeness[0]
    second = likeness[1][0] if len(likeness) > 1 else 0.0
    return options[at] if best >= NEAR and best - second >= APART else None


def _within(one: Option, other: Option) -> bool:
    return len(words(one.label)) < len(words(other.label)) and _contains(words(other.label), words(one.label))


def _contains(told: Sequence[str], label: Sequence[str]) -> bool:
    size = len(label)
    if not size or (size == 1 and len(label[0]) < 2 and not label[0].isdigit()):
        return False
    return any(list(told[at : at + size]) == list(label) for at in range(len(told) - size + 1))


def _likeness(option: Option, said: str) -> float:
    """How alike a label and a reply are, in [0, 1]: letter by letter, or by the share of the label's telling words."""
    label = [word for word in words(option.label) if word not in _SMALL]
    told = [word for word in telling(said) if word not in _SMALL and word not in _FILLER]
    if not label or not told:
        return 0.0
    letters = difflib.SequenceMatcher(None, " ".join(label), " ".join(told), autojunk=False).ratio()
    held = sum(any(_alike(word, other) for other in told) for word in label) / len(label)
    surplus = sum(not any(_alike(word, other) for other in label) for word in told) / len(told)
    return max(letters, held - 0.5 * surplus, _part(label, told))


def _part(label: Sequence[str], told: Sequence[str]) -> float:
    """A reply of a few words that all stand in the label: "laser" for "a laser printer"."""
    return 0.8 if all(any(_alike(word, other) for other in label) for word in told) else 0.0


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) >= 4 and long.startswith(short) and len(long) - len(short) <= 3:
        return True
    return len(short) >= 4 and difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= 0.8


_SMALL: Final = frozenset(
    """a an the of to in on at my your our it is i and or for with by from de du des le la les un une et der die das
    ein eine
    und von zu el los las del y en""".split()
)
