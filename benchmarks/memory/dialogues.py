"""Real talk as traffic: public dialogues go through the proxy turn by turn, then the tables are read.

python -m benchmarks.memory.dialogues --data PATH [--dialogues 300] [--show 40] [--json]

PATH holds ``conv_sgd.jsonl.gz``: task dialogues of people who book and look up (Schema-Guided Dialogue, CC BY-SA 4.0).
A scripted upstream gives the dialogue's own answers; every turn re-sends its history, as chat clients do. Reported are
sessions, cache hits, candidates for each thousand turns of the user, and how many of them were taken from anything but
the turn's own new words. Whether a candidate is worth keeping is for a reader: ``--show`` prints some.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import sqlite3
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.memory.loop import waiting
from benchmarks.servers import application, free_port, models, proxy

UPSTREAM = """
import hashlib, json
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
ANSWERS = json.load(open({path!r}))
async def chat(request):
    body = await request.json()
    said = [(m["role"], m["content"].split("\\n\\n<")[0]) for m in body["messages"]]
    key = hashlib.sha256(json.dumps(said).encode()).hexdigest()
    message = dict(role="assistant", content=ANSWERS.get(key, "I do not know."))
    return JSONResponse(dict(id="c", object="chat.completion", created=1, model=body["model"],
        choices=[dict(index=0, message=message, finish_reason="stop")],
        usage=dict(prompt_tokens=20, completion_tokens=10, total_tokens=30)))
app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
"""


def read_dialogues(folder: Path, most: int) -> list[list[dict[str, str]]]:
    """Messages of each dialogue, a user's and an assistant's in turn."""
    found = []
    with gzip.open(folder / "conv_sgd.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            messages = json.loads(line)["messages"]
            roles = [message["role"] for message in messages]
            if roles == ["user", "assistant"] * (len(roles) // 2):
                found.append(messages)
            if len(found) == most:
                break
    return found


def scripted(dialogues: list[list[dict[str, str]]]) -> dict[str, str]:
    """Each answer by what was said before it."""
    answers = {}
    for messages in dialogues:
        for at in range(1, len(messages), 2):
            said = [(message["role"], message["content"]) for message in messages[:at]]
            answers[hashlib.sha256(json.dumps(said).encode()).hexdigest()] = messages[at]["content"]
    return answers


async def drive(url: str, dialogues: list[list[dict[str, str]]], clients: int) -> Counter[str]:
    """Each dialogue turn by turn; several at once."""
    seen: Counter[str] = Counter()
    waiting = asyncio.Queue[tuple[int, list[dict[str, str]]]]()
    for numbered in enumerate(dialogues):
        waiting.put_nowait(numbered)

    async def client() -> None:
        async with httpx2.AsyncClient(base_url=url, timeout=60) as http:
            while not waiting.empty():
                number, messages = waiting.get_nowait()
                for at in range(1, len(messages), 2):
                    body = {"model": "m", "messages": messages[:at]}
                    headers = {"x-reprise-session": f"dialogue-{number}"}
                    answer = await http.post("/v1/chat/completions", json=body, headers=headers)
                    answer.raise_for_status()
                    seen[answer.headers["x-reprise-cache"]] += 1
                    # What the dialogue's own assistant said comes next, whatever was served.

    await asyncio.gather(*(client() for _ in range(clients)))
    return seen


def outcome(database: Path, dialogues: list[list[dict[str, str]]], seen: Counter[str]) -> dict[str, Any]:
    """What memory made of it."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        kept = connection.execute(
            "SELECT m.memory_type, m.rule, m.role, m.content, m.span, m.span_start, m.span_end, i.prompt, i.response"
            " FROM memories m JOIN interactions i ON i.id = m.interaction_id WHERE m.status = 'candidate'"
        ).fetchall()
        turns = connection.execute("SELECT count(*) FROM interactions").fetchone()[0]
        sessions = connection.execute("SELECT count(DISTINCT session_id) FROM interactions").fetchone()[0]
        aside = connection.execute("SELECT count(*) FROM jobs").fetchone()[0]
    elsewhere = 0
    for row in kept:
        text = row["prompt"] if row["role"] == "user" else row["response"]
        elsewhere += text[row["span_start"] : row["span_end"]] != row["span"]
    return {
        "dialogues": len(dialogues),
        "turns": turns,
        "sessions": sessions,
        "cache": dict(seen),
        "candidates": len(kept),
        "candidates_per_1000_turns": round(1000 * len(kept) / turns, 1),
        "by_rule": dict(Counter(row["rule"] for row in kept).most_common()),
        "by_type": dict(Counter(row["memory_type"] for row in kept).most_common()),
        "not_from_the_turns_own_words": elsewhere,
        "jobs_left": aside,
        "shown": [f"{row['memory_type']} ({row['rule']}): {row['content']}" for row in kept],
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--dialogues", type=int, default=300)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--show", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    dialogues = read_dialogues(arguments.data, arguments.dialogues)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as name:
        folder = Path(name)
        (folder / "answers.json").write_text(json.dumps(scripted(dialogues)))
        source = UPSTREAM.format(path=str(folder / "answers.json"))
        with application(source, folder, "upstream", free_port()) as upstream:
            (folder / "config.yaml").write_text(models(upstream))
            with proxy(folder / "config.yaml", folder / "data", free_port(), folder / "server.log") as url:
                started = time.perf_counter()
                seen = asyncio.run(drive(url, dialogues, arguments.clients))
                database = folder / "data" / "reprise.db"
                while waiting(database):
                    time.sleep(0.2)
                seconds = time.perf_counter() - started
        found = outcome(database, dialogues, seen) | {"seconds": round(seconds, 1)}
    shown = found.pop("shown")[: arguments.show]
    if arguments.json:
        print(json.dumps(found | {"shown": shown}, indent=2, ensure_ascii=False))
        return
    for label, value in found.items():
        print(f"{label:<30} {value}")
    print(*shown, sep="\n")


if __name__ == "__main__":
    main()
