"""Which flow a call's session follows, found beside the event loop and remembered while the session goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from cachetools import LRUCache

from memory.flows.copies import Copies
from memory.flows.library import Flows
from memory.flows.matching import Matcher
from memory.flows.scoring import Candidates
from memory.flows.statement import SHARE, Guide, block
from memory.sessions.turns import DERIVED
from proxy.config import MemorySettings
from store.database import Database, Prepared
from store.tables import session_steps, sessions

PATIENCE: Final = 2.0
"""Seconds that a call waits for its flow, before it goes on without."""
REST: Final = 10.0
"""Seconds without a search after one failed: else each call would wait in vain."""
RECHECK: Final = 10.0
"""Seconds after which it is looked up again what became of a session: another process may have changed it."""
AGAIN: Final = 3600.0
"""Seconds after which the first words of a conversation are matched again, though no flow has changed."""
MOST_SESSIONS: Final = 20_000
_MOST_TEXTS: Final = 1024
_Key = tuple[str, str, str, bool]
_FOLLOWED: Final = ("attached", "accepted")

_BY_ROOT = sa.and_(
    session_steps.c.namespace == sa.bindparam("namespace"), session_steps.c.root == sa.bindparam("session")
)
_ROW = Prepared(
    sa.select(sessions.c.match_state, sessions.c.matched_flow)
    .select_from(session_steps)
    .join(
        sessions,
        sa.and_(sessions.c.namespace == session_steps.c.namespace, sessions.c.id == session_steps.c.session_id),
    )
    .where(_BY_ROOT)
    # People who open with the same words share a derived id: who spoke last is taken for who speaks.
    .order_by(session_steps.c.at.desc(), session_steps.c.interaction_id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation as far as its flow hangs on it."""

    namespace: str
    session: str
    project: str
    opening: str
    """The first words of its user."""
    begins: bool
    """Does no answer go before this call?"""

    @property
    def fresh(self) -> bool:
        """Does it begin with this call, as far as can be seen? What became of others that began alike is theirs."""
        return self.begins and self.session.startswith(DERIVED)

    @property
    def key(self) -> _Key:
        """What is remembered is remembered under this."""
        return self.namespace, self.session, self.project, self.begins


@dataclass(frozen=True, slots=True)
class _Followed:
    """The flow of a session, or none."""

    flow_id: str | None
    among: Candidates
    """Of which it was chosen."""
    until: float
    """Seconds of a clock that only rises."""


class Guidance:
    """Chooses the flows that calls get. Belongs to one event loop, but for ``changed``.

    Args:
        settings: those of memory in force.
        domain: gives what a problem is filed under; None where it does not say.
        told: notes that no flow could be looked for, or that all is well again.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        database: Database,
        flows: Flows,
        copies: Copies,
        matcher: Matcher,
        settings: Callable[[], MemorySettings],
        domain: Callable[[str], str | None] = lambda text: None,
        told: Callable[[BaseException | None], None] = lambda error: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._flows = flows
        self._copies = copies
        self._matcher = matcher
        self._settings = settings
        self._domain = domain
        self._told = told
        self._clock = clock
        self._followed: MutableMapping[_Key, _Followed] = LRUCache(MOST_SESSIONS)
        self._lock = threading.Lock()
        """Held for what is remembered of sessions."""
        self._texts: MutableMapping[tuple[str, int, int], Guide | None] = LRUCache(_MOST_TEXTS)
        self._rested = float("-inf")
        self._failing = False
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reprise-flows")

    async def choice(self, talk: Talk) -> Guide | None:
        """What a call of this conversation gets; None for nothing. Never raises: what fails is told."""
        settings = self._settings()
        if not (settings.flows.enabled and settings.flows.inject):
            return None
        room = int(SHARE * settings.context.budget)
        known = self._known(talk, room)
        if known is not None:
            return known[0]
        if self._clock() < self._rested:
            return None
        loop = asyncio.get_running_loop()
        before = self._remembered(talk)
        finding = loop.run_in_executor(self._reading, self._found, talk, before, settings.flows.attach_at, room)
        try:
            followed, guide = await asyncio.wait_for(finding, PATIENCE)
        except Exception as error:  # noqa: BLE001  whatever fails here, the call goes on
            self._failing, self._rested = True, self._clock() + REST
            self._told(error)
            return None
        if self._failing:
            self._failing = False
            self._told(None)
        with self._lock:
            self._followed[talk.key] = followed
        if guide is not None:
            self._texts[guide.flow_id, guide.version, room] = guide
        return guide

    def changed(self, namespace: str, session: str) -> None:
        """Look it up again what a session follows: a person has changed that. Usable from any thread."""
        with self._lock:
            for key in [key for key in self._followed if key[:2] == (namespace, session)]:
                del self._followed[key]

    def forget(self) -> None:
        """Drop all that is remembered."""
        with self._lock:
            self._followed.clear()
        self._texts.clear()

    def close(self) -> None:
        """Stop the thread."""
        self._reading.shutdown(wait=True)

    def _remembered(self, talk: Talk) -> _Followed | None:
        with self._lock:
            return self._followed.get(talk.key)

    def _known(self, talk: Talk, room: int) -> tuple[Guide | None] | None:
        """What the call gets, where nothing has to be read for it; None where it has."""
        held = self._copies.current(talk.namespace)
        if held is None:
            return None
        if not held.versions:
            return (None,)
        followed = self._remembered(talk)
        if followed is None or self._clock() >= followed.until:
            return None
        if talk.fresh and followed.among is not held.candidates:
            return None
        version = held.versions.get(followed.flow_id or "")
        if followed.flow_id is None or version is None:
            return (None,)
        key = (followed.flow_id, version, room)
        return (self._texts[key],) if key in self._texts else None

    def _found(
        self, talk: Talk, before: _Followed | None, attach_at: float, room: int
    ) -> tuple[_Followed, Guide | None]:
        held = self._copies.of(talk.namespace)
        flow_id = self._follows(talk, before, attach_at) if held.versions else None
        # Matching may have given the flows their vectors, and with them another home.
        held = self._copies.of(talk.namespace)
        followed = _Followed(flow_id, held.candidates, self._clock() + (AGAIN if talk.fresh else RECHECK))
        if flow_id is None or flow_id not in held.versions:
            return followed, None
        published = self._flows.get(flow_id, talk.namespace)
        if published is None or published.status != "published":
            return followed, None
        text = block(published.flow, room)
        return followed, Guide(flow_id, published.version, text) if text is not None else None

    def _follows(self, talk: Talk, before: _Followed | None, attach_at: float) -> str | None:
        """What the session says, once there is one; else what fits its first words."""
        if not talk.fresh:
            row = self._row(talk)
            if row is not None:
                state, flow_id = row
                return flow_id if state in _FOLLOWED else None
            if before is not None:
                # Nothing of it is logged: with what it got at first it goes on.
                return before.flow_id
        best = self._matcher.best(talk.namespace, talk.project, talk.opening, self._domain(talk.opening))
        return best.flow_id if best is not None and best.score >= attach_at else None

    def _row(self, talk: Talk) -> tuple[str, str | None] | None:
        given = {"namespace": talk.namespace, "session": talk.session}
        rows = self._database.read(_ROW, given)
        return (rows[0][0], rows[0][1]) if rows else None


def talk_of(messages: Sequence[Any], namespace: str, session: str, project: str) -> Talk:
    """The conversation that a call goes on with."""
    opening, begins = "", True
    for message in messages:
        role = message.get("role") if isinstance(message, Mapping) else None
        if role == "user" and not opening:
            opening = _text(message.get("content"))
        elif role == "assistant":
            begins = False
        if opening and not begins:
            break
    return Talk(namespace, session, project, opening, begins)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content.strip()
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str)).strip()
