"""Statements over stored answers that stand on a call's path or behind its answer, compiled once."""

from __future__ import annotations

import sqlalchemy as sa

from store.database import Prepared
from store.entry import COLUMNS
from store.tables import entries

BY_EXACT_KEY = Prepared(
    sa.select(*COLUMNS).where(entries.c.exact_key == sa.bindparam("exact_key"), entries.c.status == "active")
)
BY_ID = Prepared(sa.select(*COLUMNS).where(entries.c.id == sa.bindparam("id_")))
BY_IDS = Prepared(
    sa.select(*COLUMNS).where(
        entries.c.id.in_(sa.select(sa.func.json_each(sa.bindparam("ids")).table_valued("value").c.value))
    )
)
COMPATIBLE = sa.and_(
    entries.c.compat_key == sa.bindparam("compat_key"),
    entries.c.embedder == sa.bindparam("embedder"),
    entries.c.status == "active",
)
COUNT_COMPATIBLE = Prepared(
    sa.select(sa.func.count()).select_from(
        sa.select(sa.literal(1)).where(COMPATIBLE).limit(sa.bindparam("most")).subquery()
    )
)
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
