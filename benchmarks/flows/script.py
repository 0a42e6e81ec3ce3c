"""Scripted sessions: what is said in them, and what an expert would have made of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

HERE = Path(__file__).parent
Half = Literal["open", "held"]


@dataclass(frozen=True)
class StepWanted:
    """What the step of one answer should hold; None is not scored."""

    types: Sequence[str] = ()
    options: Sequence[str] | None = None
    pick: str | None = None
    free: bool | None = None
    result: bool | None = None


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, or what is posted in its place."""

    sent: Sequence[Mapping[str, Any]]
    """The messages that are new in this request."""
    answer: Mapping[str, Any]
    """The assistant's message."""
    wanted: StepWanted
    posted: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Scripted:
    """One session."""

    id: str
    kind: str
    way: Literal["header", "derived", "posted"]
    stream: bool
    exchanges: Sequence[Exchange]
    end: Mapping[str, Any]
    expect: Mapping[str, Any]
    system: str | None = None
    opening: str = ""
    """The first words of the user, by which the scripted upstream knows the session."""
    tools: Sequence[Mapping[str, Any]] = field(default_factory=list)

    @property
    def answers(self) -> list[Mapping[str, Any]]:
        """The assistant's messages, in order."""
        return [exchange.answer for exchange in self.exchanges if exchange.posted is None]


def sessions(half: Half) -> list[Scripted]:
    """The sessions of one half."""
    return [_session(given) for given in _read(f"scenarios_{half}.yaml")]


def published() -> list[dict[str, Any]]:
    """The flows in use before the sessions start: ``name`` and ``flow``."""
    return list(_read("published.yaml"))


def _read(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text("utf-8"))


def _session(given: Mapping[str, Any]) -> Scripted:
    turns = given["turns"]
    calls = [turn["call"]["name"] for turn in turns if "call" in turn]
    return Scripted(
        given["id"],
        given["kind"],
        given["way"],
        bool(given.get("stream")),
        [exchange for turn in turns for exchange in _exchanges(turn)],
        given["end"],
        given["expect"],
        given.get("system"),
        turns[0]["user"],
        [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in calls],
    )


def _exchanges(turn: Mapping[str, Any]) -> Iterator[Exchange]:
    wanted = _wanted(turn.get("step", {}))
    if "posted" in turn:
        yield Exchange([], {}, wanted, turn["posted"])
        return
    asked = {"role": "user", "content": turn["user"]}
    if "call" not in turn:
        yield Exchange([asked], {"role": "assistant", "content": turn["says"]}, wanted)
        return
    call = turn["call"]
    function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
    tool_calls = [{"id": "call_1", "type": "function", "function": function}]
    yield Exchange(
        [asked], {"role": "assistant", "content": None, "tool_calls": tool_calls}, _wanted(turn.get("call_step", {}))
    )
    result = {"role": "tool", "tool_call_id": "call_1", "content": call["result"]}
    yield Exchange([result], {"role": "assistant", "content": turn["then"]}, wanted)


def _wanted(given: Mapping[str, Any]) -> StepWanted:
    options = given.get("options")
    free = given.get("free", False if options else None)
    return StepWanted(given.get("type", ()), options, given.get("pick"), free, given.get("result"))
