"""Asks the configured model which statements of an interaction are worth keeping. Off every call's path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from memory.extraction import fresh, model
from memory.extraction.prefilter import may_hold
from memory.extraction.shown import Shown, shown
from memory.memories.memory import Candidate
from memory.quoting import mark
from memory.redaction import Redactor
from proxy.asking import Asks
from proxy.config import ExtractionSettings
from proxy.errors import UpstreamError
from proxy.metrics import Metrics
from proxy.pace import Pace
from proxy.remembering.worker import Later

UNREADABLE: Final = "extraction_unreadable"
"""Code of the error where a reply makes no sense."""


class Extractor:
    """Reads interactions with a model. It is shown what is new in them, redacted.

    Args:
        settings: with a model's name.
        clock: seconds, monotonic.
        mark: makes text that nobody can guess.
    """

    def __init__(
        self,
        settings: ExtractionSettings,
        asking: Asks,
        redactor: Redactor,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
        mark: Callable[[], str] = mark,
    ) -> None:
        assert settings.model is not None
        self._model = settings.model
        self._settings = settings
        self._asking = asking
        self._redactor = redactor
        self._metrics = metrics
        self._pace = Pace(clock)
        self._mark = mark
        self.name = model.extractor_of(settings.model)
        """Under which an interaction counts as read: the model and the prompt's version."""

    async def read(self, record: Mapping[str, Any]) -> Sequence[Candidate]:
        """The candidates in an interaction, none for one that holds nothing new.

        Raises:
            Later: the model was asked often enough in this minute.
            ProxyError: the model gave no answer, or one that makes no sense. Never taken for "no candidates".
        """
        given = await asyncio.to_thread(self._shown, record)
        if given is None:
            self._count("skipped")
            return []
        wait = self._pace.wait(self._settings.max_per_minute)
        if wait:
            raise Later(wait)
        try:
            answer = await self._asking.ask(
                self._model, model.messages(given, self._mark()), schema=model.SCHEMA, timeout=self._settings.timeout
            )
            reading = await asyncio.to_thread(model.read, answer, given)
        except model.ReplyError as error:
            self._count("unreadable")
            raise UpstreamError(f"The extraction model's reply cannot be read: {error}.", code=UNREADABLE) from error
        except Exception:
            self._count("failed")
            raise
        self._count("doubted" if reading.doubted else "found" if reading.candidates else "nothing")
        self._metrics.memory_refused.inc(reading.refused)
        return reading.candidates

    def _shown(self, record: Mapping[str, Any]) -> Shown | None:
        """What the model is shown; None where there is nothing that it could find."""
        new = fresh(record)
        return shown(new, self._redactor) if may_hold(new) else None

    def _count(self, outcome: str) -> None:
        self._metrics.memory_readings.labels(outcome).inc()
