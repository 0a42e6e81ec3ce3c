"""An explanation from the store alone, where no server runs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa

from cache.classes import last_user_text
from cache.explanation import Explainer
from cache.neighbours import Neighbours
from memory.context.composing import Composer
from memory.context.grounds import Grounds
from memory.context.pool import Pool
from memory.context.retrieval import Retriever
from memory.memories.memories import Memories
from memory.projects.registry import Registry
from memory.projects.state import State
from memory.sources.chunk_notes import ChunkNotes
from memory.sources.shelf import Shelf
from proxy.auth import DEFAULT_NAMESPACE, Authenticator, Caller
from proxy.config import Settings
from proxy.contexts import weights_of
from proxy.controls import read_controls
from proxy.exchange import Exchange
from proxy.explaining import caller_of, explanation_of
from proxy.holdout import settled
from proxy.injection import injected
from proxy.live.running import Live
from proxy.placing import place
from proxy.policy.policies import error_budgets
from proxy.rehearsal.archive import in_force, load_configured
from proxy.rehearsal.documents import PiecesAtRest
from proxy.rehearsal.stage import IndexedAtOnce
from proxy.remembering.in_force import sources_in
from proxy.wire import ChatRequest, check_chat
from store.database import Database
from store.directory import DataDirectory
from store.embedder import Embedder
from store.entries import Entries
from store.epochs import Epochs
from store.experiments import KnownExperiments
from store.flat import FlatIndex
from store.labels import Labels
from store.tables import entries, flows

MEMORY = 1000
"""Answers held in memory: few are looked at."""


def explain_here(
    settings: Settings, database: Database, body: dict[str, Any], headers: Mapping[str, str], namespace: str | None
) -> dict[str, Any]:
    """What a server on this data directory would do with a call, and why, for an admin.

    Raises:
        ProxyError: the call is none that the server would take.
        EmbedderError, DatabaseError.
    """
    running = Live(settings, _secret(settings), KnownExperiments(database).kept).now
    check_chat(body)
    controls = read_controls(headers, body.get("cache"))
    request = ChatRequest(json.dumps(body).encode(), body, headers, "", controls)
    admin = _admin(settings, running.authenticator, headers)
    caller = caller_of(admin, namespace)
    names, epoch = Registry(database).names, Epochs(database).of(caller.namespace)
    exchange = place(request, caller, running.router, running.policies, names=names, epoch=epoch)
    embedder, verifier = load_configured(settings)
    given = _given(settings, database, exchange, embedder)
    exchange = settled(exchange, given, settings.memory.context.holdout)
    judges = None
    if verifier is not None:
        judges = in_force(settings, database, embedder.id, verifier, error_budgets(settings.cache))
    kept = Entries(database, MEMORY)
    index = FlatIndex()
    neighbours = Neighbours(kept, index, IndexedAtOnce(index, embedder.id), embedder)
    _fill(index, database, exchange.call.scope.partition, embedder.id)
    exposed = admin.role == "admin" or settings.server.expose == "full"
    explainer = Explainer(kept, neighbours, judges, Labels(database), time.time)
    told = asyncio.run(explanation_of(exchange, explainer, settings, exposed=exposed))
    left_out = _left_out(database, exchange)
    if left_out:
        told["memory"]["left_out"] = left_out
    return told


def _given(settings: Settings, database: Database, exchange: Exchange, embedder: Embedder) -> Exchange:
    """The call with what memory and documents have for it."""
    asked = last_user_text(exchange.request.body["messages"])
    if exchange.call.policy.memory == "off" or not asked.strip():
        return exchange
    scope = exchange.call.scope
    composer = Composer(
        Grounds(Pool(database, Memories(database)), State(database)),
        _retriever(settings, database, embedder),
        lambda: settings.memory.retrieval.least_similarity,
    )
    chosen = composer.compose(scope.namespace, scope.project, asked, settings.memory.context.budget).pack
    return exchange if chosen is None else injected(exchange, chosen)


def _retriever(settings: Settings, database: Database, embedder: Embedder) -> Retriever:
    known = sources_in(settings)
    pieces = PiecesAtRest(database, lambda: known, embedder.id)
    shelf = Shelf(database, lambda: known, ChunkNotes(database), pieces)
    return Retriever(shelf, lambda: embedder, lambda: weights_of(settings.memory.retrieval))


def _left_out(database: Database, exchange: Exchange) -> list[str]:
    """What a running server would look at besides: which flow a session follows is known to it alone."""
    if exchange.call.policy.memory == "off":
        return []
    published = sa.select(flows.c.id).where(
        flows.c.namespace == exchange.call.scope.namespace, flows.c.status == "published"
    )
    return ["flows"] if database.query(published.limit(1)) else []


def _admin(settings: Settings, authenticator: Authenticator, headers: Mapping[str, str]) -> Caller:
    """Who asks: whose key is among the headers, else the first admin that is configured."""
    if "authorization" in headers or not settings.auth.keys:
        return authenticator.identify(headers)
    for key in settings.auth.keys:
        if key.role == "admin":
            return Caller(key.namespace, "admin", key.name)
    return Caller(DEFAULT_NAMESPACE, "admin")


def _secret(settings: Settings) -> bytes:
    """What keys the hashes of credentials here; nothing is made where a server has made none."""
    directory = DataDirectory(settings.server.data_dir)
    return directory.secret() if (directory.root / "secret.key").exists() else b""


def _fill(index: FlatIndex, database: Database, partition: str, embedder: str) -> None:
    """Put a partition's vectors into the index."""
    wanted = sa.select(entries.c.id, entries.c.vector).where(
        entries.c.partition == partition,
        entries.c.embedder == embedder,
        entries.c.status == "active",
        entries.c.vector.is_not(None),
    )
    rows = database.query(wanted)
    vectors = [np.frombuffer(row["vector"], dtype=np.float32) for row in rows]
    index.add(partition, embedder, [row["id"] for row in rows], vectors)
