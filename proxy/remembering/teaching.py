"""The parts that turn sessions into proposals, and proposals into flows, put together."""

from __future__ import annotations

from dataclasses import dataclass

from memory.flows.library import Flows
from memory.flows.outcomes import Outcomes
from memory.memories.memories import Memories
from memory.proposals.analysis import Analysis
from memory.proposals.budget import Budget
from memory.proposals.deferring import ANALYSE, Deferring
from memory.proposals.drafting import Drafting
from memory.proposals.keeping import Keeping
from memory.proposals.proposal import OBJECT
from memory.proposals.proposals import Proposals
from memory.proposals.reviewing import Reviewing
from memory.redaction import Redactor, find_secrets
from memory.sessions.sessions import Sessions
from proxy.asking import Asks
from proxy.config.flows import FlowSettings
from proxy.health import Health
from proxy.metrics import Metrics
from proxy.notifying.notifier import Notify
from proxy.remembering.analysing import Analysing, AnalysingModel
from proxy.remembering.schedule import Round
from proxy.remembering.worker import Lane
from store.database import Database
from store.embedder import EmbedderSource
from store.jobs import Jobs


@dataclass(frozen=True, slots=True)
class Teaching:
    """What sessions teach: proposals, who decides on them, and what makes them."""

    proposals: Proposals
    reviewing: Reviewing
    budget: Budget
    analysing: Analysing
    lanes: dict[str, Lane]
    rounds: list[Round]


def build_teaching(
    settings: FlowSettings,
    database: Database,
    jobs: Jobs,
    memories: Memories,
    sessions: Sessions,
    flows: Flows,
    outcomes: Outcomes,
    asking: Asks,
    embedder: EmbedderSource,
    redactor: Redactor,
    metrics: Metrics,
    health: Health,
    notify: Notify,
) -> Teaching:
    """Put the parts together. Without a model, outcomes are counted and nothing is proposed."""
    budget = Budget(database, settings.calls_per_day)
    drafting = None
    if settings.model is not None:
        model = AnalysingModel(settings.model, asking, metrics, settings.timeout)
        drafting = Drafting(model, budget, redactor, settings.domains, embedder, health.told_of("embedder"))
    analysis = Analysis(
        database=database,
        transact=memories.transact,
        sessions=sessions,
        flows=flows,
        outcomes=outcomes,
        keeping=Keeping(memories.trail),
        drafting=drafting,
        notify=notify,
    )
    analysing = Analysing(analysis, budget, Deferring(database), jobs, metrics, notify, health.told_of("memory"))
    # A person may mean an address that a flow leads to; secrets never.
    secrets = Redactor((find_secrets,))
    reviewing = Reviewing(memories.transact, flows, memories.trail, redact=secrets, notify=notify)
    memories.undoers[OBJECT] = reviewing.put_back
    return Teaching(
        proposals=Proposals(database),
        reviewing=reviewing,
        budget=budget,
        analysing=analysing,
        lanes={ANALYSE: analysing.lane()} if settings.enabled else {},
        rounds=[Round(ANALYSE, settings.sweep, analysing.round)] if settings.enabled else [],
    )
