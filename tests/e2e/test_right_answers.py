"""Right answers only: what the shipped verifier serves by meaning, what it never does, and what people say of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, Upstream, answer, eventually

pytestmark = pytest.mark.slow

ASKED = "How do I reset my password?"
REWORDED = "How can I reset my password?"
RARELY = 1e-9
"""An audit rate at which no call of a test is audited."""


def policy(**given: Any) -> dict[str, Any]:
    """A configuration whose default policy has these settings."""
    return {"cache": {"policies": {"default": {"audit_rate": RARELY, **given}}}}


def reason(response: Any) -> tuple[str, str]:
    return response.headers["x-reprise-cache"], response.headers["x-reprise-reason"].split(":")[0]


def test_rewording_is_served_and_another_question_is_not(launch: Launch, upstream: Upstream) -> None:
    server = launch(policy())
    assert reason(server.chat(ASKED)) == ("miss", "no_entry"), "nothing is stored yet"
    hit = server.chat(REWORDED)
    assert reason(hit) == ("hit", "similar"), "the same question in other words"
    assert hit.json()["choices"][0]["message"]["content"] == answer(ASKED), "with the stored answer"
    assert 0.87 < float(hit.headers["x-reprise-score"]) < 1, "and says how sure the verifier is"
    for other in (
        "How do I not reset my password?",
        "How do I reset my username?",
        "Why do I reset my password?",
        "How do I reset my password on Windows?",
    ):
        assert server.chat(other, {"cache-control": "no-store"}).headers["x-reprise-cache"] == "miss", other


def test_a_hit_called_wrong_is_never_served_again(launch: Launch, upstream: Upstream) -> None:
    server = launch(policy())
    server.chat(ASKED)
    hit = server.chat(REWORDED)
    assert hit.headers["x-reprise-tier"] == "semantic", "served once"
    said = server.http.post(
        "/v1/feedback", json={"interaction_id": hit.headers["x-reprise-interaction"], "correct": False}
    )
    assert said.status_code == 200, said.text
    again = server.chat(REWORDED, {"cache-control": "no-store"})
    assert reason(again) == ("miss", "judged_wrong"), "the pair is remembered"
    assert server.chat(ASKED).headers["x-reprise-tier"] == "exact", "its own prompt still has the answer"
    semantic = server.http.get("/stats").json()["semantic"]
    assert [one["labels"]["feedback"] for one in semantic.values()] == [{"right": 0, "wrong": 1}], "a label of a person"
    server.stop()
    server.start()
    assert reason(server.chat(REWORDED)) == ("miss", "judged_wrong"), "after a restart too"


def test_audits_forward_would_be_hits_and_make_labels(launch: Launch, upstream: Upstream) -> None:
    server = launch(policy(audit_rate=1.0))
    server.chat(ASKED)
    audited = server.chat(REWORDED)
    assert reason(audited) == ("miss", "audit"), "a would-be hit is forwarded"
    assert audited.json()["choices"][0]["message"]["content"] == answer(REWORDED), "its caller gets the fresh answer"
    made = eventually(lambda: server.metric("reprise_labels_total", source="audit"), "the answers are compared")
    assert made == 1, "once"


def test_shadow_mode_decides_and_serves_nothing(launch: Launch, upstream: Upstream) -> None:
    server = launch(policy(shadow=True))
    server.chat(ASKED)
    before = upstream.seen[REWORDED]
    shadowed = server.chat(REWORDED)
    assert reason(shadowed) == ("miss", "shadow"), "what would have been a hit"
    assert upstream.seen[REWORDED] == before + 1, "is forwarded"
    assert server.chat(ASKED).headers["x-reprise-tier"] == "exact", "the exact tier serves all the same"


def test_a_verifier_without_cuts_starts_in_shadow_mode_and_says_how_to_leave_it(
    launch: Launch, upstream: Upstream
) -> None:
    server = launch({"cache": {"verifier": {"model": "cosine"}}})
    server.chat(ASKED)
    assert reason(server.chat(REWORDED))[0] == "miss", "no cut, no hit by meaning"
    assert "similarity_threshold" in server.log, "the log names the setting that serves at once"


def test_the_lexical_verifier_needs_no_other_weights(launch: Launch, upstream: Upstream) -> None:
    server = launch({"cache": {"verifier": {"model": "lexical"}, **policy()["cache"]}})
    server.chat(ASKED)
    assert reason(server.chat(REWORDED)) == ("hit", "similar"), "served"


def test_a_blocked_answer_is_not_served_until_it_is_unblocked(launch: Launch, upstream: Upstream) -> None:
    server: Server = launch(policy())
    entry = server.chat(ASKED).headers["x-reprise-entry"]
    assert server.http.post(f"/cache/entries/{entry}/block").status_code == 200, "blocked"
    assert server.chat(ASKED, {"cache-control": "no-store"}).headers["x-reprise-cache"] == "miss", "not served"
    assert server.http.post(f"/cache/entries/{entry}/unblock").status_code == 200, "unblocked"
    assert server.chat(ASKED).headers["x-reprise-entry"] == entry, "served again"


def test_a_namespace_beyond_its_quota_is_answered_but_stores_nothing(launch: Launch, upstream: Upstream) -> None:
    server = launch({"cache": {"writes_per_minute": 1}})
    assert "x-reprise-entry" in server.chat("What is the tallest mountain on Earth?").headers, "the first is stored"
    second = server.chat("Who painted the Night Watch?")
    assert second.status_code == 200, "the second is answered"
    assert "x-reprise-entry" not in second.headers, "and not stored"
    assert server.metric("reprise_writes_refused_total") == 1, "which is counted"
