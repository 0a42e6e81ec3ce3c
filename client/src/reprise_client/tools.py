"""Functions as logged, cached tools."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from reprise_client.recipe import Recipe
from reprise_client.runs import PastRun, Ran
from reprise_client.trouble import Trouble

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Tool(Protocol[P, T_co]):
    """A decorated function: called as before, or by ``run``, which says where the result came from."""

    tool_id: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...

    def run(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """The same call as a ``Ran``; of an asynchronous function, to be awaited."""
        ...


class Decorate(Protocol):
    """Makes a tool of a function."""

    @overload
    def __call__(self, func: Callable[P, Coroutine[Any, Any, T]]) -> Tool[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __call__(self, func: Callable[P, T]) -> Tool[P, T]: ...


class Asks(Protocol):
    """What a tool needs of a logger; both fail open, unless the logger is strict."""

    @property
    def trouble(self) -> Trouble:
        """Counts what fails."""
        ...

    def look_up(self, recipe: Recipe, text: str) -> tuple[list[PastRun], bool]:
        """Runs that fit, and whether Reprise was asked at all."""
        ...

    def log_fields(self, fields: dict[str, Any], *, quiet: bool = False) -> str | None:
        """Log an interaction; ``quiet``: an error of the tool's own is on its way."""
        ...


class AsksAsync(Protocol):
    """The same for a coroutine."""

    @property
    def trouble(self) -> Trouble:
        """See ``Asks``."""
        ...

    async def look_up(self, recipe: Recipe, text: str) -> tuple[list[PastRun], bool]: ...
    async def log_fields(self, fields: dict[str, Any], *, quiet: bool = False) -> str | None: ...


def check_tool(func: Callable[..., Any]) -> None:
    """Refuse what gives no result to keep. Raises ``TypeError``."""
    if not callable(func):
        raise TypeError("a tool is a function")
    if inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
        raise TypeError("a generator has no one result: wrap what collects it")


def sync_tool(recipe: Recipe, logger: Asks) -> Any:
    """A function that is looked up before it runs, and logged."""

    def run(*args: Any, **kwargs: Any) -> Ran:
        arrived = time.perf_counter()
        text, cacheable = recipe.key_for(args, kwargs, logger.trouble)
        fit, asked = logger.look_up(recipe, text) if cacheable else ([], False)
        started = time.time()
        found = recipe.chosen(text, fit, logger.trouble)
        if found is not None:
            past, value = found
            ran = recipe.ran(text, cacheable, started, time.perf_counter() - arrived)
            return Ran(value, "hit", logger.log_fields(recipe.served(ran, past)), past)
        began = time.perf_counter()
        try:
            result = recipe.func(*args, **kwargs)
        except Exception as error:
            ran = recipe.ran(text, cacheable, started, time.perf_counter() - began)
            logger.log_fields(recipe.raised(ran, error), quiet=True)
            raise
        ran = recipe.ran(text, cacheable, started, time.perf_counter() - began)
        logged = logger.log_fields(recipe.gave(ran, result, logger.trouble))
        return Ran(result, "miss" if asked else "uncached", logged)

    @functools.wraps(recipe.func)
    def tool(*args: Any, **kwargs: Any) -> Any:
        return run(*args, **kwargs).value

    return _finished(tool, run, recipe)


def async_tool(recipe: Recipe, logger: AsksAsync) -> Any:
    """The same for a coroutine function."""

    async def run(*args: Any, **kwargs: Any) -> Ran:
        arrived = time.perf_counter()
        text, cacheable = recipe.key_for(args, kwargs, logger.trouble)
        fit, asked = await logger.look_up(recipe, text) if cacheable else ([], False)
        started = time.time()
        found = recipe.chosen(text, fit, logger.trouble)
        if found is not None:
            past, value = found
            ran = recipe.ran(text, cacheable, started, time.perf_counter() - arrived)
            return Ran(value, "hit", await logger.log_fields(recipe.served(ran, past)), past)
        began = time.perf_counter()
        try:
            result = await recipe.func(*args, **kwargs)
        except Exception as error:
            ran = recipe.ran(text, cacheable, started, time.perf_counter() - began)
            await logger.log_fields(recipe.raised(ran, error), quiet=True)
            raise
        ran = recipe.ran(text, cacheable, started, time.perf_counter() - began)
        logged = await logger.log_fields(recipe.gave(ran, result, logger.trouble))
        return Ran(result, "miss" if asked else "uncached", logged)

    @functools.wraps(recipe.func)
    async def tool(*args: Any, **kwargs: Any) -> Any:
        return (await run(*args, **kwargs)).value

    return _finished(tool, run, recipe)


class InThreads:
    """A synchronous logger for coroutines: it waits in a thread, never on their event loop."""

    def __init__(self, logger: Asks) -> None:
        self._logger = logger
        self.trouble = logger.trouble

    async def look_up(self, recipe: Recipe, text: str) -> tuple[list[PastRun], bool]:
        """See ``Asks``."""
        return await asyncio.to_thread(self._logger.look_up, recipe, text)

    async def log_fields(self, fields: dict[str, Any], *, quiet: bool = False) -> str | None:
        """See ``Asks``."""
        return await asyncio.to_thread(self._logger.log_fields, fields, quiet=quiet)


def _finished(tool: Any, run: Callable[..., Ran | Awaitable[Ran]], recipe: Recipe) -> Any:
    tool.run = run
    tool.tool_id = recipe.tool_id
    return tool
