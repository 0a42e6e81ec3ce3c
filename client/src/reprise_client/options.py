"""What may be said of an interaction, and of a tool."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypedDict

from reprise_client.choosing import Same, Terms, Valid
from reprise_client.recipe import Recipe
from reprise_client.tools import check_tool


class Fields(TypedDict, total=False):
    """An interaction, as ``log_interaction`` takes it. One of ``input`` and ``prompt`` is needed."""

    tool_id: str | None
    """What names the tool: earlier runs are looked for within it."""
    tool_name: str | None
    interaction_type: str
    """``tool`` where there is a tool_id, else ``llm``; ``command_check`` and names of your own."""
    input: Any
    """What the tool was given: a text, or anything that JSON can hold."""
    output: Any
    prompt: str
    """In place of ``input``: what a model was asked."""
    response: str
    response_summary: str
    success: bool
    quality_score: float | None
    """0 to 1; leave it out to be neutral."""
    latency_ms: float | None
    error: str | None
    cost: float | None
    """US dollars."""
    cached_from: str | None
    """Id of the run whose output was served instead: makes this a hit, and tells what it saved."""
    metadata: Mapping[str, Any] | None
    project: str
    client: str
    session_id: str
    model: str | None
    provider: str | None
    memories_used: list[str]
    chunks_used: list[str]
    context_pack: dict[str, Any] | None
    reinforce: bool
    """May memories that the response used gain? Without a tool_id, yes."""


class ToolOptions(TypedDict, total=False):
    """How a function becomes a tool."""

    tool_id: str
    """Default: the function's module and name."""
    tool_name: str
    interaction_type: str
    """Default ``tool``."""
    threshold: float
    """Least similarity of an earlier input, 0 to 1. Default 1.0: equal inputs alone. For less, see ``same``."""
    max_age_hours: float
    """Default 24."""
    min_quality: float
    """Default 0.7, which is what unrated results count as."""
    same: Same | None
    """Says of a similar input whether it may share a result; default ``same_details``."""
    valid: Valid | None
    """Says of an earlier run whether its output is still right; it is asked last."""
    key: Callable[..., Any] | None
    """Given the call's arguments, gives what names it: a text, or anything that JSON can hold."""
    ignore: Collection[str]
    """Names of parameters that do not change the result."""
    version: str | int | None
    """Of the function: what another version gave is not served."""
    dump: Callable[[Any], Any] | None
    """Makes JSON of a result."""
    load: Callable[[Any], Any] | None
    """Makes a result of that JSON."""
    success: Callable[[Any], bool] | None
    """Was this result a success? Default: whatever was not raised, a rejection too."""
    cost: float | Callable[[Any], float | None] | None
    """US dollars of a run."""
    metadata: Mapping[str, Any]
    project: str
    session_id: str


_TERMS = ("threshold", "max_age_hours", "min_quality", "same", "valid")
_LOGGED = ("metadata", "project", "session_id")


def check_names(given: Mapping[str, Any], known: type, what: str) -> None:
    """Refuse what nobody knows. Raises ``TypeError``."""
    unknown = sorted(set(given) - set(inspect.get_annotations(known)))
    if unknown:
        raise TypeError(f"{what} takes no {unknown[0]!r}")


def recipe_of(func: Callable[..., Any], options: ToolOptions, defaults: Mapping[str, Any]) -> Recipe:
    """A function with its options, checked. Raises ``TypeError`` and ``ValueError``."""
    check_names(options, ToolOptions, "a tool")
    check_tool(func)
    given: dict[str, Any] = dict(options)
    terms = Terms(**{"threshold": 1.0, **{name: given.pop(name) for name in _TERMS if name in given}})
    logged = {name: given.pop(name) for name in _LOGGED if name in given}
    name = getattr(func, "__qualname__", type(func).__name__)
    tool_id = given.pop("tool_id", f"{getattr(func, '__module__', '')}.{name}")
    if not tool_id or len(tool_id) > 512:
        raise ValueError("tool_id takes 1 to 512 characters")
    version = given.pop("version", None)
    return Recipe(
        func,
        tool_id,
        given.pop("tool_name", name),
        given.pop("interaction_type", "tool"),
        terms,
        ignore=frozenset(given.pop("ignore", ())),
        version=None if version is None else str(version),
        fields={**defaults, **logged},
        **given,
    )
