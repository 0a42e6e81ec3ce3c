"""Sessions with and without memories, read from the log: what ``memory.statistics.worth`` compares.

A session takes part from the first call on that memory had something for; in both arms this call comes before whatever
the arm may change.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from memory.statistics.calls import HIT, Calls, share
from memory.statistics.turns import Reacts, reactions
from memory.statistics.worth import Conversation
from store.database import Database
from store.dialects import greatest, json_text, members
from store.tables import interactions as log
from store.tables import memory_references

MOST_CALLS: Final = 10_000
"""Calls whose turns are read, those of the newest sessions: reading takes some 0.1 ms each."""
MOST_TOKENS: Final = 20_000_000
"""Prompt tokens of these calls, for what they weigh in memory."""
READ_TOGETHER: Final = 200
"""Sessions in one query."""
SAID: Final = 2000
"""Characters of a prompt that are read, and one more."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """The sessions of a window that memory had something for."""

    conversations: Sequence[Conversation]
    contradicted: Mapping[bool, int]
    """By arm (True: held out), memories that users contradicted."""
    left_out: Mapping[str, int]
    """Sessions that are not compared: ``asked`` named a mode of memory, ``changed`` changed their arm as the share did,
    ``beyond`` are older than what is read."""


def by_holdout(database: Database, calls: Calls) -> dict[bool | None, Row]:
    """Calls of a window by ``holdout``, and of those that went upstream the tokens that it had cached.

    Raises ``DatabaseError``.
    """
    # A gateway that counts what was cached apart names more of it than of the prompt.
    told = sa.and_(log.c.cached_tokens.is_not(None), ~HIT)
    whole = greatest(sa.func.coalesce(log.c.prompt_tokens, 0), log.c.cached_tokens)
    statement = (
        sa.select(
            log.c.holdout,
            sa.func.count().label("calls"),
            sa.func.coalesce(sa.func.sum(sa.case((told, 1), else_=0)), 0).label("told"),
            sa.func.coalesce(sa.func.sum(sa.case((told, whole), else_=0)), 0).label("prompt_tokens"),
            sa.func.coalesce(sa.func.sum(sa.case((told, log.c.cached_tokens), else_=0)), 0).label("cached_tokens"),
        )
        .where(*calls.where())
        .group_by(log.c.holdout)
    )
    return {_flag(row["holdout"]): row for row in database.query(statement)}


def prompt_cache(found: Mapping[bool | None, Row]) -> Row:
    """What upstreams had cached of prompts, in all, and of those with and without memories in them.

    Only calls of which the upstream said it count; ``share`` is of their prompt tokens, None without such calls.
    """
    parts: dict[str, tuple[bool | None, ...]] = {"with_memory": (False,), "without": (None, True)}
    rows = {name: [found[key] for key in keys if key in found] for name, keys in parts.items()}
    everything = [row for part in rows.values() for row in part]
    return {**_cached(everything), **{name: _cached(part) for name, part in rows.items()}}


def conversations(database: Database, calls: Calls, reacts: Reacts) -> Found:
    """The sessions that took part, newest first. Raises ``DatabaseError``."""
    sessions, beyond = _sessions(database, calls)
    made: list[Conversation] = []
    contradicted = {True: 0, False: 0}
    left_out = {"asked": 0, "changed": 0, "beyond": beyond}
    for start in range(0, len(sessions), READ_TOGETHER):
        some = sessions[start : start + READ_TOGETHER]
        rows, objected = _rows(database, calls, some)
        for key in some:
            taking_part = _taking_part(rows.get(key, []))
            arms = {bool(row["holdout"]) for row in taking_part if row["holdout"] is not None}
            if any(row["asked"] for row in rows.get(key, [])):
                left_out["asked"] += 1
            elif len(arms) > 1:
                left_out["changed"] += 1
            elif arms:
                (held_out,) = arms
                made.append(_conversation(taking_part, held_out, reacts))
                contradicted[held_out] += sum(objected.get(row["id"], 0) for row in taking_part)
    return Found(made, contradicted, left_out)


def _sessions(database: Database, calls: Calls) -> tuple[list[tuple[str, str]], int]:
    """Namespace and id of the newest sessions that memory had something for, and how many more there are."""
    statement = (
        sa.select(
            log.c.namespace,
            log.c.session_id,
            sa.func.count().label("calls"),
            sa.func.coalesce(sa.func.sum(log.c.prompt_tokens), 0).label("tokens"),
        )
        .where(*calls.where(), sa.func.coalesce(log.c.session_id, "") != "")
        .group_by(log.c.namespace, log.c.session_id)
        .having(sa.func.count(log.c.holdout) > 0)
        .order_by(sa.func.min(log.c.created_at).desc(), log.c.session_id)
    )
    rows = database.query(statement)
    listed: list[tuple[str, str]] = []
    room, weight = MOST_CALLS, MOST_TOKENS
    for row in rows:
        room -= row["calls"]
        weight -= row["tokens"]
        if room < 0 or weight < 0:
            break
        listed.append((row["namespace"], row["session_id"]))
    return listed, len(rows) - len(listed)


def _rows(
    database: Database, calls: Calls, sessions: Sequence[tuple[str, str]]
) -> tuple[dict[tuple[str, str], list[Row]], dict[str, int]]:
    """The calls of these sessions in their order, and by id how many memories a call contradicts."""
    ids = members(sa.literal(json.dumps(sorted({session for _, session in sessions}))))
    asked = json_text(log.c.metadata, "controls", "memory")
    # The window must not tempt SQLite: the sessions are the few.
    where = [log.c.session_id.in_(ids), *calls.where_known()]
    statement = (
        sa.select(
            *(log.c[name] for name in "id namespace session_id success holdout".split()),
            *(log.c[name] for name in "prompt_tokens completion_tokens request response".split()),
            asked.label("asked"),
            sa.func.substr(log.c.prompt, 1, SAID + 1).label("prompt"),
        )
        .where(*where)
        .order_by(log.c.created_at, log.c.id)
    )
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in database.query(statement):
        rows[row["namespace"], row["session_id"]].append(row)
    objected = (
        sa.select(memory_references.c.interaction_id, sa.func.count().label("n"))
        .select_from(log.join(memory_references, memory_references.c.interaction_id == log.c.id))
        .where(memory_references.c.kind == "contradicted", *where)
        .group_by(memory_references.c.interaction_id)
    )
    return rows, {row["interaction_id"]: row["n"] for row in database.query(objected)}


def _taking_part(rows: Sequence[Row]) -> list[Row]:
    first = next((at for at, row in enumerate(rows) if row["holdout"] is not None), len(rows))
    return [row for row in rows[first:] if row["success"]]


def _conversation(rows: Sequence[Row], held_out: bool, reacts: Reacts) -> Conversation:
    counted = [row for row in rows if row["prompt_tokens"] is not None and row["completion_tokens"] is not None]
    said = list(reactions(rows, reacts))
    return Conversation(
        held_out=held_out,
        calls=len(rows),
        counted=len(counted),
        prompt_tokens=sum(row["prompt_tokens"] for row in counted),
        completion_tokens=sum(row["completion_tokens"] for row in counted),
        corrections=said.count("corrected"),
        repeats=said.count("repeated"),
    )


def _flag(holdout: int | None) -> bool | None:
    return None if holdout is None else bool(holdout)


def _cached(rows: Sequence[Row]) -> Row:
    calls, prompt, cached = (sum(row[name] for row in rows) for name in ("told", "prompt_tokens", "cached_tokens"))
    return {
        "calls": calls,
        "prompt_tokens": prompt,
        "cached_tokens": cached,
        "share": share(cached, prompt) if calls else None,
    }
