"""The vector index: Chroma, cosine space, holding vectors and ids and nothing else.

SQL holds every vector as well, so this index can be deleted and rebuilt. Partitions are few as a rule and get a
collection each; beyond ``OWN_COLLECTIONS`` they share hashed shards, because a collection costs about 2.7 MB of
memory. Callers must check what they find against SQL: a shard holds several partitions.
"""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from store.compacting import compact
from store.errors import VectorIndexError
from store.heap import filled

Vector = NDArray[np.float32]

OWN_COLLECTIONS = 64
SHARDS = 16
WRITE_BATCH = 1000
"""Vectors in one Chroma call; its own limit is about 5,000."""


class VectorIndex(Protocol):
    """Nearest neighbours by cosine similarity, within a partition and an embedder."""

    def add(self, partition: str, embedder: str, ids: Sequence[str], vectors: Sequence[Vector]) -> None:
        """Insert or replace vectors of shape (dimension,). Raises ``VectorIndexError``."""

    def query(self, partition: str, embedder: str, vector: Vector, k: int) -> list[tuple[str, float]]:
        """Up to k ids with their similarity in [-1, 1], nearest first; strangers of the same shard among them."""

    def remove(self, partition: str, embedder: str, ids: Sequence[str]) -> None:
        """Forget ids; unknown ones are no error."""

    def count(self, embedder: str) -> int:
        """Vectors held of an embedder."""

    def reset(self) -> None:
        """Forget everything."""


class ChromaIndex:
    """``VectorIndex`` over an embedded Chroma client; safe for the threads of one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._collections: dict[str, Any] = {}
        try:
            self._client = _open(path)
            self._names = {str(found.name) for found in self._client.list_collections()}
        except Exception as error:
            raise VectorIndexError(f"cannot open the vector index in {path}: {error}") from error

    def add(self, partition: str, embedder: str, ids: Sequence[str], vectors: Sequence[Vector]) -> None:
        try:
            collection = self._collection(partition, embedder, create=True)
            for start in range(0, len(ids), WRITE_BATCH):
                part = slice(start, start + WRITE_BATCH)
                with filled():
                    collection.upsert(ids=list(ids[part]), embeddings=np.stack(list(vectors[part])))
        except Exception as error:
            raise VectorIndexError(f"cannot write to the vector index: {error}") from error

    def query(self, partition: str, embedder: str, vector: Vector, k: int) -> list[tuple[str, float]]:
        collection = None
        try:
            collection = self._collection(partition, embedder, create=False)
            if collection is None:
                return []
            found = collection.query(query_embeddings=[vector], n_results=k, include=["distances"])
        except Exception as error:
            if collection is not None and self._collections.get(self._name(partition, embedder)) is not collection:
                # Dropped meanwhile, to be filled anew.
                return []
            raise VectorIndexError(f"cannot read the vector index: {error}") from error
        # Rounding puts equal vectors a little above 1.
        return [
            (id_, min(1.0, 1.0 - distance))
            for id_, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def remove(self, partition: str, embedder: str, ids: Sequence[str]) -> None:
        try:
            collection = self._collection(partition, embedder, create=False)
            if collection is not None and ids:
                with filled():
                    collection.delete(ids=list(ids))
        except Exception as error:
            raise VectorIndexError(f"cannot delete from the vector index: {error}") from error

    def count(self, embedder: str) -> int:
        with self._lock:
            names = [name for name in self._names if name.endswith(_suffix(embedder))]
        try:
            return sum(self._client.get_collection(name, embedding_function=None).count() for name in names)
        except Exception as error:
            raise VectorIndexError(f"cannot count the vector index: {error}") from error

    def reset(self) -> None:
        with self._lock:
            try:
                for name in self._names:
                    self._client.delete_collection(name)
            except Exception as error:
                raise VectorIndexError(f"cannot reset the vector index: {error}") from error
            self._names.clear()
            self._collections.clear()

    def collection_of(self, partition: str, embedder: str) -> str:
        """The name of what holds a partition, others perhaps with it."""
        with self._lock:
            return self._name(partition, embedder)

    def drop(self, names: Collection[str]) -> None:
        """Forget whole collections. Raises ``VectorIndexError``."""
        with self._lock:
            going = self._names & set(names)
            try:
                for name in going:
                    # First, so that who reads it meanwhile can tell why that fails, and does not make it again.
                    self._names.discard(name)
                    self._collections.pop(name, None)
                    self._client.delete_collection(name)
            except Exception as error:
                self._names |= going
                raise VectorIndexError(f"cannot delete from the vector index: {error}") from error

    def compact(self) -> None:
        """Take off the disk what was removed: Chroma leaves it in free pages, and in folders that nothing names.

        Nobody may write meanwhile; whoever reads waits for some milliseconds. Raises ``VectorIndexError``.
        """
        try:
            compact(self._path)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise VectorIndexError(f"cannot compact the vector index: {type(error).__name__}") from error

    def close(self) -> None:
        """Let go of the folder; nothing can be asked of this any more."""
        self._client.close()

    def _collection(self, partition: str, embedder: str, *, create: bool) -> Any:
        name = self._name(partition, embedder)
        known = self._collections.get(name)
        if known is not None or (not create and name not in self._names):
            return known
        with self._lock:
            collection = self._client.get_or_create_collection(
                name, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
            )
            self._names.add(name)
            self._collections[name] = collection
            return collection

    def _name(self, partition: str, embedder: str) -> str:
        digest = hashlib.sha256(partition.encode()).hexdigest()
        own = f"p-{digest[:32]}{_suffix(embedder)}"
        if own in self._names or len(self._names) < OWN_COLLECTIONS:
            return own
        return f"s-{int(digest, 16) % SHARDS:02d}{_suffix(embedder)}"


def _suffix(embedder: str) -> str:
    return "-" + hashlib.sha256(embedder.encode()).hexdigest()[:12]


def _open(path: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(path=str(path), settings=Settings(anonymized_telemetry=False))
