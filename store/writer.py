"""One thread that writes to SQL, many calls in one commit.

Commits dominate the cost of small writes, so whatever waits in the queue when the thread is free goes into one
transaction. A caller's future resolves after its commit: what it awaited survives a killed process.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from store.driver import Driver, Row
from store.errors import DatabaseError
from store.prepared import Prepared, Statement

__all__ = ["MAX_GROUP", "MAX_WAITING", "Statement", "Writer"]

MAX_GROUP = 256
"""Most writes in one commit; bounds how long the first of them waits."""

MAX_WAITING = 20_000
"""Most writes waiting for a stuck disk; beyond it a write fails at once rather than filling the memory."""


class Write(NamedTuple):
    """Statements, each with its rows, that are committed together or not at all, and who waits for the commit."""

    statements: Sequence[tuple[str, Sequence[Row]]]
    done: Future[None]
    loop: asyncio.AbstractEventLoop | None


class Writer:
    """Serialises all writes of this process on one connection."""

    def __init__(self, driver: Driver) -> None:
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._driver = driver
        self._closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="reprise-writer", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """Writes waiting in the queue."""
        return self._queue.qsize()

    def submit(self, statement: Prepared | str, *rows: Mapping[str, Any] | Row) -> Future[None]:
        """Queue one statement, its rows by name; of a driver's own text, by position.

        The future resolves after the commit, or raises ``DatabaseError``.
        """
        done: Future[None] = Future()
        refusal = self._put(Write([self._compiled(statement, rows)], done, None))
        if refusal is not None:
            done.set_exception(refusal)
        return done

    def commit(
        self, statement: Prepared | str, *rows: Mapping[str, Any] | Row, also: Sequence[Statement] = ()
    ) -> asyncio.Future[None]:
        """As ``submit``, for a coroutine to await. One wake-up of the loop serves the whole group.

        Args:
            also: what is written in the same transaction.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        statements = [self._compiled(statement, rows), *(self._compiled(*one) for one in also)]
        refusal = self._put(Write(statements, waiter, loop))  # type: ignore[arg-type]
        if refusal is not None:
            waiter.set_exception(refusal)
        return waiter

    def close(self) -> None:
        """Write what is queued, then stop. Idempotent."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _compiled(
        self, statement: Prepared | str, rows: Sequence[Mapping[str, Any] | Row]
    ) -> tuple[str, Sequence[Row]]:
        if isinstance(statement, str):
            return statement, rows  # type: ignore[return-value]
        compiled = statement.on(self._driver.dialect)
        return compiled.text, [compiled.row(row) for row in rows]  # type: ignore[arg-type]

    def _put(self, write: Write) -> DatabaseError | None:
        """Queue a write, or say why not. Never behind the queue's end, where nobody would read it."""
        with self._closing:
            refusal = self._refusal()
            if refusal is None:
                self._queue.put(write)
            return refusal

    def _refusal(self) -> DatabaseError | None:
        if self._closed:
            return DatabaseError("the writer is closed")
        waiting = self._queue.qsize()
        return DatabaseError(f"{waiting} writes are waiting already") if waiting >= MAX_WAITING else None

    def _run(self) -> None:
        connection: Any = None
        open_ = True
        while open_:
            group, open_ = self._next_group()
            try:
                connection = connection or self._driver.connect()
                connection, outcomes = self._commit(connection, group)
            except Exception as error:  # noqa: BLE001  whatever fails must reach those who wait, never end the thread
                outcomes = [error] * len(group)
                connection = None
            _announce(group, outcomes)
        if connection is not None:
            connection.close()

    def _commit(self, connection: Any, group: list[Write]) -> tuple[Any, list[BaseException | None]]:
        """Commit the group as one; if that fails, each write on its own, so that one bad row spoils no other."""
        try:
            return self._write(connection, group), [None] * len(group)
        except self._driver.bad_row as error:
            if len(group) == 1:
                return connection, [error]
        outcomes: list[BaseException | None] = []
        for write in group:
            try:
                connection = self._write(connection, [write])
                outcomes.append(None)
            except self._driver.bad_row as error:
                outcomes.append(error)
        return connection, outcomes

    def _write(self, connection: Any, group: list[Write]) -> Any:
        return self._driver.write(connection, list(itertools.chain.from_iterable(write.statements for write in group)))

    def _next_group(self) -> tuple[list[Write], bool]:
        """Wait for a write and take what else is there; False once closing was asked for."""
        group: list[Write] = []
        item = self._queue.get()
        while item is not None:
            group.append(item)
            if len(group) == MAX_GROUP or self._queue.empty():
                return group, True
            item = self._queue.get()
        return group, False


def _announce(group: list[Write], outcomes: Sequence[BaseException | None]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[tuple[Any, BaseException | None]]] = {}
    for write, outcome in zip(group, outcomes, strict=True):
        if write.loop is None:
            _settle([(write.done, outcome)])
        else:
            loops.setdefault(write.loop, []).append((write.done, outcome))
    for loop, waiters in loops.items():
        # A loop that has ended meanwhile has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, waiters)


def _settle(waiters: list[tuple[Any, BaseException | None]]) -> None:
    for waiter, outcome in waiters:
        if waiter.done():
            continue
        if outcome is None:
            waiter.set_result(None)
        else:
            failure = DatabaseError(f"{type(outcome).__name__}: {outcome}")
            failure.__cause__ = outcome
            waiter.set_exception(failure)
