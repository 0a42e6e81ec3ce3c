"""The parts of memory in one server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memory.context.composing import Composer
from memory.context.grounds import Grounds
from memory.context.pool import Pool
from memory.context.retrieval import Retriever
from memory.echo.reinforcement import Reinforcement, Rules
from memory.extraction.backlog import Backlog
from memory.extraction.keeping import Keeping
from memory.flows.copies import Copies
from memory.flows.library import OBJECT as FLOW
from memory.flows.library import Flows
from memory.flows.matching import Matcher
from memory.flows.outcomes import Outcomes
from memory.gaps.gaps import Gaps
from memory.interactions import Interactions
from memory.memories.audit_trail import AuditTrail
from memory.memories.memories import Memories
from memory.projects.merging import Merging
from memory.projects.registry import OBJECT as PROJECT
from memory.projects.registry import Registry
from memory.projects.state import OBJECT as STATE
from memory.projects.state import State
from memory.proposals.proposals import Proposals
from memory.redaction import Redactor, find_secrets
from memory.review.proposed import Deck
from memory.review.queue import Review
from memory.sessions.domains import domain_of
from memory.sessions.session import OBJECT as SESSION
from memory.sessions.session import STEP_OBJECT as SESSION_STEP
from memory.sessions.sessions import Sessions
from memory.sources.shelf import Shelf
from memory.tools.runs import ToolRuns
from memory.tools.vectors import ToolVectors
from proxy.asking import Asking
from proxy.config import ExtractionSettings, MemorySettings, ReinforcementSettings, Settings
from proxy.contexts import Contexts, weights_of
from proxy.guidance import Guidance
from proxy.health import Health
from proxy.injection import Injection
from proxy.lastpacks import LastPacks
from proxy.live.running import Live
from proxy.metrics import Metrics
from proxy.notifying.assembly import Notifying, build_notifying
from proxy.notifying.gaps import EVERY, GapRound
from proxy.notifying.notifier import Notify
from proxy.remembering.conversations import ENDINGS, STEP, Conversations, build_conversations
from proxy.remembering.extractor import Extractor
from proxy.remembering.ingesting import Ingesting
from proxy.remembering.learner import LEARN, READ, Learner
from proxy.remembering.library import Library
from proxy.remembering.projects import MERGE, PART, moving, parting
from proxy.remembering.reading import Reading
from proxy.remembering.rounds import GAPS, NOTIFICATIONS, build_schedule
from proxy.remembering.schedule import Round, Schedule, in_thread
from proxy.remembering.teaching import Teaching, build_teaching
from proxy.remembering.toolruns import EMBED, embedding
from proxy.remembering.watching import Watching
from proxy.remembering.worker import Worker
from store.database import Database
from store.embedder import EmbedderSource
from store.entries import Entries
from store.jobs import Jobs


@dataclass
class Remembering:
    """What learns from calls, and what is learned."""

    jobs: Jobs
    worker: Worker
    schedule: Schedule
    tools: ToolRuns
    tool_vectors: ToolVectors
    memories: Memories
    pool: Pool
    contexts: Contexts
    last_packs: LastPacks
    injection: Injection
    trail: AuditTrail
    review: Review
    keeping: Keeping
    reading: Reading
    shelf: Shelf
    library: Library
    ingesting: Ingesting
    watching: Watching
    projects: Registry
    merging: Merging
    state: State
    sessions: Sessions
    conversations: Conversations
    flows: Flows
    matcher: Matcher
    outcomes: Outcomes
    guidance: Guidance
    notifying: Notifying
    gaps: Gaps
    teaching: Teaching

    @property
    def proposals(self) -> Proposals:
        """What sessions taught."""
        return self.teaching.proposals

    @property
    def notify(self) -> Notify:
        """Tells people of an event, at once and without fail."""
        return self.notifying.notify


def build_remembering(
    settings: Settings,
    database: Database,
    jobs: Jobs,
    projects: Registry,
    library: Library,
    interactions: Interactions,
    entries: Entries,
    live: Live,
    asking: Asking,
    embedder: EmbedderSource,
    redactor: Redactor,
    metrics: Metrics,
    health: Health,
) -> Remembering:
    """Put the parts together. Opens nothing and starts nothing."""
    memories = Memories(database, redact=redactor, resolve=projects.resolve)
    pool = Pool(database, memories)
    tool_vectors = ToolVectors(database, embedder, lambda: live.now.settings.memory.interactions.embed)
    tools = ToolRuns(database, tool_vectors, health.told_of("embedder"))
    told = health.told_of("memory")
    notifying = build_notifying(database, lambda: live.now.settings.notifications, redactor, metrics, health)
    gaps = Gaps(database, redactor)
    further = [
        Round(NOTIFICATIONS, settings.memory.flows.sweep, in_thread(notifying.round)),
        Round(GAPS, EVERY, in_thread(GapRound(gaps, notifying.notifier).run)),
    ]
    reinforcement = _reinforcement(settings.memory.reinforcement, memories, database, embedder)
    keeping, reading = _reading(
        settings.memory.extraction, database, jobs, interactions, memories, redactor, asking, embedder, metrics
    )
    by_rules = keeping.by_rules if settings.memory.extraction.enabled else None
    learner = Learner(interactions, entries, reinforcement, by_rules, metrics)
    state = State(database, memories.trail, redact=Redactor((find_secrets,)), resolve=projects.resolve)
    # People's names and addresses may be what a flow leads to; secrets never are.
    flows = Flows(database, memories.trail, redact=Redactor((find_secrets,)), resolve=projects.resolve)
    copies = Copies(database, flows)
    matcher = Matcher(copies, embedder, told)
    guidance = Guidance(
        database,
        flows,
        copies,
        matcher,
        lambda: live.now.settings.memory,
        lambda text: domain_of(text, live.now.settings.memory.flows.domains),
        told,
    )
    merging = Merging(database, projects, memories, state, moved=flows.forget)
    memories.undoers |= {STATE: state.put_back, PROJECT: merging.undo, FLOW: flows.put_back}
    memories.followers[PROJECT] = merging.follower
    lanes = {LEARN: learner.lane(), READ: reading.lane(), EMBED: embedding(tool_vectors), MERGE: moving(merging)}
    lanes[PART] = parting(merging)
    sessions, outcomes = Sessions(database), Outcomes(flows)
    conversations = build_conversations(
        lambda: live.now.settings.memory.flows,
        database,
        jobs,
        interactions,
        sessions,
        memories.trail,
        flows,
        matcher,
        outcomes,
        redactor,
        projects.resolve,
        notifying.notify,
    )
    lanes[STEP] = conversations.lane()
    memories.undoers |= dict.fromkeys((SESSION, SESSION_STEP), conversations.correcting.put_back)
    further.append(Round(ENDINGS, settings.memory.flows.sweep, in_thread(conversations.round)))
    teaching = build_teaching(
        settings.memory.flows,
        database,
        jobs,
        memories,
        sessions,
        flows,
        outcomes,
        asking,
        embedder,
        redactor,
        metrics,
        health,
        notifying.notify,
    )
    lanes |= teaching.lanes
    further += teaching.rounds
    shelf, ingesting = library.shelf, Ingesting(library, metrics, health)
    projects.on_roots_changed = ingesting.roots_changed
    contexts, last_packs = _contexts(pool, state, shelf, embedder, live, told), LastPacks()
    return Remembering(
        jobs=jobs,
        worker=Worker(jobs, lanes, metrics, told),
        schedule=build_schedule(
            settings.memory, database, memories, asking, embedder, metrics, told, reading.round, further
        ),
        tools=tools,
        tool_vectors=tool_vectors,
        memories=memories,
        trail=memories.trail,
        review=Review(memories, database, Deck(teaching.proposals, teaching.reviewing, flows)),
        keeping=keeping,
        reading=reading,
        pool=pool,
        projects=projects,
        merging=merging,
        state=state,
        sessions=sessions,
        conversations=conversations,
        flows=flows,
        matcher=matcher,
        outcomes=outcomes,
        teaching=teaching,
        notifying=notifying,
        gaps=gaps,
        shelf=shelf,
        library=library,
        ingesting=ingesting,
        watching=Watching(library, ingesting),
        contexts=contexts,
        last_packs=last_packs,
        guidance=guidance,
        injection=Injection(
            contexts, last_packs, told, lambda: live.now.settings.memory.context.holdout, guidance=guidance
        ),
    )


def _contexts(
    pool: Pool,
    state: State,
    shelf: Shelf,
    embedder: EmbedderSource,
    live: Live,
    told: Callable[[BaseException | None], None],
) -> Contexts:
    def settings() -> MemorySettings:
        return live.now.settings.memory

    retriever = Retriever(shelf, embedder, lambda: weights_of(settings().retrieval))
    composer = Composer(Grounds(pool, state), retriever, lambda: settings().retrieval.least_similarity)
    return Contexts(composer, retriever, shelf, settings, told)


def _reinforcement(
    given: ReinforcementSettings, memories: Memories, database: Database, embedder: EmbedderSource
) -> Reinforcement | None:
    if not given.enabled:
        return None
    rules = Rules(given.step, given.contradiction, given.cooldown, given.unused_after)
    return Reinforcement(memories, database, lambda: rules, embedder)


def _reading(
    given: ExtractionSettings,
    database: Database,
    jobs: Jobs,
    interactions: Interactions,
    memories: Memories,
    redactor: Redactor,
    asking: Asking,
    embedder: EmbedderSource,
    metrics: Metrics,
) -> tuple[Keeping, Reading]:
    keeping = Keeping(database, memories, redactor, embedder=embedder)
    extractor = Extractor(given, asking, redactor, metrics) if given.model is not None else None
    return keeping, Reading(interactions, keeping, Backlog(database), jobs, extractor, metrics)
