"""Tells people of gaps that were not there the day before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from memory.gaps.gaps import Gaps
from memory.notifications.notification import Event
from proxy.notifying.notifier import Notifier

EVERY: Final = 86400.0
"""Seconds between two looks."""
FOUND: Final[Event] = "gap.found"


class GapRound:
    """Looks for gaps in all namespaces, and tells each once: again only when it is still there after its notification
    was cleared away."""

    def __init__(self, gaps: Gaps, notifier: Notifier) -> None:
        self._gaps = gaps
        self._notifier = notifier

    def run(self) -> Mapping[str, int]:
        """Gives how many there are, and how many were told. Raises ``DatabaseError``."""
        found = self._gaps.found()
        told = 0
        for gap in found:
            body = {"kind": gap.kind, "problem_domain": gap.problem_domain, "flow": gap.flow_id, "action": gap.action}
            told += self._notifier.tell(FOUND, gap.namespace, "gap", gap.id, gap.title, body)
        return {"found": len(found), "told": told}
