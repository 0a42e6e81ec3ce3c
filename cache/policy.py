"""What an operator allows: tiers, threshold, quality floor, ages, and which tiers each class of call may use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

Tier = Literal["exact", "semantic"]
Shape = Literal["linear", "exponential", "step"]
MemoryMode = Literal["off", "read", "full"]

BOTH: Final[frozenset[Tier]] = frozenset({"exact", "semantic"})
EXACT: Final[frozenset[Tier]] = frozenset({"exact"})
NONE: Final[frozenset[Tier]] = frozenset()

DEFAULT_CLASSES: Final[Mapping[str, frozenset[Tier]]] = MappingProxyType(
    {
        "creative": EXACT,
        "volatile": NONE,
        "random": NONE,
        "action": NONE,
        "own-data": NONE,
        "secrets": NONE,
        "personal-data": EXACT,
        "tool-loop": EXACT,
        "several-choices": EXACT,
        "multimodal": EXACT,
        "high-temperature": EXACT,
    }
)


@dataclass(frozen=True, slots=True)
class Decay:
    """Older answers rank lower, down to a floor.

    With x = age / window: ``linear`` is 1 - x, nothing but the floor from age = window on; ``exponential`` is 2 ** -x,
    one half at age = window, a quarter at twice that; ``step`` is 1 before age = window and the floor from then on.
    """

    floor: float = 0.5
    window: float = 168 * 3600.0
    """Seconds."""
    shape: Shape = "linear"

    def at(self, age: float) -> float:
        """The factor in [floor, 1] for an age in seconds."""
        share = max(0.0, age) / self.window
        if self.shape == "linear":
            return max(self.floor, 1.0 - share)
        if self.shape == "exponential":
            return max(self.floor, math.exp2(-share))
        return 1.0 if share < 1.0 else self.floor


@dataclass(frozen=True, slots=True)
class Policy:
    """One named policy, as a call meets it (request controls already applied)."""

    name: str = "default"
    tiers: frozenset[Tier] = BOTH
    max_error_rate: float = 0.01
    """Wrong answers per semantic hit that are tolerated: the verifier's cut keeps them below it."""
    similarity_threshold: float | None = None
    """Cosine from which a neighbour is admitted, in place of verifier and budget; None: those decide."""
    min_similarity: float = 0.0
    """Cosine below which a neighbour is refused whatever the verifier says: a caller's own wish."""
    audit_rate: float = 0.02
    """Share of would-be semantic hits that is forwarded all the same, to measure the error of hits."""
    shadow: bool = False
    """Decide, log and count, but serve nothing by meaning."""
    deletion_gain: float | None = None
    """Refuse a stored prompt that a cut brings nearer to the new one by more than this cosine; None: not checked."""
    verified: int = 2
    """How many candidates the verifier is asked about at most."""
    min_quality: float = 0.70
    """Floor of quality x decay."""
    ttl: float = 24 * 3600.0
    """Seconds from storing to expiry; hits do not extend it. Held against an answer's age when serving too."""
    store_ttl: float | None = None
    """Seconds to expiry for the answer of this one call, where its caller named them."""
    max_age: float | None = None
    """Oldest answer that is accepted, seconds; None: ``ttl`` alone says."""
    serve_stale_for: float = 0.0
    """Seconds after expiry in which an answer may be served while one call in the background fetches a fresh one."""
    negative_ttl: float = 0.0
    """Seconds for which an upstream's refusal of a call (400, 404, 413, 422) is repeated; 0: not at all."""
    max_entries: int | None = None
    """The most active entries stored under this policy; None: no limit."""
    max_bytes: int | None = None
    """The most bytes of prompts and answers in them; None: no limit."""
    guards_off: frozenset[str] = frozenset()
    """Names of the guards (``cache.guards.GUARDS``) that do not veto."""
    serve_streams: bool = True
    """May a streamed call be answered from the cache?"""
    store_streams: bool = True
    """May the answer of a streamed call be stored?"""
    headers: frozenset[str] | None = None
    """The ``x-reprise-`` headers, without that prefix, that callers may use; None: all."""
    memory: MemoryMode = "full"
    """What memory does with a call: nothing; put memories into it; that, and learn from it."""
    decay: Decay = field(default_factory=Decay)
    max_temperature: float = 1.0
    candidates: int = 5
    """Neighbours fetched at first."""
    max_candidates: int = 80
    """Neighbours fetched at most, while the farthest of them is still above the threshold."""
    store_tool_calls: Literal["exact", "semantic", "never"] = "exact"
    allow_loosening: bool = False
    """May a caller ask for more reuse than this policy gives?"""
    match_history: Literal["equal", "meaning"] = "equal"
    """Must earlier turns be equal, or may they match by meaning, turn by turn?"""
    classes: Mapping[str, frozenset[Tier]] = field(default_factory=lambda: DEFAULT_CLASSES)


def is_no_looser(other: Policy, base: Policy) -> bool:
    """Would ``other`` never serve what ``base`` would not? Then a caller may choose it freely."""
    classes = other.classes.keys() | base.classes.keys()
    return (
        other.tiers <= base.tiers
        and _no_looser_cut(other, base)
        and _gain(other) <= _gain(base)
        and other.ttl <= base.ttl
        and _max_age(other) <= _max_age(base)
        and other.max_temperature <= base.max_temperature
        and _no_lower_floor(other, base)
        and _no_more_kept(other, base)
        and other.guards_off <= base.guards_off
        and other.serve_streams <= base.serve_streams
        and other.store_streams <= base.store_streams
        and (base.headers is None or (other.headers is not None and other.headers <= base.headers))
        and _no_more_memory(other, base)
        and _reuse(other) <= _reuse(base)
        and (other.match_history == "equal" or base.match_history == "meaning")
        and other.allow_loosening <= base.allow_loosening
        and all(other.classes.get(name, BOTH) <= base.classes.get(name, BOTH) for name in classes)
    )


def _no_looser_cut(other: Policy, base: Policy) -> bool:
    if other.shadow or base.shadow:
        return other.shadow
    if other.similarity_threshold is None or base.similarity_threshold is None:
        # A budget and a fixed threshold cannot be compared.
        same_kind = other.similarity_threshold is None and base.similarity_threshold is None
        audited = other.audit_rate >= base.audit_rate
        return same_kind and audited and other.max_error_rate <= base.max_error_rate
    return other.similarity_threshold >= base.similarity_threshold


def _no_lower_floor(other: Policy, base: Policy) -> bool:
    """Does ``other`` ask at least as much of an answer's quality as ``base``, at every age it serves?"""
    oldest = other.ttl + other.serve_stale_for
    if other.min_quality * base.decay.at(oldest) >= base.min_quality:
        # Even undecayed, what has the one quality has the other one, decayed as far as it ever counts.
        return True
    # With equal floor and window the line lies below the curve and the step; those two cross.
    below = other.decay.shape in (base.decay.shape, "linear")
    below = below and other.decay.floor <= base.decay.floor and other.decay.window <= base.decay.window
    return below and other.min_quality >= base.min_quality


def _no_more_kept(other: Policy, base: Policy) -> bool:
    return (
        other.serve_stale_for <= base.serve_stale_for
        and other.negative_ttl <= base.negative_ttl
        and _limit(other.max_entries) <= _limit(base.max_entries)
        and _limit(other.max_bytes) <= _limit(base.max_bytes)
    )


def _no_more_memory(other: Policy, base: Policy) -> bool:
    """Where callers may not name a mode by header, they may not get more by naming a policy."""
    modes = ("off", "read", "full")
    may_name = base.headers is None or "memory" in base.headers
    return may_name or modes.index(other.memory) <= modes.index(base.memory)


def _limit(most: int | None) -> float:
    return float("inf") if most is None else most


def _gain(policy: Policy) -> float:
    return float("inf") if policy.deletion_gain is None else policy.deletion_gain


def _max_age(policy: Policy) -> float:
    return float("inf") if policy.max_age is None else policy.max_age


def _reuse(policy: Policy) -> int:
    return ("never", "exact", "semantic").index(policy.store_tool_calls)
