"""What kind of step an answer is. Pure.

question: it offers options or asks something; verification: it asks whether things work now, or a tool that only looks
was run; script: a tool was run; action: it says what to do; other: all else. ``solution`` is what a person may call a
step: an answer does not show that it will turn out to be one, and what helped stands in the session's summary.
"""

from __future__ import annotations

import re
from typing import Final

from memory.sessions.options import IMPERATIVES, is_recipe, offered
from memory.sessions.session import Option, StepType
from memory.sessions.turns import Turn, is_check
from memory.sessions.wording import CODE, folded, sentences

_SUCCESS = re.compile(
    r"\b(?:(?:did|does|has|have|is|are|do) (?:that|this|it|the|everything|all|your|you|things"
    r"|now)?\b.{0,60}\b(?:help|helped|work|works|worked"
    r"|working|fix|fixed|solve|solved|resolve|resolved|succeed|succeeded|come out|came out|go through|went through"
    r"|okay now|ok now|better now|gone|back (?:up"
    r"|online|to normal)"
    r"|(?:print|connect|load|start|open|sync|build|pass|run|send)\w* (?:now|again|properly|correctly|as expected"
    r"|successfully))"
    r"|(?:can|are) you (?:now )?.{0,40}\b(?:now|again)|any better|still (?:see|get|have|happen\w*|fail\w*|there)"
    r"|(?:marche|fonctionne)-t-il|est-ce que (?:ça|cela) (?:marche|fonctionne|a (?:aidé|marché|résolu))|c'est résolu"
    r"|funktioniert (?:es|das|der|die)|hat (?:das|es) (?:geholfen|funktioniert)|geht es (?:jetzt|wieder)"
    r"|funciona (?:ahora|ya|bien)|(?:se )?(?:resolvió|solucionó)|ayudó)\b"
)
_MORE = re.compile(
    r"\b(?:(?:any|some)thing (?:else|more|further)|any (?:other|more|further) (?:help|question|request|issue|problem)s?"
    r"|(?:what|how) else|else (?:that )?i can|more i can|further help|(?:can|may|could) i (?:help"
    r"|assist) (?:you )?(?:with|further)"
    r"|autre chose|sonst noch|noch etwas|algo más|alguna otra)\b"
)
_YES_NO = re.compile(
    r"^(?:(?:and|so|ok|okay|now|then|first|great|good|thanks|alors|also)[, ]+)*(?:is|are|was|were|am|do|does|did"
    r"|have|has|had|can|could|will|would"
    r"|should|shall|may|est-ce|avez-vous|êtes-vous|as-tu|es-tu|ist|sind|haben|hast|hat|können|kannst|funktioniert|geht|"
    r"¿?(?:está|tiene|ha|puede|funciona|es|son|hay))\b"
)
_NO: Final = frozenset("no nope nah non nein n".split())
_YES: Final = frozenset(
    "yes yeah yep yup y correct right exactly oui ja sí si sure indeed absolutely affirmative".split()
)
_ASKING_TO_DO = re.compile(
    r"\b(?:could|can|would|will) you (?:please )?(?P<verb>[\w-]+)|\b(?:please|you (?:should|need to|have to|must|can"
    r"|could)|try to|veuillez"
    r"|bitte|por favor)\b[ ,]+(?P<other>[\w-]+)"
)


def kind_of(turn: Turn, options: tuple[Option, ...]) -> StepType:
    """The kind of step that a turn is, of its own answer alone."""
    if turn.kind == "command_check":
        return "verification"
    if turn.kind != "llm":
        return "verification" if turn.called and is_check(turn.called[0]) else "script"
    if turn.called:
        return "verification" if all(map(is_check, turn.called)) else "script"
    if options:
        return "question"
    asked = question_in(turn.said)
    if is_recipe(turn.said) or _tells_to_do(turn.said):
        return "action"
    if asked is not None:
        return "verification" if checks_success(asked) else "question"
    return "other"


def options_of(turn: Turn) -> tuple[Option, ...]:
    """What a turn's answer offers; a tool's output offers nothing."""
    return offered(turn.said) if turn.kind == "llm" and not turn.called else ()


def question_in(answer: str, *, anywhere: bool = False) -> str | None:
    """The question that an answer ends with, in one of its last two sentences; ``anywhere``: the last one of all."""
    for sentence in reversed(sentences(CODE.sub("\n", answer))[0 if anywhere else -2 :]):
        if sentence.rstrip(" *_)\"'").endswith(("?", "？")):
            return sentence
    return None


def checks_success(question: str) -> bool:
    """Does a question ask whether things work now?"""
    return _SUCCESS.search(folded(question)) is not None and not asks_for_more(question)


def asks_for_more(question: str) -> bool:
    """Does it ask whether anything else is wanted, so that a no ends the talk?"""
    return _MORE.search(folded(question)) is not None


def checks_trouble(question: str) -> bool:
    """Does it ask so that a yes means trouble: "Do you still see the error?"."""
    return re.search(r"\bstill\b|\btoujours\b|\bnoch\b|\bsigue\b", folded(question)) is not None


def asks_yes_or_no(question: str) -> bool:
    """Can a question be answered by yes or no?"""
    said = folded(question).lstrip(" *_\"'¿")
    return _YES_NO.match(said) is not None or _YES_NO.match(said.rpartition(",")[2].strip()) is not None


def yes_or_no(reply: str) -> str | None:
    """``Yes`` or ``No`` where a reply begins with it; None where it says neither."""
    said = re.findall(r"[^\W\d_]+", folded(reply))
    if not said:
        return None
    if said[0] in _YES or (
        said[:2] in (["it", "is"], ["it", "does"], ["i", "have"], ["i", "did"], ["i", "do"]) and len(said) <= 4
    ):
        # "It is not": the denial counts.
        return "No" if len(said) <= 4 and {"not", "pas", "nicht"} & set(said) else "Yes"
    later = said[:2] in (["not", "at"], ["not", "right"], ["not", "for"], ["not", "really"])
    if said[0] in _NO or later or (said[0] == "not" and len(said) <= 3):
        return "No"
    return None


def _tells_to_do(answer: str) -> bool:
    """Does its first or second sentence, or most of them, say what to do?"""
    found = [folded(sentence) for sentence in sentences(CODE.sub("\n", answer))]
    doing = [_is_told(sentence) for sentence in found]
    return any(doing[:2]) or sum(doing) * 2 > len(doing) > 0


def _is_told(sentence: str) -> bool:
    asks = sentence.rstrip(" *_").endswith("?")
    if asks and (checks_success(sentence) or not _ASKING_TO_DO.search(sentence)):
        return False
    first = re.findall(r"[\w-]+", sentence.replace("right-click", "click"))
    if not first or first[0] in (
        "please",
        "then",
        "now",
        "next",
        "first",
        "finally",
        "ok",
        "okay",
        "also",
        "bitte",
        "puis",
    ):
        first = first[1:]
    if first and first[0] in IMPERATIVES and first[0] not in ("answer", "ask", "share", "tell"):
        return True
    asked = _ASKING_TO_DO.search(sentence)
    return asked is not None and (asked["verb"] or asked["other"]) in IMPERATIVES - {
        "tell",
        "share",
        "answer",
        "ask",
        "describe",
    }
