"""Which prompts saved most, which cost most though they came before, and what bypassed classes cost."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from memory.statistics.calls import HIT, TOKENS, Calls, count, share, total
from store.database import Database
from store.tables import entries, labels
from store.tables import interactions as log

SHOWN = 200
"""Characters of a prompt that are shown."""
SAMPLED = 5_000
"""Newest misses whose prompts are read to find those that come again under another key."""

Row = dict[str, Any]


def shortened(prompt: str | None) -> str:
    """One line of at most 200 characters."""
    text = " ".join((prompt or "")[: 4 * SHOWN].split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


class Prompts:
    """Prompts by what they saved or cost, dearest first. Every method raises ``DatabaseError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def saved(self, calls: Calls, limit: int) -> list[Row]:
        """The stored answers whose hits saved most: prompt, hits by tier, tokens and money saved."""
        statement = (
            sa.select(
                log.c.entry_id,
                sa.func.count().label("hits"),
                count(log.c.tier == "semantic").label("semantic_hits"),
                sa.func.sum(TOKENS).label("tokens_saved"),
                total(log.c.cost_saved).label("cost_saved_usd"),
                sa.func.max(log.c.id).label("newest"),
            )
            .where(*calls.where(), HIT, log.c.entry_id.is_not(None))
            .group_by(log.c.entry_id)
            .order_by(sa.desc("cost_saved_usd"), sa.desc("tokens_saved"), log.c.entry_id)
            .limit(limit)
        )
        rows = self._database.query(statement)
        stored = self._texts(entries.c.id, entries.c.prompt, [row["entry_id"] for row in rows])
        asked = self._texts(log.c.id, log.c.prompt, [row["newest"] for row in rows])
        return [
            {"prompt": shortened(stored.get(row["entry_id"]) or asked.get(row["newest"])), **_without(row, "newest")}
            for row in rows
        ]

    def repeated(self, calls: Calls, limit: int) -> list[Row]:
        """Equal calls that went to the upstream more than once, by what all but one of each cost on average.

        ``why``: how many of them by reason; a bypassed class stands under its name.
        """
        by_hash = self._forwarded(calls).group_by(log.c.input_hash).having(sa.func.count() > 1)
        dearest = by_hash.order_by(sa.desc("cost_repeated_usd"), sa.desc("calls"), log.c.input_hash).limit(limit)
        rows = self._database.query(dearest)
        why = self._why(calls, [row["input_hash"] for row in rows])
        asked = self._texts(log.c.id, log.c.prompt, [row["newest"] for row in rows])
        return [
            {
                "prompt": shortened(asked.get(row["newest"])),
                "calls": row["calls"],
                "tokens": row["tokens"],
                "cost_usd": row["cost_usd"],
                "cost_repeated_usd": row["cost_repeated_usd"],
                "why": why.get(row["input_hash"], {}),
                "interaction_id": row["newest"],
            }
            for row in rows
        ]

    def nearly_repeated(self, calls: Calls, limit: int) -> list[Row]:
        """Stored answers that would have been right for misses, as a comparison with the fresh answers found."""
        statement = (
            sa.select(
                labels.c.entry_id,
                sa.func.max(labels.c.stored_prompt).label("stored_prompt"),
                sa.func.count().label("calls"),
                sa.func.sum(TOKENS).label("tokens"),
                total(log.c.cost).label("cost_usd"),
                sa.func.max(labels.c.score).label("best_score"),
                sa.func.max(log.c.id).label("interaction_id"),
            )
            .select_from(labels.join(log, log.c.id == labels.c.interaction_id))
            .where(labels.c.source == "miss", labels.c.correct == 1, *calls.where_known())
            .group_by(labels.c.entry_id)
            .order_by(sa.desc("cost_usd"), sa.desc("calls"), labels.c.entry_id)
            .limit(limit)
        )
        return [
            {"prompt": shortened(row["stored_prompt"]), **_without(row, "stored_prompt")}
            for row in self._database.query(statement)
        ]

    def reasons(self, calls: Calls) -> list[Row]:
        """By policy, status and reason: calls that went to the upstream, how many were exact repeats, what both cost.

        A repeat is a call that is equal to an earlier one of the same row.
        """
        keys = (log.c.policy, log.c.cache_status, log.c.reason)
        by_hash = self._forwarded(calls, *keys).group_by(*keys, log.c.input_hash).subquery()
        statement = (
            sa.select(
                by_hash.c.policy,
                by_hash.c.cache_status,
                by_hash.c.reason,
                sa.func.sum(by_hash.c.calls).label("calls"),
                sa.func.sum(by_hash.c.calls - 1).label("repeats"),
                sa.func.sum(by_hash.c.cost_usd).label("cost_usd"),
                sa.func.sum(by_hash.c.cost_repeated_usd).label("cost_repeated_usd"),
            )
            .group_by(by_hash.c.policy, by_hash.c.cache_status, by_hash.c.reason)
            .order_by(sa.desc("cost_repeated_usd"), sa.desc("repeats"), sa.desc("calls"))
        )
        return [{**row, "repeat_share": share(row["repeats"], row["calls"])} for row in self._database.query(statement)]

    def rekeyed(self, calls: Calls) -> Row:
        """Among the newest misses without any entry: how many repeat an earlier one's text under another key.

        Something besides the text differs then with each call: a header, a system prompt, a parameter.
        """
        newest = (
            sa.select(log.c.input_hash, log.c.prompt)
            .where(*calls.where(), log.c.success == 1, log.c.reason == "no_entry", log.c.input_hash.is_not(None))
            .order_by(log.c.created_at.desc(), log.c.id.desc())
            .limit(SAMPLED)
            .subquery()
        )
        keys = sa.func.count(sa.distinct(newest.c.input_hash)).label("keys")
        by_text = sa.select(keys).group_by(newest.c.prompt).subquery()
        statement = sa.select(
            sa.func.coalesce(sa.func.sum(by_text.c["keys"]), 0).label("calls"),
            sa.func.coalesce(sa.func.sum(by_text.c["keys"] - 1), 0).label("rekeyed"),
        )
        return self._database.query(statement)[0]

    def _forwarded(self, calls: Calls, *keys: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """Answered by the upstream, with what all but the first call of a group cost."""
        cost = total(log.c.cost)
        return sa.select(
            *keys,
            log.c.input_hash,
            sa.func.count().label("calls"),
            sa.func.sum(TOKENS).label("tokens"),
            cost.label("cost_usd"),
            (cost * (sa.func.count() - 1) / sa.func.count()).label("cost_repeated_usd"),
            sa.func.max(log.c.id).label("newest"),
        ).where(*calls.where(), sa.not_(HIT), log.c.success == 1, log.c.input_hash.is_not(None))

    def _why(self, calls: Calls, hashes: list[str]) -> dict[str, dict[str, int]]:
        statement = (
            sa.select(log.c.input_hash, log.c.reason, sa.func.count().label("n"))
            .where(*calls.where(), sa.not_(HIT), log.c.success == 1, log.c.input_hash.in_(hashes))
            .group_by(log.c.input_hash, log.c.reason)
            .order_by(sa.desc("n"), log.c.reason)
        )
        found: dict[str, dict[str, int]] = {}
        for row in self._database.query(statement) if hashes else ():
            found.setdefault(row["input_hash"], {})[row["reason"] or "unknown"] = row["n"]
        return found

    def _texts(self, key: sa.Column[Any], text: sa.Column[Any], ids: list[str]) -> dict[str, str | None]:
        statement = sa.select(key.label("id"), text.label("text")).where(key.in_(ids))
        return {row["id"]: row["text"] for row in self._database.query(statement)} if ids else {}


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}
