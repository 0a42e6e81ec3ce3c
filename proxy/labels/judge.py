"""A model that says whether two answers say the same. Asked beside the calls, never on their path.

The texts are strangers' words: they are passed as JSON strings between marks that nobody can guess, and of the reply
nothing counts but one JSON object that holds a verdict. Whatever else comes back is no verdict.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Final, Protocol

import orjson

from cache.answers import is_complete, text_of
from proxy.auth import Caller
from proxy.config import JudgeSettings
from proxy.errors import UpstreamError
from proxy.metrics import Metrics
from proxy.upstreams.base import Target, Upstream, UpstreamCall
from proxy.upstreams.router import is_direct

PROMPT: Final = "judge.v1.txt"
"""A changed prompt gets a new version: verdicts of two prompts are not alike."""
MOST_TEXT: Final = 60_000
"""Characters of questions and answers together; longer ones are not judged."""
MOST_REPLY: Final = 65_536
"""Bytes of a reply; a longer one is no verdict."""
MINUTE: Final = 60.0

_SCHEMA: Final = {
    "type": "object",
    "properties": {"same": {"type": "boolean"}},
    "required": ["same"],
    "additionalProperties": False,
}
_STRICT: Final = {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": _SCHEMA}}
# What some servers or models refuse is left out after the first refusal.
_MANNERS: Final[tuple[Mapping[str, Any], ...]] = (
    {"temperature": 0, "response_format": _STRICT},
    {"temperature": 0},
    {},
)
_REFUSALS: Final = frozenset({400, 415, 422})


class Resolves(Protocol):
    """Says where a call for a model goes: ``proxy.upstreams.router.Router``, or what is in force of it."""

    def resolve(self, model: str, caller: Caller) -> Target:
        """The upstream of a model. Raises ``NotFound``."""
        ...


class Judge:
    """Asks the configured model for verdicts.

    Its calls go to the upstream by the way of every call, with the key of the model's entry; they are neither stored in
    the cache nor logged as interactions.

    Args:
        settings: with a model's name.
        outcome: told of each failure, and with None of each verdict.
        clock: seconds, monotonic.
        mark: makes text that nobody can guess.
    """

    def __init__(
        self,
        settings: JudgeSettings,
        router: Resolves,
        upstreams: Mapping[str, Upstream],
        metrics: Metrics,
        *,
        outcome: Callable[[BaseException | None], None] = lambda error: None,
        clock: Callable[[], float] = time.monotonic,
        mark: Callable[[], str] = lambda: secrets.token_hex(12),
    ) -> None:
        self._settings = settings
        self._router = router
        self._upstreams = upstreams
        self._metrics = metrics
        self._outcome = outcome
        self._clock = clock
        self._mark = mark
        self._prompt = resources.files("proxy").joinpath("prompts", PROMPT).read_text("utf-8")
        self._asked: deque[float] = deque()
        self._manners = 0

    async def verdict(self, question_new: str, question_stored: str, fresh: str, stored: str) -> bool | None:
        """Does the stored answer say, for the new question, what the fresh one says?

        None where the model does not say so clearly and in time, or was asked too often in the last minute. Never
        raises, but for the caller's own cancellation.
        """
        texts = {
            "question_1": question_new,
            "answer_1": fresh,
            "question_2": question_stored,
            "answer_2": stored,
        }
        if sum(map(len, texts.values())) > MOST_TEXT or not self._may_ask():
            return self._count("limited", None)
        try:
            async with asyncio.timeout(self._settings.timeout):
                said = read_verdict(await self._ask(self._messages(texts)))
        except Exception as error:  # noqa: BLE001  a judge that fails in whatever way has not judged
            self._outcome(error)
            return self._count("failed", None)
        self._outcome(None)
        return self._count("unclear" if said is None else "same" if said else "different", said)

    def _may_ask(self) -> bool:
        now = self._clock()
        while self._asked and now - self._asked[0] >= MINUTE:
            self._asked.popleft()
        if self._settings.model is None or len(self._asked) >= self._settings.max_per_minute:
            return False
        self._asked.append(now)
        return True

    def _count(self, outcome: str, said: bool | None) -> bool | None:
        self._metrics.judge.labels(outcome).inc()
        return said

    def _messages(self, texts: Mapping[str, str]) -> list[dict[str, str]]:
        mark = self._mark()
        # Escaped to ASCII, no text can end its string, nor look like a line of ours.
        data = json.dumps(texts, ensure_ascii=True)
        return [
            {"role": "system", "content": self._prompt.replace("{mark}", mark)},
            {"role": "user", "content": f"{mark}\n{data}\n{mark}"},
        ]

    async def _ask(self, messages: list[dict[str, str]]) -> Mapping[str, Any]:
        """The model's answer. Raises ``ProxyError``."""
        assert self._settings.model is not None
        target = self._router.resolve(self._settings.model, Caller(namespace="", role="client"))
        target = dataclasses.replace(target, timeout=min(target.timeout, self._settings.timeout))
        while True:
            manners = self._manners
            status, answer = await self._send(target, {"messages": messages, **_MANNERS[manners]})
            if status not in _REFUSALS or manners + 1 == len(_MANNERS):
                break
            self._manners = max(self._manners, manners + 1)
        if answer is None or not 200 <= status < 300:
            raise UpstreamError("The judge gave no answer.", code=f"judge_status_{status}")
        return answer

    async def _send(self, target: Target, fields: Mapping[str, Any]) -> tuple[int, Mapping[str, Any] | None]:
        body = {"model": target.model, **fields}
        headers = {"content-type": "application/json", "accept": "application/json"}
        call = UpstreamCall(target, orjson.dumps(body), body, headers, "")
        upstream = self._upstreams["direct" if is_direct(target) else "litellm"]
        read = bytearray()
        async with upstream.send(call) as response:
            async for chunk in response.chunks:
                read += chunk
                if len(read) > MOST_REPLY:
                    raise UpstreamError("The judge's reply is too long.", code="judge_reply_too_long")
        try:
            answer = orjson.loads(read)
        except orjson.JSONDecodeError:
            return response.status, None
        return response.status, answer if isinstance(answer, dict) else None


def read_verdict(answer: Mapping[str, Any]) -> bool | None:
    """The verdict in a chat completion: ``{"same": true}`` or ``{"same": false}`` and not a word more.

    A fence of Markdown around it is tolerated. None for anything else: no verdict is better than one that was read
    into talk.
    """
    if not is_complete(answer) or len(answer["choices"]) != 1:
        return None
    text = text_of(answer).strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        opening, _, rest = text.partition("\n")
        if opening[3:].strip().lower() not in ("", "json"):
            return None
        text = rest.removesuffix("```").strip()
    try:
        said = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    # As a list of pairs, so that a key that comes twice is seen.
    if not isinstance(said, list) or len(said) != 1 or not isinstance(said[0], tuple):
        return None
    key, value = said[0]
    return value if key == "same" and isinstance(value, bool) else None
