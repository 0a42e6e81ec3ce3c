"""What the end-to-end tests stand on: a scripted upstream in a thread, and the real server as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import openai
import psutil
import uvicorn
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import JSONResponse

from proxy import scripted

T = TypeVar("T")

REPRISE = str(Path(sys.executable).with_name("reprise"))
PROMPT_MARK = "quokkamark"
"""Stands in what is refused before it is logged; no log line may ever hold it."""
KEY_MARK = "sk-e2e-"
"""Every key of these tests begins like this; no log line may ever hold one."""
PATIENCE = 20.0
"""Seconds after which something that was waited for counts as never happening."""
MOST_CHOICES = 16
"""A lenient upstream refuses more."""


def eventually(probe: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Ask again and again until the probe gives something true."""
    deadline = time.monotonic() + patience
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.02)


def user(text: str) -> list[dict[str, Any]]:
    """A conversation of one user message."""
    return [{"role": "user", "content": text}]


def told(prompt: str, n: int = 1) -> dict[str, Any]:
    """The scripted model's whole answer to a prompt."""
    does = dict(re.findall(r"\[(\w+)(?: ([\w.]+))?\]", prompt))
    return scripted.completion({"model": "scripted", "messages": user(prompt), "n": n}, prompt, does)


def answer(prompt: str) -> str:
    """The scripted model's text for a prompt."""
    return scripted.answer_to(prompt)


_PLAIN = ssl.create_default_context()
"""Making one costs more than a call; nothing here is encrypted."""


def client_of(url: str, key: str = "sk-e2e-nobody", **options: Any) -> openai.OpenAI:
    """The synchronous openai client, without retries."""
    http = openai.DefaultHttpxClient(verify=_PLAIN, trust_env=False)
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, http_client=http, **{"max_retries": 0, **options})


def async_client_of(url: str, key: str = "sk-e2e-nobody", **options: Any) -> openai.AsyncOpenAI:
    """The asynchronous openai client, without retries."""
    http = openai.DefaultAsyncHttpxClient(verify=_PLAIN, trust_env=False)
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, http_client=http, **{"max_retries": 0, **options})


class Gate:
    """Holds a call back within the upstream until the test lets it go."""

    def __init__(self, loop: asyncio.AbstractEventLoop, after: int) -> None:
        self.after = after
        self._loop = loop
        self._open = asyncio.Event()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let everything go on."""
        self._loop.call_soon_threadsafe(self._open.set)

    async def wait(self) -> None:
        """Wait, on the upstream's side."""
        await self._open.wait()


class Upstream:
    """The scripted model on a port of its own, in a thread; notes who asked and who left.

    ``lenient`` answers 400 where the scripted model itself would trip over a strange body.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self.model = scripted.ScriptedModel()
        self.seen: Counter[str] = Counter()
        """Calls by their last text, held and refused ones included."""
        self.left: Counter[str] = Counter()
        """Calls whose caller closed the connection before it had the whole answer."""
        self._lenient = lenient
        self._gates: dict[str, Gate] = {}
        self._refusals: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        # Scripted breaks are raised as errors: the level keeps their tracebacks quiet.
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="critical",
            access_log=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    def __enter__(self) -> Upstream:
        self._thread.start()
        eventually(lambda: self._server.started, "the scripted upstream listens")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(PATIENCE)
        self._listener.close()

    def hold(self, words: str, after: int = 0) -> Gate:
        """Hold calls whose last text has these words: before they are answered, or after so many chunks."""
        assert self._loop is not None or eventually(self._ping, "the upstream's loop is known")
        assert self._loop is not None
        self._gates[words] = Gate(self._loop, after)
        return self._gates[words]

    def refuse_once(self, words: str, status: int) -> None:
        """Answer the next call whose last text has these words with an error."""
        self._refusals[words] = status

    def texts(self) -> Iterator[str]:
        """Everything that must never be logged: prompts and credentials as they came."""
        for body in list(self.model.calls):
            for message in body["messages"]:
                yield from _texts_in(message.get("content"))
        for headers in list(self.model.headers):
            yield headers.get("authorization", "")

    def _ping(self) -> bool:
        httpx2.get(f"{self.url}/v1/models", trust_env=False, verify=_PLAIN).raise_for_status()
        return self._loop is not None

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self._loop = asyncio.get_running_loop()
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        prompt = _prompt_in(body)
        if prompt is not None:
            self.seen[prompt] += 1
        gone = asyncio.Event()
        work = asyncio.ensure_future(self._answer(scope, body, prompt or "", gone, send))
        watch = asyncio.ensure_future(_until_gone(receive))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                gone.set()
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
            else:
                work.result()
        finally:
            work.cancel()
            watch.cancel()

    async def _answer(self, scope: Any, body: bytes, prompt: str, gone: asyncio.Event, send: Any) -> None:
        gate = next((gate for words, gate in self._gates.items() if words in prompt), None)
        whole = begun = False
        sent = 0
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                await gone.wait()
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def tell(message: dict[str, Any]) -> None:
            nonlocal whole, begun, sent
            begun = True
            if message["type"] == "http.response.body":
                if gate is not None and gate.after and sent == gate.after:
                    await gate.wait()
                sent += 1
                # Noted first: its caller may have gone with the last byte before this task runs again.
                whole = not message.get("more_body")
            await send(message)

        try:
            if gate is not None and not gate.after:
                await gate.wait()
            refusal = next((words for words in self._refusals if words in prompt), None)
            if refusal is not None:
                status = self._refusals.pop(refusal)
                error = {"message": "refused once", "type": "scripted", "param": None, "code": "once"}
                await JSONResponse({"error": error}, status)(scope, receive, tell)
            elif self._lenient and _choices_in(body) > MOST_CHOICES:
                raise ValueError("too many choices")
            else:
                await self.model.app(scope, receive, tell)
        except asyncio.CancelledError:
            if not whole:
                self.left[prompt] += 1
            raise
        except Exception:
            if not self._lenient or begun:
                raise
            error = {"message": "strange body", "type": "scripted", "param": None, "code": "strange"}
            await JSONResponse({"error": error}, 400)(scope, receive, tell)


async def _until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _prompt_in(body: bytes) -> str | None:
    try:
        return scripted.last_text(json.loads(body))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _choices_in(body: bytes) -> int:
    try:
        return int(json.loads(body).get("n") or 1)
    except (ValueError, AttributeError):
        return 1


def _texts_in(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, Mapping) and isinstance(part.get("text"), str):
                yield part["text"]


def models(url: str, name: str = "*", **params: Any) -> dict[str, Any]:
    """An entry of ``model_list`` for an OpenAI-compatible base."""
    target = "openai/*" if name == "*" else f"openai/{name}"
    return {"model_name": name, "litellm_params": {"model": target, "api_base": f"{url}/v1", **params}}


def write_config(folder: Path, config: Mapping[str, Any]) -> Path:
    """The configuration as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(dict(config), allow_unicode=True), encoding="utf-8")
    return path


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would configure the server or its clients."""
    dropped = ("REPRISE_", "OPENAI_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "REPRISE_MODEL_CACHE" or not name.upper().startswith(dropped)
    }
    return {**kept, **more}


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


def run(
    *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, typed: str | None = None
) -> Ran:
    """Run ``reprise`` with these arguments to its end, with what is typed on its standard input."""
    done = subprocess.run(
        [REPRISE, *map(str, arguments)],
        cwd=cwd,
        env=dict(env) if env is not None else environment(),
        capture_output=True,
        **({"stdin": subprocess.DEVNULL} if typed is None else {"input": typed}),
        text=True,
        timeout=100,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@dataclass(repr=False)
class Server:
    """``reprise serve`` on a data directory: started, stopped, killed, started again."""

    folder: Path
    config: Mapping[str, Any]
    data_dir: Path
    env: Mapping[str, str] = field(default_factory=environment)
    key: str | None = None
    """What ``http`` presents."""
    url: str = ""
    private: set[str] = field(default_factory=set)
    """Further texts that must never be logged."""
    _process: subprocess.Popen[bytes] | None = None
    _http: httpx2.Client | None = None

    def start(self) -> Server:
        """Start and wait until it is ready."""
        assert self._process is None, "already running"
        config = write_config(self.folder, self.config)
        before = len(self.log)
        command = [REPRISE, "serve", "--config", str(config), "--host", "127.0.0.1", "--port", "0"]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--data-dir", str(self.data_dir)],
                cwd=self.folder,
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self.url = eventually(lambda: self._address(before), "the server says where it listens", 60)
            headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
            self._http = httpx2.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=_PLAIN)
            eventually(self._ready, "the server is ready", 90)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal that it answers in good order."""
        self.signal(number)
        assert self.wait() == 0, self.log

    def kill(self) -> None:
        """SIGKILL, as a crash or the kernel would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; gives the exit code."""
        assert self._process is not None
        if self._http is not None:
            self._http.close()
            self._http = None
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None

    @property
    def running(self) -> bool:
        """Was it started and not stopped since?"""
        return self._process is not None

    @property
    def http(self) -> httpx2.Client:
        """A plain client of the server."""
        assert self._http is not None
        return self._http

    @property
    def log(self) -> str:
        """What it wrote to standard output and error since its first start."""
        return self._log_path.read_text("utf-8", "replace") if self._log_path.exists() else ""

    def chat(
        self, content: str | Sequence[Mapping[str, Any]], headers: Mapping[str, str] | None = None, **fields: Any
    ) -> httpx2.Response:
        """One chat call over plain HTTP; the whole response."""
        return self.http.post("/v1/chat/completions", json=body(content, **fields), headers=headers)

    def listed(self, **filters: Any) -> list[dict[str, Any]]:
        """The log, newest first, as it is listed."""
        return (
            self.http.get("/interactions", params={"limit": 500, **filters}).raise_for_status().json()["interactions"]
        )

    def interactions(self, **filters: Any) -> list[dict[str, Any]]:
        """The log, newest first, each record whole."""
        return [self.interaction(row["id"]) for row in self.listed(**filters)]

    def interaction(self, id_: str) -> dict[str, Any]:
        """One record of the log."""
        return self.http.get(f"/interactions/{id_}").raise_for_status().json()

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        text = self.http.get("/metrics").raise_for_status().text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())

    def connections(self) -> int:
        """How many clients are connected."""
        assert self._process is not None
        port = int(self.url.rpartition(":")[2])
        found = psutil.Process(self._process.pid).net_connections("tcp")
        return sum(c.status == psutil.CONN_ESTABLISHED and c.laddr.port == port for c in found)

    def readiness(self) -> dict[str, Any]:
        """What readiness says while it answers 200."""
        return self.http.get("/health/readiness").raise_for_status().json()

    def check_log(self, upstream: Upstream | None = None) -> None:
        """No prompt, no answer, no key and no traceback in what the server wrote. Call it when it has stopped."""
        log = self.log
        assert "Reprise listens on" in log
        for line in ("Traceback (most recent call last)", "was never retrieved", "was never awaited"):
            before, found, after = log.partition(line)
            assert not found, f"{before[-300:]}{found} ... {after[-700:]}"
        lowered = log.lower()
        assert PROMPT_MARK not in lowered
        assert KEY_MARK not in lowered
        texts = {*self.private, *self._recorded(), *(upstream.texts() if upstream else ())}
        # A beginning is as bad as the whole; very short texts are part of ordinary words.
        leaked = [text for text in texts if len(text.strip()) >= 12 and text.strip()[:32].lower() in lowered]
        assert not leaked

    def _recorded(self) -> Iterator[str]:
        database = self.data_dir / "reprise.db"
        if not database.is_file():
            return
        with contextlib.closing(sqlite3.connect(database)) as connection:
            for prompt, request, response in connection.execute("SELECT prompt, request, response FROM interactions"):
                yield prompt or ""
                yield response or ""
                with contextlib.suppress(ValueError, LookupError, TypeError):
                    for message in json.loads(request)["messages"]:
                        yield from _texts_in(message.get("content"))

    @property
    def _log_path(self) -> Path:
        return self.folder / "server.log"

    def _address(self, before: int) -> str:
        assert self._process is not None
        assert self._process.poll() is None, f"the server ended at its start:\n{self.log[before:]}"
        found = re.search(r"Reprise listens on (http://\S+)", self.log[before:])
        return found.group(1) if found else ""

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the server ended at its start:\n{self.log}"
        with contextlib.suppress(httpx2.TransportError):
            return self.http.get("/health/readiness").status_code == 200
        return False


def body(content: str | Sequence[Mapping[str, Any]], **fields: Any) -> dict[str, Any]:
    """A chat body."""
    messages = user(content) if isinstance(content, str) else list(content)
    return {"model": "scripted", "messages": messages, **fields}


class Wire:
    """One chat call on a bare socket, so that a test decides when its caller leaves."""

    def __init__(self, server: Server, content: str, headers: Mapping[str, str] | None = None, **fields: Any) -> None:
        host, port = server.url.removeprefix("http://").split(":")
        raw = json.dumps(body(content, **fields)).encode()
        head = {"host": host, "content-type": "application/json", "content-length": str(len(raw)), **(headers or {})}
        self._socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self._socket.sendall(f"POST /v1/chat/completions HTTP/1.1\r\n{lines}\r\n".encode() + raw)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def read_until(self, words: bytes) -> bytes:
        """What came up to and with these bytes."""
        got = b""
        while words not in got:
            more = self._socket.recv(65536)
            assert more, f"the server closed the connection after {got!r}"
            got += more
        return got

    def leave(self) -> None:
        """Close the connection."""
        self._socket.close()


def settle(server: Server) -> None:
    """Come back once the server has read every call that was sent before."""
    for _ in range(5):
        server.http.get("/health/liveliness").raise_for_status()


@dataclass
class Reply:
    """What a client got: choices put together, and what came beside them."""

    headers: Mapping[str, str]
    choices: list[dict[str, Any]]
    usage: dict[str, Any] | None
    chunks: list[dict[str, Any]] = field(default_factory=list)
    id: str = ""

    @property
    def text(self) -> str | None:
        """The first choice's text."""
        return self.choices[0]["message"].get("content")

    @property
    def cache(self) -> str:
        """hit, miss, ..."""
        return self.headers["x-reprise-cache"]

    @property
    def tier(self) -> str:
        """exact, semantic or upstream."""
        return self.headers["x-reprise-tier"]


def events(raw: bytes | str) -> list[Any]:
    """The data of server-sent events, each parsed; ``[DONE]`` as that text."""
    text = raw.decode() if isinstance(raw, bytes) else raw
    data = [block.removeprefix("data: ") for block in text.replace("\r\n", "\n").split("\n\n") if block]
    return [item if item == "[DONE]" else json.loads(item) for item in data]


def assemble(chunks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The choices that a stream's chunks amount to, as a client puts them together."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for piece in chunk["choices"]:
            choice = choices.setdefault(piece["index"], {"index": piece["index"], "message": {}, "finish_reason": None})
            choice["finish_reason"] = piece.get("finish_reason") or choice["finish_reason"]
            _join(choice["message"], piece["delta"])
    return [choices[index] for index in sorted(choices)]


def _join(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for key, value in delta.items():
        if key == "tool_calls":
            calls = message.setdefault(key, [])
            for part in value or ():
                if part["index"] == len(calls):
                    calls.append({"id": part["id"], "type": part["type"], "function": dict(part["function"])})
                else:
                    calls[part["index"]]["function"]["arguments"] += part["function"]["arguments"]
        elif isinstance(value, str) and key != "role" and isinstance(message.get(key), str):
            message[key] += value
        elif value is not None or key not in message:
            message[key] = value


def without_nothing(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something: clients fill in the rest with None."""
    return {key: item for key, item in value.items() if item is not None}
