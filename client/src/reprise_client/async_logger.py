"""``AsyncInteractionLogger``: the same for coroutines."""

from __future__ import annotations

import asyncio
import functools
import inspect
import weakref
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ParamSpec, Protocol, Self, TypeVar, Unpack, overload

import httpx2

from reprise_client import calls
from reprise_client.alike import same_details
from reprise_client.background import MOST_WAITING, Sender
from reprise_client.choosing import Same, Terms, Valid, fitting
from reprise_client.errors import RepriseError
from reprise_client.link import AsyncLink, Link
from reprise_client.logger import MOST_ASKED, close_all
from reprise_client.options import Fields, ToolOptions, check_names, recipe_of
from reprise_client.recipe import Recipe
from reprise_client.runs import PastRun
from reprise_client.settings import DEFAULT_TIMEOUT, read_settings
from reprise_client.tools import Tool, async_tool
from reprise_client.trouble import Counts, Trouble

P = ParamSpec("P")
T = TypeVar("T")


class DecorateAsync(Protocol):
    """Makes a tool of a coroutine function."""

    def __call__(self, func: Callable[P, Coroutine[Any, Any, T]]) -> Tool[P, Coroutine[Any, Any, T]]: ...


class AsyncInteractionLogger:
    """``InteractionLogger`` for coroutines: the same methods and arguments, to be awaited.

    It may be used in one event loop after another. In the background it sends from a thread of its own.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        strict: bool = False,
        background: bool = False,
        most_waiting: int = MOST_WAITING,
        project: str = "",
        client: str = "",
        session_id: str = "",
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        settings = read_settings(base_url, api_key, timeout)
        self.trouble = Trouble()
        self._link = AsyncLink(settings, transport)
        self._strict = strict
        self._behind = Link(settings)
        self._sender = Sender(self._behind.send, self.trouble, most_waiting) if background else None
        self._defaults = {"project": project, "client": client, "session_id": session_id}
        self._closing = weakref.finalize(self, close_all, self._sender, self._behind)

    @property
    def counts(self) -> Counts:
        """What was lost so far."""
        return self.trouble.counts

    async def log_interaction(self, **fields: Unpack[Fields]) -> str | None:
        """See ``InteractionLogger.log_interaction``."""
        check_names(fields, Fields, "log_interaction")
        return await self.log_fields({**self._defaults, **fields})

    async def find_similar_interactions(
        self,
        tool_id: str,
        text: str,
        *,
        threshold: float = 0.85,
        min_quality: float = 0.0,
        require_success: bool = False,
        top_k: int = 5,
        max_age_hours: float | None = None,
    ) -> list[PastRun]:
        """See ``InteractionLogger.find_similar_interactions``."""
        return calls.read_runs(
            await self._link.send(
                calls.similar(
                    tool_id,
                    text,
                    threshold=threshold,
                    min_quality=min_quality,
                    require_success=require_success,
                    top_k=top_k,
                    max_age_hours=max_age_hours,
                )
            )
        )

    async def get_cached_result(
        self,
        tool_id: str,
        text: str,
        *,
        threshold: float = 0.95,
        max_age_hours: float = 24,
        min_quality: float = 0.7,
        same: Same | None = same_details,
        valid: Valid | None = None,
    ) -> PastRun | None:
        """See ``InteractionLogger.get_cached_result``."""
        found, _ = await self._fitting(tool_id, text, Terms(threshold, max_age_hours, min_quality, same, valid))
        return next((run for run in found if valid is None or valid(run)), None)

    async def update_interaction_quality(self, interaction_id: str, score: float) -> None:
        """See ``InteractionLogger.update_interaction_quality``."""
        await self._link.send(calls.rate(interaction_id, score))

    async def get_tool_statistics(self, tool_id: str, hours: float = 24) -> dict[str, Any]:
        """See ``InteractionLogger.get_tool_statistics``."""
        return await self._link.send(calls.statistics(tool_id, hours))

    @overload
    def tool(self, func: Callable[P, Coroutine[Any, Any, T]], /) -> Tool[P, Coroutine[Any, Any, T]]: ...
    @overload
    def tool(self, /, **options: Unpack[ToolOptions]) -> DecorateAsync: ...
    def tool(self, func: Callable[..., Any] | None = None, /, **options: Unpack[ToolOptions]) -> Any:
        """See ``InteractionLogger.tool``; only coroutine functions, for others belong to that one."""
        if func is None:
            return functools.partial(self._tool, options)
        return self._tool(options, func)

    def _tool(self, options: ToolOptions, func: Callable[..., Any]) -> Any:
        if not inspect.iscoroutinefunction(func):
            raise TypeError("this function is no coroutine function: use InteractionLogger.tool")
        return async_tool(recipe_of(func, options, self._defaults), self)

    async def flush(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109  the same as in InteractionLogger
        """Wait until what was queued is sent or given up; False when that takes longer."""
        return self._sender is None or await asyncio.to_thread(self._sender.flush, timeout)

    async def close(self) -> None:
        """Send what is queued, for at most five seconds, and close this loop's connections. Idempotent."""
        await asyncio.to_thread(close_all, self._sender, self._behind)
        await self._link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def look_up(self, recipe: Recipe, text: str) -> tuple[list[PastRun], bool]:
        """For decorated tools: runs that fit, and whether Reprise was asked."""
        return await self._fitting(recipe.tool_id, text, recipe.terms)

    async def log_fields(self, fields: Mapping[str, Any], *, quiet: bool = False) -> str | None:
        """For decorated tools: log without checking; ``quiet`` never raises."""
        if not self._strict and self._sender is None and not self.trouble.may_try():
            return None
        try:
            request = calls.record(fields)
            if self._sender is not None:
                self._sender.put(request)
                return None
            recorded = calls.read_recorded(await self._link.send(request))
        except RepriseError as error:
            self._failed(error, quiet=quiet)
            return None
        self.trouble.worked()
        return recorded.id

    async def _fitting(self, tool_id: str, text: str, terms: Terms) -> tuple[list[PastRun], bool]:
        if not self._strict and not self.trouble.may_try():
            return [], False
        try:
            found = await self.find_similar_interactions(
                tool_id,
                text,
                threshold=terms.threshold,
                min_quality=terms.min_quality,
                require_success=True,
                top_k=MOST_ASKED,
                max_age_hours=terms.max_age_hours,
            )
        except RepriseError as error:
            self._failed(error)
            return [], False
        self.trouble.worked()
        return fitting(text, found, terms), True

    def _failed(self, error: RepriseError, *, quiet: bool = False) -> None:
        if self._strict and not quiet:
            raise error
        self.trouble.failed(error)
