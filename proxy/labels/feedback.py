"""Feedback on one interaction: it moves the answer's quality, becomes a label, and is kept in the log.

A call without HTTP, which ``POST /v1/feedback`` wraps. Said again, it takes the place of what was said before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cache.quality import Evidence, Kind, feedback, is_unfit
from memory.interactions import Interactions, stamp_at
from proxy.errors import InvalidRequest, NotFound
from store.entries import Entries, Entry
from store.errors import DatabaseError
from store.labels import Label, Labels

PATIENCE = 10.0
"""Seconds to wait until a label is written."""

NO_VERIFIER = "similarity"
NO_EMBEDDER = "unknown"
"""What a label names where its interaction did not: no cut is learned from it, but the pair is judged."""


@dataclass(frozen=True, slots=True)
class Given:
    """What feedback did."""

    interaction_id: str
    score: float
    entry: Entry | None
    """The entry behind the answer, as it is now; None where there is none (any more)."""
    labelled: bool
    """Did it become a label? Only what is said of an answer served by meaning does."""
    replaced: bool
    """Was there feedback on this interaction before?"""


class Feedback:
    """Takes in what people say about answers.

    Each call blocks for a few writes to SQL; keep it off the event loop.

    Of an interaction served by meaning, these fields are read from the row's ``metadata`` where they are present:
    ``verifier`` and ``embedder`` (ids), ``score`` (the verifier's, in [0, 1]) and ``signals`` (a list of numbers).
    Without them the score is the similarity, and verifier and embedder have names that nothing is learned for.

    Args:
        told: called with each label once it is written, on the thread of ``give``. Feedback given again tells a label
            of the same id, which takes the earlier one's place.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        interactions: Interactions,
        entries: Entries,
        labels: Labels,
        told: Callable[[Label], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._interactions = interactions
        self._entries = entries
        self._labels = labels
        self._told = told
        self._clock = clock

    def give(
        self,
        interaction_id: str,
        namespace: str | None = None,
        *,
        score: float | None = None,
        correct: bool | None = None,
        comment: str | None = None,
    ) -> Given:
        """Say how good the answer of an interaction was.

        Args:
            namespace: the one whose interactions the caller may see; None for all.
            score: in [0, 1]; from 0.5 on the answer counts as right. Either this or ``correct``.
            correct: was it right? The same as a score of 1 or 0.
            comment: kept with the interaction.

        Raises:
            InvalidRequest: neither or both of score and correct, or a score out of range; ``param`` names it.
            NotFound: no such interaction in this namespace.
            DatabaseError: it could not be kept, or only in part; saying it again completes it.
        """
        rating = _rating(score, correct)
        row = self._interactions.get(interaction_id, namespace)
        if row is None:
            raise NotFound(f"No interaction {interaction_id!r}.", param="interaction_id")
        entry = self._entry(row)
        label = None if entry is None else self._label(row, entry, correct=rating >= 0.5)
        if label is not None:
            # First, for a wrong pair must not be served again whatever fails after it.
            self._add(label)
        if entry is not None:
            evidence = feedback(rating)
            entry = weigh(self._entries, entry.id, evidence if label is None else evidence.elsewhere(), row["id"])
        # An equal input was served the output of an earlier run: this is about that one as well.
        rated = [row["id"], *_run_behind(row)]
        said = {"score": rating, "comment": comment, "at": stamp_at(self._clock())}
        for id_ in rated:
            self._interactions.rate(id_, rating, feedback=said)
        return Given(row["id"], rating, entry, label is not None, "feedback" in row["metadata"])

    def _add(self, label: Label) -> None:
        try:
            self._labels.add(label).result(PATIENCE)
        except TimeoutError as error:
            raise DatabaseError("the label is not written yet") from error
        if self._told is not None:
            self._told(label)

    def _entry(self, row: Mapping[str, Any]) -> Entry | None:
        """The entry that was served, or that the fresh answer made; never another namespace's."""
        entry = self._entries.get(row["entry_id"]) if row["entry_id"] else None
        return entry if entry is not None and entry.namespace == row["namespace"] else None

    def _label(self, row: Mapping[str, Any], entry: Entry, *, correct: bool) -> Label | None:
        if row["cache_status"] not in ("hit", "stale") or row["tier"] != "semantic" or row["input_hash"] is None:
            return None
        facts = row["metadata"]
        similarity = _number(row["similarity"], 0.0)
        score = _number(facts.get("score"), similarity)
        signals = facts.get("signals")
        return Label(
            id=f"lab_{row['id']}",
            at=self._clock(),
            namespace=row["namespace"],
            verifier=str(facts.get("verifier") or NO_VERIFIER),
            embedder=str(facts.get("embedder") or NO_EMBEDDER),
            prompt_key=row["input_hash"],
            entry_key=entry.exact_key,
            entry_id=entry.id,
            prompt=row["prompt"],
            stored_prompt=entry.prompt or "",
            similarity=similarity,
            score=min(1.0, max(0.0, score)),
            signals=tuple(_number(value, 0.0) for value in signals) if isinstance(signals, list) else (similarity,),
            correct=correct,
            source="feedback",
            method="person",
            # Who speaks up is no random draw: nothing may be weighted by this.
            propensity=1.0,
            interaction_id=row["id"],
        )


def _run_behind(row: Mapping[str, Any]) -> list[str]:
    """The run of a tool that this hit repeated word for word; one that was merely similar may be right for its own."""
    of_tool = row["tool_id"] is not None and row["interaction_type"] != "llm"
    return [row["entry_id"]] if of_tool and row["cache_status"] == "hit" and row["tier"] == "exact" else []


def weigh(entries: Entries, entry_id: str, evidence: Evidence, interaction_id: str, detail: str = "") -> Entry | None:
    """Move an entry's quality by what was learned of one interaction, and quarantine it where that falls too low.

    What this interaction gave this entry before by the same kind of observation (and ``detail``) is taken back first.
    What the next turn says is one kind. Raises ``DatabaseError``.
    """
    kind = "next_turn" if evidence.kind in _NEXT_TURN else str(evidence.kind)
    source = ":".join(part for part in (interaction_id, kind, detail) if part)
    return entries.reinforce(entry_id, evidence.alpha, evidence.beta, source=source, unfit=is_unfit)


_NEXT_TURN = frozenset({Kind.REPEATED, Kind.CORRECTED, Kind.THANKED, Kind.WENT_ON})


def _rating(score: float | None, correct: bool | None) -> float:
    if score is None and correct is None:
        raise InvalidRequest("Give either 'score' or 'correct'.", param="score")
    if score is not None and correct is not None:
        raise InvalidRequest("Give either 'score' or 'correct', not both.", param="correct")
    if correct is not None:
        return 1.0 if correct else 0.0
    if score is None or not 0.0 <= score <= 1.0:
        raise InvalidRequest("'score' takes a number from 0 to 1.", param="score")
    return score


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
