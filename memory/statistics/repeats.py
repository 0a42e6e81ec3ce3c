"""Where repeats are: the tools most called, and models, projects, clients and policies with what they ask again."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import sqlalchemy as sa

from memory.statistics.calls import BEHIND, HIT, Calls, count, share, total
from store.database import Database
from store.tables import interactions as log

DIMENSIONS = ("model", "project", "client", "policy")
READ = 2_000
"""Newest answers with tool calls that are read."""

Row = dict[str, Any]


class Repeats:
    """What is called most, and how much of it is asked again. Every method raises ``DatabaseError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tools(self, calls: Calls, limit: int) -> list[Row]:
        """Tools by logged runs, not by hits; ``repeats``: runs with an input that this tool has had before."""
        name = sa.func.coalesce(log.c.tool_name, log.c.tool_id, log.c.interaction_type)
        by_input = (
            sa.select(
                name.label("tool"),
                sa.func.count().label("runs"),
                count(log.c.success == 0).label("failures"),
                total(log.c.latency_ms).label("ms"),
                (total(log.c.latency_ms) * (sa.func.count() - 1) / sa.func.count()).label("ms_repeated"),
            )
            .where(*calls.where(None), log.c.interaction_type.not_in(("llm", BEHIND)), sa.not_(HIT))
            .group_by(name, log.c.prompt)
            .subquery()
        )
        statement = (
            sa.select(
                by_input.c.tool,
                sa.func.sum(by_input.c.runs).label("runs"),
                sa.func.sum(by_input.c.failures).label("failures"),
                sa.func.sum(by_input.c.runs - 1).label("repeats"),
                sa.func.sum(by_input.c.ms).label("ms"),
                sa.func.sum(by_input.c.ms_repeated).label("ms_repeated"),
            )
            .group_by(by_input.c.tool)
            .order_by(sa.desc("runs"), by_input.c.tool)
            .limit(limit)
        )
        return [{**row, "repeat_share": share(row["repeats"], row["runs"])} for row in self._database.query(statement)]

    def asked_for(self, calls: Calls, limit: int) -> list[Row]:
        """Tools by calls in the newest answers of models; ``repeats``: calls with arguments asked for before."""
        statement = (
            sa.select(log.c.response)
            .where(*calls.where(), log.c.response_summary.like('{%"tool_calls"%'))
            .order_by(log.c.created_at.desc(), log.c.id.desc())
            .limit(READ)
        )
        seen = Counter(call for row in self._database.query(statement) for call in _tool_calls(row["response"]))
        named: dict[str, list[int]] = {}
        for (name, _), times in seen.items():
            named.setdefault(name, []).append(times)
        busiest = sorted(named.items(), key=lambda item: (-sum(item[1]), item[0]))[:limit]
        return [_asked(name, sum(times), sum(times) - len(times)) for name, times in busiest]

    def potential(self, calls: Calls, dimension: str, limit: int) -> list[Row]:
        """By model, project, client or policy: volume, hit rate, and how many forwarded calls are exact repeats.

        What repeats could at most have been hits of the exact tier.
        """
        column = sa.func.coalesce(log.c[dimension], "")
        forwarded = sa.and_(sa.not_(HIT), log.c.success == 1, log.c.input_hash.is_not(None))
        by_hash = (
            sa.select(
                column.label("name"),
                sa.func.count().label("calls"),
                count(HIT).label("hits"),
                count(forwarded).label("forwarded"),
                total(sa.case((forwarded, log.c.cost))).label("cost"),
            )
            .where(*calls.where())
            .group_by(sa.text("1"), log.c.input_hash)
            .subquery()
        )
        again = sa.case((by_hash.c.forwarded > 1, by_hash.c.forwarded - 1), else_=0)
        statement = (
            sa.select(
                by_hash.c.name.label(dimension),
                sa.func.sum(by_hash.c.calls).label("calls"),
                sa.func.sum(by_hash.c.hits).label("hits"),
                sa.func.sum(by_hash.c.forwarded).label("forwarded"),
                sa.func.sum(again).label("repeats"),
                total(by_hash.c.cost).label("cost_usd"),
                total(sa.case((again > 0, by_hash.c.cost * again / by_hash.c.forwarded))).label("cost_repeated_usd"),
            )
            .group_by(by_hash.c.name)
            .order_by(sa.desc("calls"), by_hash.c.name)
            .limit(limit)
        )
        return [
            {
                **row,
                "hit_rate": share(row["hits"], row["calls"]),
                "repeat_share": share(row["repeats"], row["forwarded"]),
            }
            for row in self._database.query(statement)
        ]


def _asked(tool: str, times: int, repeats: int) -> Row:
    return {"tool": tool, "calls": times, "repeats": repeats, "repeat_share": share(repeats, times)}


def _tool_calls(response: str | None) -> list[tuple[str, str]]:
    """Names and arguments of the tool calls in a message; of what is no such message, nothing."""
    try:
        message = json.loads(response or "")
    except ValueError:
        return []
    listed = message.get("tool_calls") if isinstance(message, dict) else None
    functions = [call.get("function") for call in listed or [] if isinstance(call, dict)] if _is_list(listed) else []
    return [
        (str(function.get("name") or ""), str(function.get("arguments") or ""))
        for function in functions
        if isinstance(function, dict)
    ]


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
