"""Statements over stored answers that stand on a call's path or behind its answer, compiled once."""

from __future__ import annotations

import sqlalchemy as sa

from store.database import Prepared
from store.dialects import members
from store.entry import COLUMNS
from store.tables import entries, evidence


def _count_up_to(most: str, *where: sa.ColumnElement[bool]) -> Prepared:
    """Counts rows, but no further than the value bound to ``most``."""
    found = sa.select(sa.literal(1)).where(*where).limit(sa.bindparam(most)).subquery()
    return Prepared(sa.select(sa.func.count()).select_from(found))


BY_EXACT_KEY = Prepared(
    sa.select(*COLUMNS).where(entries.c.exact_key == sa.bindparam("exact_key"), entries.c.status == "active")
)
BY_ID = Prepared(sa.select(*COLUMNS).where(entries.c.id == sa.bindparam("id_")))
BY_IDS = Prepared(sa.select(*COLUMNS).where(entries.c.id.in_(members("ids"))))
IN_USE = (entries.c.embedder == sa.bindparam("embedder"), entries.c.status == "active")
COMPATIBLE = sa.and_(entries.c.compat_key == sa.bindparam("compat_key"), *IN_USE)
COUNT_COMPATIBLE = _count_up_to("most", COMPATIBLE)
COUNT_LOOSE = _count_up_to("most", entries.c.loose_key == sa.bindparam("loose_key"), *IN_USE)
COMPATIBLE_VECTORS = Prepared(
    sa.select(entries.c.id, entries.c.vector).where(COMPATIBLE, entries.c.vector.is_not(None))
)
INSERT = Prepared(sa.insert(entries))
SUPERSEDE = Prepared(
    sa.update(entries)
    .where(entries.c.exact_key == sa.bindparam("key"), entries.c.status == "active")
    .values(status="superseded")
)
TOUCH = Prepared(
    sa.update(entries)
    .where(entries.c.id == sa.bindparam("id_"))
    .values(hits=entries.c.hits + sa.bindparam("more"), last_hit_at=sa.bindparam("at"))
)
MARK_INDEXED = Prepared(sa.update(entries).where(entries.c.id == sa.bindparam("id_")).values(indexed=1))

_LISTED = entries.c.id.in_(members("ids"))
_REVIVABLE = sa.or_(
    entries.c.status == "active",
    # Evidence or a person may bring these back.
    entries.c.status == "quarantined",
    entries.c.status == "blocked",
)
WITHDRAW = Prepared(sa.update(entries).where(_LISTED, _REVIVABLE).values(status=sa.bindparam("new_status")))
EVICT = Prepared(
    # No time left: the row goes as soon as its vector has left the index.
    sa.update(entries)
    .where(_LISTED, entries.c.status == "active")
    .values(status=sa.bindparam("new_status"), expires_at=sa.literal(0.0))
)
FORGET_EVIDENCE = Prepared(sa.delete(evidence).where(evidence.c.entry_id.in_(members("ids"))))
WIPE = Prepared(
    sa.update(entries)
    .where(_LISTED)
    .values(
        status=sa.literal("deleted"),
        expires_at=sa.literal(0.0),
        prompt=sa.null(),
        answer=sa.literal("{}"),
        tags=sa.literal("[]"),
        earlier=sa.null(),
        compat_key=sa.null(),
        loose_key=sa.null(),
        project=sa.null(),
        source_interaction_id=sa.null(),
    )
)
