"""An operator's day: traffic, statistics, tune, replay, a live change of policy under load, an experiment.

    python -m benchmarks.tuning --data DIR [--first 2000] [--rest 3000]

Drives the composed stream ``replay_mixed`` through a real server and runs the commands an operator would, printing
what they print. The upstream answers each wording of one answer alike, in one of several phrasings; what asks for an
action, a random draw or the asker's own account is answered differently each time. So what was served can be held
against the truth: a hit is wrong when its answer is not the row's, or the row asks for something that no cache can
answer. At the end stands what ``reprise tune`` foretold beside what then happened on the rest of the stream.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.servers import free_port, proxy

GENERAL = ("faq", "faq-entity", "param", "oos", "mixed")
"""Shares whose rows a cache may answer."""
OPENINGS = ("", "Sure. ", "Of course: ", "Happy to help. ", "Here you go. ")
_WORDS = (
    "anchor barley candle desert ember feather garnet harbour island jasmine kernel lantern meadow nectar"
    " orchard pebble quarry ribbon saddle timber umbrella velvet willow yonder zephyr basket copper"
    " drawer engine fabric glacier hammer insect jacket kettle ladder mirror needle oyster pencil rabbit"
    " sailor tunnel valley window almond bridge carpet dagger eagle forest goblet hollow icicle jungle"
    " kitten lemon marble nickel onion parrot quilt river silver thunder"
).split()
ROOM = 5.0
"""Seconds that a change of the file may take to be in force."""


@dataclass(frozen=True)
class Row:
    """One request of the stream."""

    prompt: str
    answer_id: str
    share: str

    @property
    def general(self) -> bool:
        """May any stored answer serve it?"""
        return self.share in GENERAL


@dataclass
class Tally:
    """What callers got."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Calls, hit rate, wrong hits by tier."""
        calls = self.outcomes.total()
        parts = [f"{calls} calls, {len(self.failed)} failed"]
        for tier in ("exact", "semantic"):
            hits, wrong = self.outcomes[tier], self.wrong[tier]
            share = f", {wrong} wrong ({100 * wrong / hits:.2f} %)" if hits else ""
            parts.append(f"{tier} {hits} ({100 * hits / max(1, calls):.1f} %{share})")
        return "; ".join(parts)


def read_rows(data: Path) -> list[Row]:
    """The stream in its order."""
    found = [path for path in (data / "replay_mixed.jsonl.gz", data / "dev" / "replay_mixed.jsonl.gz") if path.exists()]
    with gzip.open(found[0], "rt", encoding="utf-8") as lines:
        rows = map(json.loads, lines)
        return [Row(row["prompt"], row["answer_id"], row["share"]) for row in rows]


def answer_to(answer_id: str, nonce: int | None) -> str:
    """Words that stand for one answer; with a nonce, for one call alone."""
    rng = random.Random(f"{answer_id} {nonce}")
    words = rng.sample(_WORDS, 12)
    return f"The {words[0]} {words[1]} goes with the {', the '.join(words[2:7])}; then {' and '.join(words[7:])}."


def model(rows: Sequence[Row]) -> Starlette:
    """The upstream: knows every prompt of the stream."""
    known = {row.prompt: row for row in rows}
    calls = iter(range(10**9))

    async def chat(request: Request) -> JSONResponse:
        body = await request.json()
        row, number = known[body["messages"][-1]["content"]], next(calls)
        text = answer_to(row.answer_id, None if row.general else number)
        content = random.Random(number).choice(OPENINGS) + text
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 20, "completion_tokens": 60, "total_tokens": 80}
        answer = {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini"}
        return JSONResponse({**answer, "choices": [choice], "usage": usage})

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The application on a free port, in a thread."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


class Day:
    """One server, its file, and the commands run beside it."""

    def __init__(self, rows: Sequence[Row], url: str, config: Path, data_dir: Path) -> None:
        self._rows = rows
        self._client = httpx2.Client(base_url=url, timeout=60)
        self._config = config
        self._data_dir = data_dir

    def drive(self, rows: Sequence[Row], threads: int = 4) -> Tally:
        """Send rows, several at a time; sessions are of eight calls."""
        tally, lock = Tally(), threading.Lock()

        def send(numbered: tuple[int, Row]) -> None:
            number, row = numbered
            body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": row.prompt}]}
            try:
                response = self._client.post(
                    "/v1/chat/completions", json=body, headers={"x-reprise-session": f"s{number // 8}"}
                )
                failure = None if response.status_code == 200 else f"{response.status_code} {response.text[:200]}"
            except httpx2.HTTPError as error:
                failure = repr(error)
            with lock:
                if failure is not None:
                    tally.failed.append(failure)
                    return
                tier = response.headers["x-reprise-tier"]
                tally.outcomes[tier] += 1
                tally.policies[response.headers["x-reprise-policy"]] += 1
                content = response.json()["choices"][0]["message"]["content"]
                right = row.general and content.endswith(answer_to(row.answer_id, None))
                tally.wrong[tier] += tier != "upstream" and not right

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(send, enumerate(rows)))
        return tally

    def run(self, *words: str, shown: bool = True) -> str:
        """Run a ``reprise`` command against the running server and print what it prints."""
        command = [sys.executable, "-m", "proxy", *words, "--config", str(self._config)]
        if words[0] != "config":
            command += ["--data-dir", str(self._data_dir)]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if shown:
            print(f"\n$ reprise {' '.join(words)}   [{time.perf_counter() - started:.1f} s, exit {done.returncode}]")
            print(done.stdout.rstrip())
        if done.returncode == 2 or (not shown and done.returncode):
            print(done.stderr.rstrip())
        return done.stdout

    def write(self, cache: dict[str, Any], upstream: str) -> None:
        """Put a policy into the file, as an editor would."""
        entry = {"model": "openai/gpt-4o-mini", "api_base": f"{upstream}/v1", "api_key": "sk-benchmark"}
        content = {"model_list": [{"model_name": "gpt-4o-mini", "litellm_params": entry}], "cache": cache}
        self._config.write_text(yaml.safe_dump(content, sort_keys=False))

    def revision(self) -> str:
        """The revision of the policy in force."""
        return str(self._client.get("/health/readiness").json()["config"]["revision"])

    def changed(self, before: str) -> float:
        """Seconds until another revision is in force."""
        started = time.perf_counter()
        while self.revision() == before:
            if time.perf_counter() - started > ROOM:
                raise TimeoutError("the edit was not taken up")
            time.sleep(0.02)
        return time.perf_counter() - started


def tuned_policy(file: Path) -> dict[str, Any]:
    """The policy block that ``reprise tune --write`` left."""
    written = yaml.safe_load(file.read_text())
    policies = written["cache"]["policies"]
    block: dict[str, Any] = next(iter(policies.values()))
    return block


def main() -> None:
    """Run the day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of replay_mixed.jsonl.gz, or the one above")
    parser.add_argument("--first", type=int, default=2000, help="calls before the policy is tuned")
    parser.add_argument("--rest", type=int, default=3000, help="calls after it")
    parser.add_argument("--max-error", default="5%", help="asked of tune")
    parser.add_argument("--audits", type=float, default=0.3, help="audit_rate of the first calls: tune needs labels")
    options = parser.parse_args()
    rows = read_rows(options.data)
    with tempfile.TemporaryDirectory(prefix="reprise-tuning-") as name, serving(model(rows)) as upstream:
        folder = Path(name)
        config, port = folder / "config.yaml", free_port()
        day = Day(rows, f"http://127.0.0.1:{port}", config, folder / "data")
        day.write({"policies": {"default": {"audit_rate": options.audits}}}, upstream)
        with proxy(config, folder / "data", port, folder / "log"):
            _tell(day, rows, upstream, folder, options)


def _tell(day: Day, rows: Sequence[Row], upstream: str, folder: Path, options: argparse.Namespace) -> None:
    first, rest = rows[: options.first], rows[options.first : options.first + options.rest]
    print("== the first calls:", day.drive(first).line())
    day.run("stats")
    day.run("stats", "--near-misses")
    day.run("replay", "--policy", "aggressive", "--since", "24h")
    tuned = folder / "tuned.yaml"
    day.run("tune", "--max-error", options.max_error, "--write", str(tuned))
    foretold = day.run("tune", "--max-error", options.max_error, "--json", shown=False)
    # Too few labels prove nothing: then the budget that was asked for, with the cut measured on public data.
    policy = tuned_policy(tuned) if tuned.exists() else {"max_error_rate": float(options.max_error.rstrip("%")) / 100}
    policy["audit_rate"] = 0.02

    half = len(rest) // 3
    before = day.revision()
    with ThreadPoolExecutor(1) as pool:
        under_load = pool.submit(day.drive, rest[:half])
        time.sleep(1.0)
        day.write(
            {"policies": {"default": {}, "tuned": policy}, "routes": [{"match": {}, "policy": "tuned"}]}, upstream
        )
        taken = day.changed(before)
        tally = under_load.result()
    print(
        f"\n== the file edited under load: in force after {taken:.2f} s; {tally.line()};"
        f" by policy {dict(tally.policies)}"
    )
    after = day.drive(rest[half : 2 * half])
    print("\n== the tuned policy on calls that it was not tuned on:", after.line())
    print("foretold:", json.dumps(json.loads(foretold).get("predicted")))

    before = day.revision()
    arms = {"tuned": {"policy": "tuned", "weight": 50}, "aggressive": {"policy": "aggressive", "weight": 50}}
    experiment = {"name": "cuts", "sticky": "session", "arms": arms}
    day.write({"policies": {"default": {}, "tuned": policy}, "experiments": [experiment]}, upstream)
    day.changed(before)
    split = day.drive(rest[2 * half :])
    print("\n== an experiment:", split.line(), dict(split.policies))
    day.run("experiment", "status")
    day.run("experiment", "stop", "cuts", "--keep", "tuned")
    kept = day.drive(rest[:64])
    print("\n== after the stop, by policy:", dict(kept.policies))
    day.run("stats", "--trend", "hour")


if __name__ == "__main__":
    main()
