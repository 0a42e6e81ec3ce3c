"""The quality of a stored answer: evidence that moves its Beta posterior, and what the user's next turn says of it.

An entry starts at the prior of ``cache.answers.prior``, ten pseudo-counts as a rule. Evidence adds pseudo-counts for
(alpha) and against (beta); quality is the mean, alpha / (alpha + beta). The weights are chosen so that, from the usual
prior of 0.9 and held against the default floor of 0.7, one person's "wrong" takes an answer out of service, while of
weaker signs it takes several: two corrections in the next turn, three regenerations.

The next turn is read in English only, and only its opening: what is not understood says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

QUARANTINE_FLOOR: Final = 0.3
"""An entry whose quality is below this is quarantined: it is more likely bad than good, whatever policy's floor is."""
LEAST_EVIDENCE: Final = 2.0
"""Pseudo-counts that must have been gathered before an entry can be quarantined: a prior alone never does it."""

FEEDBACK_WEIGHT: Final = 8.0
"""A person who rates the answer to its own prompt counts nearly as much as the prior."""
ELSEWHERE: Final = 0.25
"""Factor for evidence gathered where the answer was served to another prompt: the match is judged as much as it."""

OPENING: Final = 240
"""Characters of the next turn that are read for what it says of the answer."""
COMPARED: Final = 2000
"""Characters up to which two user turns are compared; of longer ones neither is taken for a repetition."""


class Kind(StrEnum):
    """What was observed."""

    FEEDBACK = "feedback"
    AUDIT_AGREED = "audit_agreed"
    AUDIT_DISAGREED = "audit_disagreed"
    REGENERATED = "regenerated"
    REPEATED = "repeated"
    CORRECTED = "corrected"
    THANKED = "thanked"
    WENT_ON = "went_on"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Pseudo-counts for and against an answer."""

    kind: Kind
    alpha: float
    beta: float

    def elsewhere(self) -> Evidence:
        """The same where the answer was served to another prompt than its own."""
        return Evidence(self.kind, self.alpha * ELSEWHERE, self.beta * ELSEWHERE)


AUDIT_AGREED: Final = Evidence(Kind.AUDIT_AGREED, 1.0, 0.0)
"""A fresh answer agreed with the stored one."""
AUDIT_DISAGREED: Final = Evidence(Kind.AUDIT_DISAGREED, 0.0, 2.0)
"""A fresh answer differed from the stored one; comparing answers errs."""
REGENERATED: Final = Evidence(Kind.REGENERATED, 0.0, 1.0)
"""``no-cache`` on the same prompt: somebody wanted another answer, for whatever reason."""
REPEATED: Final = Evidence(Kind.REPEATED, 0.0, 2.0)
"""The next turn asks the same again."""
CORRECTED: Final = Evidence(Kind.CORRECTED, 0.0, 4.0)
"""The next turn objects."""
THANKED: Final = Evidence(Kind.THANKED, 1.0, 0.0)
WENT_ON: Final = Evidence(Kind.WENT_ON, 0.1, 0.0)
"""The next turn is about something else, or builds on the answer. So little, because it says so little."""


def feedback(score: float) -> Evidence:
    """A person's rating in [0, 1]; a verdict "correct" or "wrong" is 1 or 0. Raises ``ValueError`` beyond it."""
    if not 0.0 <= score <= 1.0:
        raise ValueError("score must be from 0 to 1")
    return Evidence(Kind.FEEDBACK, FEEDBACK_WEIGHT * score, FEEDBACK_WEIGHT * (1.0 - score))


def is_unfit(quality: float, gathered: float) -> bool:
    """Is an entry to be quarantined?

    Args:
        quality: mean of the posterior, in [0, 1].
        gathered: pseudo-counts of evidence, without the prior.
    """
    return quality < QUARANTINE_FLOOR and gathered >= LEAST_EVIDENCE


def next_turn_signal(messages: Sequence[Any]) -> Evidence | None:
    """What the last message of a call, a user's, says about the assistant's answer right before it.

    None where there is no such pair of messages, or nothing can be told.
    """
    turns = [(message.get("role"), text_in(message)) for message in messages if isinstance(message, Mapping)]
    if len(turns) < 2 or len(turns) < len(messages) or turns[-1][0] != "user" or turns[-2][0] != "assistant":
        return None
    asked = next((text for role, text in reversed(turns[:-2]) if role == "user"), "")
    return reaction(asked, turns[-1][1])


def reaction(asked: str, said: str) -> Evidence | None:
    """What a user who had asked something, and got an answer, says about it by the next thing said."""
    if not said.strip():
        return None
    opening = _plain(said[:OPENING])
    if _objects(opening):
        return CORRECTED
    if repeats(asked, said):
        return REPEATED
    if _DOUBTS.match(opening):
        return None
    if _THANKS.match(opening):
        return None if _BUT.search(opening) else THANKED
    return WENT_ON


def repeats(asked: str, said: str) -> bool:
    """Do two user turns ask the same? Their words must agree in order, but for those that carry no meaning here.

    A word of content, a number or a negation that differs makes another question.
    """
    if len(asked) > COMPARED or len(said) > COMPARED:
        return False
    before, after = _content(asked), _content(said)
    new = _MORE.intersection(after) or _CONSENTS.intersection(after[:1])
    return len(before) >= 2 and before == after and not new


def text_in(message: Mapping[str, Any]) -> str:
    """The text of a message, its text parts joined; empty where it has none."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


_WORD = re.compile(r"[^\W_]+(?:['.][^\W_]+)*")

_EMPTY = frozenset(
    "a an the is are was were be am what what's which do does did can could would will shall may i me my you your we us"
    " please again so well hey hi hello ok okay just then tell give say said asked ask repeat that's it's i'm i'd to of"
    " that this it there's here's know want like wondering question answer know let's and".split()
)
"""Words whose coming and going leaves a question the same question."""

_MORE = frozenset("another more next else different continue further other".split())
"""Who says these wants something new, in the same words."""
_CONSENTS = frozenset("yes yeah yep sure no nope thanks thank great good perfect hello".split())
"""Who begins with these answers a question of the assistant's, or is polite."""

_ADVERBS = (
    r"(?:(?:still|just|simply|plain|completely|totally|absolutely|clearly|definitely|actually|really|very|quite|so"
    r"|all|also|a bit|a little|partly|obviously|certainly|not at all)\s+)*"
)
_WRONG = (
    r"(?:wrong|incorrect|inaccurate|false|untrue|mistaken|nonsense|rubbish|garbage|useless|unhelpful|outdated"
    r"|not\s+(?:(?:at all|quite|really|even)\s+)?(?:right|correct|true|accurate|helpful|working|an answer|the answer"
    r"|the question|what (?:i|we)\b|how it))(?![\w'-])"
)
_IT = r"(?:that|this|it|these|those|that one|this one|(?:your|the|this|that)\s+(?:last\s+|first\s+)?" + (
    r"(?:answer|response|reply|explanation|result|solution|code|summary|translation|output|calculation|number|date))"
)
_BEGINNINGS = (
    r"^(?:(?:no|nope|nah|hm+|uh|um|er|oh|ah|wait|sorry|well|but|ok|okay|and|so|actually|unfortunately|sadly|hey"
    r"|thanks|thank you|thank you very much|thanks a lot|i think|i thought|i believe|i'm afraid|i am afraid|i'm sorry"
    r"|i fear|you know|to be honest|honestly|yes|yeah|again|please|look|excuse me|my bad)\b[\s,.!;:–—-]*)*"
)
_OBJECTIONS = re.compile(
    _BEGINNINGS
    + "(?:"
    + "|".join(
        (
            rf"{_IT}(?:'s| is| was| are| were| seems| looks| sounds)\s+{_ADVERBS}{_WRONG}",
            rf"{_IT}\s*(?:isn't|ain't|wasn't|aren't|weren't|is not|was not|'s not)\s+"
            r"(?:(?:at all|quite|really|even)\s+)?(?:right|correct|true|accurate|helpful|working|an answer|the answer"
            r"|the question|what (?:i|we)\b)(?![\w'-])",
            rf"{_IT}\s+(?:doesn't|does not|didn't|did not|don't|do not)\s+(?:work|compile|run|answer|help|make sense"
            r"|address|match)\b",
            r"(?:totally |completely |absolutely |plain )?(?:wrong|incorrect)"
            r"(?: (?:answer|again|language|one|unit|format))?"
            r"\s*(?:$|[.,!;:–—-])",
            r"not (?:right|correct|true|accurate)\s*(?:$|[.,!;:–—-])",
            r"not what (?:i|we) (?:asked|meant|wanted|said|need(?:ed)?|was asking|am asking|was looking)\b",
            r"(?:you're|you are|you were|u r)\s+"
            + _ADVERBS
            + r"(?:wrong|mistaken|incorrect|confused|confusing|hallucinating|making (?:this|that|it|things) up)\b",
            r"you(?:'ve| have)?\s+"
            + _ADVERBS
            + r"(?:misunderst(?:ood|and)|misread|mistook|mixed up|confused|got (?:it|that|this|me) (?:all )?wrong"
            r"|made (?:an?|some) (?:\w+ )?(?:mistake|error)s?|(?:ignored|missed|skipped) (?:my|the|what)"
            r"|forgot (?:my|the|to|what)|(?:didn't|did not|haven't|have not|don't|do not) (?:answer|address|understand"
            r"|understood|answered|read|follow|get (?:it|what|my|me|the))|are not (?:answering|listening)"
            r"|aren't (?:answering|listening))\b",
            r"(?:i|we) (?:(?:actually|really|just|only)\s+)?meant\b(?! to\b)",
            r"what (?:i|we) (?:(?:actually|really)\s+)?(?:meant|wanted|asked)\b",
            r"(?:i|we) (?:(?:didn't|did not|wasn't|was not|never)\s+)(?:ask|asked|asking|mean|meant|want|say|said"
            r"|talking)\b",
            r"(?:i|we) (?:was|were|am|'m)?\s*(?:asking|asked) (?:for|about|you|how|what|when|where|why|who|which|if)\b",
            r"(?:i|we) was (?:talking|asking)\b",
            r"(?:please )?(?:try|check|do it|think|look) again\s*(?:$|[.,!;:])",
            r"there(?:'s| is| are) (?:still )?(?:an?|some) (?:\w+ )?(?:mistake|error|bug)s? in (?:your|this|that)\b",
        )
    )
    + ")"
)
_RETRACTS = re.compile(
    r"^(?:[\w' ]{0,20}[\s,.!;:–—-]+)?(?:you're|you are|you were) (?:(?:so|quite|absolutely)\s+)*right\b"
)
"""Who says this speaks of an own mistake."""
_DECLINES = re.compile(
    r"^(?:no|nope|nah)[\s,.!]*(?:thanks|thank you|thx|problem|worries|need\b|rush|more questions|that's (?:all|it|fine"
    r"|okay|ok|good|enough|great|perfect)|that is (?:all|it)|that will be all|that'll be all|it's (?:fine|ok|okay|good)"
    r"|i'm (?:good|fine|done|all set)|we're (?:good|done)|nothing(?: else)?|all good)"
)
_DOUBTS = re.compile(
    r"^(?:are you (?:sure|certain|serious)|really\s*\?"
    r"|is (?:that|this|it) (?:\w+ )?(?:right|correct|true|wrong|accurate)"
    r"|(?:what|huh|hm+|eh)\s*[?.!]*$|i (?:don't|do not) (?:understand|get it|follow|think so|believe)|i'm confused"
    r"|why (?:is|was) (?:that|this)\s*\?*$|how so|(?:no|nope|nah)\s*[.!]*$|say that again|come again)"
)
_THANKS = re.compile(
    r"^(?:(?:ok|okay|oh|ah|wow|yes|yeah|yep|great|perfect|awesome|cool|nice|excellent|wonderful|good|brilliant|amazing"
    r"|alright|right|got it|no)[\s,.!–—-]+)*"
    r"(?:(?:many |much )?(?:thanks|thank you|thx|tysm|ty|cheers|appreciated?|much appreciated)\b(?! for nothing)"
    r"|(?:great|perfect|awesome|excellent|wonderful|brilliant|amazing|exactly|fantastic|lovely)\s*(?:$|[.!,])"
    r"|(?:great|good|nice|perfect|excellent) (?:answer|job|work|explanation|one|stuff)\b"
    r"|(?:that|this|it)(?:'s| is| was) (?:(?:so|very|really|exactly|just|super)\s+)*(?:right|correct|perfect|great"
    r"|excellent|helpful|useful|what i (?:needed|wanted|meant|was looking for)|exactly what)\b"
    r"|(?:that|this|it) (?:works|worked|helps|helped|makes sense|did it|did the trick|solved)\b"
    r"|(?:you're|you are) (?:(?:so|quite|absolutely)\s+)*right\b|makes sense\b|got it\b)"
)
_BUT = re.compile(r"\b(?:but|however|although|except|though)\b")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "“": '"', "”": '"'})


def _objects(opening: str) -> bool:
    if _DECLINES.match(opening) or _RETRACTS.match(opening):
        return False
    found = _OBJECTIONS.match(opening)
    # "That's wrong?" asks.
    return found is not None and not re.fullmatch(r"\s*\?+\s*", opening[found.end() :])


def _plain(text: str) -> str:
    """Lower case, straight quotes, single spaces."""
    return " ".join(text.translate(_QUOTES).lower().split())


def _content(text: str) -> list[str]:
    return [word for word in _WORD.findall(_plain(text)) if word not in _EMPTY]
