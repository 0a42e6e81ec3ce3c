"""Builds the chat completion that a stream of chunks amounts to.

Unknown fields are kept: text is joined, lists of indexed items are merged by index, anything else is overwritten.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from proxy.sse import EventReader

_OVERWRITTEN = frozenset({"role", "type", "id", "index", "format"})
_PER_CHUNK = frozenset({"choices", "usage", "object", "obfuscation"})


class StreamAssembler:
    """Reads a stream beside its caller and knows, at its end, whether it was whole.

    A stream is whole when every event made sense, no error was among them, and ``[DONE]`` was seen.
    """

    def __init__(self) -> None:
        self._reader = EventReader()
        self._top: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._usage: dict[str, Any] | None = None
        self._unsure = False
        self.done = False
        self.error: str | None = None
        """What broke the stream, if anything did."""

    def feed(self, chunk: bytes) -> bool:
        """Take in bytes as they came; True when they hold the stream's end. What follows it is nobody's to read."""
        for data in self._reader.feed(chunk):
            if self.done:
                break
            if data.strip() == b"[DONE]":
                self.done = True
            else:
                self._take(data)
        return self.done

    @property
    def storable(self) -> bool:
        """Was the stream seen to its end, and is what it amounts to beyond doubt?"""
        return self.done and self.error is None and not self._unsure

    @property
    def finished(self) -> bool:
        """Does every choice have a finish reason?"""
        return bool(self._choices) and all(choice.get("finish_reason") for choice in self._choices.values())

    @property
    def between_events(self) -> bool:
        """May an event of ours be appended here?"""
        return self._reader.between_events

    def answer(self) -> dict[str, Any]:
        """The completion so far, in the shape of an unstreamed one."""
        choices = [_as_choice(index, choice) for index, choice in sorted(self._choices.items())]
        answer = {**self._top, "object": "chat.completion", "choices": choices}
        return answer if self._usage is None else {**answer, "usage": self._usage}

    def _take(self, data: bytes) -> None:
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            try:
                chunk = json.loads(data)
                # Clients may read it (a lone surrogate, NaN), but it could not be stored and replayed.
                self._unsure = True
            except (ValueError, RecursionError):
                self.error = self.error or "a chunk is not JSON"
                return
        if not isinstance(chunk, dict):
            self.error = self.error or "a chunk is not an object"
        elif chunk.get("error"):
            self.error = self.error or "the upstream reported an error in the stream"
        else:
            try:
                self._take_chunk(chunk)
            except RecursionError:
                self.error = self.error or "a chunk is nested too deeply"

    def _take_chunk(self, chunk: dict[str, Any]) -> None:
        for key, value in chunk.items():
            if key not in _PER_CHUNK:
                self._top[key] = value
        usage, choices = chunk.get("usage"), chunk.get("choices")
        if isinstance(usage, dict):
            self._usage = usage
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._take_choice(choice)

    def _take_choice(self, piece: dict[str, Any]) -> None:
        choice = self._choices.setdefault(_index(piece), {"delta": {}})
        for key, value in piece.items():
            if key == "delta":
                if isinstance(value, dict):
                    self._unsure = self._unsure or _reuses_index(choice["delta"], value)
                    merge(choice["delta"], value)
            elif key == "logprobs" and isinstance(value, dict):
                # Null in a first chunk, an object in later ones.
                known = choice.get(key)
                choice[key] = known if isinstance(known, dict) else {}
                merge(choice[key], value)
            elif value is not None or key not in choice:
                choice[key] = value


def merge(into: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add a delta to what earlier deltas made."""
    for key, value in piece.items():
        known = into.get(key)
        if known is None:
            into[key] = _copied(value)
        elif value is None:
            continue
        elif isinstance(known, str) and isinstance(value, str):
            into[key] = _joined(key, known, value)
        elif isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            _merge_list(known, value)
        else:
            into[key] = value


def _joined(key: str, known: str, value: str) -> str:
    # Some providers repeat a tool's name in every chunk, others cut it up; some send ids only once, empty later.
    if key in _OVERWRITTEN or (key == "name" and known == value):
        return value or known
    return known + value


def _merge_list(known: list[Any], piece: list[Any]) -> None:
    for item in piece:
        index = item.get("index") if isinstance(item, dict) else None
        same = next((other for other in known if isinstance(other, dict) and other.get("index") == index), None)
        if index is None and _goes_on(known, item):
            merge(known[-1], item)
        elif index is None or same is None:
            known.append(_copied(item))
        else:
            merge(same, item)


def _goes_on(known: list[Any], item: Any) -> bool:
    """Is this the next piece of a thinking block? These have no index; their signature ends them."""
    last = known[-1] if known else None
    thinking = isinstance(item, dict) and item.get("type") == "thinking"
    return thinking and isinstance(last, dict) and last.get("type") == "thinking" and not last.get("signature")


def _reuses_index(known: dict[str, Any], piece: dict[str, Any]) -> bool:
    """Does a second tool call come under the index of another? Joined, the two would be neither."""
    new = [call for call in _calls(piece) if call.get("id") and call.get("index") is not None]
    return any(
        other.get("index") == call["index"] and other.get("id") not in (None, "", call["id"])
        for call in new
        for other in [*_calls(known), *new]
    )


def _calls(delta: dict[str, Any]) -> list[dict[str, Any]]:
    calls = delta.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        copied: list[Any] = []
        _merge_list(copied, value)
        return copied
    return value


def _as_choice(index: int, choice: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": None, **choice["delta"]}
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [_without_index(call) for call in sorted(calls, key=_index)]
    rest = {key: value for key, value in choice.items() if key not in ("delta", "index", "finish_reason")}
    return {"index": index, "message": message, **rest, "finish_reason": choice.get("finish_reason")}


def _index(item: Any) -> int:
    index = item.get("index") if isinstance(item, dict) else None
    return index if isinstance(index, int) else 0


def _without_index(call: Any) -> Any:
    return {key: value for key, value in call.items() if key != "index"} if isinstance(call, dict) else call
