"""Requests and answers, without a network: what is asked of Reprise, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reprise_client.errors import Refused, RepriseError, Unavailable
from reprise_client.runs import NOTES, PastRun, Recorded, past_run
from reprise_client.values import NotJson, canonical, described, faithful


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    method: str
    path: str
    body: bytes | None = None


def record(fields: Mapping[str, Any]) -> Request:
    """Logs an interaction. Fields that are None are left out; ``input`` and ``output`` may be any value.

    Raises ``RepriseError`` where the fields make no JSON.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    notes: dict[str, Any] = dict(given.get("metadata", {}).get(NOTES, {}))
    if "input" in given:
        given["input"], exact = _as_input(given["input"])
        notes |= {} if exact else {"cacheable": False}
    if "output" in fields and "cached_from" not in given:
        given["output"], kind = _as_output(fields["output"])
        notes |= {"output": kind} if kind else {"cacheable": False}
    if notes:
        given["metadata"] = {**given.get("metadata", {}), NOTES: notes}
    given.setdefault("interaction_type", "tool" if given.get("tool_id") else "llm")
    # A tool that repeats a memory has not used it.
    given.setdefault("reinforce", not given.get("tool_id"))
    return Request("POST", "/interactions", _body(given))


def similar(
    tool_id: str,
    text: str,
    *,
    threshold: float,
    min_quality: float,
    require_success: bool,
    top_k: int,
    max_age_hours: float | None,
) -> Request:
    """Looks for earlier runs. By POST, so that no input stands in an address, where logs would keep it."""
    wanted = {
        "tool_id": tool_id,
        "text": text,
        "threshold": threshold,
        "min_quality": min_quality,
        "require_success": require_success,
        "top_k": top_k,
        "max_age_hours": max_age_hours,
    }
    return Request("POST", "/interactions/similar", _body(wanted))


def rate(interaction_id: str, score: float) -> Request:
    """Says how good an output was."""
    path = f"/interactions/{quote(interaction_id, safe='')}/quality"
    return Request("POST", path, _body({"score": score}))


def statistics(tool_id: str, hours: float) -> Request:
    """Asks how a tool fares."""
    return Request("GET", f"/tools/{quote(tool_id, safe='')}/stats?hours={hours:g}")


def read_answer(status: int, body: bytes) -> dict[str, Any]:
    """The answer's JSON object. Raises ``Refused`` and ``Unavailable``."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if 400 <= status < 500 and status not in (408, 429):
        raise _refusal(status, answer)
    if status != 200:
        raise Unavailable(f"Reprise answers with status {status}")
    if not isinstance(answer, dict):
        raise Unavailable("the answer is not one of Reprise's")
    return answer


def read_recorded(answer: Mapping[str, Any]) -> Recorded:
    """The id of what was logged. Raises ``Unavailable``."""
    id_, created_at = answer.get("id"), answer.get("created_at")
    if not isinstance(id_, str) or not isinstance(created_at, str):
        raise Unavailable("the answer is not one of Reprise's")
    return Recorded(id_, created_at)


def read_runs(answer: Mapping[str, Any]) -> list[PastRun]:
    """Earlier runs, best first. Raises ``Unavailable``."""
    rows = answer.get("interactions")
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise Unavailable("the answer is not one of Reprise's")
    return [past_run(row) for row in rows]


def _as_input(value: Any) -> tuple[str, bool]:
    if isinstance(value, str):
        return value, True
    try:
        return canonical(value), True
    except NotJson:
        return described(value), False


def _as_output(value: Any) -> tuple[str, str | None]:
    if type(value) is str:
        return value, "text"
    try:
        return faithful(value), "json"
    except NotJson:
        return described(value), None


def _body(fields: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(fields, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RepriseError(f"what was to be sent is not JSON: {error}") from error


def _refusal(status: int, answer: Any) -> Refused:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return Refused(f"refused with status {status}", status)
    param, code = error.get("param"), error.get("code")
    return Refused(str(error.get("message") or f"refused with status {status}"), status, param=param, code=code)
