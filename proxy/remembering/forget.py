"""Forgets: everything that holds somebody's words, or belongs to a session, a client or a namespace.

It reaches the log, memory, the cache, what this process remembers of them, and every file in the data directory.
Beyond its reach is what never was there or has left it: exports, backups that lie elsewhere, the server's own
log (which holds no prompts), reports of rehearsals, names in the configuration, and what the upstream kept.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from memory.forgetting import Forgetting
from memory.forgetting_flows import ForgettingFlows
from memory.interactions import stamp_at
from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.memory import Actor
from proxy.entries.purging import Purging, batches
from proxy.remembering.finding import RECEIPT, Found, find
from proxy.remembering.finding_flows import FoundFlows
from proxy.remembering.forgotten import Forgotten
from proxy.remembering.forgotten_backups import ForgottenBackups
from proxy.remembering.forgotten_sources import ForgottenSources
from proxy.remembering.selector import Selector
from store import tables
from store.database import Database
from store.directory import DataDirectory
from store.entries import Entries
from store.errors import BackupError, StoreError, VectorIndexError
from store.ids import new_id
from store.selection import Selection
from store.traces import Traces, traces

PASSES: Final = 5
"""Searches at most: calls that came in meanwhile may bring the words back, and each further one finds fewer."""
BATCH: Final = 200
"""Interactions that go in one transaction."""
PATIENCE: Final = 5.0
"""Seconds to wait for readers that keep the write-ahead log from being emptied."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was forgotten. It holds none of the words."""

    id: str
    at: str
    """When it was done: UTC, ``YYYY-MM-DD HH:MM:SS``."""
    by: str
    selector: Mapping[str, str]
    """The kind, with a keyed hash of its value: the same for what is forgotten twice."""
    counts: Mapping[str, int]
    """Rows that went, by table; of the audit, rows that were emptied; ``vectors`` of the index; and ``backups``."""
    files_checked: int
    """Files in the data directory that were searched for the words, byte by byte; 0 where there are none."""
    seconds: float
    complete: bool
    """Is nothing left, as far as looking again can tell?"""
    backups: tuple[str, ...] = ()
    """Stamps of the backups that held it and were deleted, whole."""
    left: tuple[str, ...] = ()
    """What could not be done, and what helps."""


@dataclass(frozen=True)
class Around:
    """What else must forget. Called more than once."""

    reset: Callable[[], None]
    """Drops what the process remembers of calls: refusals, questions asked, comparisons that wait. On the loop."""
    settle: Callable[[], None]
    """Waits, in a thread, until what was being written about earlier calls is with SQL's writer."""
    namespace: Callable[[str], None]
    """Begins a namespace anew: its epoch, its quota, what its labels taught. In a thread; raises ``DatabaseError``."""


@dataclass(frozen=True)
class Index:
    """The vector index, as far as forgetting needs it. Both block and raise ``StoreError``."""

    clear: Callable[[], bool]
    """Takes deleted answers out of the index and deletes their rows; False where the index is not open."""
    renew: Callable[[set[str]], bool]
    """Writes the parts that hold these partitions again, without what was removed; False where they are too large."""


class Forget:
    """Forgets one selection at a time, beside the calls. For one event loop.

    A process killed on the way leaves no receipt; asked again, it finds the rest. Answers under way when it begins are
    given to their callers, but neither stored nor logged where the selection covers them.

    Args:
        forgotten: told of each selection, so that calls under way are held against it.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        directory: DataDirectory,
        entries: Entries,
        purging: Purging,
        forgetting: Forgetting,
        flows: ForgettingFlows,
        trail: AuditTrail,
        forgotten: Forgotten,
        around: Around,
        index: Index,
        backups: ForgottenBackups,
        sources: ForgottenSources,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._directory = directory
        self._entries = entries
        self._purging = purging
        self._forgetting = forgetting
        self._flows = flows
        self._trail = trail
        self._forgotten = forgotten
        self._around = around
        self._index = index
        self._backups = backups
        self._sources = sources
        self._clock = clock
        self._turn = asyncio.Lock()

    async def preview(self, selector: Selector) -> dict[str, int]:
        """How many rows would go, by table. Raises ``DatabaseError``."""
        return (await asyncio.to_thread(self._find, selector, Found())).counts()

    async def backups(self, selector: Selector) -> list[str]:
        """The stamps of backups that would be deleted with it. Raises ``BackupError`` where nobody can tell."""
        return await asyncio.to_thread(self._backups.holding, selector)

    async def forget(self, selector: Selector, actor: Actor, namespace: str, *, keep_backups: bool = False) -> Receipt:
        """Forget it; gives the receipt once that is kept in the audit, too.

        Args:
            namespace: where the receipt is filed.
            keep_backups: those that hold it are named as left; else they are deleted.

        Raises:
            DatabaseError: some of it is done; ask again.
        """
        async with self._turn:
            began, gone, before, clean = time.monotonic(), Counter[str](), Found(), False
            for _ in range(PASSES):
                self._bar(selector)
                more = await asyncio.to_thread(self._pass, selector, before)
                gone, clean = gone + more, not more
                if clean:
                    break
            if selector.kind == "namespace":
                await asyncio.to_thread(self._around.namespace, selector.value)
            left = [] if clean else ["calls bring it back as fast as it goes: stop them, and ask again"]
            left += self._sources.left(before.documents.values(), selector)
            seen, deleted = await asyncio.to_thread(self._clean_up, selector, gone, left, keep_backups)
            receipt = self._receipt(selector, actor, gone, seen, deleted, time.monotonic() - began, left)
            await asyncio.to_thread(self._keep, receipt, actor, namespace)
            return receipt

    def _bar(self, selector: Selector) -> None:
        """From now on nothing that was asked before comes back: no answer is stored, and what is covered not logged."""
        covered = Selection(namespace=selector.value) if selector.kind == "namespace" else Selection()
        # Of an answer under way nobody can tell yet what it will say: a few that are not stored cost a miss each.
        self._entries.bar(covered)
        self._forgotten.put(self._entries.mark, selector)
        self._around.reset()

    def _find(self, selector: Selector, before: Found) -> Found:
        # What is on its way to SQL is to be found there.
        self._around.settle()
        self._entries.flush()
        self._entries.settle()
        return find(self._database.driver, selector, before)

    def _pass(self, selector: Selector, before: Found) -> Counter[str]:
        """Forget what there is, and what was made meanwhile of that which went ``before``; gives what went."""
        found = self._find(selector, before)
        gone = self._purge(found, selector) + self._interactions(before)
        before.add(found)
        return gone

    def _purge(self, found: Found, selector: Selector) -> Counter[str]:
        """What hangs on an interaction goes before it: a killed process leaves nothing that nobody would find."""
        gone = self._purging.labels(found.labels, found.pairs)
        self._purging.unname(found.evidence)
        gone += self._purging.entries(found.entries)
        for memories in batches(found.memories, BATCH):
            gone += self._forgetting.memories(memories)
        for state in batches(found.state, BATCH):
            gone["project_state"] += self._forgetting.state(state)
        if found.projects:
            gone["projects"] += self._sources.projects(selector)
        gone += self._sources.documents(found.documents)
        gone += self._taught(found.taught)
        for rows in batches(list(found.audit), BATCH):
            self._forgetting.bodies({id_: found.audit[id_] for id_ in rows})
        gone += Counter(audit=len(found.audit)) + self._interactions(found)
        for name, keys in found.rows.items():
            for some in batches(keys, BATCH):
                gone[name] += self._forgetting.rows(tables.metadata.tables[name], some)
        return +gone

    def _taught(self, found: FoundFlows) -> Counter[str]:
        """Sessions, and what they taught."""
        gone, flows = Counter[str](), self._flows
        for some, forget in (
            (found.notifications, flows.notifications),
            ([*found.proposals, *found.derived], flows.proposals),
            (list(found.flows), flows.flows),
        ):
            for ids in batches(some, BATCH):
                gone += forget(ids)
        for versions in batches(found.versions, BATCH):
            gone += flows.versions(versions)
        for versions in batches(found.signed, BATCH):
            flows.unsign(versions)
        for sessions in batches(list(found.sessions), BATCH):
            gone += flows.sessions(sessions)
        return gone

    def _interactions(self, found: Found) -> Counter[str]:
        gone = Counter[str]()
        for ids in batches(list(found.interactions), BATCH):
            gone += self._forgetting.interactions(ids)
        return gone

    def _clean_up(
        self, selector: Selector, gone: Counter[str], left: list[str], keep_backups: bool
    ) -> tuple[Traces, list[str]]:
        """What is left on disk once the rows are gone. The words first: vectors say none."""
        partitions = self._leave_index(gone, left)
        if not self._empty_log():
            left.append("the write-ahead log, which a long read keeps from being emptied: ask again")
        seen, deleted = self._search(selector, gone, left, keep_backups)
        try:
            if partitions and not self._index.renew(partitions):
                left.append("numbers of removed vectors, in the files of a large index: run reprise reindex")
        except StoreError:
            left.append("numbers of removed vectors, in the files of the index: run reprise reindex")
        self._sources.renew(left)
        return seen, deleted

    def _search(
        self, selector: Selector, gone: Counter[str], left: list[str], keep_backups: bool
    ) -> tuple[Traces, list[str]]:
        """Look through every file, backups among them; gives the backups that were deleted, too."""
        seen = Traces(0, ())
        with self._backups.quiet(left):
            if selector.words is not None:
                seen = traces(self._directory.root, selector.words)
            try:
                stamps, others = self._backups.are_in(selector, seen.holding)
            except BackupError as error:
                stamps, others = [], list(seen.holding)
                left.append(str(error))
            left += [f"file {name}" for name in others]
            deleted = self._backups.settle(stamps, keep=keep_backups, left=left)
            gone["backups"] += len(deleted)
        return seen, deleted

    def _leave_index(self, gone: Counter[str], left: list[str]) -> set[str]:
        """Take the answers' vectors out of the index; gives the partitions that lost some."""
        vectors, partitions = self._purging.leaving()
        try:
            if self._index.clear():
                gone["vectors"] += vectors
                return partitions
        except VectorIndexError:
            pass
        if vectors:
            left.append("vectors: the index is not open, they go once it is")
        return set()

    def _empty_log(self) -> bool:
        until = time.monotonic() + PATIENCE
        while not self._database.erase():
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)
        return True

    def _receipt(
        self,
        selector: Selector,
        actor: Actor,
        gone: Counter[str],
        seen: Traces,
        deleted: list[str],
        seconds: float,
        left: list[str],
    ) -> Receipt:
        return Receipt(
            id=new_id("rcp"),
            at=stamp_at(self._clock()),
            by=actor.name,
            selector={"kind": selector.kind, "hash": selector.digest(self._directory.secret())},
            counts={name: number for name, number in sorted(gone.items()) if number},
            files_checked=seen.files,
            seconds=round(seconds, 3),
            complete=not left,
            backups=tuple(deleted),
            left=tuple(left),
        )

    def _keep(self, receipt: Receipt, actor: Actor, namespace: str) -> None:
        after: dict[str, Any] = {
            "selector": dict(receipt.selector),
            "counts": dict(receipt.counts),
            "files_checked": receipt.files_checked,
            "seconds": receipt.seconds,
            "complete": receipt.complete,
        }
        kept = Changed(receipt.id, "forget", namespace, None, after, object_type=RECEIPT)
        self._database.transact(lambda connection: self._note(connection, actor, kept))

    def _note(self, connection: Any, actor: Actor, kept: Changed) -> None:
        self._trail.write(connection, actor, kept)
