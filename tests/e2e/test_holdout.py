"""Half of the sessions get nothing out of memory: a restart keeps them apart, and /stats tells what it is worth."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, Upstream, run, user

pytestmark = pytest.mark.slow

SESSIONS = [f"session-{n}" for n in range(30)]
NIGHTLY = "Backups run nightly at two"
HALF = {"memory": {"context": {"holdout": 0.5}}}


def ask(server: Server, session: str, prompt: str, **headers: str) -> dict[str, str]:
    """One call of a session; gives the response's headers."""
    named = {"x-reprise-session": session, **{f"x-reprise-{name}": value for name, value in headers.items()}}
    got = server.chat(prompt, headers=named)
    assert got.status_code == 200, got.text
    return dict(got.headers)


def drawn(server: Server, word: str) -> dict[str, bool]:
    """Which of the sessions are held out, as a call of each is told."""
    told = {}
    for session in SESSIONS:
        headers = ask(server, session, f"When do the backups of the {word} run, asks {session}?")
        told[session] = "x-reprise-holdout" in headers
        assert headers["x-reprise-memories"] == ("0" if told[session] else "1"), "told either way"
    return told


def test_the_arms_from_their_draw_to_their_comparison(launch: Launch, upstream: Upstream) -> None:
    server = launch(HALF)
    memory = {"memory_type": "knowledge", "content": NIGHTLY}
    server.http.post("/memory", json=memory).raise_for_status()
    before = drawn(server, "attic")
    assert 6 <= sum(before.values()) <= 24, "about half"
    server.kill()
    server.start()
    assert drawn(server, "cellar") == before, "a restart changes nobody's arm"

    held = next(session for session, out in before.items() if out)
    (kept,) = [row for row in server.interactions(session_id=held) if "attic" in row["prompt"]]
    assert (kept["holdout"], kept["memories_used"]) == (True, []), "the log knows it"
    assert user(kept["prompt"]) in [call["messages"] for call in upstream.model.calls], "it went as it came"

    given = next(session for session, out in before.items() if not out)
    said = "That's wrong, I meant the backups of the shed."
    ask(server, given, said)
    for mode in ("full", "read"):
        headers = ask(server, held, f"And the backups of the {mode} moon?", memory=mode)
        assert headers["x-reprise-memories"] == "1", "who names a mode gets it"
        assert "x-reprise-holdout" not in headers, "held out or not"

    worth = server.http.get("/stats").raise_for_status().json()["memory"]["worth"]
    out = sum(before.values())
    assert worth["arms"]["held_out"]["sessions"] == out - 1, "without the one that chose"
    assert worth["left_out"] == {"asked": 1, "changed": 0, "beyond": 0}, "which is counted apart"
    assert worth["arms"]["with_memory"]["sessions"] == len(SESSIONS) - out, "the other half"
    assert worth["arms"]["with_memory"]["corrections"] == 1, "one objected"
    tokens = worth["measures"]["prompt_tokens_per_call"]
    assert tokens["difference"] > 0, "a block costs tokens"
    assert worth["measures"]["calls_per_session"]["held_out"] == 2.0, "two calls each"

    shown = run("stats", "--config", server.folder / "config.yaml", "--data-dir", server.data_dir)
    assert shown.code == 0, shown.err
    assert "What memory is worth" in shown.out, "the command shows both arms"


def test_off_says_that_nothing_is_compared(server: Server, fresh_key: str) -> None:
    key = {"authorization": f"Bearer {fresh_key}"}
    memory = {"memory_type": "knowledge", "content": NIGHTLY}
    server.http.post("/memory", json=memory, headers=key).raise_for_status()
    got = server.chat("When do the backups run?", headers={**key, "x-reprise-session": "anybody"})
    assert got.headers["x-reprise-memories"] == "1", "nobody is held out"
    worth = server.http.get("/stats").raise_for_status().json()["memory"]["worth"]
    assert "no holdout is configured" in worth["note"], "in words"
    shown = run("stats", "--data-dir", server.data_dir, cwd=server.folder)
    assert "no holdout is configured" in shown.out, "by the command too"
