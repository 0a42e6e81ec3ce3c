"""One chat call on its walk: what came in, where it belongs, what became of it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cache.call import Call
from cache.decision import Bypass, Decision, Hit, Judged, Miss, Reason
from cache.identity import exact_key
from memory.context.packs import Pack
from proxy.policy.policies import Chosen
from proxy.upstreams.base import Target
from proxy.wire import ChatRequest
from store.ids import new_id


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call, read and placed."""

    request: ChatRequest
    target: Target
    call: Call
    session: str
    client: str
    ignored: tuple[str, ...] = ()
    """Wishes that policy does not grant."""
    chosen: Chosen | None = None
    """The policy before request controls, with the route and the arm of an experiment that led to it."""
    interaction_id: str = dataclasses.field(default_factory=lambda: new_id("int"))
    pack: Pack | None = None
    """What memory put into the call."""
    sent: ChatRequest | None = None
    """The call with that in it; None: it goes on as it came."""
    holdout: bool | None = None
    """Was what memory had for it kept back, to measure what it is worth? None where memory had nothing for it."""

    @property
    def learns(self) -> bool:
        """May memory learn from it?"""
        return self.call.policy.memory == "full"

    @property
    def clients_key(self) -> str:
        """What the exact key would be with nothing put in: the client's own calls, told apart."""
        if self.pack is None:
            return self.call.exact_key
        return exact_key(self.call.body, dataclasses.replace(self.call.scope, memory=""))

    @property
    def outgoing(self) -> ChatRequest:
        """What the upstream is asked."""
        return self.sent or self.request

    @property
    def trial(self) -> Chosen | None:
        """The choice that counts in an experiment; None without an arm, or where the caller chose another policy."""
        chosen = self.chosen
        if chosen is None or chosen.arm is None or chosen.policy.name != self.call.policy.name:
            return None
        return chosen

    @property
    def elapsed(self) -> float:
        """Seconds since the call came in."""
        return time.perf_counter() - self.request.started


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the caller got."""

    decision: Decision
    status: int
    answer: Mapping[str, Any] | None = None
    """A chat completion; of a broken stream, as far as it came."""
    error: str | None = None
    upstream_status: int | None = None
    """What the upstream itself said; None where it said nothing."""
    refusal: str | None = None
    """Its words, where it refused the call."""
    upstream_ms: float | None = None
    entry_id: str | None = None
    """The entry served, or the one stored."""
    collapsed: bool = False

    @property
    def cache_status(self) -> str:
        """hit, stale, miss, bypass or refresh. A refusal that is repeated is a hit."""
        match self.decision:
            case Hit(stale=stale):
                return "stale" if stale else "hit"
            case Miss(reason=Reason.NEGATIVE):
                return "hit"
            case Bypass():
                return "bypass"
            case Miss(reason=Reason.REFRESH):
                return "refresh"
            case _:
                return "miss"

    @property
    def tier(self) -> str:
        """exact, semantic or upstream."""
        if isinstance(self.decision, Hit):
            return self.decision.tier
        return "exact" if self.decision.reason == Reason.NEGATIVE else "upstream"

    @property
    def judged(self) -> Judged | None:
        """What the verifier made of the candidate that was served, or came nearest to it."""
        return None if isinstance(self.decision, Bypass) else self.decision.judged

    @property
    def similarity(self) -> float | None:
        """Cosine of the answer served, or of the nearest one that was not."""
        return None if isinstance(self.decision, Bypass) else self.decision.similarity
