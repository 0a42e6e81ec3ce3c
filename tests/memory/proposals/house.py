"""What the tests of proposals share: everything around a scripted model, under a clock that is set by hand."""

from __future__ import annotations

import asyncio
import json

import sqlalchemy as sa

from memory.flows.library import Flows
from memory.flows.outcomes import Outcomes
from memory.flows.tree import read_flow
from memory.memories.memories import Memories
from memory.memories.memory import Actor
from memory.proposals.analysis import Analysis
from memory.proposals.budget import Budget
from memory.proposals.deferring import Deferring
from memory.proposals.drafting import Drafting
from memory.proposals.keeping import Keeping
from memory.proposals.proposals import Proposals
from memory.proposals.reviewing import Reviewing
from memory.redaction import build_redactor
from memory.sessions.sessions import Sessions
from store.tables import session_steps, sessions
from tests.fakes import FakeClock, FakeEmbedder, answer

ANN = Actor("ann")
START = "2027-01-15 07:00:00"
DOMAINS = ("networking", "printing", "other")


def flow(title="Printer is offline", **changes):
    """A flow as JSON."""
    tree = {
        "id": "root",
        "type": "decision",
        "question": "Does the printer show a light?",
        "options": [
            {"id": "yes", "label": "Yes", "next_node_id": "restart"},
            {"id": "no", "label": "No", "next_node_id": "plug"},
        ],
        "children": [
            {"id": "restart", "type": "action", "title": "Restart the spooler", "next_node_id": "done"},
            {"id": "plug", "type": "solution", "title": "Plug it in"},
            {"id": "done", "type": "solution", "title": "It prints again"},
        ],
    }
    words = {"title": title, "description": "What to do when nothing is printed.", "problem_domain": "printing"}
    keywords = ["printer", "offline", "spooler", "queue", "paper"]
    return {**words, "match_keywords": keywords, "tree_structure": tree, **changes}


def addition(title="Toner is empty", **changes):
    """An enhancement of ``flow`` as JSON."""
    node = {"id": "toner", "type": "solution", "title": "Change the toner"}
    attached = {"attach_after_node_id": "root", "new_option_label": "It blinks red"}
    said = {"title": title, "diff_description": "A blinking light means that the toner is empty."}
    return {**said, "new_nodes": [{**node, **attached}], "modified_options": [], **changes}


class FakeModel:
    """Replies in turn, the last one again and again; a reply is JSON, a text, a completion or an error.

    ``asked`` lists the messages of each call.
    """

    name = "scripted"

    def __init__(self, *replies):
        self.replies = list(replies) or [flow()]
        self.asked = []
        self.down = None

    def check(self):
        if self.down is not None:
            raise self.down

    async def ask(self, messages, schema):
        await asyncio.sleep(0)
        self.asked.append(messages)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply):
            reply = reply(messages)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, dict) and "choices" in reply:
            return reply
        return answer(reply if isinstance(reply, str) else json.dumps(reply))


class House:
    """The parts around one database."""

    def __init__(self, database, *replies, most=50, model=True, vectors=(), clock=None):
        self.database = database
        self.clock = clock or FakeClock()
        self.memories = Memories(database, redact=build_redactor(), clock=self.clock)
        self.sessions = Sessions(database, self.clock)
        self.flows = Flows(database, self.memories.trail, clock=self.clock)
        self.outcomes = Outcomes(self.flows, self.clock)
        self.proposals = Proposals(database)
        self.budget = Budget(database, most, self.clock)
        self.deferring = Deferring(database, self.clock)
        self.keeping = Keeping(self.memories.trail, self.clock)
        self.model = FakeModel(*replies)
        self.embedder = FakeEmbedder(vectors)
        self.told = []
        self.transact = self.memories.transact
        self.drafting = None
        if model:
            self.drafting = Drafting(
                self.model, self.budget, build_redactor(), DOMAINS, lambda: self.embedder, mark=lambda: "MARK"
            )
        self.reviewing = Reviewing(
            self.memories.transact, self.flows, self.memories.trail, notify=self.notify, clock=self.clock
        )
        self.memories.undoers |= {"proposal": self.reviewing.put_back, "flow": self.flows.put_back}

    @property
    def analysis(self):
        return Analysis(
            self.database,
            lambda work: self.transact(work),
            self.sessions,
            self.flows,
            self.outcomes,
            self.keeping,
            self.drafting,
            self.notify,
        )

    def notify(self, event, namespace, object_type, object_id, title, body):
        self.told.append((event, namespace, object_id))

    def run(self, id_, namespace="team"):
        """Analyse a session."""
        return asyncio.run(self.analysis.run(namespace, id_))

    def publish(self, **changes):
        """Put the flow into use; gives its id."""
        read = read_flow(flow(**changes))
        return self.transact(lambda connection: self.flows.publish(connection, "team", "", read, ANN))

    def session(self, id_, *turns, namespace="team", **values):
        """A session that was resolved and waits; a turn is what was asked, or a step's columns."""
        return write_session(self.database, id_, *turns, namespace=namespace, **values)

    def row(self, id_, namespace="team"):
        """A session's row."""
        (row,) = self.database.query(sa.select(sessions).where(sessions.c.id == id_, sessions.c.namespace == namespace))
        return row

    def listed(self, **filters):
        """Proposals, the oldest first."""
        return list(self.proposals.list(limit=500, **filters))[::-1]


def write_session(database, id_, *turns, namespace="team", **values):
    """Store a session that was resolved and waits; gives its id."""
    row = {
        "namespace": namespace,
        "id": id_,
        "root": id_,
        "status": "resolved",
        "analysis": "waiting",
        "started_at": START,
        "last_at": START,
        "ended_at": START,
        "problem_summary": f"The printer of {id_} does not print",
        "problem_domain": "printing",
        "resolution_summary": "The spooler was restarted.",
        **values,
    }
    steps = [_step(one, f"{namespace}.{id_}.{at:03}", namespace, id_) for at, one in enumerate(turns or ("Help",))]

    def work(connection):
        connection.execute(sa.insert(sessions), row)
        connection.execute(sa.insert(session_steps), steps)

    database.transact(work)
    return id_


def _step(given, interaction_id, namespace, session_id):
    step = {
        "interaction_id": interaction_id,
        "namespace": namespace,
        "session_id": session_id,
        "root": session_id,
        "at": START,
        "step_type": "question",
        "skipped": 0,
        "node_id": None,
        "corrected": None,
        "options": None,
        "option_selected": None,
        "action_result": None,
        "free_text": None,
        "asked": "Help",
        "said": "Restart the spooler.",
    }
    return {**step, **({"asked": given} if isinstance(given, str) else given)}


OWN_WORDS = {"asked": "Nothing is printed", "said": "Does it show a light?", "free_text": "It blinks red"}
