"""One sentence that says why a call is a hit, a miss or a bypass."""

from __future__ import annotations

from typing import Final

from cache.decision import Bypass, Hit, Miss, Reason
from cache.explanation import Explanation, Weighed

QUOTED: Final = 80
"""Characters of a stored prompt that a sentence quotes."""
TOLD: Final = 0.001
"""Audit rate from which a sentence speaks of it."""

_OF_A_CALL: Final[dict[str, str]] = {
    Reason.EXACT_ONLY: "the last message is not one text of the user's, so the call can only be matched exactly, and"
    " nothing equal is stored",
    Reason.BEYOND_WINDOW: "the prompt is longer than the embedder reads, or has characters it does not know, so it can"
    " only be matched exactly, and nothing equal is stored",
    Reason.UNCALIBRATED: "there is no verifier that could say which stored prompts are near enough, and nothing equal"
    " is stored",
    Reason.REFRESH: "the caller asked for a fresh answer, which then replaces the stored one",
    Reason.STREAM: "a stream was asked for, and policy answers none from the cache",
    Reason.STREAM: "a stream was asked for, and policy serves none from the cache",
    Reason.NOTHING_SIMILAR: "no stored prompt is near it",
    Reason.TIER_FAILED: "a part of the cache failed or took too long",
}
_OF_AN_ANSWER: Final[dict[str, str]] = {
    Reason.EXPIRED: "has expired",
    Reason.TOO_OLD: "is older than this call accepts",
    Reason.TOOL_CALLS: "calls tools, and policy does not serve such answers here",
    Reason.JUDGED_WRONG: "was judged wrong for this very prompt before",
    Reason.NO_CUT: "cannot be served, because no cut keeps the error budget",
}


def sentence(explained: Explanation, *, exposed: bool = True) -> str:
    """Why the call is what it is; without ``exposed`` nothing of stored prompts, similarities and scores."""
    decision = explained.decision
    if isinstance(decision, Bypass):
        return f"Bypass: {_bypassed(decision, explained)}."
    if isinstance(decision, Hit):
        return f"Hit: {_hit(decision, explained, exposed)}."
    return f"Miss: {_missed(decision, explained, exposed)}."


def duration(seconds: float) -> str:
    """A length of time in its largest fitting unit: ``3.2 h``."""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _bypassed(decision: Bypass, explained: Explanation) -> str:
    if decision.reason == Reason.DISABLED:
        return "the cache is switched off"
    if decision.reason == Reason.NO_TIER:
        return f"policy {explained.policy.name!r} allows no tier"
    return f"the call is in the class {decision.reason!r}, which policy {explained.policy.name!r} lets use no tier"


def _hit(hit: Hit, explained: Explanation, exposed: bool) -> str:
    weighed = next((one for one in _all(explained) if one.candidate.entry.id == hit.entry.id), None)
    age = f" {duration(weighed.age)} ago" if weighed is not None else ""
    if hit.stale:
        age = f"{age}, its time is over but it is still served while a fresh answer is fetched"
    if hit.tier == "exact":
        return f"this very call was answered{age}, and the answer is still good enough"
    if not exposed:
        return f"a call of the same meaning was answered{age}"
    near = f"{_quoted(hit.entry.prompt)} (similarity {hit.similarity:.3f}) was answered{age}"
    if hit.judged is None or explained.cut is None:
        return f"{near}, no guard objects, and the threshold is {explained.policy.similarity_threshold}"
    checked = ""
    if explained.audit_rate >= TOLD:
        checked = f", and {100 * explained.audit_rate:.2g} % of such hits are forwarded to check them"
    return (
        f"{near}, no guard objects, and the verifier's score of {hit.judged.score:.3f} is above"
        f" the cut of {explained.cut:.3f}{checked}"
    )


def _missed(miss: Miss, explained: Explanation, exposed: bool) -> str:
    if miss.reason == Reason.NO_ENTRY:
        return _nothing(explained, exposed)
    if miss.reason in _OF_A_CALL:
        return _OF_A_CALL[miss.reason]
    if miss.reason == Reason.SHADOW:
        return f"it would be a hit, but {_why_shadow(explained)}"
    weighed = explained.exact[0] if explained.exact else next(iter(explained.semantic), None)
    equal = weighed is not None and weighed.candidate.tier == "exact"
    if miss.reason in (Reason.BELOW_THRESHOLD, Reason.BELOW_CUT, Reason.GUARD, Reason.POISONED):
        return _too_far(miss, explained, exposed)
    answer = "the stored answer" if equal or not exposed else f"the nearest stored answer, to {_prompt(weighed)},"
    if miss.reason == Reason.LOW_QUALITY:
        stands = f" stands at {weighed.standing:.2f}" if weighed is not None and exposed else " stands too low"
        return f"{answer}{stands} (quality x decay), and policy asks for {explained.policy.min_quality:.2f}"
    if miss.reason == Reason.NOT_ACTIVE:
        return f"{answer} is out of service" + (f" ({miss.detail})" if miss.detail and exposed else "")
    return f"{answer} {_OF_AN_ANSWER.get(miss.reason, f'is refused ({miss.reason})')}"


def _nothing(explained: Explanation, exposed: bool) -> str:
    nothing = "nothing is stored for this model with this history, system prompt and settings"
    if "semantic" not in explained.tiers:
        nothing = "this very call has not been answered before, and its class or policy lets it match in no other way"
    if not explained.elsewhere or not exposed:
        return nothing
    nearest = explained.elsewhere[0]
    return (
        f"{nothing}; {_quoted(nearest.entry.prompt)} (similarity {nearest.similarity:.3f}) is stored, but for a call"
        " that differs in something beside its last text"
    )


def _why_shadow(explained: Explanation) -> str:
    if explained.policy.shadow:
        return f"policy {explained.policy.name!r} serves nothing by meaning (shadow)"
    alarm = explained.admission.alarm if explained.admission is not None else None
    return f"nothing is served by meaning here now: {alarm or 'no cut is known that keeps the error budget'}"


def _too_far(miss: Miss, explained: Explanation, exposed: bool) -> str:
    nearest = next(iter(explained.semantic), None)
    near = "the nearest stored prompt"
    if exposed and nearest is not None:
        near = f"{near}, {_quoted(nearest.candidate.entry.prompt)} (similarity {nearest.candidate.similarity:.3f}),"
    if miss.reason == Reason.GUARD:
        return f"{near} asks for something else" + (f" ({miss.detail})" if miss.detail and exposed else "")
    if miss.reason == Reason.POISONED:
        return f"{near} carries something that this one does not ask for"
    if miss.reason == Reason.BELOW_THRESHOLD:
        asked = explained.policy.similarity_threshold
        wanted = "the verifier looks at" if asked is None else f"the threshold of {asked} allows"
        return f"{near} is farther away than {wanted}"
    if not exposed or miss.judged is None or explained.cut is None:
        return f"{near} is not surely the same question"
    best = (
        "" if nearest is not None and miss.judged.entry.id == nearest.candidate.entry.id else " (of the best candidate)"
    )
    return (
        f"{near} is not surely the same question: the verifier's score{best} is {miss.judged.score:.3f},"
        f" and the cut is {explained.cut:.3f}"
    )


def _all(explained: Explanation) -> tuple[Weighed, ...]:
    return (*explained.exact, *explained.semantic)


def _prompt(weighed: Weighed | None) -> str:
    return _quoted(weighed.candidate.entry.prompt if weighed is not None else None)


def _quoted(prompt: str | None) -> str:
    text = " ".join((prompt or "").split())
    return f"“{text if len(text) <= QUOTED else text[: QUOTED - 1] + '…'}”"
