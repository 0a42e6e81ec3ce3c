"""``logged_tool``: a tool whose logger is made of the environment at its first call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, Unpack, overload

from reprise_client.logger import InteractionLogger
from reprise_client.making import tool_of
from reprise_client.options import ToolOptions
from reprise_client.recipe import Recipe
from reprise_client.runs import PastRun
from reprise_client.tools import Decorate, Tool
from reprise_client.trouble import Trouble

P = ParamSpec("P")
T = TypeVar("T")


class FromEnvironment:
    """A logger that reads ``REPRISE_URL`` and ``REPRISE_API_KEY`` when it is first needed."""

    def __init__(self) -> None:
        self._logger: InteractionLogger | None = None
        self._lock = threading.Lock()

    @property
    def logger(self) -> InteractionLogger:
        """The one logger of this process."""
        with self._lock:
            if self._logger is None:
                self._logger = InteractionLogger()
            return self._logger

    @property
    def trouble(self) -> Trouble:
        """The logger's."""
        return self.logger.trouble

    def look_up(self, recipe: Recipe, text: str) -> tuple[list[PastRun], bool]:
        """See ``tools.Asks``."""
        return self.logger.look_up(recipe, text)

    def log_fields(self, fields: dict[str, Any], *, quiet: bool = False) -> str | None:
        """See ``tools.Asks``."""
        return self.logger.log_fields(fields, quiet=quiet)


_environment = FromEnvironment()


@overload
def logged_tool(func: Callable[P, Coroutine[Any, Any, T]], /) -> Tool[P, Coroutine[Any, Any, T]]: ...
@overload
def logged_tool(func: Callable[P, T], /) -> Tool[P, T]: ...
@overload
def logged_tool(*, logger: InteractionLogger | None = None, **options: Unpack[ToolOptions]) -> Decorate: ...
def logged_tool(
    func: Callable[..., Any] | None = None,
    /,
    *,
    logger: InteractionLogger | None = None,
    **options: Unpack[ToolOptions],
) -> Any:
    """Make a logged, cached tool of a function; see ``InteractionLogger.tool``.

    Without a logger it uses one that the environment describes. Raises ``TypeError`` and ``ValueError``.
    """
    if logger is None:
        return tool_of(func, options, _environment, {})
    return tool_of(func, options, logger, logger.defaults)
