"""Servers in processes of their own: a scripted upstream, a bare FastAPI endpoint, and the proxy."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

BARE = """
from fastapi import FastAPI, Request
app = FastAPI()
@app.post("/v1/chat/completions")
async def chat(request: Request):
    return {ANSWER}
"""

UPSTREAM = """
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
async def chat(request):
    await request.body()
    return Response({ANSWER!r}, media_type="application/json")
app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
"""


UNAUDITED = "cache: {policies: {default: {audit_rate: 1.0e-9}}}\n"
"""A stand-in whose answers all differ: audits would find every hit wrong, and stop them."""


def models(upstream: str) -> str:
    """A configuration that forwards every model to an upstream, given its URL without ``/v1``."""
    return (
        "model_list:\n  - model_name: '*'\n    litellm_params:\n      model: openai/*\n"
        f"      api_base: {upstream}/v1\n      api_key: none\n"
    )


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def application(source: str, folder: Path, name: str, port: int) -> Iterator[str]:
    """A one-file ASGI application under uvicorn, set up as the proxy's own server is; gives its URL."""
    (folder / f"{name}.py").write_text(source)
    command = [sys.executable, "-m", "uvicorn", f"{name}:app", "--app-dir", str(folder), "--port", str(port)]
    command += ["--no-access-log", "--log-level", "error", "--loop", "uvloop", "--http", "httptools"]
    with _process(command) as _:
        wait_for(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def proxy(config: Path, data_dir: Path, port: int, log: Path) -> Iterator[str]:
    """The proxy, ready; gives its URL."""
    command = [sys.executable, "-m", "proxy", "serve", "--config", str(config), "--data-dir", str(data_dir)]
    with log.open("ab") as stderr, _process([*command, "--port", str(port)], stderr=stderr):
        wait_for(f"http://127.0.0.1:{port}/health/readiness", status=200)
        yield f"http://127.0.0.1:{port}"


def wait_for(url: str, status: int | None = None, patience: float = 600.0) -> None:
    """Wait until a server answers, with this status if one is given. Raises ``TimeoutError``."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as error:
            if status is None or error.code == status:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError(url)


@contextlib.contextmanager
def _process(command: list[str], stderr: object = None) -> Iterator[subprocess.Popen[bytes]]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(command, env=environ, stderr=stderr, stdout=subprocess.DEVNULL)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
