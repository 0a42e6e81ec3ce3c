"""Why a call is a hit, a miss or a bypass: the decision itself, made under observation, and all that it weighed.

Nothing is decided here. The call goes through the real ``Cache`` with parts that note what they are asked and leave no
trace: no hit is counted, no audit drawn, nothing taken note of. ``cache.sentences`` puts it into words.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cache import guards
from cache.calibration import Admission
from cache.call import Call
from cache.classes import allowed_tiers
from cache.decision import Candidate, Decision, Hit, Judged, Miss, decide, rank, standing
from cache.judges import Judges, LearnedJudges
from cache.lookup import Cache
from cache.neighbours import Neighbours
from cache.observers import NotingNeighbours, QuietWatch, SilentJudges
from cache.policy import Policy, Tier
from cache.semantic import Verdicts, decide_semantic, marked
from cache.verifier import VerifierError
from store.embedder import EmbedderError
from store.entries import Entries, Entry
from store.errors import VectorIndexError

SHOWN: Final = 10
"""Candidates of a tier that are weighed in full, the nearest first: each costs the verifier some milliseconds."""
ELSEWHERE: Final = 3
"""Entries named at most that are near but must not serve, because something beside the last text differs."""
NEAR: Final = 0.7
"""Cosine from which those are worth naming."""

CutSource = Literal["fixed", "prior", "learned", "none"]


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """What one guard has to say of a pair of prompts; silent guards say nothing."""

    guard: str
    words: str
    """Those that made it speak."""
    veto: bool
    """Is it sure, and does policy listen to it? Otherwise it is a doubt, which the verifier weighs."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """One stored answer, and what the decision makes of it."""

    candidate: Candidate
    age: float
    """Seconds."""
    decay: float
    rank: float
    """Quality x similarity x decay: the order among the admitted."""
    standing: float
    """Quality x decay: what the policy's floor is held against."""
    verdict: Hit | Miss
    """The decision, were this the only candidate."""
    guards: tuple[GuardVerdict, ...] = ()
    judged: Judged | None = None
    """The verifier's score; None where it cannot be asked: no prompt, no verifier, a fixed threshold."""
    asked: bool = False
    """Did the decision need the verifier's word on it?"""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and how it came about."""

    decision: Decision
    """What a call would get now, if it is not drawn for an audit."""
    classes: tuple[str, ...]
    tiers: frozenset[Tier]
    """Those the call may use."""
    policy: Policy
    exact: tuple[Weighed, ...] = ()
    semantic: tuple[Weighed, ...] = ()
    """Nearest first."""
    elsewhere: tuple[Candidate, ...] = ()
    """Near prompts of the same partition whose answers belong to another model, history, system prompt or setting."""
    cut: float | None = None
    """Scores (or with a fixed threshold, similarities from it on) strictly above it are served."""
    cut_source: CutSource = "none"
    shadow: bool = False
    audit_rate: float = 0.0
    """Share of would-be hits by meaning that is forwarded all the same."""
    admission: Admission | None = None
    """What the cut stands on, where it was learned or shipped."""
    failures: tuple[str, ...] = ()
    """Parts that failed: the call would go on without them."""


class Explainer:
    """Explains calls against one store.

    Args:
        entries, neighbours, judges, verdicts, clock: as ``Cache`` has them.
    """

    def __init__(
        self,
        entries: Entries,
        neighbours: Neighbours | None,
        judges: Judges | None,
        verdicts: Verdicts | None,
        clock: Callable[[], float],
    ) -> None:
        self._entries = entries
        self._neighbours = neighbours
        self._judges = judges
        self._verdicts = verdicts
        self._clock = clock

    async def explain(self, call: Call) -> Explanation:
        """The decision on a call, without serving or storing anything. Raises ``DatabaseError``."""
        now, watch = self._clock(), QuietWatch()
        noting = NotingNeighbours(self._neighbours) if self._neighbours is not None else None
        judges = SilentJudges(self._judges) if self._judges is not None else None
        cache = Cache(self._entries, noting, watch, lambda: now, judges, self._verdicts, chance=_never)
        try:
            lookup = await cache.lookup(call)
        finally:
            await asyncio.to_thread(cache.close)
        return await asyncio.to_thread(self._weighed, call, lookup.decision, noting, judges, watch, now)

    def _weighed(
        self,
        call: Call,
        decision: Decision,
        noting: NotingNeighbours | None,
        judges: SilentJudges | None,
        watch: QuietWatch,
        now: float,
    ) -> Explanation:
        classes = call.classes
        tiers, _ = allowed_tiers(classes, call.policy)
        exact = self._entries.by_exact_key(call.exact_key) if "exact" in tiers else []
        found = marked(call, noting.found, self._verdicts) if noting is not None else ()
        # Only what the decision asked; weighing asks about the others, too.
        asked = frozenset(judges.asked) if judges is not None else frozenset()
        return dataclasses.replace(
            self._cut(call, judges),
            decision=decision,
            classes=tuple(classes),
            tiers=tiers,
            exact=tuple(_weigh_exact(entry, call, now) for entry in exact[:SHOWN]),
            semantic=tuple(_weigh_semantic(one, call, judges, now, asked) for one in found[:SHOWN]),
            elsewhere=tuple(self._elsewhere(call, noting, found, watch)) if isinstance(decision, Miss) else (),
            failures=tuple(watch.failures),
        )

    def _cut(self, call: Call, judges: SilentJudges | None) -> Explanation:
        """An explanation with what is known of the cut alone."""
        policy = call.policy
        known = Explanation(Miss(""), (), frozenset(), policy)
        if policy.similarity_threshold is not None:
            threshold = max(policy.similarity_threshold, policy.min_similarity)
            return dataclasses.replace(known, cut=threshold, cut_source="fixed", shadow=policy.shadow)
        if judges is None:
            return known
        judge = judges.of(call.scope.namespace, policy)
        admission = _admission(self._judges, call.scope.namespace, policy)
        source: CutSource = "fixed" if admission is None else admission.source
        return dataclasses.replace(
            known,
            cut=judge.cut,
            cut_source=source,
            shadow=judge.shadow,
            audit_rate=judge.audit_rate if call.auditable else 0.0,
            admission=admission,
        )

    def _elsewhere(
        self, call: Call, noting: NotingNeighbours | None, found: Sequence[Candidate], watch: QuietWatch
    ) -> list[Candidate]:
        """Prompts nearer than those found, which were not even looked at: something beside their last text differs."""
        if noting is None or call.fuzzy is None or not noting.fits(call.fuzzy.text):
            return []
        least = max([NEAR, *(one.similarity for one in found)])
        try:
            near = noting.near(noting.embed(call.fuzzy.text), call.scope, SHOWN)
        except (EmbedderError, VectorIndexError) as error:
            watch.failed(error)
            return []
        others = (one for one in near if one.entry.status == "active" and one.entry.compat_key != call.fuzzy.compat_key)
        return [one for one in others if one.similarity > least][:ELSEWHERE]


def _never() -> float:
    """Draws no audit."""
    return 1.0


def _weigh_exact(entry: Entry, call: Call, now: float) -> Weighed:
    candidate = Candidate(entry, 1.0, "exact")
    return _weigh(candidate, call, now, decide(None, [candidate], call.policy, now))


def _weigh_semantic(
    candidate: Candidate, call: Call, judges: SilentJudges | None, now: float, asked: frozenset[tuple[str, str]]
) -> Weighed:
    assert call.fuzzy is not None
    text, stored = call.fuzzy.text, candidate.entry.prompt
    try:
        verdict = decide_semantic(call, [candidate], judges, now, _never)
        judged = verdict.judged
        if judged is None and judges is not None and stored is not None and call.policy.similarity_threshold is None:
            judged = judges.of(call.scope.namespace, call.policy).judge(text, candidate)
    except VerifierError as error:
        verdict, judged = Miss("tier_failed", candidate.similarity, str(error)), None
    weighed = _weigh(candidate, call, now, verdict)
    spoken = () if stored is None or stored == text else tuple(_guards(text, stored, call.policy))
    return dataclasses.replace(weighed, guards=spoken, judged=judged, asked=(text, stored) in asked)


def _weigh(candidate: Candidate, call: Call, now: float, verdict: Hit | Miss) -> Weighed:
    entry, policy = candidate.entry, call.policy
    return Weighed(
        candidate,
        age=max(0.0, now - entry.created_at),
        decay=policy.decay.at(now - entry.created_at),
        rank=rank(candidate, policy, now),
        standing=standing(entry, policy, now),
        verdict=verdict,
    )


def _guards(new: str, stored: str, policy: Policy) -> list[GuardVerdict]:
    pair = guards.Pair(new, stored)
    found = ((guard.__name__, guard(pair)) for guard in guards.GUARDS)
    return [
        GuardVerdict(name, " ".join(one.words), one.sure and name not in policy.guards_off)
        for name, one in found
        if one is not None
    ]


def _admission(judges: Judges | None, namespace: str, policy: Policy) -> Admission | None:
    if not isinstance(judges, LearnedJudges):
        return None
    return judges.calibrations.of(namespace, policy.max_error_rate, policy.audit_rate)
