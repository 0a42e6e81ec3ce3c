"""Many stored answers at once: what is moved in by the thousand goes past memory, which is for what is in use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future

import sqlalchemy as sa

from store import statements
from store.database import Database, Prepared
from store.dialects import members
from store.entry import Entry, as_row
from store.tables import entries, epochs

_HELD = Prepared(
    sa.select(entries.c.exact_key, sa.func.max(sa.case((entries.c.status == "active", 1), else_=0)))
    .where(
        entries.c.exact_key.in_(members("keys")),
        sa.or_(
            sa.and_(entries.c.status == "active", entries.c.expires_at > sa.bindparam("now")),
            entries.c.status == "blocked",
            entries.c.status == "quarantined",
        ),
    )
    .group_by(entries.c.exact_key)
)


def held(database: Database, exact_keys: Sequence[str], now: float) -> dict[str, bool]:
    """Of these keys, those that already have an answer: True for one that may be served, False for one taken out.

    Raises ``DatabaseError``.
    """
    rows = database.read(_HELD, {"keys": json.dumps(list(exact_keys)), "now": now})
    return {key: bool(active) for key, active in rows}


def insert(database: Database, new: Sequence[Entry]) -> Future[None]:
    """Queue entries without vectors, all of them or none.

    The future resolves after the commit, or raises ``DatabaseError``. Their vectors come with the next sweep.
    """
    return database.writer.submit(statements.INSERT, *(as_row(entry, None, None) for entry in new))


def epochs_begun(database: Database) -> dict[str, float]:
    """When each namespace's present epoch began, seconds since 1970; without those that never raised theirs.

    Raises ``DatabaseError``.
    """
    rows = database.query(sa.select(epochs.c.namespace, epochs.c.at))
    return {row["namespace"]: row["at"] for row in rows}
