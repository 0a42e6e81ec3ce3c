"""A model that says whether two answers say the same. Asked beside the calls, never on their path.

The texts are strangers' words: they are passed as JSON strings between marks that nobody can guess, and of the reply
nothing counts but one JSON object that holds a verdict. Whatever else comes back is no verdict.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Final

from cache.answers import is_complete, text_of
from memory.quoting import mark, quoted
from proxy.asking import Asks
from proxy.config import JudgeSettings
from proxy.metrics import Metrics
from proxy.pace import Pace

PROMPT: Final = "judge.v1.txt"
"""A changed prompt gets a new version: verdicts of two prompts are not alike."""
MOST_TEXT: Final = 60_000
"""Characters of questions and answers together; longer ones are not judged."""

_SCHEMA: Final = {
    "title": "verdict",
    "type": "object",
    "properties": {"same": {"type": "boolean"}},
    "required": ["same"],
    "additionalProperties": False,
}


class Judge:
    """Asks the configured model for verdicts.

    Args:
        settings: with a model's name.
        outcome: told of each failure, and with None of each verdict.
        clock: seconds, monotonic.
        mark: makes text that nobody can guess.
    """

    def __init__(
        self,
        settings: JudgeSettings,
        asking: Asks,
        metrics: Metrics,
        *,
        outcome: Callable[[BaseException | None], None] = lambda error: None,
        clock: Callable[[], float] = time.monotonic,
        mark: Callable[[], str] = mark,
    ) -> None:
        self._settings = settings
        self._asking = asking
        self._metrics = metrics
        self._outcome = outcome
        self._pace = Pace(clock)
        self._mark = mark
        self._prompt = resources.files("proxy").joinpath("prompts", PROMPT).read_text("utf-8")

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
        model, timeout = self._settings.model, self._settings.timeout
        if model is None or sum(map(len, texts.values())) > MOST_TEXT or self._pace.wait(self._settings.max_per_minute):
            return self._count("limited", None)
        messages = quoted(self._prompt, texts, self._mark())
        try:
            said = read_verdict(await self._asking.ask(model, messages, schema=_SCHEMA, timeout=timeout))
        except Exception as error:  # noqa: BLE001  a judge that fails in whatever way has not judged
            self._outcome(error)
            return self._count("failed", None)
        self._outcome(None)
        return self._count("unclear" if said is None else "same" if said else "different", said)

    def _count(self, outcome: str, said: bool | None) -> bool | None:
        self._metrics.judge.labels(outcome).inc()
        return said


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
