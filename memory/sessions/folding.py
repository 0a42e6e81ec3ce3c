"""A session as its steps tell it: what each step led to, what the problem is, how it went. Pure.

Everything follows from the readings of the session's interactions, so it is the same in whatever order they come.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from memory.sessions.kinds import yes_or_no
from memory.sessions.nodes import Node, node_of, stays
from memory.sessions.picks import pick
from memory.sessions.reading import Reading
from memory.sessions.session import StepType
from memory.sessions.signals import Phrases, Signal, signal_of
from memory.sessions.turns import is_check
from memory.sessions.wording import sentences, summary, telling

SUMMARY_CHARS: Final = 280
REPLY_CHARS: Final = 500
STATED_WITHIN: Final = 3
"""Turns of the user within which the problem is looked for: a greeting states none."""
SOLUTION_WITHIN: Final = 4
"""Steps before the user's word of success among which its cause is looked for."""

_GREETING: Final = frozenset(
    """hi hello hey there good morning afternoon evening day dear team support everyone all bonjour salut bonsoir
    hallo guten tag
    moin hola buenos buenas días tardes how are you can could would help me my i need a the some with do have question
    problem issue an got est ce que vous pouvez m'aider ich habe eine frage problem hilfe brauche necesito ayuda tengo
    un una""".split()
)
_SKIPS = re.compile(
    r"^\W*(?:please )?(?:skip|next|ignore|pass|move on|let's move on|passer|suivant|überspringen|weiter|saltar"
    r"|omitir|siguiente)"
    r"(?: (?:it|this|that|the|one|step|question|please|on|étape|schritt|paso))*\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step."""

    step_type: StepType
    skipped: bool = False
    node_id: str | None = None
    option_selected: str | None = None
    free_text: str | None = None
    action_result: str | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """A session by its steps."""

    outcomes: Mapping[str, Outcome]
    """By interaction."""
    told: str
    """All that the user said in the first turns."""
    signal: Signal | None
    """The last word on success that still stands."""
    signal_at: str | None
    """When it was said."""
    escalation: str | None
    """The words that asked for a person."""
    solution: str | None
    """What led to success, or was last tried, in short."""
    followed: int
    left: int
    """Steps at the flow's nodes whose pick follows the flow, and those that leave it."""


def fold(readings: Sequence[Reading], nodes: Sequence[Node] = (), phrases: Phrases = Phrases()) -> Folded:
    """Fold the readings of one session.

    Args:
        nodes: those of the flow that the session follows.
        phrases: configured words of success, and of wishes for a person.
    """
    ordered = sorted(readings, key=lambda one: (one.at, one.interaction_id))
    repeated = _repeated(ordered)
    before = {one.interaction_id: earlier(ordered[:at], one) for at, one in enumerate(ordered)}
    follower: dict[str, Reading] = {}
    for one in ordered:
        prior = before[one.interaction_id]
        if prior is not None:
            follower[prior.interaction_id] = one
    gone_on = {one.turn for one in ordered if one.interaction_id in follower}
    outcomes: dict[str, Outcome] = {}
    for one in ordered:
        passed_over = one.interaction_id in repeated or one.turn in gone_on
        outcomes[one.interaction_id] = _outcome(one, follower.get(one.interaction_id), passed_over, phrases)
    course = _course(ordered, repeated, before, outcomes, phrases)
    solution = _solution(ordered, course.solved_by, outcomes)
    placed, followed, left = _at_nodes(ordered, outcomes, nodes)
    return Folded(
        outcomes=placed,
        told=" ".join(one.asked for one in islice((one for one in ordered if one.is_talk), STATED_WITHIN)),
        signal=course.signal,
        signal_at=course.at,
        escalation=course.escalation,
        solution=None if solution is None else summary(_first(solution.said), SUMMARY_CHARS),
        followed=followed,
        left=left,
    )


def earlier(before: Sequence[Reading], one: Reading) -> Reading | None:
    """The step that a turn reacts to, among those before it; None where there is none.

    The history that it sends says which; without one, the latest of a session that somebody named.
    """
    if not one.is_talk:
        return None
    talk = [other for other in reversed(before) if other.is_talk and other.turn != one.turn]
    shown = one.shown
    if shown is None:
        # Where other turns show a history, one without is another conversation's first.
        alone = one.derived or not one.opens or any(other.shown for other in talk)
        return None if alone or not talk else talk[0]
    same = [other for other in talk if other.turn == shown.turn]
    if same:
        return next((other for other in same if other.answer == shown.answer), same[0])
    # A history that was cut at its beginning still shows the answer.
    return next((other for other in talk if other.answer == shown.answer), None)


@dataclass(slots=True)
class _Course:
    """How a session went up to now."""

    signal: Signal | None = None
    at: str | None = None
    escalation: str | None = None
    solved_by: Reading | None = None
    """The turn that said so."""


def _repeated(ordered: Sequence[Reading]) -> set[str]:
    """Interactions whose turn comes again later."""
    latest = {one.turn: one.interaction_id for one in ordered if one.is_talk}
    return {one.interaction_id for one in ordered if one.is_talk and latest[one.turn] != one.interaction_id}


def _outcome(one: Reading, then: Reading | None, passed_over: bool, phrases: Phrases) -> Outcome:
    """What the next turn makes of a step.

    Args:
        passed_over: was its turn asked again, and did the talk go on from there, or nowhere?
    """
    if not one.is_talk:
        return Outcome(one.step_type, action_result=one.result or None)
    if then is None:
        return Outcome(one.step_type, skipped=passed_over)
    if then.result:
        checks = then.called_before and all(map(is_check, then.called_before))
        return Outcome("verification" if checks else "script", action_result=then.result)
    reply = summary(then.asked, REPLY_CHARS)
    if not reply:
        return Outcome(one.step_type)
    if _SKIPS.match(reply):
        return Outcome(one.step_type, skipped=True)
    if one.options:
        chosen = pick(one.options, then.asked)
        return Outcome(one.step_type, option_selected=chosen.label) if chosen else _own_words(one, reply, phrases)
    if one.step_type in ("action", "verification", "script"):
        return Outcome(one.step_type, action_result=None if _asks(reply) else reply)
    if one.step_type == "question":
        answer = yes_or_no(then.asked) if one.yes_or_no else None
        return Outcome("question", option_selected=answer) if answer else _own_words(one, reply, phrases)
    return Outcome(one.step_type)


def _own_words(one: Reading, reply: str, phrases: Phrases) -> Outcome:
    """Thanks, a word of success and a wish for a person answer no question."""
    closes = signal_of(reply, phrases) in ("solved", "pleased", "escalate")
    return Outcome(one.step_type, free_text=None if closes else reply)


def _asks(reply: str) -> bool:
    return reply.rstrip().endswith(("?", "？"))


def _course(
    ordered: Sequence[Reading],
    repeated: set[str],
    before: Mapping[str, Reading | None],
    outcomes: Mapping[str, Outcome],
    phrases: Phrases,
) -> _Course:
    """Walk through the turns: a verdict stands until the talk goes on, a wish for a person until all is well."""
    course = _Course()
    talk = [one for one in ordered if one.is_talk and one.interaction_id not in repeated]
    for at, one in enumerate(talk):
        if one.asked.strip():
            _weigh(
                course, one, _verdict(one, before[one.interaction_id], outcomes, phrases), opens=at == 0 and one.opens
            )
        if one.hands_over and course.signal != "solved":
            if course.signal != "escalate":
                course.signal, course.at = "escalate", one.at
            course.escalation = course.escalation or summary(one.said, SUMMARY_CHARS)
    return course


def _weigh(course: _Course, one: Reading, verdict: Signal | None, *, opens: bool) -> None:
    if opens and verdict != "escalate":
        # What is said of success before anything was tried states the problem.
        return
    before = course.signal
    if verdict == "solved":
        course.signal, course.solved_by, course.escalation = "solved", one, None
    elif verdict == "escalate":
        course.signal, course.escalation = "escalate", summary(one.asked, SUMMARY_CHARS)
    elif verdict == "pleased":
        if before not in ("solved", "escalate"):
            course.signal, course.solved_by = "pleased", one
    elif before != "escalate":
        course.signal, course.solved_by = verdict, None
    if course.signal != before:
        course.at = one.at if course.signal else None


def _verdict(one: Reading, prior: Reading | None, outcomes: Mapping[str, Outcome], phrases: Phrases) -> Signal | None:
    said = signal_of(one.asked, phrases)
    if prior is None or not prior.checks or said in ("solved", "failed", "escalate"):
        return said
    picked = outcomes[prior.interaction_id].option_selected
    answer = yes_or_no(picked or one.asked)
    if prior.checks == "more":
        return "pleased" if answer == "No" else said
    if answer is None:
        return said if picked is None else signal_of(picked, phrases)
    return "solved" if (answer == "Yes") == (prior.checks == "success") else "failed"


def _solution(ordered: Sequence[Reading], by: Reading | None, outcomes: Mapping[str, Outcome]) -> Reading | None:
    """The last step before a turn that did something or said what to do; the very last of all where none is named."""
    at = len(ordered) if by is None else next(at for at, one in enumerate(ordered) if one is by)
    near = [one for one in ordered[:at] if not outcomes[one.interaction_id].skipped][-SOLUTION_WITHIN:]
    doing = [one for one in near if outcomes[one.interaction_id].step_type in ("action", "script")]
    telling_ = [one for one in near if outcomes[one.interaction_id].step_type == "other" and one.said]
    return next(iter((doing or telling_)[-1:]), None)


def _at_nodes(
    ordered: Sequence[Reading], outcomes: Mapping[str, Outcome], nodes: Sequence[Node]
) -> tuple[dict[str, Outcome], int, int]:
    placed = dict(outcomes)
    followed = left = 0
    for one in ordered if nodes else ():
        known = outcomes[one.interaction_id]
        node = node_of(nodes, one.options, one.said) if one.is_talk else None
        if node is not None:
            placed[one.interaction_id] = Outcome(
                known.step_type, known.skipped, node.id, known.option_selected, known.free_text, known.action_result
            )
        said = known.option_selected or known.free_text
        if said is None or known.skipped:
            continue
        if node is not None and known.option_selected is not None and stays(node, known.option_selected):
            followed += 1
        elif node is not None or one.options:
            left += 1
    return placed, followed, left


def problem_in(readings: Sequence[Reading]) -> str:
    """How the user states the problem, in the first turns; empty where nobody has, as in a greeting."""
    talk = sorted((one for one in readings if one.is_talk), key=lambda one: (one.at, one.interaction_id))
    said = [one.asked for one in talk[:STATED_WITHIN]]
    if talk and talk[0].opening:
        said.insert(0, talk[0].opening)
    return next((text for text in said if _states(text)), "")


def _states(text: str) -> bool:
    """Does a turn say more than a greeting?"""
    return any(word not in _GREETING for word in telling(text))


def _first(text: str) -> str:
    """Its beginning, without a question at the end."""
    found = sentences(text)
    while len(found) > 1 and found[-1].endswith("?"):
        found.pop()
    return " ".join(found)
