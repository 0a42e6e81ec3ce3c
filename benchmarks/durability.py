"""Kills the server under load, and counts the answers that clients had in full against those in the log afterwards.

python -m benchmarks.durability [--rounds 3] [--seconds 4] [--clients 16]
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx2

from benchmarks.servers import free_port, models, wait_for

UPSTREAM = """
import uvicorn
from proxy.scripted import ScriptedModel
uvicorn.run(ScriptedModel().app, port={port}, log_level="critical", access_log=False)
"""


async def client(url: str, name: str, had: list[str]) -> None:
    """Call with prompts of its own, streamed and not, until the server dies; note each answer had in full."""
    async with httpx2.AsyncClient(base_url=url, timeout=30) as http:
        for number in range(10**6):
            prompt = f"Client {name} asks about case {number}"
            body = {"model": "m", "messages": [{"role": "user", "content": prompt}], "stream": number % 2 == 0}
            try:
                answer = await http.post("/v1/chat/completions", json=body)
            except httpx2.TransportError:
                return
            whole = answer.content.endswith(b"data: [DONE]\n\n") if body["stream"] else bool(answer.json())
            if answer.status_code == 200 and whole:
                had.append(answer.headers["x-reprise-interaction"])


async def load(url: str, clients: int, seconds: float, server: subprocess.Popen[bytes], prefix: str) -> list[str]:
    """Run the clients, then kill the server in the middle."""
    had: list[str] = []
    running = [asyncio.create_task(client(url, f"{prefix}-{number}", had)) for number in range(clients)]
    await asyncio.sleep(seconds)
    server.send_signal(signal.SIGKILL)
    await asyncio.gather(*running)
    return had


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--clients", type=int, default=16)
    arguments = parser.parse_args()
    upstream_port, port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(models(f"http://127.0.0.1:{upstream_port}"))
        upstream = subprocess.Popen([sys.executable, "-c", UPSTREAM.format(port=upstream_port)])
        wait_for(f"http://127.0.0.1:{upstream_port}/")
        had: list[str] = []
        for number in range(arguments.rounds):
            command = [sys.executable, "-m", "proxy", "serve", "--config", str(folder / "config.yaml")]
            command += ["--data-dir", str(folder / "data"), "--port", str(port)]
            server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            wait_for(f"http://127.0.0.1:{port}/health/readiness", status=200)
            url = f"http://127.0.0.1:{port}"
            had += asyncio.run(load(url, arguments.clients, arguments.seconds, server, f"round {number}"))
            server.wait()
            logged = _logged(folder / "data" / "reprise.db")
            lost = [id_ for id_ in had if id_ not in logged]
            print(f"round {number + 1}: answers had in full {len(had)}, in the log {len(logged)}, lost {len(lost)}")
        upstream.terminate()


def _logged(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM interactions WHERE success = 1")}


if __name__ == "__main__":
    main()
