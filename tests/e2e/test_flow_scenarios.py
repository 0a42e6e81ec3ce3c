"""A handful of the scripted sessions end to end: from talk to sessions, proposals, and flows that are in use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.flows import script
from benchmarks.flows.analyst import Analyst
from benchmarks.flows.playing import Running, play, play_all, publish, settings, settled
from benchmarks.flows.upstream import ScriptedUpstream, by_script
from tests.e2e.conftest import Launch

pytestmark = pytest.mark.slow

PLAYED = (
    "printer-follow-1",
    "printer-driver-1",
    "printer-driver-2",
    "printer-escalated",
    "vpn-abandoned",
    "billing-vat-1",
    "billing-vat-2",
)


@dataclass(frozen=True)
class Played:
    """What became of the sessions, by their script's id."""

    server: Running
    upstream: ScriptedUpstream
    flows: dict[str, str]
    ids: dict[str, str]
    sessions: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def played(launch_shared: Launch) -> Iterator[Played]:
    """The sessions, played once."""
    chosen = [session for session in script.sessions("open") if session.id in PLAYED]
    answers = by_script({session.opening: session.answers for session in chosen})
    with ScriptedUpstream(answers, Analyst()) as upstream:
        config = settings(upstream.url, {"idle": "3s", "abandon_after": "6s"})
        launched = launch_shared(config)
        server = Running(launched.folder, config, url=launched.url)
        flows = publish(server, script.published())
        ids = play_all(server, chosen)
        ended = settled(server, list(ids.values()))
        yield Played(server, upstream, flows, ids, {name: ended[id_] for name, id_ in ids.items()})


def test_every_session_ends_as_it_should(played: Played) -> None:
    wanted = {session.id: session.expect["status"] for session in script.sessions("open") if session.id in PLAYED}
    assert {name: got["status"] for name, got in played.sessions.items()} == wanted, "statuses"
    assert {got["analysis"] for got in played.sessions.values()} == {"done"}, "each is settled"


def test_picks_and_own_words_are_told_apart(played: Played) -> None:
    steps = played.sessions["printer-driver-1"]["steps"]
    assert [step["option_selected"] for step in steps[:2]] == ["Office network", None], "a label, then none"
    assert steps[0]["free_text"] is None, "a pick is no words of one's own"
    assert "driver update" in steps[1]["free_text"], "and these are"
    follower = played.sessions["printer-follow-1"]["steps"]
    assert [step["option_selected"] for step in follower[:2]] == ["Office network", "Only me"], "by number, by place"


def test_who_follows_the_flow_strengthens_it(played: Played) -> None:
    session = played.sessions["printer-follow-1"]
    assert session["outcome"] == "auto_reinforced", f"it matched {session['match_score']}"
    flow = played.server.got(f"/flows/{played.flows['printer-queue']}")
    assert flow["resolved"] >= 1, "its outcome counts"


def test_who_leaves_the_flow_proposes_to_enhance_it(played: Played) -> None:
    first, second = played.sessions["printer-driver-1"], played.sessions["printer-driver-2"]
    assert (first["outcome"], second["outcome"]) == ("enhancement", "enhancement"), "both used words of their own"
    assert first["proposal_id"] == second["proposal_id"], "one proposal of the two"


def test_who_finds_no_flow_proposes_one(played: Played) -> None:
    first, second = played.sessions["billing-vat-1"], played.sessions["billing-vat-2"]
    assert (first["outcome"], second["outcome"]) == ("new_flow", "new_flow"), "no flow knows of it"
    assert first["proposal_id"] == second["proposal_id"], "one proposal of the two"
    for name in ("printer-escalated", "vpn-abandoned"):
        assert played.sessions[name]["proposal_id"] is None, f"{name} teaches nothing"


def test_an_approved_proposal_is_a_flow_that_matches(played: Played) -> None:
    server, session = played.server, played.sessions["billing-vat-1"]
    server.posted(f"/proposals/{session['proposal_id']}/approve")
    titles = {flow["id"]: flow["title"] for flow in server.got("/flows")["flows"]}
    fresh = set(titles) - set(played.flows.values())
    assert len(fresh) == 1, "one more flow"
    again = next(known for known in script.sessions("open") if known.id == "billing-vat-2")
    again = type(again)(**{**again.__dict__, "id": "again", "way": "header"})
    id_ = play(server, again)
    found: dict[str, Any] = Running.wait(lambda: _started(server, id_), "the session has started")
    assert found["match_score"] is not None, "it is compared with the new flow"
    assert (found["matched_flow"] or found["suggested_flow"]) in fresh, "and finds it"


def _started(server: Running, id_: str) -> dict[str, Any]:
    response = server.call("GET", f"/sessions/{id_}")
    found: dict[str, Any] = response.json()
    return found if response.status_code == 200 and found["steps"] else {}
