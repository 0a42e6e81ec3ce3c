"""Stores what was found in interactions as candidates, and remembers which extractor has read which interaction."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from memory.extraction.candidates import EXTRACTOR, MOST, admit, extract
from memory.extraction.fresh import fresh
from memory.extraction.sentences import MOST_READ
from memory.interactions import stamp_at
from memory.memories import rows
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Candidate, Provenance, clean
from memory.redaction import Finding, Redactor
from store.database import Database
from store.dialects import insert
from store.embedder import EmbedderSource, no_embedder
from store.tables import extractions, interactions

ACTOR: Final = Actor("extraction")

_PLACEHOLDER = re.compile(r"\[[a-z]{2,12}\]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_LEAST_WORDS: Final = 2
"""Words that a statement must have beside what was taken out of it."""
_LEAST_VALUE: Final = 4

_TEXTS: Final = (("user", "prompt"), ("assistant", "response"))

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate as it may be stored and shown: nothing secret or personal is left in content and span."""

    candidate: Candidate
    span: str
    """What was said, in the words of the interaction."""


class Keeping:
    """Keeps candidates. All methods raise ``DatabaseError`` where SQL fails.

    Args:
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        memories: Memories,
        redactor: Redactor,
        clock: Callable[[], float] = time.time,
        embedder: EmbedderSource = no_embedder,
    ) -> None:
        self._database = database
        self._memories = memories
        self._redactor = redactor
        self._clock = clock
        self._embedder = embedder

    def read(self, record: Record) -> list[Candidate]:
        """The candidates that rules, and weights where an embedder is loaded, find in an interaction."""
        return extract(fresh(record), self._embedder)

    def by_rules(self, record: Record) -> int:
        """Read an interaction by the rules, unless this version of them has, and store what they find: how many."""
        if self.has_read(record["id"], EXTRACTOR):
            return 0
        return len(self.store(record, self.found(record, self.read(record)), EXTRACTOR))

    def found(self, record: Record, candidates: Iterable[Candidate]) -> list[Found]:
        """Of candidates in an interaction those that its project does not know yet, at most 50, redacted."""
        candidates = list(candidates)
        if not candidates:
            return []
        # Beyond this nothing is read.
        spoken = {role: (record[name] or "")[:MOST_READ] for role, name in _TEXTS}
        # Found in the whole: cut out, a span may not tell that a word in it is a password.
        hidden = dict(zip(spoken, self._redactor.find_all(list(spoken.values())), strict=True))
        fit: dict[Candidate, str] = {}
        for candidate in candidates:
            text, secret = spoken[candidate.role], hidden[candidate.role]
            content = self._memories.shown(_without(candidate.content, text, secret))
            if len(_WORD.findall(_PLACEHOLDER.sub(" ", content))) >= _LEAST_WORDS:
                span = clean(_cut(text, secret, candidate.start, candidate.end))
                fit.setdefault(dataclasses.replace(candidate, content=content), self._memories.shown(span))
        if not fit:
            return []
        known = self._memories.active(record["namespace"], record["project"] or "")
        return [Found(candidate, fit[candidate]) for candidate in admit(fit, known)[:MOST]]

    def store(self, record: Record, found: Sequence[Found], extractor: str, actor: Actor = ACTOR) -> list[str]:
        """Store candidates and note that the extractor has read the interaction; gives the ids of the new ones.

        Nothing is stored of an interaction that was forgotten meanwhile. The same again stores nothing more.
        """
        given = [(one, self._row(record, one, extractor)) for one in found]

        def work(connection: sa.Connection) -> list[str]:
            logged = sa.select(interactions.c.id).where(interactions.c.id == record["id"])
            if connection.scalar(logged) is None:
                return []
            stored = []
            for one, row in given:
                provenance = self._provenance(record, one, extractor)
                id_, new = self._memories.steps.add(connection, row, provenance, actor)
                stored += [id_] * new
            self._note(connection, record["id"], extractor, len(found))
            return stored

        return self._memories.transact(work)

    def has_read(self, interaction_id: str, extractor: str) -> bool:
        """Has this version of an extractor read the interaction?"""
        statement = sa.select(extractions.c.found).where(
            extractions.c.interaction_id == interaction_id, extractions.c.extractor == extractor
        )
        return bool(self._database.query(statement))

    def _row(self, record: Record, found: Found, extractor: str) -> dict[str, Any]:
        candidate = found.candidate
        values = {
            # The interaction's own, whatever an extractor makes of it.
            "project": record["project"] or "",
            "memory_type": candidate.memory_type,
            "content": candidate.content,
            "status": "candidate",
            "confidence": candidate.confidence,
            "tags": (),
            "valid_until": None,
            "pinned": False,
        }
        provenance = self._provenance(record, found, extractor)
        return rows.new(record["namespace"], self._now(), self._memories.checked(values), "extraction", provenance)

    def _provenance(self, record: Record, found: Found, extractor: str) -> Provenance:
        one = found.candidate
        return Provenance(record["id"], one.role, one.rule, extractor, one.start, one.end, found.span)

    def _note(self, connection: sa.Connection, interaction_id: str, extractor: str, found: int) -> None:
        values = {"interaction_id": interaction_id, "extractor": extractor, "at": self._now(), "found": found}
        connection.execute(insert(extractions).values(**values).on_conflict_do_nothing())

    def _now(self) -> str:
        return stamp_at(self._clock())


def _cut(text: str, hidden: Iterable[Finding], start: int, end: int) -> str:
    """Characters [start, end) without what is hidden there."""
    pieces: list[str] = []
    at = start
    for finding in hidden:
        if finding.start < end and finding.end > start:
            pieces += (text[at : max(at, finding.start)], f"[{finding.kind}]")
            at = max(at, finding.end)
    return "".join([*pieces, text[at:end]])


def _without(content: str, text: str, hidden: Iterable[Finding]) -> str:
    """A statement without the values that are hidden in the text it was made from."""
    for finding in hidden:
        value = text[finding.start : finding.end]
        if len(value) >= _LEAST_VALUE:
            content = content.replace(value, f"[{finding.kind}]")
    return content
