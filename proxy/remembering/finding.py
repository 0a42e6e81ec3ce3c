"""Finds what belongs to a selection, in every table, at one moment: rows are read one by one, whatever their number."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from memory.forgetting import FORGOTTEN
from memory.sessions.session import OBJECT as SESSION
from proxy.remembering.finding_flows import FlowSearch, FoundFlows
from proxy.remembering.selector import Selector
from store import tables
from store.driver import Driver
from store.snapshot import Snapshot, snapshot

RECEIPT: Final = "receipt"
"""``object_type`` of receipts in the audit: they hold none of the words and are never emptied."""

OUTSIDE: Final = frozenset({"experiments", "epochs"})
"""Named by the operator's configuration, not by callers."""
_PROJECTS: Final = frozenset({"projects", "project_names"})
_DOCUMENTS: Final = frozenset({"documents", "chunks"})
_FLOWS: Final = frozenset(
    {"sessions", "session_steps", "proposals", "proposal_sessions", "flows", "flow_versions", "flow_outcomes"}
    | {"notifications", "deliveries"}
)
_APART: Final = frozenset(
    {"interactions", "entries", "evidence", "labels", "wrong_pairs", "memories", "project_state", "audit"}
    | _PROJECTS
    | _DOCUMENTS
    | _FLOWS
    | OUTSIDE
)
"""Found by rules of their own; every other table, those to come among them, by its texts and its columns."""
_SAID: Final = ("actor", "project", "namespace")
"""Columns of the audit that are not emptied as a rule."""
_IDS: Final = re.compile(r"(?:int|mem|sta|pro|flo)_[0-9a-f]{24}")

Row = Mapping[str, Any]


@dataclass
class Found:
    """What is to go."""

    interactions: dict[str, str | None] = field(default_factory=dict)
    """Ids, each with the exact key of its call."""
    entries: list[tuple[str, str]] = field(default_factory=list)
    """(id, exact_key)."""
    labels: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    """(prompt_key, entry_key) judged wrong."""
    evidence: list[tuple[str, str]] = field(default_factory=list)
    """(source, entry_id) that name an interaction that goes, about entries that stay."""
    memories: list[str] = field(default_factory=list)
    """Named by the selection itself."""
    derived: list[str] = field(default_factory=list)
    """Further memories, which came from these interactions alone: they go with the last of them."""
    state: list[str] = field(default_factory=list)
    """What is said of projects."""
    projects: list[str] = field(default_factory=list)
    """Registered projects that are described or called so."""
    documents: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Ids of documents that hold the words, with source and path."""
    taught: FoundFlows = field(default_factory=FoundFlows)
    """Sessions, and what they taught."""
    audit: dict[str, list[str]] = field(default_factory=dict)
    """Ids of rows to be emptied, each with the further columns that hold words."""
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    """Of all other tables, primary keys."""

    def counts(self) -> dict[str, int]:
        """How many rows would go, by table; without what hangs on them alone. Of the audit, how many are emptied."""
        found = {
            "interactions": len(self.interactions),
            "entries": len(self.entries),
            "labels": len(self.labels),
            "wrong_pairs": len(self.pairs),
            "memories": len(self.memories) + len(self.derived),
            "project_state": len(self.state),
            "projects": len(self.projects),
            "documents": len(self.documents),
            "audit": len(self.audit),
        }
        counted = found | self.taught.counts() | _numbers(self.rows)
        return {name: number for name, number in counted.items() if number}

    def add(self, later: Found) -> None:
        """Know of what was found later, too, as far as other rows may name it."""
        self.interactions |= later.interactions
        self.entries += later.entries
        self.memories += later.memories
        self.derived += later.derived
        self.state += later.state
        self.documents |= later.documents
        self.taught.add(later.taught)


def find(driver: Driver, selector: Selector, before: Found | None = None) -> Found:
    """Everything that a selection holds, and what was made from it. Raises ``DatabaseError``.

    Args:
        before: what has gone already; rows that were written since and name it are found as well.
    """
    with snapshot(driver) as moment:
        return _Search(moment, selector, before or Found()).found()


class _Search:
    def __init__(self, moment: Snapshot, selector: Selector, before: Found) -> None:
        self._moment = moment
        self._before = before
        self._selector = selector
        self._words = selector.words
        self._column, self._value = selector.column, selector.value
        self._found = Found()
        self._going: Mapping[str, str | None] = {}
        """Interactions, those gone before among them, each with its exact key."""

    def found(self) -> Found:
        found = self._found
        flows = FlowSearch(self._moment, self._selector, self._chosen, self._before.taught)
        found.taught = flows.named()
        found.interactions = {row["id"]: row["input_hash"] for row in self._interactions(found.taught.spoken)}
        self._going = self._before.interactions | found.interactions
        found.memories = [row["id"] for row in self._chosen(tables.memories)]
        found.derived = self._derived()
        found.entries = [(row["id"], row["exact_key"]) for row in self._entries()]
        ids = {id_ for id_, _ in (*self._before.entries, *found.entries)}
        found.labels = [row["id"] for row in self._labels(ids)]
        found.pairs = self._pairs()
        found.evidence = self._evidence(ids)
        found.state = [row["id"] for row in self._chosen(tables.project_state)]
        found.projects = self._projects()
        flows.made_from(self._going.keys())
        found.documents = self._documents()
        found.audit = self._audit()
        for table in tables.metadata.sorted_tables:
            if table.name not in _APART:
                keys = [_key(table, row) for row in self._chosen(table)]
                if keys:
                    found.rows[table.name] = keys
        return found

    def _chosen(self, table: sa.Table, *also: str, or_if: Callable[[Row], bool] | None = None) -> Iterator[Row]:
        """The rows that hold the words or have the value, or that a rule of the table's own names."""
        texts = _texts(table) if self._words is not None else []
        told = table.c[self._column] if self._column is not None and self._column in table.c else None
        if self._words is None and told is None and or_if is None:
            return
        columns = [*table.primary_key, *(table.c[name] for name in also), *texts, *([] if told is None else [told])]
        statement = sa.select(*dict.fromkeys(columns))
        if told is not None and or_if is None:
            statement = statement.where(told == self._value)
        for row in self._moment.rows(statement):
            if self._is_chosen(row, texts, told) or (or_if is not None and or_if(row)):
                yield row

    def _is_chosen(self, row: Row, texts: Collection[sa.Column[Any]], told: sa.Column[Any] | None) -> bool:
        if told is not None:
            return bool(row[told.name] == self._value)
        return self._words is not None and any(self._words.stand_in(row[column.name]) for column in texts)

    def _interactions(self, spoken: Collection[str]) -> Iterator[Row]:
        def is_of_session(row: Row) -> bool:
            return row["id"] in spoken

        return self._chosen(tables.interactions, "input_hash", or_if=is_of_session if spoken else None)

    def _entries(self) -> Iterator[Row]:
        going = self._going

        def made_from(row: Row) -> bool:
            return row["source_interaction_id"] in going

        rows = self._chosen(tables.entries, "exact_key", "source_interaction_id", "status", or_if=made_from)
        return (row for row in rows if row["status"] != "deleted")

    def _labels(self, entries: Collection[str]) -> Iterator[Row]:
        going = self._going

        def is_about(row: Row) -> bool:
            return row["interaction_id"] in going or row["entry_id"] in entries

        return self._chosen(tables.labels, "interaction_id", "entry_id", or_if=is_about)

    def _pairs(self) -> list[tuple[str, str]]:
        keys = {key for key in self._going.values() if key}
        keys |= {key for _, key in (*self._before.entries, *self._found.entries)}
        if not keys:
            return []
        pairs = self._moment.rows(sa.select(tables.wrong_pairs))
        both = ((row["prompt_key"], row["entry_key"]) for row in pairs)
        return [pair for pair in both if pair[0] in keys or pair[1] in keys]

    def _evidence(self, entries: Collection[str]) -> list[tuple[str, str]]:
        going = self._going
        if not going:
            return []
        named = self._moment.rows(sa.select(tables.evidence.c.source, tables.evidence.c.entry_id))
        rows = ((row["source"], row["entry_id"]) for row in named)
        return [row for row in rows if row[0].partition(":")[0] in going and row[1] not in entries]

    def _derived(self) -> list[str]:
        """Memories that no person wrote and whose every source goes."""
        going, sources = self._going, dict[str, list[bool]]()
        if not going:
            return []
        support = tables.memory_support.c
        for row in self._moment.rows(sa.select(support.memory_id, support.interaction_id)):
            sources.setdefault(row["memory_id"], []).append(row["interaction_id"] in going)
        extracted = sa.select(tables.memories.c.id, tables.memories.c.interaction_id).where(
            tables.memories.c.written_by == "extraction"
        )
        named, derived = set(self._found.memories), []
        for row in self._moment.rows(extracted):
            known = sources.get(row["id"], [])
            if row["interaction_id"] is not None:
                known = [*known, row["interaction_id"] in going]
            if known and all(known) and row["id"] not in named:
                derived.append(row["id"])
        return derived

    def _projects(self) -> list[str]:
        """Nobody's in particular, so that words alone tell. An id that holds them stays: it is the operator's."""
        chosen = {row["id"] for row in self._chosen(tables.projects)}
        named = self._chosen(tables.project_names, "project_id", "position")
        return sorted(chosen | {row["project_id"] for row in named if row["position"]})

    def _documents(self) -> dict[str, tuple[str, str]]:
        if self._words is None:
            return {}
        holding = {row["id"] for row in self._chosen(tables.documents)}
        holding |= {row["document_id"] for row in self._chosen(tables.chunks, "document_id")}
        columns = tables.documents.c
        rows = self._moment.rows(sa.select(columns.id, columns.source, columns.path)) if holding else ()
        return {row["id"]: (row["source"], row["path"]) for row in rows if row["id"] in holding}

    def _audit(self) -> dict[str, list[str]]:
        both = (self._before, self._found)
        made = (one for found in both for one in (*found.memories, *found.derived, *found.state))
        going = self._going.keys() | set(made) | {id_ for found in both for id_ in found.taught.named}
        sessions = {pair for found in both for pair in found.taught.sessions}
        columns = tables.audit.c
        rows = self._moment.rows(sa.select(tables.audit).where(columns.object_type != RECEIPT))
        emptied = dict[str, list[str]]()
        for row in rows:
            said = [name for name in _SAID if self._words is not None and self._words.stand_in(row[name])]
            if said or (not _is_empty(row) and (_is_of(row, sessions) or self._speaks_of(row, going))):
                emptied[row["id"]] = said
        return emptied

    def _speaks_of(self, row: Row, going: Collection[str]) -> bool:
        bodies = [row[name] for name in ("object_id", "interaction_id", "before", "after", "reason") if row[name]]
        if self._column == "namespace" and row["namespace"] == self._value:
            return True
        if self._words is not None and any(map(self._words.stand_in, bodies)):
            return True
        return bool(going) and any(id_ in going for body in bodies for id_ in _IDS.findall(body))


def _is_of(row: Row, sessions: Collection[tuple[str, str]]) -> bool:
    return row["object_type"] == SESSION and (row["namespace"], row["object_id"]) in sessions


def _texts(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in table.c if isinstance(column.type, sa.Text)]


def _key(table: sa.Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def _is_empty(row: Row) -> bool:
    return row["reason"] == FORGOTTEN and row["before"] is None and row["after"] is None


def _numbers(rows: Mapping[str, list[Any]]) -> dict[str, int]:
    return {name: len(keys) for name, keys in rows.items()}
