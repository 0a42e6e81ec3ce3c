"""What to do next: rules that turn figures into sentences. Pure.

Each rule looks at the facts and says nothing, or what it saw and what would help. What endangers answers comes first,
then what costs most calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cache.policy import DEFAULT_CLASSES, Policy
from proxy.config.units import format_duration

MOST: Final = 5
"""Lines of advice."""
MOST_STOPPED: Final = 2
"""Of them about namespaces where nothing is served by meaning."""
FEW: Final = 5
"""Calls below which nothing is worth a line."""
NOTABLE: Final = 0.02
"""Share of all calls below which nothing is worth a line."""
REPEATED: Final = 0.2
"""Share of exact repeats from which a bypassed class is worth a second look."""
FAILING: Final = 0.05
"""Share of failures from which they are named."""
UNAUDITED: Final = 200
"""Semantic hits after which a missing audit is named."""
DANGER: Final = 10.0
"""Weight of what endangers answers; all else weighs its share of the calls, in [0, 1]."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at; the shapes are those of ``GET /stats`` and its sections."""

    summary: Row
    semantic: Row
    """What serving by meaning stands on, by namespace."""
    reasons: Sequence[Row]
    """Forwarded calls by policy, status and reason, with their repeats."""
    rekeyed: Row
    """Newest misses without an entry, and how many repeat an earlier text under another key."""
    lines: Sequence[Row]
    """Near misses by namespace and policy."""
    errors: Row
    policies: Mapping[str, Policy]

    @property
    def calls(self) -> int:
        """Of the window."""
        return int(self.summary["requests"])

    def notable(self, calls: int) -> bool:
        """Are these enough of all calls to be worth a line?"""
        return calls >= FEW and calls >= NOTABLE * self.calls


Advice = tuple[float, str]
"""Weight, and what to say."""


def advise(facts: Facts) -> list[str]:
    """At most five lines, the weightiest first."""
    if not facts.calls:
        return []
    found = [advice for rule in RULES for advice in rule(facts)]
    return [said for _, said in sorted(found, key=lambda advice: -advice[0])[:MOST]]


def stopped(facts: Facts) -> Iterator[Advice]:
    """Serving by meaning has stopped, or never began; namespaces of one kind together."""
    alike: dict[tuple[str, bool], list[str]] = {}
    for namespace, standing in facts.semantic.items():
        for told in _standings(budgets_of(standing, facts.summary)):
            alike.setdefault(told, []).append(namespace)
    for (said, alarmed), names in sorted(alike.items(), key=lambda item: -len(item[1]))[:MOST_STOPPED]:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield DANGER + 1 if alarmed else 1.0, f"{', '.join(names[:3])}{more}: {said}"


def over_budget(facts: Facts) -> Iterator[Advice]:
    """Audits prove more errors than a policy's budget allows."""
    for row in facts.summary["by"].get("policy", ()):
        policy, error = facts.policies.get(row["policy"]), row.get("semantic_error") or {}
        if policy is None or policy.similarity_threshold is not None or error.get("low") is None:
            continue
        if error["low"] > policy.max_error_rate:
            yield (
                DANGER,
                f"audits found {_rate(error)} of the semantic hits of policy {row['policy']} wrong, above its budget "
                f"of {policy.max_error_rate:.1%}: look at the pairs with `reprise stats --near-misses`, lower "
                "max_error_rate, or set shadow: true until the cut has moved",
            )


def unaudited(facts: Facts) -> Iterator[Advice]:
    """Many hits by meaning, and nobody looks whether they are right."""
    for row in facts.summary["by"].get("policy", ()):
        policy, error = facts.policies.get(row["policy"]), row.get("semantic_error") or {}
        if policy is None or error.get("checked") or row.get("semantic_hits", 0) < UNAUDITED:
            continue
        if policy.similarity_threshold is not None:
            how = "a fixed threshold is never audited; max_error_rate in its place is"
        else:
            how = f"its audit_rate is {policy.audit_rate:g}"
        yield (
            0.5,
            f"policy {row['policy']} served {row['semantic_hits']} answers by meaning and none was audited, so their "
            f"error is unknown: {how}",
        )


def repeated_classes(facts: Facts) -> Iterator[Advice]:
    """Calls of a class that uses no tier come again word for word."""
    for row in facts.reasons:
        if (
            row["cache_status"] != "bypass"
            or row["reason"] not in DEFAULT_CLASSES
            or row["policy"] not in facts.policies
        ):
            continue
        if not facts.notable(row["repeats"]) or row["repeat_share"] < REPEATED:
            continue
        careful = {
            "volatile": "if an answer of that age is fine (set a short ttl or max_age there)",
            "random": "if the same draw may be given twice",
            "action": "only if doing it twice and hearing the first answer is harmless",
            "own-data": "only where every caller of a namespace may see the same data",
            "secrets": "only after a look at what these prompts hold",
        }.get(str(row["reason"]), "if the first answer may be given again")
        yield (
            row["repeats"] / facts.calls,
            f"{row['calls']} calls were bypassed as {row['reason']}, {row['repeat_share']:.0%} of them exact repeats"
            f"{_cost(row)}: allow the exact tier for class {row['reason']} in policy {row['policy']} " + careful,
        )


def expired(facts: Facts) -> Iterator[Advice]:
    """Answers run out before they are asked for again."""
    for row in facts.reasons:
        policy = facts.policies.get(row["policy"])
        if policy is not None and row["reason"] in ("expired", "too_old") and facts.notable(row["calls"]):
            yield (
                row["calls"] / facts.calls,
                f"{row['calls']} misses found an answer that was too old{_cost(row)}: a longer ttl (now "
                f"{format_duration(policy.ttl)}) or serve_stale_for in policy {row['policy']} would have served them",
            )


def near_misses(facts: Facts) -> Iterator[Advice]:
    """A lower cut would have added hits that were right."""
    for line in facts.lines:
        policy = facts.policies.get(line["policy"])
        # The widest step whose error, as far as it is known, a policy could have as its budget.
        good = [step for step in line["steps"] if facts.notable(step["added_hits"]) and _fine(step["error"])]
        if policy is None or not good:
            continue
        step = good[-1]
        how = (
            f"lower similarity_threshold in policy {line['policy']}"
            if line["scale"] == "similarity"
            else f"`reprise tune` says which max_error_rate (now {policy.max_error_rate:.1%}) admits them"
        )
        yield step["added_hits"] / facts.calls, f"{line['namespace']}: {step['says']}: {how}"


def rekeyed(facts: Facts) -> Iterator[Advice]:
    """The same text under ever new keys: something else differs with each call."""
    again = int(facts.rekeyed.get("rekeyed", 0))
    if facts.notable(again) and again >= REPEATED * facts.rekeyed["calls"]:
        yield (
            again / facts.calls,
            f"{again} misses repeat the text of an earlier one but differ in something else (a date in the system "
            "prompt, a header, a parameter): `reprise explain` shows what; keep it the same from call to call",
        )


def refreshed(facts: Facts) -> Iterator[Advice]:
    """A client asks for fresh answers all the time."""
    asked = int(facts.summary["refreshes"])
    if facts.notable(asked) and asked >= 0.1 * facts.calls:
        yield (
            asked / facts.calls,
            f"{asked} calls asked for a fresh answer (no-cache), and got one: if a client sends that with every call "
            "by default, switch it off there",
        )


def failing(facts: Facts) -> Iterator[Advice]:
    """Many calls fail in one way."""
    for group in facts.errors["patterns"][:1]:
        if group["type"] == "llm" and group["error"] != "client_gone" and group["count"] >= FEW:
            part = group["count"] / facts.calls
            if part >= FAILING:
                status = f" with status {group['status_code']}" if group["status_code"] else ""
                yield (
                    1.0 + part,
                    f'{group["count"]} calls ({part:.0%}) failed{status}, "{group["pattern"]}": '
                    f"see interaction {group['example']} and `reprise stats --errors`",
                )


def broken(facts: Facts) -> Iterator[Advice]:
    """A tier did not work."""
    failed = int(facts.summary["misses"]["reasons"].get("tier_failed", 0))
    if failed:
        yield 2.0, f"{failed} calls were misses because a tier failed: `GET /health/readiness` says which and why"


RULES: Final = (
    stopped,
    over_budget,
    broken,
    failing,
    unaudited,
    repeated_classes,
    expired,
    near_misses,
    rekeyed,
    refreshed,
)


def budgets_of(standing: Row, summary: Row) -> dict[str, Row]:
    """Of what serving by meaning stands on in a namespace, the error budgets that calls of the window met.

    All of them, where no call met any.
    """
    known = {name: now for name, now in standing.items() if isinstance(now, Mapping) and "cut" in now}
    met = {f"{row['max_error_rate']:g}" for row in summary["by"]["policy"] if row["max_error_rate"] is not None}
    return {name: now for name, now in known.items() if name in met} or known


def _standings(budgets: Mapping[str, Row]) -> Iterator[tuple[str, bool]]:
    """What there is to say where nothing is served, budgets of one kind together; and is it an alarm?"""
    alike: dict[tuple[Any, Any], list[str]] = {}
    for budget, now in budgets.items():
        if now["cut"] is None:
            alike.setdefault((now["alarm"], now["shadow"]), []).append(budget)
    for (alarm, _), names in alike.items():
        yield sentence(", ".join(names), budgets[names[0]]), bool(alarm)


def sentence(rate: str, now: Row) -> str:
    """How a namespace stands at an error budget, or at several alike, and what to do about it."""
    if now["alarm"]:
        return (
            f"serving by meaning has stopped at max_error_rate {rate}: {now['alarm']}. It comes back by itself once "
            "labels prove a cut; until then calls are forwarded, compared and labelled"
        )
    if now["cut"] is None:
        if now["shadow"]:
            return (
                f"shadow mode at max_error_rate {rate}: no cut that comes with this verifier and embedder keeps it, "
                "and there are too few labels for one of its own. Let traffic label itself, raise max_error_rate, or "
                "set a similarity_threshold to serve at once"
            )
        return (
            f"nothing is served by meaning at max_error_rate {rate}: the labels prove no cut to be within it. More "
            "labels, or a larger max_error_rate, would help"
        )
    where = {"prior": "measured on public data", "learned": "learned from this namespace's labels"}
    return f"serving by meaning above {now['cut']:.3f} at max_error_rate {rate}, {where.get(now['source'], 'as set')}"


def _fine(error: Row) -> bool:
    """Is the error known, and small enough for some budget?"""
    return error["rate"] is not None and error["checked"] >= FEW and error["rate"] <= 0.05


def _rate(error: Row) -> str:
    return f"{error['rate']:.1%} [{error['low']:.1%}, {error['high']:.1%}]"


def _cost(row: Row) -> str:
    cost = row["cost_repeated_usd"] if row["cache_status"] == "bypass" else row["cost_usd"]
    return f" (${cost:.2f})" if cost >= 0.01 else ""
