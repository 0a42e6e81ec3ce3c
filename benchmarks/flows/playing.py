"""A real server, and sessions played through it with the openai client."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import openai
import yaml

from benchmarks.flows.script import Scripted
from benchmarks.flows.upstream import ANALYST
from benchmarks.servers import free_port

T = TypeVar("T")
KEY = "sk-scripted"


def settings(upstream: str, flows: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A configuration with short times, whose analysing model is the upstream's."""
    times = {"model": ANALYST, "idle": "5s", "abandon_after": "12s", "sweep": "1s", "calls_per_day": 1000}
    params = {"model": "openai/*", "api_base": f"{upstream}/v1", "api_key": "none"}
    return {
        "model_list": [{"model_name": "*", "litellm_params": params}],
        # The upstream keeps to a script: an audit would find every hit wrong.
        "cache": {"policies": {"default": {"audit_rate": 1e-9}}},
        "memory": {"extraction": {"enabled": False}, "flows": {**times, **(flows or {})}},
        **more,
    }


@dataclass
class Running:
    """The server as a process of its own, on a folder; it may be killed and started again."""

    folder: Path
    config: Mapping[str, Any]
    key: str = KEY
    url: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    early: int = 0
    """Sessions that were to be resolved before they were there."""
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Running:
        """Start it and wait until it is ready."""
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(dict(self.config)), "utf-8")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "proxy", "serve", "--config", str(path), "--port", str(port)]
        environ = {**os.environ, "PYTHONPATH": str(Path.cwd()), **self.environ}
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--data-dir", str(self.folder / "data")], env=environ, stdout=log, stderr=log
            )
        self.wait(lambda: self._ready(), "the server is ready", 120)
        return self

    def stop(self) -> None:
        """End it in good order."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(subprocess.Popen.kill)

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        if self._process is not None:
            how(self._process)
            self._process.wait(60)
            self._process = None

    def _ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError((self.folder / "server.log").read_text("utf-8", "replace")[-3000:])
        try:
            return self.call("GET", "/health/readiness").status_code == 200
        except httpx2.TransportError:
            return False

    def call(self, method: str, path: str, key: str | None = None, **fields: Any) -> httpx2.Response:
        """One plain HTTP call with the key, whatever comes of it."""
        headers = {"authorization": f"Bearer {key or self.key}", **fields.pop("headers", {})}
        return httpx2.request(method, self.url + path, headers=headers, timeout=60, trust_env=False, **fields)

    def got(self, path: str, **params: Any) -> Any:
        """What a path gives, as JSON. Raises where it does not answer 200."""
        return self.call("GET", path, params=params).raise_for_status().json()

    def posted(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What posting gives, as JSON. Raises where it is refused."""
        response = self.call("POST", path, json=dict(body or {}))
        if response.status_code >= 400:
            raise RuntimeError(f"POST {path}: {response.status_code} {response.text}")
        return response.json()

    def client(self) -> openai.OpenAI:
        """The openai client."""
        http = openai.DefaultHttpxClient(trust_env=False)
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=self.key, max_retries=0, http_client=http)

    @staticmethod
    def wait(probe: Callable[[], T], what: str, patience: float = 60.0) -> T:
        """Ask again and again until the probe gives something true. Raises ``TimeoutError``."""
        deadline = time.monotonic() + patience
        while not (found := probe()):
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            time.sleep(0.1)
        return found


@contextmanager
def running(folder: Path, config: Mapping[str, Any]) -> Iterator[Running]:
    """A server that is stopped at the end."""
    server = Running(folder, config)
    try:
        yield server.start()
    finally:
        server.stop()


def play(server: Running, session: Scripted, model: str = "scripted") -> str:
    """Play one session to its last turn; gives its id."""
    id_ = f"s-{session.id}" if session.way != "derived" else ""
    headers = {"x-reprise-session": id_} if id_ else {}
    messages: list[Any] = [{"role": "system", "content": session.system}] if session.system else []
    interaction = ""
    with server.client() as client:
        for exchange in session.exchanges:
            if exchange.posted is not None:
                server.posted("/interactions", {**exchange.posted, "session_id": id_})
                continue
            messages += exchange.sent
            fields: dict[str, Any] = {"tools": list(session.tools)} if session.tools else {}
            raw = client.chat.completions.with_raw_response.create(
                model=model, messages=messages, stream=session.stream, extra_headers=headers, **fields
            )
            interaction = raw.headers["x-reprise-interaction"]
            parsed: Any = raw.parse()
            answer = _whole(parsed) if session.stream else parsed.choices[0].message.model_dump()
            messages.append({k: v for k, v in answer.items() if v is not None} | {"content": answer.get("content")})
    return id_ or str(server.got(f"/interactions/{interaction}")["session_id"])


def finish(server: Running, session: Scripted, id_: str) -> None:
    """Say how a session ended, where a person does."""
    if session.end["by"] != "person":
        return
    body: dict[str, Any] = {"outcome": session.end["outcome"]}
    if "summary" in session.end:
        body["resolution_summary"] = session.end["summary"]
    if "reason" in session.end:
        body["escalation_reason"] = session.end["reason"]
    resolve(server, id_, body)


def resolve(server: Running, id_: str, body: Mapping[str, Any]) -> None:
    """End a session as a person; once more where it was not there yet, which is counted. Raises if it is refused."""
    path = f"/sessions/{id_}/resolve"
    response = server.call("POST", path, json=dict(body))
    if response.status_code == 404:
        server.early += 1
        server.wait(lambda: server.call("GET", f"/sessions/{id_}").status_code == 200, "the session is there")
        response = server.call("POST", path, json=dict(body))
    if response.status_code >= 400:
        raise RuntimeError(f"POST {path}: {response.status_code} {response.text}")


def play_all(server: Running, sessions: Sequence[Scripted], together: int = 3) -> dict[str, str]:
    """Play sessions, a few at a time, and end them; from each script's id to the session's."""

    def one(session: Scripted) -> str:
        id_ = play(server, session)
        finish(server, session, id_)
        return id_

    with ThreadPoolExecutor(together) as pool:
        ids = list(pool.map(one, sessions))
    return {session.id: id_ for session, id_ in zip(sessions, ids, strict=True)}


def settled(server: Running, ids: Sequence[str], patience: float = 90.0) -> dict[str, dict[str, Any]]:
    """Every session, once each has ended and been analysed; or as it stands when patience runs out."""
    deadline = time.monotonic() + patience
    while True:
        found = {id_: server.got(f"/sessions/{id_}") for id_ in ids}
        over = [s for s in found.values() if s["status"] not in ("active", "paused") and s.get("analysis") == "done"]
        if len(over) == len(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def publish(server: Running, flows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Publish flows as a person; from each name to its id."""
    return {flow["name"]: str(_id(server.posted("/flows", flow["flow"]))) for flow in flows}


def _id(answer: Mapping[str, Any]) -> Any:
    return answer["id"] if "id" in answer else answer["flow_id"]


def _whole(stream: Any) -> dict[str, Any]:
    text = ""
    calls: dict[int, dict[str, Any]] = {}
    for chunk in stream:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                kept = calls.setdefault(
                    call.index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
                )
                kept["id"] = call.id or kept["id"]
                kept["function"]["name"] += call.function.name or ""
                kept["function"]["arguments"] += call.function.arguments or ""
    whole: dict[str, Any] = {"role": "assistant", "content": text or None}
    return whole | ({"tool_calls": [calls[at] for at in sorted(calls)]} if calls else {})


def plain(text: Any) -> str:
    """A label without case, marks and spaces at its ends."""
    return re.sub(r"[^\w]+", " ", str(text or "").casefold()).strip()
