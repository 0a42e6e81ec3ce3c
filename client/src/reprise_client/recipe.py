"""How a function is a tool: what names a call of it, what is logged of it, and which earlier result may be served."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reprise_client.choosing import Terms
from reprise_client.runs import NOTES, PastRun
from reprise_client.trouble import Trouble
from reprise_client.values import NotJson, canonical, described, faithful, key_of


@dataclass(frozen=True)
class Recipe:
    """One decorated function. Nothing here raises because of Reprise, and nothing asks it."""

    func: Callable[..., Any]
    tool_id: str
    tool_name: str
    interaction_type: str
    terms: Terms
    key: Callable[..., Any] | None = None
    ignore: frozenset[str] = frozenset()
    version: str | None = None
    dump: Callable[[Any], Any] | None = None
    load: Callable[[Any], Any] | None = None
    success: Callable[[Any], bool] | None = None
    cost: float | Callable[[Any], float | None] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What is logged with every run: project, session_id, client, metadata."""

    def key_for(self, args: Sequence[Any], kwargs: Mapping[str, Any], trouble: Trouble) -> tuple[str, bool]:
        """The call's input as text, and whether results can be kept under it."""
        try:
            if self.key is not None:
                named = self.key(*args, **kwargs)
                text = named if type(named) is str else canonical(named)
                text = text if self.version is None else canonical({"key": text, "version": self.version})
            else:
                text = key_of(self._bound(args, kwargs), self.version)
            if text.strip():
                canonical(text)
                return text, True
            reason = "its key is blank"
        except NotJson as error:
            reason = str(error)
        except TypeError as error:
            # Wrong arguments: the function itself says so better.
            reason = str(error)
        except Exception as error:  # noqa: BLE001  a key that fails must not end a run
            reason = f"its key fails with {type(error).__name__}"
        trouble.say_once(f"key {self.tool_id}", f"a call of {self.tool_id} is run uncached: {reason}; give a 'key'")
        return described(
            {"args": list(args), "kwargs": dict(kwargs)}
        ) if self.key is None else f"<{self.tool_id}>", False

    def dumped(self, result: Any, trouble: Trouble) -> tuple[Any, bool]:
        """A result as it is logged, and whether it can be served again."""
        try:
            value = result if self.dump is None else self.dump(result)
            faithful(value)
            return value, True
        except NotJson as error:
            reason = f"{error}; give 'dump' and 'load'"
        except Exception as error:  # noqa: BLE001  the result is there, and must be given back
            reason = f"'dump' fails with {type(error).__name__}"
        trouble.say_once(f"result {self.tool_id}", f"a result of {self.tool_id} is not kept: {reason}")
        return described(result), False

    def chosen(self, text: str, fit: Sequence[PastRun], trouble: Trouble) -> tuple[PastRun, Any] | None:
        """The first run that is still valid, and its result."""
        for run in fit:
            if not run.is_faithful:
                continue
            try:
                if self.terms.valid is None or self.terms.valid(run):
                    return run, run.output if self.load is None else self.load(run.output)
            except Exception as error:  # noqa: BLE001  what cannot be checked or read is not served
                name = type(error).__name__
                trouble.say_once(f"served {self.tool_id}", f"'valid' or 'load' of {self.tool_id} fails: {name}")
        return None

    def ran(self, text: str, cacheable: bool, started: float, taken: float) -> dict[str, Any]:
        """What is logged of every run."""
        notes: dict[str, Any] = {"started_at": round(started, 6)} | ({} if cacheable else {"cacheable": False})
        return {
            **self.fields,
            "interaction_type": self.interaction_type,
            "tool_id": self.tool_id,
            "tool_name": self.tool_name,
            "input": text,
            "latency_ms": round(taken * 1000, 3),
            "metadata": {**(self.fields.get("metadata") or {}), NOTES: notes},
        }

    def gave(self, ran: dict[str, Any], result: Any, trouble: Trouble) -> dict[str, Any]:
        """What is logged of a run that gave a result."""
        value, kept = self.dumped(result, trouble)
        notes = ran["metadata"][NOTES] | ({} if kept else {"cacheable": False})
        told: dict[str, Any] = {"output": value, "success": True, "metadata": {**ran["metadata"], NOTES: notes}}
        try:
            told["success"] = True if self.success is None else bool(self.success(result))
            told["cost"] = self.cost(result) if callable(self.cost) else self.cost
        except Exception as error:  # noqa: BLE001  the result is there, and must be given back
            told["success"] = False
            trouble.say_once(
                f"told {self.tool_id}", f"'success' or 'cost' of {self.tool_id} fails: {type(error).__name__}"
            )
        return {**ran, **told}

    def raised(self, ran: dict[str, Any], error: Exception) -> dict[str, Any]:
        """What is logged of a run that raised: a failure, which is never served."""
        return {**ran, "success": False, "error": _told(error)}

    def served(self, ran: dict[str, Any], run: PastRun) -> dict[str, Any]:
        """What is logged of a hit."""
        return {**ran, "cached_from": run.id, "success": True}

    def _bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        bound = inspect.signature(self.func).bind(*args, **kwargs)
        bound.apply_defaults()
        return {name: value for name, value in bound.arguments.items() if name not in self.ignore}


def _told(error: Exception) -> str:
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  it must be raised all the same
        said = ""
    return f"{type(error).__name__}: {said}".encode("utf-8", "replace").decode()
