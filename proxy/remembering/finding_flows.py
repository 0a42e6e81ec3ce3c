"""Finds the sessions of a selection and what they taught.

A session is found by a word in its row or in one of its steps, by an interaction of it that goes, and by its own id or
the id that its calls bear. A flow is found by its words: what sessions taught and a person approved is nobody's any
more. Of a flow that holds the words in an earlier version alone, only that version is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from memory.forgetting_flows import IN_USE, Pair
from proxy.remembering.selector import Selector
from store import tables
from store.snapshot import Snapshot

Row = Mapping[str, Any]


@dataclass
class FoundFlows:
    """What is to go."""

    sessions: dict[Pair, None] = field(default_factory=dict)
    """Namespace and id."""
    spoken: dict[str, None] = field(default_factory=dict)
    """Interactions that sessions named by the selection are made of."""
    proposals: dict[str, None] = field(default_factory=dict)
    derived: dict[str, None] = field(default_factory=dict)
    """Further proposals, which these sessions alone support: they go with the last of them."""
    flows: dict[str, None] = field(default_factory=dict)
    versions: list[tuple[str, int]] = field(default_factory=list)
    """Earlier versions of flows that stay."""
    signed: list[tuple[str, int]] = field(default_factory=list)
    """Versions whose maker is to be forgotten."""
    notifications: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How many rows would go, by table; without what hangs on them alone."""
        return {
            "sessions": len(self.sessions),
            "proposals": len(self.proposals) + len(self.derived),
            "flows": len(self.flows),
            "flow_versions": len(self.versions),
            "notifications": len(self.notifications),
        }

    def add(self, later: FoundFlows) -> None:
        """Know of what was found later, too, as far as other rows may name it."""
        self.sessions |= later.sessions
        self.proposals |= later.proposals
        self.derived |= later.derived
        self.flows |= later.flows

    @property
    def named(self) -> Collection[str]:
        """Ids by which the audit may speak of it; a session's stands for itself only beside its namespace."""
        return {*self.proposals, *self.derived, *self.flows}


class Chosen(Protocol):
    """Gives the rows of a table that hold the words or have the value, or that a rule of the table's own names."""

    def __call__(self, table: sa.Table, *also: str, or_if: Callable[[Row], bool] | None = None) -> Iterator[Row]:
        """See ``_Search`` of ``proxy.remembering.finding``."""
        ...


class FlowSearch:
    """Searches at one moment.

    Args:
        before: what has gone already.
    """

    def __init__(self, moment: Snapshot, selector: Selector, chosen: Chosen, before: FoundFlows) -> None:
        self._moment = moment
        self._selector = selector
        self._words = selector.words
        self._chosen = chosen
        self._before = before
        self._found = FoundFlows()

    def named(self) -> FoundFlows:
        """Sessions that the selection names itself, and the interactions that they are made of."""
        found, value = self._found, self._selector.value
        is_named = None
        if self._selector.kind == "session":

            def is_named(row: Row) -> bool:
                return value in (row["id"], row["root"])

        for row in self._chosen(tables.sessions, "namespace", "id", "root", or_if=is_named):
            found.sessions[row["namespace"], row["id"]] = None
        if self._selector.kind == "session" and found.sessions:
            columns = tables.session_steps.c
            for row in self._moment.rows(sa.select(columns.interaction_id, columns.namespace, columns.session_id)):
                if (row["namespace"], row["session_id"]) in found.sessions:
                    found.spoken[row["interaction_id"]] = None
        return found

    def made_from(self, going: Collection[str]) -> FoundFlows:
        """All the rest, once it is known which interactions go."""
        found = self._found

        def is_of_them(row: Row) -> bool:
            return row["interaction_id"] in going

        steps = self._chosen(tables.session_steps, "namespace", "session_id", or_if=is_of_them if going else None)
        for row in steps:
            found.sessions[row["namespace"], row["session_id"]] = None
        found.proposals = {row["id"]: None for row in self._chosen(tables.proposals)}
        found.derived = self._derived()
        self._flows()
        found.notifications = [row["id"] for row in self._notifications()]
        return found

    def _derived(self) -> dict[str, None]:
        """Proposals that nobody put into use and whose every session goes."""
        going = self._before.sessions.keys() | self._found.sessions.keys()
        if not going:
            return {}
        support, sources = tables.proposal_sessions.c, dict[str, list[bool]]()
        for row in self._moment.rows(sa.select(support.proposal_id, support.namespace, support.session_id)):
            sources.setdefault(row["proposal_id"], []).append((row["namespace"], row["session_id"]) in going)
        columns = tables.proposals.c
        waiting = self._moment.rows(sa.select(columns.id).where(columns.status.not_in(IN_USE)))
        alone = (row["id"] for row in waiting if sources.get(row["id"]) and all(sources[row["id"]]))
        return {id_: None for id_ in alone if id_ not in self._found.proposals}

    def _flows(self) -> None:
        found = self._found
        found.flows = {row["id"]: None for row in self._chosen(tables.flows)}
        if self._words is None:
            return
        newest = {
            row["id"]: row["version"] for row in self._moment.rows(sa.select(tables.flows.c.id, tables.flows.c.version))
        }
        for row in self._moment.rows(sa.select(tables.flow_versions)):
            key = (row["flow_id"], row["version"])
            if any(map(self._words.stand_in, (row["content"], row["diff_description"]))):
                if newest.get(row["flow_id"]) == row["version"]:
                    found.flows[row["flow_id"]] = None
                else:
                    found.versions.append(key)
            elif self._words.stand_in(row["actor"]):
                found.signed.append(key)
        found.versions = [key for key in found.versions if key[0] not in found.flows]
        found.signed = [key for key in found.signed if key[0] not in found.flows]

    def _notifications(self) -> Iterator[Row]:
        both = (self._before, self._found)
        sessions = {pair for found in both for pair in found.sessions}
        ids = {id_ for found in both for id_ in found.named}

        def tells_of_them(row: Row) -> bool:
            if row["object_type"] == "session":
                return (row["namespace"], row["object_id"]) in sessions
            return row["object_id"] in ids

        rule = tells_of_them if sessions or ids else None
        return self._chosen(tables.notifications, "namespace", "object_type", "object_id", or_if=rule)
