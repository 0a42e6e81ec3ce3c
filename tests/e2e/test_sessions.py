"""Sessions fall out of ordinary traffic: the real server, the openai client, and nothing to fill in."""

from __future__ import annotations

import pytest

from proxy.scripted import Said, last_text
from tests.e2e.support import client_of, eventually

pytestmark = pytest.mark.slow

PRINTER = "My printer prints blank pages"
WHICH = "Which printer is it?\n1. HP LaserJet\n2. Brother HL-L2350"
CLEAN = "Clean the print head: open Settings, then click Clean."
WORKS = "Does it print now?"
GLAD = "Glad to hear that."
SAYS = {
    PRINTER: WHICH,
    "the second one": CLEAN,
    "ok, that is done": WORKS,
    "Yes, thanks!": GLAD,
    "1": "Restart the LaserJet.",
    "get me a human": "A colleague will call.",
    "thanks": GLAD,
    "it is an old one": "What do you see?",
}


CONFIG = {"memory": {"flows": {"sweep": "1s", "idle": "2s", "abandon_after": "4s"}}}


@pytest.fixture(scope="module", autouse=True)
def says(upstream):
    """The scripted model answers by the user's last words."""

    def reply(body):
        said = SAYS.get(last_text(body))
        return Said(said) if said else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upstream.model, "says", reply)
        yield


@pytest.fixture(scope="module")
def server(launch_shared):
    """Shared: each test has a client of its own."""
    return launch_shared(CONFIG)


class Talk:
    """One person, whose client sends its whole history again."""

    def __init__(self, server, **headers):
        self._url = server.url
        self._headers = {f"x-reprise-{name}": value for name, value in headers.items()}
        self.messages = []

    def say(self, words, *, stream=False, keep=True):
        """One turn; ``keep`` False: the answer is thrown away, and the turn can be asked again."""
        messages = [*self.messages, {"role": "user", "content": words}]
        with client_of(self._url) as client:
            got = client.chat.completions.create(
                model="m", messages=messages, stream=stream, extra_headers=self._headers
            )
            if stream:
                answer = "".join(chunk.choices[0].delta.content or "" for chunk in got if chunk.choices)
            else:
                answer = got.choices[0].message.content
        if keep:
            self.messages = [*messages, {"role": "assistant", "content": answer}]
        return answer


def sessions(server, **params):
    return server.http.get("/sessions", params=params).json()["sessions"]


def shown(server, id_):
    return server.http.get(f"/sessions/{id_}").json()


def with_steps(server, count, **params):
    """The sessions, once they have so many steps in all."""

    def probe():
        found = [shown(server, one["id"]) for one in sessions(server, **params)]
        return found if sum(len(one["steps"]) for one in found) == count else None

    return eventually(probe, f"{count} steps")


def test_a_conversation_becomes_a_session_that_ends(server):
    talk = Talk(server, client="desk")
    talk.say(PRINTER)
    talk.say("the second one", stream=True)
    talk.say("ok, that is done", keep=False)
    talk.say("ok, that is done")
    talk.say("Yes, thanks!")
    (session,) = with_steps(server, 5, client="desk")
    assert session["status"] == "resolved", "the user said that it works"
    assert session["problem_summary"] == PRINTER, "what it was about"
    assert session["problem_domain"] == "printing", "and what that is filed under"
    assert session["resolution_summary"] == CLEAN, "what helped"
    assert session["client"] == "desk", "who asked"
    first, second, *asked_again, last = session["steps"]
    assert first["option_selected"] == "Brother HL-L2350", "picked by its place"
    assert second["step_type"] == "action", "a stream is a step like any other"
    assert second["action_result"] == "ok, that is done", "said twice, it is one result"
    assert [step["skipped"] for step in asked_again] == [True, False], "of a turn asked twice one answer counts"
    assert last["asked"] == "Yes, thanks!", "each step has the words of its own turn alone"
    assert session["analysis"] in ("waiting", "done"), "and it is analysed"


def test_people_who_open_alike_at_once_are_told_apart(server):
    ann, bob = Talk(server, client="both"), Talk(server, client="both")
    assert ann.say(PRINTER) == bob.say(PRINTER), "the second answer comes from the cache"
    ann.say("1")
    bob.say("it is an old one")
    ann.say("thanks")
    bob.say("get me a human")
    found = with_steps(server, 6, client="both")
    ends = {one["steps"][-1]["asked"]: one for one in found}
    assert set(ends) == {"thanks", "get me a human"}, "a session each"
    assert ends["get me a human"]["status"] == "escalated", "one asks for a person"
    assert ends["get me a human"]["escalation_reason"] == "get me a human", "and says so"
    assert ends["get me a human"]["steps"][0]["free_text"] == "it is an old one", "in words of his own"
    assert ends["thanks"]["steps"][0]["option_selected"] == "HP LaserJet", "the other picked"


def test_silence_ends_what_nobody_ends(server):
    pleased, left = (Talk(server, session=name, client="silent") for name in ("pleased", "left"))
    pleased.say(PRINTER)
    pleased.say("thanks")
    left.say(PRINTER)
    with_steps(server, 3, client="silent")
    eventually(lambda: shown(server, "pleased")["status"] == "resolved", "thanks and silence resolve it")
    assert shown(server, "pleased")["ended_by"] == "signal", "by what was said last"
    eventually(lambda: shown(server, "left")["status"] == "abandoned", "silence alone gives it up")
    assert shown(server, "left")["ended_by"] == "idle", "by nothing"


def test_an_explicit_end_counts_once_and_can_be_undone(server):
    Talk(server, session="mine", client="ender").say(PRINTER)
    with_steps(server, 1, client="ender")
    first = server.http.post("/sessions/mine/resolve", json={"resolution_summary": "New toner."})
    assert first.status_code == 200, first.text
    again = server.http.post("/sessions/mine/resolve")
    assert again.status_code == 200, "again"
    assert again.json()["audit_id"] is None, "which changes nothing"
    assert again.json()["resolution_summary"] == "New toner.", "not even the summary"
    assert server.http.post("/sessions/nobody/resolve").status_code == 404, "a session nobody knows"


def test_what_a_killed_server_was_about_to_do_is_done_by_the_next(launch):
    server = launch(CONFIG)
    talk = Talk(server, session="kept")
    for words in (PRINTER, "the second one", "ok, that is done", "Yes, thanks!"):
        talk.say(words)
    server.kill()
    server.start()
    (session,) = with_steps(server, 4)
    assert session["status"] == "resolved", "as if nothing had happened"
    assert session["steps"][0]["option_selected"] == "Brother HL-L2350", "with its pick"


def test_calls_that_leave_nothing_behind_leave_no_step(server):
    Talk(server, session="quiet", client="shy", memory="off").say(PRINTER)
    Talk(server, session="loud", client="shy").say(PRINTER)
    (session,) = with_steps(server, 1, client="shy")
    assert session["id"] == "loud", "only the other one"
