"""How a stored answer stands: the evidence for and against it, and the status that follows.

Each piece of evidence is a row, so that it can be taken back; an entry's alpha and beta are its prior plus their sums.
These are steps of a transaction that holds the write lock; ``store.entries`` runs them and keeps memory in line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import sqlalchemy as sa

from store.database import Prepared
from store.dialects import upsert
from store.tables import entries, evidence

Unfit = Callable[[float, float], bool]
"""Says from quality in [0, 1] and the pseudo-counts of evidence gathered whether an entry must not be served."""


class _State(NamedTuple):
    alpha: float
    beta: float
    status: str
    expires_at: float
    gathered_alpha: float
    gathered_beta: float
    given_alpha: float
    """What one source has given so far."""
    given_beta: float

    @property
    def quality(self) -> float:
        return self.alpha / (self.alpha + self.beta)

    @property
    def gathered(self) -> float:
        return self.gathered_alpha + self.gathered_beta

    def moved(self, alpha: float, beta: float) -> _State:
        """With so much more evidence."""
        return self._replace(
            alpha=self.alpha + alpha,
            beta=self.beta + beta,
            gathered_alpha=self.gathered_alpha + alpha,
            gathered_beta=self.gathered_beta + beta,
        )


def _evidence(column: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    of_entry = sa.select(column).where(evidence.c.entry_id == entries.c.id, *conditions)
    return sa.func.coalesce(of_entry.scalar_subquery(), 0.0)


_OF_SOURCE = evidence.c.source == sa.bindparam("source")
_STATE = Prepared(
    sa.select(
        entries.c.alpha,
        entries.c.beta,
        entries.c.status,
        entries.c.expires_at,
        _evidence(sa.func.sum(evidence.c.alpha)),
        _evidence(sa.func.sum(evidence.c.beta)),
        _evidence(evidence.c.alpha, _OF_SOURCE),
        _evidence(evidence.c.beta, _OF_SOURCE),
    ).where(entries.c.id == sa.bindparam("id_"))
)
_BY_ID = entries.c.id == sa.bindparam("id_")
_GIVE = Prepared(upsert(evidence))
_MOVE = Prepared(
    sa.update(entries).where(_BY_ID).values({name: sa.bindparam(f"new_{name}") for name in ("alpha", "beta", "status")})
)
_TO_EMBED = Prepared(sa.update(entries).where(_BY_ID).values(vector=None, indexed=0))
_FORGET = Prepared(sa.delete(evidence).where(evidence.c.entry_id == sa.bindparam("id_")))


def weigh(
    connection: sa.Connection, id_: str, given: tuple[float, float], source: str, unfit: Unfit | None, now: float
) -> None:
    """Put a source's evidence in the place of what it gave before; see ``Entries.reinforce``."""
    before = _state(connection, id_, source)
    if before is None:
        return
    after = before.moved(given[0] - before.given_alpha, given[1] - before.given_beta)
    if unfit is not None and unfit(after.quality, after.gathered):
        after = after._replace(status="quarantined" if before.status == "active" else before.status)
    elif unfit is not None and before.status == "quarantined" and unfit(before.quality, before.gathered):
        after = after._replace(status=_released(after, now))
    row = {"source": source, "entry_id": id_, "at": now, "alpha": given[0], "beta": given[1]}
    _GIVE.run(connection, row)
    _write(connection, id_, before, after)


def move(connection: sa.Connection, id_: str, before: Collection[str], after: str) -> None:
    """Change an entry's status where it has one of these."""
    state = _state(connection, id_)
    if state is not None and state.status in before:
        _write(connection, id_, state, state._replace(status=after))


def release(connection: sa.Connection, id_: str, now: float) -> None:
    """Make a blocked or quarantined entry active, or expired; see ``Entries.unblock``."""
    before = _state(connection, id_)
    if before is None or before.status not in ("blocked", "quarantined"):
        return
    after = before._replace(status=_released(before, now))
    if before.status == "quarantined":
        after = after.moved(-before.gathered_alpha, -before.gathered_beta)
        _FORGET.run(connection, {"id_": id_})
    _write(connection, id_, before, after)


def _released(state: _State, now: float) -> str:
    return "active" if state.expires_at > now else "expired"


def _state(connection: sa.Connection, id_: str, source: str = "") -> _State | None:
    found = _STATE.run(connection, {"id_": id_, "source": source}).first()
    return None if found is None else _State._make(found)


def _write(connection: sa.Connection, id_: str, before: _State, after: _State) -> None:
    values = {"id_": id_, "new_alpha": after.alpha, "new_beta": after.beta, "new_status": after.status}
    _MOVE.run(connection, values)
    if after.status == "active" != before.status:
        # Its vector has left the index, or is about to: without one, the next sweep embeds it again.
        _TO_EMBED.run(connection, {"id_": id_})
