"""Words that two passages share, and those by which one replaces the other's. English; French in part. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import SequenceMatcher
from typing import Final

_STOP: Final = frozenset(
    "a an the and or but of to in on at by for from with as is are was were be been being it its this that"
    " these those you your we our they their he his she her i my can may will would should could do does did"
    " has have had not no yes so than then there which who what when where how if also just only into about"
    " over up out any some all most more such very too each every both either neither one ones them us me"
    " because while until after before during between le la les un une des du de d l et ou en à au aux est"
    " sont vous votre vos nous notre nos il elle ils elles ce cette ces qui que dans sur par pour avec plus".split()
)
_WORD: Final = re.compile(r"[^\W_]+(?:'[a-z]+)?", re.IGNORECASE)
_NAME: Final = re.compile(r"[^\W\d_][\w'-]*")
_ENDINGS: Final = (
    "ations",
    "ation",
    "ings",
    "ing",
    "ment",
    "ness",
    "edly",
    "ies",
    "ied",
    "ers",
    "est",
    "ed",
    "es",
    "er",
    "ly",
    "s",
    "e",
    "y",
)
# Its own list, apart from the guards': the measured error of the comparison belongs to it.
_OPPOSITES: Final = [
    frozenset(pair.split("/"))
    for pair in (
        "enable/disable enabled/disabled enabling/disabling on/off before/after above/below over/under"
        " increase/decrease increases/decreases increasing/decreasing raise/lower raises/lowers open/close"
        " opens/closes start/stop started/ended begin/end begins/ends began/ended add/remove include/exclude"
        " allow/deny allow/block accept/reject import/export upload/download uploads/downloads"
        " uploading/downloading encrypt/decrypt mount/unmount install/uninstall subscribe/unsubscribe"
        " lock/unlock up/down left/right north/south east/west northern/southern eastern/western min/max"
        " minimum/maximum least/most smallest/largest shortest/longest lowest/highest oldest/newest first/last"
        " best/worst more/less more/fewer advantages/disadvantages benefits/risks hot/cold buy/sell"
        " lend/borrow deposit/withdraw send/receive push/pull connect/disconnect activate/deactivate"
        " ascending/descending horizontal/vertical public/private true/false legal/illegal safe/unsafe"
        " safe/dangerous possible/impossible male/female with/without gain/lose gains/loses win/lose"
        " create/delete show/hide always/never everyone/nobody all/none inside/outside internal/external"
        " good/bad rise/fall rises/falls rising/falling rose/fell grows/shrinks high/low higher/lower"
        " early/late earlier/later empty/full keep/discard keeps/discards morning/evening summer/winter"
        " oui/non avant/après avec/sans activer/désactiver augmente/diminue".split()
    )
]


def words(text: str) -> list[str]:
    """The words of a plain text, in small letters."""
    return [word.casefold().removesuffix("'s") for word in _WORD.findall(text)]


def foreign(text: str) -> bool:
    """Is a good part of it in another script than Latin? The default embedder does not read that, and says nothing."""
    letters = [character for character in text if character.isalpha()]
    return sum(character > "\u024f" for character in letters) > 0.2 * len(letters)


def stem(word: str) -> str:
    """A word without its ending and without what British and American spelling differ in."""
    word = (
        word.replace("isation", "ization")
        .replace("ise", "ize")
        .replace("our", "or")
        .replace("ae", "e")
        .replace("oe", "e")
    )
    word = word.replace("aluminium", "aluminum")
    word = re.sub(r"([^aeiou])re$", r"\1er", word).replace("ll", "l")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def content(text: str) -> set[str]:
    """Stems of the words that carry meaning; numbers are left to the facts."""
    return {stem(word) for word in words(text) if word not in _STOP and not word[0].isdigit()}


def overlap(a: str, b: str) -> float:
    """Jaccard index of the content words, in [0, 1]."""
    left, right = content(a), content(b)
    return len(left & right) / len(left | right) if left | right else 1.0


def opposites(a: str, b: str) -> str | None:
    """A pair of opposites of which each text holds one and lacks the other."""
    left, right = set(words(a)), set(words(b))
    only_left, only_right = left - right, right - left
    for pair in _OPPOSITES:
        if only_left & pair and only_right & pair:
            return "/".join(sorted(pair))
    return None


def unshared(a: str, b: str) -> tuple[list[str], list[str]]:
    """Content words of each text that the other lacks, as written, in order."""
    stems = content(a), content(b)
    sides = []
    for text, other in ((a, stems[1]), (b, stems[0])):
        found = {stem(word): word for word in words(text) if word not in _STOP and not word[0].isdigit()}
        sides.append([word for root, word in found.items() if root not in other])
    return sides[0], sides[1]


def same_order(a: str, b: str) -> bool:
    """Do the content words that two texts share stand in one order in both?"""
    shared = content(a) & content(b)
    orders = [[root for root in map(stem, words(text)) if root in shared] for text in (a, b)]
    return orders[0] == orders[1]


def sameness(a: str, b: str) -> float:
    """Share of words, in order, that two texts have in common, in [0, 1]."""
    left, right = [stem(word) for word in words(a)], [stem(word) for word in words(b)]
    return SequenceMatcher(None, left, right, autojunk=False).ratio() if left or right else 1.0


def names(text: str, known: Collection[str] = ()) -> set[str]:
    """Words written with a capital where a sentence does not begin, in small letters; and any of ``known``."""
    found = set()
    for match in _NAME.finditer(text):
        word, before = match.group(), text[: match.start()].rstrip(" \"'(")
        begins = not before or before[-1] in ".!?:;\n"
        if (
            word[0].isupper()
            and len(word) > 1
            and (not begins or word.casefold() in known or word[1:] != word[1:].lower())
        ):
            found.add(stem(word.casefold().removesuffix("'s")))
    return found
