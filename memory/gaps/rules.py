"""The rules that find gaps. Pure.

Shares count from their lower bound: the end of the 95 % interval must be above the threshold, and five sessions or
answers are the least that is spoken of. The thresholds are judgement: they say what is worth a person's look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from memory.gaps.gap import EXAMPLE_CHARS, EXAMPLES, LEAST, SESSIONS_NAMED, Gap, Share
from memory.gaps.observed import Answer, Observed
from memory.gaps.topics import Topic, differing, topics
from memory.notifications.notification import one_line

WEAK: Final = 0.25
"""Share of answers in the user's own words from which options are weak: a quarter find none that fits."""
ESCALATED: Final = 0.25
"""Share of a domain's ended sessions that a person had to take over."""
UNMATCHED: Final = 0.5
"""A match score below it is none."""
UNCHARTED: Final = 0.5
"""Share of a domain's sessions that no flow was near to: the domain itself is uncharted, not its margin."""
REPEATED: Final = 5
"""Sessions about the same that make a pattern."""
DIFFERENT: Final = 3
"""Ways to resolve it that are too many for one problem."""

ENDED: Final = frozenset({"resolved", "escalated", "abandoned"})
NOWHERE: Final = frozenset({None, "other"})
"""Domains that say nothing of a problem."""

Redact = Callable[[str], str]
Key = tuple[Any, ...]


def weak_options(answers: Iterable[Answer], redact: Redact) -> list[Gap]:
    """Nodes of flows, and lists of options beside flows, that users often answer in words of their own."""
    return [
        _weak(given, redact)
        for given in _grouped(answers, _place_of).values()
        if Share(sum(one.own_words is not None for one in given), len(given)).is_above(WEAK)
    ]


def high_escalation(sessions: Iterable[Observed], redact: Redact) -> list[Gap]:
    """Domains whose sessions a person often has to take over."""
    ended = [one for one in sessions if one.status in ENDED]
    found = []
    for (namespace, domain), given in _grouped(ended, _domain_of).items():
        escalated = [one for one in given if one.status == "escalated"]
        share = Share(len(escalated), len(given))
        if not share.is_above(ESCALATED):
            continue
        without = sum(one.matched_flow is None for one in escalated)
        found.append(
            Gap(
                "high_escalation",
                namespace,
                domain or "",
                f"{_named(domain)}: {len(escalated)} of {len(given)} sessions were escalated",
                domain,
                None,
                {"escalated": share.as_json(), "without_flow": without, **_shown(escalated, redact)},
                "Write a flow for what these sessions ended at."
                if 2 * without >= len(escalated)
                else "Look at where the flows that these sessions followed end, and add what the person did then.",
            )
        )
    return found


def uncharted(sessions: Sequence[Observed], redact: Redact) -> list[Gap]:
    """Domains, and topics of no domain, that no flow comes near to."""
    found = []
    for (_, domain), given in _grouped(sessions, _domain_of).items():
        unknown = [one for one in given if _is_unmatched(one)]
        if domain in NOWHERE:
            found += [
                _unknown(topic.sessions, len(topic.sessions), domain, topic.name, redact) for topic in topics(unknown)
            ]
        elif Share(len(unknown), len(given)).is_above(UNCHARTED):
            found.append(_unknown(unknown, len(given), domain, "", redact))
    return [gap for gap in found if gap is not None]


def repeated(sessions: Iterable[Observed], redact: Redact) -> list[Gap]:
    """Problems that come again and again and are resolved in ways that differ, or that no flow covers."""
    found = []
    for (namespace, domain), given in _grouped(sessions, _domain_of).items():
        for topic in topics(given):
            if len(topic.sessions) < REPEATED:
                # The others are smaller still.
                break
            gap = _pattern(namespace, domain, topic, redact)
            if gap is not None:
                found.append(gap)
    return found


def _weak(given: Sequence[Answer], redact: Redact) -> Gap:
    first = given[0]
    own = [one for one in given if one.own_words is not None]
    labels = [one_line(redact(label), EXAMPLE_CHARS) for label in first.options]
    at = f"the node {first.node_id}" if first.node_id else f"a list of {len(labels)} options"
    where = "" if first.node_id else f" on {_named(first.problem_domain)}"
    adding = "Add options for what users say there, or ask more openly."
    return Gap(
        "weak_options",
        first.namespace,
        "\n".join(map(str, _place_of(first)[1:])),
        f"{len(own)} of {len(given)} answers to {at}{where} are in the user's own words",
        first.problem_domain,
        first.flow_id,
        {
            "own_words": Share(len(own), len(given)).as_json(),
            "nodes": [first.node_id] if first.node_id else [],
            "options": labels,
            "sessions": _some(dict.fromkeys(one.session_id for one in own)),
            "examples": _examples((one.own_words or "" for one in own), redact),
        },
        adding if first.node_id else f"{adding[:-1]}; a flow would keep the list in one place.",
    )


def _unknown(unknown: Sequence[Observed], of: int, domain: str | None, topic: str, redact: Redact) -> Gap | None:
    if len(unknown) < LEAST:
        return None
    best = max((one.match_score or 0.0 for one in unknown), default=0.0)
    about = f" ({topic})" if topic else ""
    return Gap(
        "uncharted",
        unknown[0].namespace,
        f"{domain or ''}\n{topic}",
        f"{_named(domain)}{about}: {len(unknown)} of {of} sessions are near to no flow",
        domain,
        None,
        {"unmatched": Share(len(unknown), of).as_json(), "best_score": round(best, 4), **_shown(unknown, redact)},
        "Resolve a few of these sessions, or write a flow for them: what is resolved proposes one.",
    )


def _pattern(namespace: str, domain: str | None, topic: Topic, redact: Redact) -> Gap | None:
    given = topic.sessions
    ended = {status: sum(one.status == status for one in given) for status in sorted(ENDED)}
    ways = differing([one.resolution for one in given if one.status == "resolved"])
    without = Share(sum(one.matched_flow is None for one in given), len(given))
    no_flow = without.is_above(0.5)
    apart = ways >= DIFFERENT or (ended["resolved"] > 1 and ended["escalated"] > 1)
    if not (no_flow or apart):
        return None
    why = "resolved differently" if apart else "without a flow"
    return Gap(
        "repeated_pattern",
        namespace,
        f"{domain or ''}\n{topic.name}",
        f"{_named(domain)}: {len(given)} sessions about {topic.name}, {why}",
        domain,
        None,
        {"times": len(given), "ended": ended, "ways": ways, "without_flow": without.as_json(), **_shown(given, redact)},
        "Settle on one way to resolve it, and keep that as a flow."
        if apart
        else "Write a flow for it: it comes again and again.",
    )


def _place_of(answer: Answer) -> Key:
    if answer.flow_id is not None:
        return answer.namespace, answer.flow_id, answer.node_id
    labels = tuple(sorted(" ".join(label.casefold().split()) for label in answer.options))
    return answer.namespace, answer.problem_domain or "", *labels


def _domain_of(session: Observed) -> tuple[str, str | None]:
    return session.namespace, session.problem_domain


def _is_unmatched(session: Observed) -> bool:
    return session.matched_flow is None and (session.match_score or 0.0) < UNMATCHED


def _grouped(ones: Iterable[Any], key: Callable[[Any], Any]) -> Mapping[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for one in ones:
        groups.setdefault(key(one), []).append(one)
    return groups


def _shown(sessions: Sequence[Observed], redact: Redact) -> dict[str, Any]:
    return {
        "sessions": _some(one.id for one in sessions),
        "examples": _examples((one.problem for one in sessions), redact),
    }


def _some(ids: Iterable[str]) -> list[str]:
    return list(ids)[:SESSIONS_NAMED]


def _examples(texts: Iterable[str], redact: Redact) -> list[str]:
    found: list[str] = []
    for text in texts:
        line = one_line(redact(text), EXAMPLE_CHARS)
        if line and line not in found:
            found.append(line)
        if len(found) == EXAMPLES:
            break
    return found


def _named(domain: str | None) -> str:
    return domain.replace("_", " ") if domain else "no domain"
