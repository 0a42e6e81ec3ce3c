"""Tells people of gaps that were not there the day before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from memory.gaps.gaps import Gaps
from memory.notifications.inbox import Inbox
from memory.notifications.notification import Event
from proxy.metrics import Metrics
from proxy.notifying.courier import Courier

EVERY: Final = 86400.0
"""Seconds between two looks."""
FOUND: Final[Event] = "gap.found"


class GapRound:
    """Looks for gaps in all namespaces, and tells each once: again only when it is still there after its notification
    was cleared away."""

    def __init__(self, gaps: Gaps, inbox: Inbox, courier: Courier, metrics: Metrics) -> None:
        self._gaps = gaps
        self._inbox = inbox
        self._courier = courier
        self._metrics = metrics

    def run(self) -> Mapping[str, int]:
        """Gives how many there are, and how many were told. Raises ``DatabaseError``."""
        found = self._gaps.found()
        told = 0
        for gap in found:
            body = {"kind": gap.kind, "problem_domain": gap.problem_domain, "flow": gap.flow_id, "action": gap.action}
            if self._inbox.tell(FOUND, gap.namespace, "gap", gap.id, gap.title, body) is not None:
                self._metrics.notifications.labels(FOUND).inc()
                told += 1
        if told:
            self._courier.wake()
        return {"found": len(found), "told": told}
