"""Sessions in a server: the job behind each interaction of one, the round that ends those that fell silent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from memory.flows.library import Flows
from memory.flows.matching import Matcher
from memory.flows.outcomes import Outcomes
from memory.interactions import Interaction, Interactions
from memory.memories.audit_trail import AuditTrail
from memory.proposals.deferring import ANALYSE, key_of
from memory.sessions.correcting import Correcting
from memory.sessions.deriving import Deriving
from memory.sessions.endings import Endings
from memory.sessions.nodes import Node
from memory.sessions.rules import Rules
from memory.sessions.session import OBJECT, Session
from memory.sessions.sessions import Sessions
from memory.sessions.signals import Phrases
from proxy.config.flows import FlowSettings
from proxy.exchange import Exchange, Outcome
from proxy.notifying.notifier import Notify
from proxy.remembering.worker import Lane
from store.database import Database
from store.errors import StoreError
from store.jobs import Job, Jobs
from store.tables import interactions as log
from store.tables import jobs as queued
from store.writer import Statement

STEP: Final = "step"
"""Derives the step of one interaction, and brings its session up to date."""
ENDINGS: Final = "sessions"
"""The round that ends sessions."""
BATCH: Final = 32


class Steps:
    """Says which job an interaction leaves behind for its session, to be written together with it."""

    def __init__(self, jobs: Jobs, settings: Callable[[], FlowSettings]) -> None:
        self._jobs = jobs
        self._settings = settings

    def of(self, exchange: Exchange, outcome: Outcome) -> list[Statement]:
        """Nothing for calls that failed or asked for nothing to be learned. What the cache answered is a step, too."""
        failed = outcome.error is not None or outcome.status >= 400
        if failed or not exchange.learns or not self._settings().enabled:
            return []
        return [self._jobs.statement(STEP, exchange.interaction_id, exchange.call.scope.namespace)]

    def of_posted(self, interaction: Interaction) -> list[Statement]:
        """The same of what a client reports; nothing where it names no session."""
        if not interaction.session_id.strip() or not self._settings().enabled:
            return []
        return [self._jobs.statement(STEP, interaction.id, interaction.namespace)]


@dataclass(frozen=True, slots=True)
class Conversations:
    """What sessions need in a server."""

    deriving: Deriving
    endings: Endings
    correcting: Correcting
    interactions: Interactions
    database: Database
    settings: Callable[[], FlowSettings]

    def lane(self) -> Lane:
        """The worker's lane of kind ``step``."""
        return Lane(batch=BATCH, work=self.step)

    def step(self, job: Job) -> None:
        """Raises what reading or writing raises: the job is then tried again."""
        self._derive(job.key)

    def catch_up(self, id_: str) -> None:
        """Derive what waits of a session now: whoever has an answer may speak of its session at once.

        Raises ``DatabaseError``. The lane finds these jobs done; what fails here, it tries again and tells.
        """
        # Of a derived id that was parted, the part before the dot is what its interactions carry.
        roots = {id_, id_.rpartition(".")[0]}
        waiting = (
            sa.select(log.c.id)
            .select_from(queued.join(log, log.c.id == queued.c.key))
            .where(queued.c.kind == STEP, log.c.session_id.in_(roots))
            .order_by(log.c.created_at, log.c.id)
        )
        for row in self.database.query(waiting):
            try:
                self._derive(row["id"])
            except StoreError:
                raise
            except Exception:  # noqa: BLE001  as said above
                return

    def round(self, stopping: Callable[[], bool] = lambda: False) -> Mapping[str, int]:
        """End or pause what fell silent. Raises ``DatabaseError``."""
        return self.endings.sweep(stopping) if self.settings().enabled else {}

    def _derive(self, interaction: str) -> None:
        record = self.interactions.get(interaction) if self.settings().enabled else None
        # None: forgotten meanwhile, or never written.
        if record is not None:
            self.deriving.derive(record)


def build_conversations(
    settings: Callable[[], FlowSettings],
    database: Database,
    jobs: Jobs,
    interactions: Interactions,
    sessions: Sessions,
    trail: AuditTrail,
    flows: Flows,
    matcher: Matcher,
    outcomes: Outcomes,
    redact: Callable[[str], str],
    resolve: Callable[[str], str],
    notify: Notify,
) -> Conversations:
    """Put the parts together."""

    def rules() -> Rules:
        return rules_of(settings())

    def queue(connection: sa.Connection, namespace: str, id_: str) -> None:
        jobs.queue(connection, ANALYSE, key_of(namespace, id_), namespace)

    def escalated(namespace: str, id_: str) -> None:
        session = sessions.get(namespace, id_)
        if session is not None:
            tell_escalated(notify, session)

    endings = Endings(database, rules, outcomes, queue)
    deriving = Deriving(
        database,
        endings,
        rules,
        match=matcher.best,
        nodes=lambda namespace, flow: nodes_of(flows, namespace, flow),
        redact=redact,
        resolve=resolve,
        escalated=escalated,
    )
    correcting = Correcting(database, trail, endings, deriving, lambda: settings().domains, redact)
    return Conversations(deriving, endings, correcting, interactions, database, settings)


def rules_of(settings: FlowSettings) -> Rules:
    """The settings as memory takes them."""
    return Rules(
        domains=tuple(settings.domains),
        phrases=Phrases(tuple(settings.resolved_phrases), tuple(settings.escalated_phrases)),
        attach_at=settings.attach_at,
        suggest_at=settings.suggest_at,
        idle=settings.idle,
        abandon_after=settings.abandon_after,
    )


def nodes_of(flows: Flows, namespace: str, flow_id: str) -> Sequence[Node]:
    """A flow's nodes, as steps are held against them; none where it is gone."""
    found = flows.get(flow_id, namespace)
    if found is None:
        return ()
    return [
        Node(node.id, f"{node.title} {node.text}".strip(), tuple(option.label for option in node.options))
        for node in found.flow.nodes
    ]


def tell_escalated(notify: Notify, session: Session) -> None:
    """Tell people of a session that needs one of them."""
    told = ("problem_domain", "escalation_reason", "matched_flow")
    body = {name: getattr(session, name) for name in told}
    notify("session.escalated", session.namespace, OBJECT, session.id, session.problem_summary or session.id, body)
