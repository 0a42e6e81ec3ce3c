"""Looks for gaps in what was asked lately."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from memory.gaps.gap import KINDS, Gap
from memory.gaps.observed import answers, observed
from memory.gaps.rules import high_escalation, repeated, uncharted, weak_options
from memory.interactions import stamp_at
from store.database import Database

DAYS: Final = 30
"""Days that are looked at where nobody says how many."""
DAY: Final = 86400.0


class Gaps:
    """Finds gaps. Blocks for SQL.

    Args:
        redact: takes secrets and personal data out of a text.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        redact: Callable[[str], str] = str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._redact = redact
        self._clock = clock

    def found(self, days: int = DAYS, namespace: str | None = None, kind: str | None = None) -> list[Gap]:
        """The gaps of the last days, by kind, those that show in most sessions first. Raises ``DatabaseError``.

        Args:
            namespace: None: of every one, each for itself.
            kind: only these.
        """
        since = stamp_at(self._clock() - days * DAY)
        wanted = KINDS if kind is None else (kind,)
        gaps: list[Gap] = []
        if "weak_options" in wanted:
            gaps += weak_options(answers(self._database, since, namespace), self._redact)
        if wanted != ("weak_options",):
            sessions = observed(self._database, since, namespace)
            for name, rule in (
                ("high_escalation", high_escalation),
                ("uncharted", uncharted),
                ("repeated_pattern", repeated),
            ):
                if name in wanted:
                    gaps += rule(sessions, self._redact)
        return sorted(gaps, key=lambda gap: (KINDS.index(gap.kind), -_weight(gap), gap.id))


def _weight(gap: Gap) -> int:
    counts = [gap.evidence.get("times", 0), *(gap.evidence.get(name, {}).get("count", 0) for name in _SHARES)]
    return int(max(counts))


_SHARES: Final = ("own_words", "escalated", "unmatched")
