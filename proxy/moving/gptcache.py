"""Reads the SQLite file of a GPTCache: its tables of questions and answers, whatever their prefix.

GPTCache keeps the text its ``pre_embedding_func`` made of a call, as a rule the last message, and the answer's text; no
model, no system prompt, no parameters. Questions marked as deleted, and answers that are images, are left out.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from proxy.moving.lines import Unreadable

MAGIC: Final = b"SQLite format 3\x00"
_TEXT: Final = 0
"""GPTCache's ``DataType.STR``."""

_QUESTION_COLUMNS: Final = {"id", "question", "deleted"}
_ANSWER_COLUMNS: Final = {"id", "question_id", "answer", "answer_type"}


@dataclass(frozen=True, slots=True)
class Row:
    """One question with its answer."""

    id: int
    question: str | None = field(repr=False)
    answer: str | None = field(repr=False)
    problem: str | None = None
    """Why it is no pair of texts; None: it is."""


class GPTCacheFile:
    """A GPTCache's SQLite file, opened for reading only. Use it as a context manager.

    Raises:
        Unreadable: it is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        # Texts that are not UTF-8 are a row's own fault, not the file's.
        self._connection.text_factory = bytes
        with self._failing():
            prefixes = self._prefixes()
        if len(prefixes) != 1:
            self._connection.close()
            what = f"several GPTCaches ({', '.join(prefixes)})" if prefixes else "no GPTCache tables"
            raise Unreadable(f"{path} holds {what}: expected one pair of tables such as gptcache_question and _answer")
        self._question, self._answer = (f'"{prefixes[0]}_{name}"' for name in ("question", "answer"))

    def __enter__(self) -> GPTCacheFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def count(self) -> int:
        """Questions that are not deleted. Raises ``Unreadable``."""
        with self._failing():
            found = self._connection.execute(f"SELECT count(*) FROM {self._question} WHERE deleted IS NOT -1")
            return int(found.fetchone()[0])

    def read(self, after: int = 0) -> Iterator[Row]:
        """Questions that are not deleted, by id, from behind one; each with its first text. Raises ``Unreadable``."""
        with self._failing():
            # One pass over both tables: answers have no index of their questions. min() picks the row of the first one.
            rows = self._connection.execute(
                f"SELECT q.id, q.question, a.answer, min(a.id) FROM {self._question} q LEFT JOIN {self._answer} a"
                " ON a.question_id = q.id AND a.answer_type = ? WHERE q.id > ? AND q.deleted IS NOT -1"
                " GROUP BY q.id ORDER BY q.id",
                (_TEXT, after),
            )
            for id_, question, answer, _ in rows:
                yield _row(int(id_), question, answer)

    def _prefixes(self) -> list[str]:
        found = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = {name.decode("utf-8", "replace") for (name,) in found}
        prefixes = sorted(name.removesuffix("_question") for name in names if name.endswith("_question"))
        return [prefix for prefix in prefixes if '"' not in prefix and self._is_cache(prefix)]

    def _is_cache(self, prefix: str) -> bool:
        wanted = {"question": _QUESTION_COLUMNS, "answer": _ANSWER_COLUMNS}
        return all(columns <= self._columns(f"{prefix}_{name}") for name, columns in wanted.items())

    def _columns(self, table: str) -> set[str]:
        found = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        return {name.decode() for (name,) in found}

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise Unreadable(f"{self._path} cannot be read as SQLite: {error}") from error


def _row(id_: int, question: object, answer: object) -> Row:
    if answer is None:
        return Row(id_, None, None, "it has no answer that is a text")
    try:
        texts = [value.decode() if isinstance(value, bytes) else None for value in (question, answer)]
    except UnicodeDecodeError:
        return Row(id_, None, None, "it is not UTF-8 text")
    if None in texts:
        return Row(id_, None, None, "its question or answer is not a text")
    return Row(id_, *texts)
