"""Memories reach the prompts of real clients, and answers belong to the memories they were made with."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import openai
import pytest

from memory.context.packs import CLOSING, OPENING
from tests.e2e.conftest import Launch
from tests.e2e.support import KEY_MARK, Server, Upstream, client_of, user

pytestmark = pytest.mark.slow

NIGHTLY, HOURLY = "Backups run nightly at two", "Backups run hourly"
TOOLS = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}]


def block(*contents: str) -> str:
    """What stands behind the user's words."""
    return OPENING + "".join(f"- {content}\n" for content in contents) + CLOSING


class Person:
    """Somebody with a key, and so a namespace, of their own."""

    def __init__(self, server: Server, upstream: Upstream, key: str) -> None:
        self._server = server
        self._upstream = upstream
        self._key = key
        self.headers = {"authorization": f"Bearer {key}"}
        self.prompt = f"When do the backups run? ({secrets.token_hex(4)})"

    def ask(self, messages: str | Sequence[Any], *, stream: bool = False, **headers: str) -> Any:
        """One call with the openai client; gives the response's headers, once the answer is read."""
        said: Any = user(messages) if isinstance(messages, str) else messages
        named = {f"x-reprise-{name}": value for name, value in headers.items()}
        with client_of(self._server.url, self._key) as client:
            completions = client.chat.completions.with_raw_response
            raw = completions.create(model="scripted", messages=said, stream=stream, extra_headers=named)
            read = raw.parse()
            text = (
                "".join(chunk.choices[0].delta.content or "" for chunk in read) if stream else read.choices[0].message
            )
            assert text, "there is an answer"
            return raw.headers

    def sent(self) -> list[dict[str, Any]]:
        """The bodies that the upstream got for this person's prompt, in order."""
        calls = [call for call in list(self._upstream.model.calls) if self.prompt in str(call["messages"])]
        return [dict(call) for call in calls]

    def write(self, method: str, path: str, **fields: Any) -> dict[str, Any]:
        """Change memories."""
        got = self._server.http.request(method, path, json=fields, headers=self.headers)
        assert got.status_code == 200, got.text
        return dict(got.json())

    def remember(self, content: str = NIGHTLY, **fields: Any) -> str:
        """An active memory; gives its id."""
        return str(self.write("POST", "/memory", **{"memory_type": "knowledge", "content": content, **fields})["id"])

    def logged(self, headers: Any) -> dict[str, Any]:
        """The record of a call."""
        return dict(self._server.http.get(f"/interactions/{headers['x-reprise-interaction']}").json())


Meet = Callable[[], Person]


@pytest.fixture
def meet(server: Server, upstream: Upstream) -> Meet:
    """Gives somebody new."""
    return lambda: Person(server, upstream, KEY_MARK + secrets.token_hex(12))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("parts", [False, True], ids=["text", "parts"])
def test_a_memory_reaches_the_prompt_in_every_form(meet: Meet, stream: bool, parts: bool) -> None:
    ann = meet()
    made = ann.remember()
    content = [{"type": "text", "text": ann.prompt}]
    headers = ann.ask([{"role": "user", "content": content}] if parts else ann.prompt, stream=stream)
    (sent,) = ann.sent()
    added = block(NIGHTLY)
    expected = [*content, {"type": "text", "text": added}] if parts else f"{ann.prompt}\n\n{added}"
    assert sent["messages"] == [{"role": "user", "content": expected}]
    assert headers["x-reprise-memories"] == "1"
    kept = ann.logged(headers)
    assert (kept["prompt"], kept["memories_used"]) == (ann.prompt, [made])
    assert kept["context_pack"] == {"text": added, "memories": [[made, 1]]}
    assert added not in str(kept["request"]), "what the client sent is kept as it was"


def test_what_was_said_before_stays_byte_equal(meet: Meet) -> None:
    ann = meet()
    ann.remember()
    first = [{"role": "system", "content": "Be brief."}, *user(ann.prompt)]
    ann.ask(first)
    ann.ask([*first, {"role": "assistant", "content": "At two."}, *user("And the backups of Sunday?")])
    one, two = ann.sent()
    assert two["messages"][:3] == [*first, {"role": "assistant", "content": "At two."}], "the client's own history"
    assert one["messages"][1]["content"].startswith(two["messages"][1]["content"]), "so the beginning stays cached"
    assert two["messages"][3]["content"].endswith(block(NIGHTLY))


def test_a_tool_loop_keeps_its_block(meet: Meet) -> None:
    ann = meet()
    ann.remember()
    call = {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    loop: list[dict[str, Any]] = user(ann.prompt)
    ann.ask(loop)
    for result in ("nothing on kettles", "nothing on backups either"):
        loop = [
            *loop,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": result},
        ]
        ann.ask(loop)
    sent = ann.sent()
    assert len(sent) == 3
    assert {body["messages"][0]["content"] for body in sent} == {f"{ann.prompt}\n\n{block(NIGHTLY)}"}
    assert sent[2]["messages"][1:] == loop[1:], "tools and their results are left alone"


def test_a_promoted_candidate_is_in_the_next_prompt(meet: Meet) -> None:
    ann = meet()
    made = ann.remember()
    ann.write("PUT", f"/memory/{made}", status="candidate")
    assert "x-reprise-memories" not in ann.ask(ann.prompt), "a candidate is never shown to a model"
    ann.write("POST", f"/memory/{made}/promote")
    headers = ann.ask(ann.prompt)
    assert (headers["x-reprise-cache"], headers["x-reprise-memories"]) == ("miss", "1")
    assert NIGHTLY in ann.sent()[-1]["messages"][0]["content"]


@pytest.mark.parametrize("change", ["superseded", "deleted", "edited"])
def test_an_answer_made_with_a_memory_goes_with_it(meet: Meet, change: str) -> None:
    ann = meet()
    made = ann.remember()
    ann.ask(ann.prompt)
    assert ann.ask(ann.prompt)["x-reprise-tier"] == "exact"
    if change == "superseded":
        ann.write("PUT", f"/memory/{made}", status="superseded")
    elif change == "deleted":
        ann.write("DELETE", f"/memory/{made}")
    else:
        ann.write("PUT", f"/memory/{made}", content=HOURLY)
    headers = ann.ask(ann.prompt)
    assert headers["x-reprise-tier"] == "upstream", "the stored answer is not served"
    last = ann.sent()[-1]["messages"][0]["content"]
    assert NIGHTLY not in last, "nor is the old memory put in"
    assert (HOURLY in last) == (change == "edited")


def test_two_namespaces_never_share(meet: Meet) -> None:
    ann, bob = meet(), meet()
    bob.prompt = ann.prompt
    ann.remember()
    bob.remember(HOURLY)
    for person in (ann, bob):
        assert person.ask(person.prompt)["x-reprise-tier"] == "upstream"
    one, two = (call["messages"][0]["content"] for call in ann.sent())
    assert (NIGHTLY in one, HOURLY in one) == (True, False)
    assert (NIGHTLY in two, HOURLY in two) == (False, True)


def test_off_sends_the_very_bytes_that_came(meet: Meet, server: Server, upstream: Upstream) -> None:
    ann = meet()
    ann.remember()
    raw = f'{{ "model":"scripted",\n "messages":[{{"content":"{ann.prompt}","role":"user"}}] }}'.encode()
    for mode in ("off", "read"):
        headers = {**ann.headers, "content-type": "application/json", "x-reprise-memory": mode}
        server.http.post("/v1/chat/completions", content=raw, headers=headers).raise_for_status()
    assert upstream.model.bodies.count(raw) == 1, "byte for byte"
    assert ann.sent()[0]["messages"] == user(ann.prompt)
    assert ann.sent()[1]["messages"][0]["content"].endswith(block(NIGHTLY)), "read puts it in"


def test_a_damaged_store_of_memories_breaks_no_call(launch: Launch, upstream: Upstream) -> None:
    server = launch()
    ann = Person(server, upstream, KEY_MARK + secrets.token_hex(12))
    ann.remember()
    with sqlite3.connect(server.data_dir / "reprise.db") as database:
        database.execute("ALTER TABLE memories RENAME TO elsewhere")
    assert "x-reprise-memories" not in ann.ask(ann.prompt), "it goes through as it came"
    assert ann.sent()[0]["messages"] == user(ann.prompt)
    ready = server.http.get("/health/readiness").json()
    assert ready["parts"]["memory"]["ok"] is False, "and readiness shows it"
    with sqlite3.connect(server.data_dir / "reprise.db") as database:
        database.execute("ALTER TABLE elsewhere RENAME TO memories")
    assert ann.ask(ann.prompt)["x-reprise-memories"] == "1"


def test_an_unknown_mode_is_refused(meet: Meet) -> None:
    with pytest.raises(openai.BadRequestError, match="off, read, full"):
        meet().ask("Hi", memory="on")
