"""Was an answer that a rehearsal would have served the right one? As far as the log can tell.

What an upstream would have said is known of calls that were forwarded, and of their exact repetitions. Of a call that
was answered by meaning it is not: its answer is only known to be right where somebody said so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cache.agreement import Embed, compare
from cache.decision import Hit
from proxy.rehearsal.log import Logged
from store.labels import Label

RIGHT: Final = 0.5
"""Ratings from this on say that an answer was right."""

Source = Literal["label", "fresh", "same call", "rated", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of an answer that would have been served."""

    correct: bool | None
    """None: it cannot be told."""
    source: Source
    """Where it is known from: a label of the very pair; the fresh answer to this call; that to an equal one; a rated
    answer."""
    confidence: float = 0.0
    """How clear the case was, in [0, 1]: an order among verdicts."""
    why: str = ""
    """What decided, in a word."""
    right: Mapping[str, Any] | None = field(default=None, repr=False)
    """The answer that is known to be right."""


UNKNOWN: Final = Verdict(None, "unknown")


class Truth:
    """Knows right answers from the log, labels and ratings.

    Args:
        labels: of any age. embed: for comparing answers; raises what the embedder raises.
        served: exact_key by id of the entries that the log names.
    """

    def __init__(
        self, calls: Iterable[Logged], labels: Iterable[Label], served: Mapping[str, str], embed: Embed
    ) -> None:
        self._embed = embed
        self._served = served
        self._labels = {(label.prompt_key, label.entry_key): label.correct for label in labels}
        self._fresh = {
            call.exact_key: call.answer
            for call in calls
            if call.answer is not None and not (call.hit and call.tier == "semantic")
        }
        self._compared: dict[tuple[str, str], Verdict] = {}

    def verdict(self, call: Logged, hit: Hit) -> Verdict:
        """Is this hit right for this call? Raises what ``embed`` raises."""
        key = hit.entry.exact_key
        if key != call.exact_key and (call.exact_key, key) in self._labels:
            return Verdict(self._labels[call.exact_key, key], "label", 1.0, "label", self._fresh.get(call.exact_key))
        right, source = self._right(call, key)
        if right is None:
            return UNKNOWN
        # What a call brought itself may be newer than what is known under its key.
        pair = (call.id if source == "fresh" else call.exact_key, hit.entry.id)
        if pair not in self._compared:
            said = compare(right, hit.entry.answer, self._embed)
            self._compared[pair] = Verdict(said.same, source, said.confidence, said.reason, right)
        return self._compared[pair]

    def _right(self, call: Logged, entry_key: str) -> tuple[Mapping[str, Any] | None, Source]:
        if not call.hit and call.answer is not None:
            return call.answer, "fresh"
        if entry_key == call.exact_key:
            # Its own answer again.
            return None, "unknown"
        if call.exact_key in self._fresh:
            return self._fresh[call.exact_key], "same call"
        served = self._served.get(call.entry_id or "")
        told_right = self._labels.get((call.exact_key, served)) if served is not None else None
        rated_right = call.quality is not None and call.quality >= RIGHT
        if served != entry_key and (told_right or (told_right is None and rated_right)):
            return call.answer, "rated"
        return None, "unknown"
