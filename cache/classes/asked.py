"""What a text asks for, told from its words: rules find signs, learned weights say whether they are enough.

English only; a text in another language belongs to no class here and is left to the guards and the verifier. Of a long
text only its beginning and its end are judged, where the request stands: words inside a document or code mean nothing.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from cache.classes import learned
from cache.classes.lexicon import CODE, FOR_ALL, HELP, HELP_WANTED, REQUEST, TEXT_WORK, asks_how, without_lead_in
from cache.classes.orders import ACTION, REPLY
from cache.classes.questions import CREATIVE, OWN_DATA, RANDOM, VOLATILE
from cache.classes.sign import Sign

SIGNS: Final = (*ACTION, *OWN_DATA, *VOLATILE, *RANDOM)
WHOLE_CHARS: Final = 500
"""A text up to this length is judged whole."""
END_CHARS: Final = 300
"""Of a longer one, the first and the last sentence where they ask for something, each up to this length."""
SENTENCES: Final = 4
"""Of a text judged whole, at most so many sentences."""
REPLY_CHARS: Final = 70
LEAST_WORDS: Final = 4
"""Shorter texts without a sign belong to no class."""

_FENCED: Final = re.compile(r"```.*?(?:```|$)", re.DOTALL)
_MARKUP: Final = re.compile(r"[\[\]{}<>=|`\\]")
"""Signs of code and mark-up, of which the learned weights know nothing."""
_SENTENCE_END: Final = re.compile(r"(?<=[.?!])\s+|\n+")
_ING: Final = re.compile(r"^(\w+?)(?:t|g|n)?ing\b")
_BY_NAME: Final = {sign.name: sign for sign in SIGNS}
_TROUBLE_OF_ALL: Final = re.compile(r"\b(?:virtual|disposable|pin|passcode|stolen|lost|phone|what happens|identity)\b")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rules find in a text."""

    text: str
    """The judged part, lower case."""
    whole: bool
    """Is that the whole text?"""
    signs: frozenset[str]
    """Names of the patterns that match, whether they count or not, and of the forms of the text."""
    classes: frozenset[str]
    """Classes for which a sign counts."""

    @property
    def marks(self) -> frozenset[str]:
        """Signs and classes, as the learned weights know them."""
        return self.signs | {f"class:{name}" for name in self.classes}


def asked(text: str) -> tuple[str, ...]:
    """The classes of a text: of random, volatile, action, own-data and creative those it belongs to, in this order."""
    reading = read(text)
    found = set(reading.classes)
    if reading.whole and learned.knows(reading.text) and not _MARKUP.search(text):
        score = learned.score(reading.text, reading.marks)
        if not found and "work" not in reading.signs and score > cut_for(reading):
            found.add(learned.name(reading.text, reading.marks))
        elif score < learned.KEEP:
            found -= {"action", "own-data"}
    if CREATIVE.search(reading.text):
        found.add("creative")
    return tuple(name for name in ("random", "volatile", "action", "own-data", "creative") if name in found)


def cut_for(reading: Reading) -> float:
    """The score from which a text belongs to a class that no rule placed it in."""
    instructed = "how-to" in reading.signs or HELP_WANTED.search(reading.text)
    cut = learned.CUT + (learned.HELP_MARGIN if instructed else 0.0)
    if reading.signs <= {"lead-in"} and len(learned.words_of(reading.text)) < LEAST_WORDS:
        # The weights know an assistant's orders and a bank's questions; of other snippets they say too much.
        return math.inf
    return cut


def read(text: str) -> Reading:
    """Apply the rules."""
    sentences, whole = judged(text)
    part = " ".join(sentences)
    signs: set[str] = set()
    classes: set[str] = set()
    if len(part) <= REPLY_CHARS and REPLY.match(part):
        signs.add("reply")
        classes.add("action")
    how_to = asks_how(part) or TEXT_WORK.search(without_lead_in(part)) is not None
    for sentence in sentences:
        _read_sentence(sentence, how_to, len(sentences), signs, classes)
    return Reading(part, whole, frozenset(signs), frozenset(classes))


def judged(text: str) -> tuple[list[str], bool]:
    """The sentences in which a text asks, lower case; and whether they are all of it."""
    short = len(text) <= WHOLE_CHARS
    ends = text if len(text) <= 4 * WHOLE_CHARS else f"{text[: 2 * WHOLE_CHARS]}\n{text[-2 * WHOLE_CHARS :]}"
    plain = _FENCED.sub("\n", ends) if "```" in ends else ends
    plain = plain.lower().replace("’", "'")
    sentences = [sentence.strip() for sentence in _SENTENCE_END.split(plain) if sentence.strip()]
    if short:
        return ([*sentences[: SENTENCES - 1], *sentences[SENTENCES - 1 :][-1:]], len(sentences) <= SENTENCES)
    head, tail = sentences[:1], sentences[1:][-1:]
    if head and TEXT_WORK.search(without_lead_in(head[0])):
        tail = []  # the work is named first; what follows is what it is done to
    return [sentence for sentence in (*head, *tail) if len(sentence) <= END_CHARS and _requests(sentence)], False


def _requests(sentence: str) -> bool:
    core = without_lead_in(sentence)
    return any(asks.search(core) for asks in (REQUEST, TEXT_WORK, CREATIVE, REPLY))


def _read_sentence(sentence: str, how_to: bool, sentences: int, signs: set[str], classes: set[str]) -> None:
    core = without_lead_in(sentence)
    work = TEXT_WORK.search(core) is not None or CODE.search(core) is not None
    core_how_to = work or asks_how(core)
    words = frozenset(learned.words_of(sentence))
    for_all = FOR_ALL.search(core) is not None
    signs.update(
        form
        for form, holds in (
            ("work", work),
            ("how-to", core_how_to),
            ("for-all", for_all),
            ("lead-in", core != sentence),
        )
        if holds
    )
    for sign in SIGNS:
        if len(sentence) > sign.longest or (sign.needs and sign.needs.isdisjoint(words)):
            continue
        if not sign.pattern.search(core if sign.after_lead_in else sentence):
            continue
        signs.add(sign.name)
        if _counts(sign, sentence, work, core_how_to, how_to, for_all, sentences):
            classes.add(sign.suggests)
    if "action" not in classes and not how_to and (helped := HELP.sub("", sentence)) != sentence:
        signs.add("help")
        if _BY_NAME["told-thing"].pattern.search(_ING.sub(r"\1", helped)):
            signs.add("help-thing")
            classes.add("action")


def _counts(
    sign: Sign, sentence: str, work: bool, core_how_to: bool, how_to: bool, for_all: bool, sentences: int
) -> bool:
    """Does a sign that was found count?"""
    if sign.name == "trouble":
        return not work and sentences < 3 and not _TROUBLE_OF_ALL.search(sentence)
    if not sign.unless_how_to:
        return not work
    if core_how_to:
        return False
    if sign.suggests in ("random", "volatile"):
        return True
    return not how_to and not (sign.suggests == "own-data" and for_all)
