"""What is to be forgotten: somebody's words, a session, a client or a namespace."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from memory.interactions import Interaction
from store.words import Words, fold

Kind = Literal["subject", "session", "client", "namespace"]

KINDS: Final[tuple[Kind, ...]] = ("subject", "session", "client", "namespace")
LEAST_CHARS: Final = 3
"""Characters of a subject at least: shorter ones stand in about everything."""
COLUMNS: Final = {"session": "session_id", "client": "client", "namespace": "namespace"}
"""Where rows name what they belong to."""

_TEXTS: Final = (
    "prompt request response response_summary error project client session_id namespace tool_id tool_name model"
).split()


@dataclass(frozen=True)
class Selector:
    """One of the kinds and its value."""

    kind: Kind
    value: str = field(repr=False)
    whole: bool = False
    """Of a subject: found as a word of its own only, not as a part of one."""

    @cached_property
    def words(self) -> Words | None:
        """What is looked for in texts; None where a column tells."""
        return Words(self.value, whole=self.whole) if self.kind == "subject" else None

    @property
    def column(self) -> str | None:
        """The column that tells; None for words."""
        return COLUMNS.get(self.kind)

    def covers(self, interaction: Interaction) -> bool:
        """Would it go, once it is logged?"""
        if self.column is not None:
            return bool(getattr(interaction, self.column) == self.value)
        assert self.words is not None
        rest = json.dumps([interaction.metadata, interaction.context_pack], ensure_ascii=False, default=str)
        texts = [getattr(interaction, name) for name in _TEXTS]
        return any(self.words.stand_in(text) for text in (*texts, rest))

    def digest(self, secret: bytes) -> str:
        """Stands for it in a receipt, which must not hold it; the same for every spelling of a subject."""
        value = fold(self.value) if self.kind == "subject" else self.value
        return hmac.digest(secret, f"{self.kind}\0{value}".encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
