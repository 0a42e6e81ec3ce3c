"""What callers do after an answer says something about it: the next turn of a conversation, and asking anew.

Answers that went out are remembered for a while, by their text: a later call whose history ends with that answer and
a new turn of the user is a reaction to it. Where a call sends no history, its named session tells. All of it happens
behind the response, on one thread, and breaks no call.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from cache.answers import text_of
from cache.quality import CORRECTED, REGENERATED, WENT_ON, Evidence, next_turn_signal, reaction, text_in
from proxy.exchange import Exchange, Outcome
from proxy.labels.feedback import weigh
from store.entries import Entries
from store.labels import Labels

MOST = 10_000
"""Answers remembered, by text and by session each."""
ASKED = 2000
"""Characters of a question that are remembered for its session; a longer one is not."""
MOST_WAITING = 1000
"""Reactions waiting for SQL; beyond it they are let go."""


@dataclass(frozen=True, slots=True)
class Served:
    """An answer that went out."""

    interaction_id: str
    entry_id: str
    prompt_key: str
    """``exact_key`` of the call."""
    elsewhere: bool
    """Was the answer made for another prompt?"""


class Reactions:
    """Turns what callers do after an answer into evidence about its entry.

    ``answered`` and ``arrived`` are called on the event loop, cost microseconds there and raise nothing; ``wait``
    and ``close`` may be called from any thread.

    Args:
        failed: told of failures; what was to be learned is then lost.
        clock: seconds since 1970, the same as the cache's.
    """

    def __init__(
        self,
        entries: Entries,
        labels: Labels,
        failed: Callable[[Exception], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._entries = entries
        self._labels = labels
        self._failed = failed
        self._clock = clock
        self._by_text: LRUCache[bytes, Served] = LRUCache(MOST)
        self._by_session: LRUCache[tuple[str, str], tuple[Served, str, str]] = LRUCache(MOST)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reprise-reactions")
        self._waiting = 0
        self._lock = threading.Lock()

    def answered(self, exchange: Exchange, outcome: Outcome) -> None:
        """Remember an answer that goes out. To be called with every outcome, once it is known."""
        try:
            self._remember(exchange, outcome)
        except Exception as error:  # noqa: BLE001  bodies are the caller's; none of them may break its call
            self._failed(error)

    def arrived(self, exchange: Exchange) -> None:
        """See whether a call reacts to an earlier answer. To be called before this call's own answer is known."""
        try:
            self._look(exchange)
        except Exception as error:  # noqa: BLE001  as above
            self._failed(error)

    def forget(self) -> None:
        """Remember no answer and no question that went before, whoever's they were. On the event loop."""
        self._by_text.clear()
        self._by_session.clear()

    def wait(self) -> None:
        """Block until what has arrived so far is learned."""
        self._thread.submit(lambda: None).result()

    def close(self) -> None:
        """Learn what is waiting, then stop."""
        self._thread.shutdown(wait=True)

    def _remember(self, exchange: Exchange, outcome: Outcome) -> None:
        call, partition = exchange.call, exchange.call.scope.partition
        session, text = _named_session(exchange), text_of(outcome.answer or {})
        if session is not None:
            # Whatever comes next in this session is about the present answer, be it stored or not.
            self._by_session.pop((partition, session), None)
        if outcome.entry_id is None or outcome.status != 200 or outcome.error is not None or not text.strip():
            return
        served = Served(exchange.interaction_id, outcome.entry_id, call.exact_key, outcome.tier == "semantic")
        asked = _asked(exchange.request.body["messages"])
        self._by_text[_key(partition, asked, text)] = served
        if session is not None and len(asked) <= ASKED:
            self._by_session[partition, session] = served, asked, exchange.clients_key

    def _look(self, exchange: Exchange) -> None:
        call, partition = exchange.call, exchange.call.scope.partition
        messages = exchange.request.body["messages"]
        if call.refresh and call.store:
            # Who asks for nothing to be stored either wants no cache at all, which says nothing of the answer.
            self._queue(self._regenerated, call.exact_key, exchange.interaction_id, self._clock())
        if len(messages) > 1 and any(_role(message) == "assistant" for message in messages):
            served = self._by_text.get(_key(partition, _asked(messages[:-2]), _text(messages[-2])))
            if served is not None:
                self._queue(self._judge, served, tuple(messages), turn_digest(_text(messages[-1])))
            return
        session = _named_session(exchange)
        last = self._by_session.get((partition, session)) if session is not None else None
        said = _text(messages[-1])
        # The very same call again, without a history, is a program's retry rather than a person's complaint.
        if last is not None and _role(messages[-1]) == "user" and last[2] != exchange.clients_key:
            self._queue(self._judge_session, last[0], last[1], said)

    def _judge(self, served: Served, messages: Sequence[Any], turn: str) -> None:
        evidence = next_turn_signal(messages)
        if evidence is not None:
            self._weigh(served, evidence, turn)

    def _judge_session(self, served: Served, asked: str, said: str) -> None:
        evidence = reaction(asked, said)
        # Without a history, another question may have nothing to do with the answer.
        if evidence is not None and evidence != WENT_ON:
            self._weigh(served, evidence, turn_digest(said))

    def _weigh(self, served: Served, evidence: Evidence, turn: str) -> None:
        """Each next turn counts once for an answer, however often its call is sent."""
        entry = weigh(
            self._entries,
            served.entry_id,
            evidence.elsewhere() if served.elsewhere else evidence,
            served.interaction_id,
            turn,
        )
        if entry is not None and served.elsewhere and evidence == CORRECTED:
            # Perhaps it was the answer and not the match; a pair refused costs a miss, a wrong hit more.
            self._labels.refuse(served.prompt_key, entry.exact_key)

    def _regenerated(self, exact_key: str, interaction_id: str, at: float) -> None:
        for entry in self._entries.by_exact_key(exact_key):
            # Not the answer that this very call has brought meanwhile.
            if entry.created_at < at and entry.source_interaction_id != interaction_id:
                weigh(self._entries, entry.id, REGENERATED, interaction_id)

    def _queue(self, learn: Callable[..., None], *given: Any) -> None:
        with self._lock:
            if self._waiting >= MOST_WAITING:
                return
            self._waiting += 1
        try:
            self._thread.submit(self._run, learn, given)
        except RuntimeError:
            # The server stops; this call is answered all the same.
            self._done()

    def _run(self, learn: Callable[..., None], given: tuple[Any, ...]) -> None:
        try:
            learn(*given)
        except Exception as error:  # noqa: BLE001  the thread must go on
            self._failed(error)
        finally:
            self._done()

    def _done(self) -> None:
        with self._lock:
            self._waiting -= 1


def _key(partition: str, asked: str, answered: str) -> bytes:
    """Stands for an answer's text and the question before it: many questions have the answer "Yes."."""
    text = f"{partition}\0{asked.strip()}\0{answered.strip()}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def turn_digest(text: str) -> str:
    """Stands for the words of a turn where the turn is counted once."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _asked(messages: Sequence[Any]) -> str:
    """The text of the last message of the user."""
    return next((_text(message) for message in reversed(messages) if _role(message) == "user"), "")


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, Mapping) else None


def _text(message: Any) -> str:
    return text_in(message) if isinstance(message, Mapping) else ""


def _named_session(exchange: Exchange) -> str | None:
    """The session that the caller named; a derived one groups people who open with the same words."""
    metadata = exchange.request.body.get("metadata")
    asked = None if "session" in exchange.ignored else exchange.request.controls.session
    named = asked or (metadata.get("session_id") if isinstance(metadata, Mapping) else None)
    return named if isinstance(named, str) and named.strip() else None
