"""Vectors of what tools were given, never of what they gave: a query has an input and no output to compare.

They are embedded behind the requests, and at a query what still lacks one, so that a run can be found right away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from store.database import Database, Prepared
from store.dialects import insert
from store.embedder import EmbedderSource
from store.embedder.base import Embedder, EmbedderError, Vectors
from store.tables import interaction_vectors as vectors
from store.tables import interactions as log

_NAMES: Final = ("interaction_id", "namespace", "tool_id", "embedder", "vector")
# A run that was forgotten while its input was embedded must leave nothing behind.
_STILL_THERE: Final = sa.exists().where(log.c.id == sa.bindparam("interaction_id"))
_INSERT: Final = Prepared(
    insert(vectors)
    .from_select(_NAMES, sa.select(*(sa.bindparam(name) for name in _NAMES)).where(_STILL_THERE))
    .on_conflict_do_nothing()
)
UNREAD: Final = b""
"""Stands for the vector of a text that the embedder does not read whole: it is found by equality alone."""


class ToolVectors:
    """Embeds what tools were given.

    Args:
        embedder: the one in use; None while there is none.
        enabled: whether inputs are embedded at all.
    """

    def __init__(
        self,
        database: Database,
        embedder: EmbedderSource,
        enabled: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._enabled = enabled

    def embedder(self) -> Embedder | None:
        """The one in use; None while there is none, or where embedding is switched off."""
        return self._embedder() if self._enabled() else None

    def embed(self, interaction_id: str) -> bool:
        """Embed the input of a run; the same again changes nothing.

        Returns:
            False where it has to be tried again, because no embedder is ready.

        Raises:
            EmbedderError: the text could not be embedded.
            DatabaseError: SQL could not be read or written.
        """
        if not self._enabled():
            return True
        embedder = self._embedder()
        if embedder is None:
            return False
        self.add(embedder, [interaction_id])
        return True

    def add(self, embedder: Embedder, ids: Sequence[str]) -> dict[str, bytes]:
        """Embed the inputs of these runs and keep the vectors; gives what was made. Raises as ``embed``."""
        wanted = sa.select(log.c.id, log.c.namespace, log.c.tool_id, log.c.prompt).where(
            log.c.id.in_(ids), log.c.tool_id.is_not(None)
        )
        rows = self._database.query(wanted)
        made = dict(zip((row["id"] for row in rows), packed(embedder, [row["prompt"] for row in rows]), strict=True))
        if made:
            values = [_as_row(row, embedder.id, made[row["id"]]) for row in rows]
            self._database.writer.submit(_INSERT, *values).result()
        return made


def packed(embedder: Embedder, texts: Sequence[str]) -> list[bytes]:
    """The vector of each text as bytes; of one that the embedder does not read whole, nothing.

    Raises ``EmbedderError``.
    """
    whole = [text for text in dict.fromkeys(texts) if embedder.fits(text)]
    made = dict(zip(whole, embedder.embed(whole), strict=True)) if whole else {}
    return [np.asarray(made[text], np.float32).tobytes() if text in made else UNREAD for text in texts]


def unpacked(blobs: Sequence[bytes], dimension: int) -> Vectors:
    """Vectors as the rows of a matrix. Raises ``EmbedderError`` where they have another length."""
    if any(len(blob) != 4 * dimension for blob in blobs):
        raise EmbedderError("a stored vector has another length")
    return np.frombuffer(b"".join(blobs), np.float32).reshape(len(blobs), dimension)


def _as_row(row: dict[str, Any], embedder: str, vector: bytes) -> dict[str, Any]:
    return {
        "interaction_id": row["id"],
        "namespace": row["namespace"],
        "tool_id": row["tool_id"],
        "embedder": embedder,
        "vector": vector,
    }
