"""From a function and its options to a tool."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from reprise_client.options import ToolOptions, recipe_of
from reprise_client.tools import Asks, InThreads, async_tool, sync_tool


def tool_of(func: Callable[..., Any] | None, options: ToolOptions, logger: Asks, logged: Mapping[str, Any]) -> Any:
    """The tool; without a function yet, what makes one of it. Raises ``TypeError`` and ``ValueError``."""
    if func is None:
        return functools.partial(tool_of, options=options, logger=logger, logged=logged)
    recipe = recipe_of(func, options, logged)
    if inspect.iscoroutinefunction(func):
        return async_tool(recipe, InThreads(logger))
    return sync_tool(recipe, logger)
