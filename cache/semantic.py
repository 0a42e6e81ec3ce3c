"""From neighbours to a decision: what was judged before, the verifier, shadow mode, audits, poisoned entries."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from cache.call import Call
from cache.decision import Candidate, Hit, Miss, Reason, decide
from cache.judges import Judge, Judges
from cache.poisoning import Embed, deletion_gain
from store.vectors import Vector


class Verdicts(Protocol):
    """What is known of pairs that were judged before."""

    def judged_wrong(self, prompt_key: str, entry_keys: Iterable[str]) -> set[str]:
        """Which of these entries, by exact_key, were judged wrong for this prompt. Raises ``DatabaseError``."""
        ...


def least_similarity(call: Call, judges: Judges | None) -> float | None:
    """Cosine from which a neighbour is worth a look; None where nothing could be served by meaning."""
    if call.policy.similarity_threshold is not None:
        return call.policy.similarity_threshold
    return None if judges is None else judges.floor


def marked(call: Call, candidates: Sequence[Candidate], verdicts: Verdicts | None) -> Sequence[Candidate]:
    """Candidates, with those marked that were judged wrong for this prompt before. Raises ``DatabaseError``."""
    if verdicts is None:
        return candidates
    wrong = verdicts.judged_wrong(call.exact_key, [one.entry.exact_key for one in candidates])
    if not wrong:
        return candidates
    return [dataclasses.replace(one, judged_wrong=one.entry.exact_key in wrong) for one in candidates]


def decide_semantic(
    call: Call, candidates: Sequence[Candidate], judges: Judges | None, now: float, chance: Callable[[], float]
) -> Hit | Miss:
    """Decide; a hit may yet be kept back, by shadow mode or for an audit. Raises ``VerifierError``."""
    assert call.fuzzy is not None
    judge, policy = None, call.policy
    if judges is not None and policy.similarity_threshold is None:
        judge = judges.of(call.scope.namespace, policy)
        # The nearest may lie below what is worth judging: it came along for the record.
        policy = dataclasses.replace(policy, min_similarity=max(policy.min_similarity, judges.floor))
    decision = decide(call.fuzzy.text, candidates, policy, now, judge)
    if judges is not None and decision.judged is not None:
        judges.seen(call.scope.namespace, call.fuzzy.text, decision.judged)
    return _kept_back(decision, call, judge, chance) if isinstance(decision, Hit) else decision


def unpoisoned(decision: Hit | Miss, call: Call, vector: Vector, embed: Embed) -> Hit | Miss:
    """A hit, unless its stored prompt carries more than the new one asks for, where policy has that checked.

    Args:
        vector: the new prompt's.
        embed: raises ``EmbedderError``.
    """
    limit = call.policy.deletion_gain
    if limit is None or not isinstance(decision, Hit) or decision.entry.prompt is None:
        return decision
    gain = deletion_gain(vector, decision.entry.prompt, decision.similarity, embed)
    if gain <= limit:
        return decision
    return Miss(Reason.POISONED, decision.similarity, f"gain {gain:.3f}", decision.judged)


def _kept_back(hit: Hit, call: Call, judge: Judge | None, chance: Callable[[], float]) -> Hit | Miss:
    if call.policy.shadow or (judge is not None and judge.shadow):
        return Miss(Reason.SHADOW, hit.similarity, judged=hit.judged)
    judged = hit.judged
    if judge is None or judged is None or not call.auditable or chance() >= judge.audit_rate:
        return hit
    return Miss(Reason.AUDIT, hit.similarity, judged=dataclasses.replace(judged, propensity=judge.audit_rate))
