"""What people say of sessions."""

from __future__ import annotations

import pytest

from memory.memories.memories import Memories
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing
from memory.sessions.session import OBJECT, STEP_OBJECT
from store.tables import audit, flow_versions, flows
from tests.memory.sessions.house import NOW, Match
from tests.memory.sessions.talks import CLEAN, GLAD, PRINTER, SOLVED, WHICH, conversation

ANN = Actor("ann", "she saw it")
TALK = conversation([(PRINTER, WHICH), ("an Epson", CLEAN), ("ok", GLAD)])
ID = TALK[0]["session_id"]


@pytest.fixture
def begun(house):
    """A session that goes on, to which a flow is suggested."""
    house.matches[PRINTER] = Match("flo_1", 1, 0.7)
    house.derive(*TALK)
    return house


@pytest.fixture
def flow(house):
    """A flow in its third version."""

    def work(connection):
        row = {"id": "flo_1", "namespace": "default", "status": "published", "version": 3, "keywords": "", "title": "T"}
        stamps = {"created_at": "x", "updated_at": "x", "description": ""}
        connection.execute(flows.insert().values(**row, **stamps))
        for number in (1, 3):
            connection.execute(
                flow_versions.insert().values(flow_id="flo_1", version=number, at="x", actor="ann", content="{}")
            )

    house.database.transact(work)


def now(house):
    return house.sessions.get("default", ID)


def resolve(house, outcome="resolved", **given):
    return house.correcting.resolve("default", ID, ANN, outcome, **given)


def actions(house):
    return [row["action"] for row in reversed(house.trail.list())]


def test_a_person_resolves_a_session(begun):
    begun.now = NOW + 60
    resolve(begun, resolution_summary="A new cartridge.")
    session = now(begun)
    assert (session.status, session.ended_by, session.ended_at) == ("resolved", "person", "2026-03-01 10:01:00"), "now"
    assert session.resolution_summary == "A new cartridge.", "as the person says"
    assert session.analysis == "waiting", "to be analysed"
    assert begun.queued == [("default", ID)], "at once"


def test_resolving_again_changes_nothing_and_counts_once(begun):
    resolve(begun)
    before = now(begun)
    assert resolve(begun).audit_id is None, "there is nothing to be changed"
    assert now(begun) == before, "all is as it was"
    assert begun.queued == [("default", ID)], "one analysis"
    assert actions(begun) == ["resolve"], "and one line of audit"


def test_what_a_phrase_ended_is_not_ended_again(house):
    house.derive(*conversation(SOLVED))
    house.correcting.resolve("default", house.queued[0][1], ANN)
    assert len(house.queued) == 1, "it waits for its analysis already"


def test_without_a_summary_the_steps_tell_it(begun):
    resolve(begun)
    assert now(begun).resolution_summary == CLEAN, "what was tried last"


@pytest.mark.parametrize("outcome", ["escalated", "abandoned"])
def test_other_ends_are_counted_and_not_analysed(house, outcome):
    house.matches[PRINTER] = Match("flo_1", 1, 0.9)
    house.derive(*TALK)
    resolve(house, outcome, escalation_reason="A broken drum.")
    assert (now(house).status, now(house).analysis, now(house).outcome) == (outcome, "done", "none"), "settled"
    assert house.outcomes.counted == {(ID, "flo_1"): outcome}, "for the flow that it followed"
    assert house.queued == [], "nothing is queued"


def test_the_reason_is_kept(begun):
    resolve(begun, "escalated", escalation_reason="A broken drum.")
    assert now(begun).escalation_reason == "A broken drum.", "as told"


def test_a_person_may_think_again_of_how_it_ended(house):
    house.matches[PRINTER] = Match("flo_1", 1, 0.9)
    house.derive(*TALK)
    resolve(house, "abandoned")
    resolve(house, "resolved")
    assert now(house).status == "resolved", "the later word counts"
    assert house.outcomes.counted == {(ID, "flo_1"): "resolved"}, "once"
    assert house.queued == [("default", ID)], "and now there is something to analyse"


def test_what_was_learned_from_a_session_stands_whatever_is_said_of_its_end(begun):
    resolve(begun)
    begun.database.transact(
        lambda connection: begun.sessions.settle(connection, "default", ID, "new_flow", "pro_1") and None
    )
    resolve(begun, "escalated")
    assert (now(begun).status, now(begun).outcome, now(begun).proposal_id) == ("escalated", "new_flow", "pro_1"), (
        "only its end"
    )
    assert len(begun.queued) == 1, "it is not analysed again"


def test_further_turns_change_nothing_of_what_a_person_ended(begun):
    resolve(begun)
    begun.derive(
        *conversation([*[(one["prompt"], one["response"]) for one in TALK], ("it is broken again", WHICH)])[3:]
    )
    assert now(begun).status == "resolved", "a person said so"
    assert len(now(begun).steps) == 4, "the turn is added"


def test_a_session_is_reopened(begun):
    resolve(begun)
    begun.now = NOW + 7200
    begun.correcting.reopen("default", ID, ANN)
    session = now(begun)
    assert (session.status, session.ended_at, session.ended_by, session.analysis) == ("active", None, None, None), (
        "it goes on"
    )
    assert begun.endings.sweep() == {}, "its silence counts anew"
    begun.now += 1800
    assert begun.endings.sweep() == {"paused": 1}, "from then on"


def test_a_suggestion_is_accepted(begun, flow):
    begun.correcting.accept("default", ID, ANN)
    session = now(begun)
    assert (session.matched_flow, session.matched_version) == ("flo_1", 3), "in its newest version"
    assert (session.match_state, session.suggested_flow) == ("accepted", None), "it is followed"
    assert begun.correcting.accept("default", ID, ANN).audit_id is None, "twice is the same as once"


def test_a_flow_is_declined(begun):
    begun.correcting.decline("default", ID, ANN)
    session = now(begun)
    assert (session.match_state, session.matched_flow, session.suggested_flow) == ("declined", None, "flo_1"), (
        "not followed"
    )
    assert session.confidence == 0.0, "it does not fit"
    assert session.match_score == 0.7, "the score is what it was"


def test_what_was_declined_is_not_matched_again(begun):
    begun.correcting.decline("default", ID, ANN)
    begun.derive(*conversation([*[(one["prompt"], one["response"]) for one in TALK], ("still", WHICH)])[3:])
    assert now(begun).match_state == "declined", "a person said so"


def test_without_a_flow_there_is_nothing_to_accept_or_decline(house):
    house.derive(*TALK)
    for change in (house.correcting.accept, house.correcting.decline):
        with pytest.raises(Conflict):
            change("default", ID, ANN)


def test_fields_are_put_right_and_left_alone_from_then_on(begun, flow):
    given = {"problem_summary": "The drum is worn", "problem_domain": "hardware", "matched_flow": "flo_1"}
    begun.correcting.correct("default", ID, ANN, given)
    begun.derive(*conversation([*[(one["prompt"], one["response"]) for one in TALK], ("still", WHICH)])[3:])
    session = now(begun)
    assert (session.problem_summary, session.problem_domain) == ("The drum is worn", "hardware"), "as the person says"
    assert (session.matched_flow, session.match_state) == ("flo_1", "accepted"), "the flow too"
    assert session.corrected == ("problem_summary", "problem_domain", "matched_flow"), "and it shows"


def test_a_status_that_a_person_set_stands(begun):
    begun.correcting.correct("default", ID, ANN, {"status": "resolved"})
    assert begun.queued == [("default", ID)], "a resolved session is analysed, however it came"
    begun.correcting.correct("default", ID, ANN, {"status": "active"})
    assert (now(begun).status, now(begun).analysis) == ("active", None), "until the person thinks again"


def test_steps_are_put_right(begun):
    step = TALK[0]["id"]
    given = {"option_selected": "Brother", "free_text": None, "step_type": "verification", "skipped": True}
    begun.correcting.correct_step("default", ID, step, ANN, given)
    begun.derive(*conversation([*[(one["prompt"], one["response"]) for one in TALK], ("still", WHICH)])[3:])
    first = now(begun).steps[0]
    assert (first.option_selected, first.free_text, first.step_type, first.skipped) == (
        "Brother",
        None,
        "verification",
        True,
    ), "so"
    assert first.corrected == tuple(given), "and left alone"
    assert not now(begun).has_free_text, "which is what the analysis goes by"


def test_options_are_put_right(begun):
    begun.correcting.correct_step("default", ID, TALK[0]["id"], ANN, {"options": [{"id": "1", "label": "Epson"}]})
    assert [one.label for one in now(begun).steps[0].options] == ["Epson"], "as given"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "gone"),
        ("problem_domain", "cooking"),
        ("problem_summary", " "),
        ("problem_summary", None),
        ("matched_flow", "flo_x"),
        ("confidence", 1.0),
        ("resolution_summary", "x" * 2001),
        ("escalation_reason", 7),
    ],
)
def test_values_that_are_none_are_refused_by_name(begun, field, value):
    with pytest.raises(MemoryFault) as refused:
        begun.correcting.correct("default", ID, ANN, {field: value})
    assert refused.value.field == field, "the field is named"


@pytest.mark.parametrize(
    ("field", "value"), [("step_type", "dance"), ("skipped", 1), ("options", "x"), ("options", [{}]), ("asked", "x")]
)
def test_values_that_no_step_can_have_are_refused_by_name(begun, field, value):
    with pytest.raises(MemoryFault) as refused:
        begun.correcting.correct_step("default", ID, TALK[0]["id"], ANN, {field: value})
    assert refused.value.field == field, "the field is named"


def test_what_is_not_there_is_missing(begun):
    with pytest.raises(Missing):
        begun.correcting.resolve("default", "ses_none", ANN)
    with pytest.raises(Missing):
        begun.correcting.correct_step("default", ID, "int_none", ANN, {"free_text": None})
    with pytest.raises(Missing):
        begun.correcting.reopen("elsewhere", ID, ANN)


def test_every_change_is_audited_with_before_and_after(begun):
    begun.correcting.correct("default", ID, ANN, {"problem_domain": "hardware"})
    (row,) = begun.rows(audit)
    assert (row["actor"], row["action"], row["object_id"], row["reason"]) == ("ann", "correct", ID, "she saw it"), (
        "who and why"
    )
    assert '"printing"' in row["before"], "what it was"
    assert '"hardware"' in row["after"], "and is"


def test_what_is_written_is_redacted(begun):
    begun.correcting._redact = lambda text: text.replace("hunter2", "[secret]")
    resolve(begun, resolution_summary="The password was hunter2")
    assert now(begun).resolution_summary == "The password was [secret]", "before it is stored"
    assert "hunter2" not in str(begun.rows(audit)), "in the audit, too"


# Undo


@pytest.fixture
def undo(begun):
    memories = Memories(begun.database)
    memories.undoers |= dict.fromkeys((OBJECT, STEP_OBJECT), begun.correcting.put_back)
    return lambda done: memories.undo(done.audit_id, ANN)


def test_an_end_is_taken_back(begun, undo):
    undo(resolve(begun, resolution_summary="A new cartridge."))
    session = now(begun)
    assert (session.status, session.ended_by, session.analysis) == ("active", None, None), "it goes on"
    assert session.corrected == (), "and is derived again"


def test_a_correction_is_taken_back(begun, undo):
    undo(begun.correcting.correct("default", ID, ANN, {"problem_domain": "hardware"}))
    assert now(begun).problem_domain == "printing", "as its words say"


def test_a_step_is_put_back(begun, undo):
    undo(begun.correcting.correct_step("default", ID, TALK[0]["id"], ANN, {"free_text": None}))
    assert now(begun).steps[0].free_text == "an Epson", "as the user said"


def test_reopening_is_taken_back_and_the_analysis_queued_again(begun, undo):
    resolve(begun)
    undo(begun.correcting.reopen("default", ID, ANN))
    assert (now(begun).status, now(begun).analysis) == ("resolved", "waiting"), "as before"
    assert begun.queued == [("default", ID)] * 2, "somebody must do it"


def test_what_changed_since_is_not_put_back(begun, undo):
    done = resolve(begun)
    begun.database.transact(lambda connection: begun.sessions.settle(connection, "default", ID, "new_flow") and None)
    with pytest.raises(Conflict):
        undo(done)
