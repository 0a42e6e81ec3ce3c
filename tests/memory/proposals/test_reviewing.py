"""A person decides on proposals: published, changed, refused, put away, undone; and never twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from memory.flows.enhancing import enhanced
from memory.flows.tree import read_flow
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing
from memory.proposals.preview import preview
from memory.review.proposed import Deck
from memory.review.queue import Review
from tests.memory.proposals.house import ANN, OWN_WORDS, addition, flow

BOB = Actor("bob", "it is right")


def proposed(home, **values):
    """A session's proposal."""
    home.session("s1", OWN_WORDS, **values)
    return home.run("s1").proposal_id


def added(home):
    """A flow, and a proposal to add to it."""
    id_ = home.publish()
    return id_, proposed(home, matched_flow=id_, matched_version=1, match_state="attached", match_score=0.9)


def status(home, id_):
    return home.proposals.get(id_).status


# Publishing


def test_approving_publishes_the_flow(house):
    home = house()
    id_ = proposed(home)
    done = home.reviewing.decide(id_, "approve", BOB)
    published = home.flows.get(done.flow_id)
    assert (done.status, published.status, published.version) == ("approved", "published", 1), "it is in use"
    assert published.flow == read_flow(flow()), "as it was proposed"
    assert home.flows.versions(done.flow_id)[0].proposal_id == id_, "and leads back to the proposal"
    assert home.proposals.get(id_).flow_id == done.flow_id, "which leads to it"
    (last, *_) = home.memories.trail.of(id_)
    assert (last["action"], last["actor"], last["reason"]) == ("approve", "bob", "it is right"), "audited"
    told = [event for event, *_ in home.told]
    assert told == ["proposal.pending", "proposal.decided", "flow.published"], "people are told"


def test_approving_an_addition_makes_a_new_version(house):
    home = house(addition())
    flow_id, id_ = added(home)
    done = home.reviewing.decide(id_, "approve", BOB)
    assert (done.flow_id, done.version) == (flow_id, 2), "of the flow itself"
    latest = home.flows.versions(flow_id)[0]
    assert latest.flow.node("toner") is not None, "with what is new"
    assert (latest.diff_description, latest.proposal_id) == (addition()["diff_description"], id_), (
        "and where it is from"
    )


def test_an_addition_applies_to_the_flow_as_it_is_now(house):
    home = house(addition())
    flow_id, id_ = added(home)
    home.flows.change(flow_id, home.flows.get(flow_id).flow.reworded(lambda text: f"{text}!"), ANN)
    done = home.reviewing.decide(id_, "approve", BOB)
    newest = home.flows.get(flow_id)
    assert (done.version, newest.version) == (3, 3), "on top of what was changed meanwhile"
    assert newest.flow.title == "Printer is offline!", "which is kept"


def test_an_addition_that_does_not_fit_any_more_is_a_conflict(house):
    home = house(addition())
    flow_id, id_ = added(home)
    home.transact(lambda connection: home.flows.renew(connection, flow_id, with_toner(home, flow_id), ANN))
    with pytest.raises(Conflict, match="toner"):
        home.reviewing.decide(id_, "approve", BOB)
    assert status(home, id_) == "pending", "it waits for somebody to change it"
    home.transact(lambda connection: home.flows.retire(connection, flow_id, ANN))
    with pytest.raises(Conflict, match="out of use"):
        home.reviewing.decide(id_, "approve", BOB)


def with_toner(home, flow_id):
    return enhanced(home.flows.get(flow_id).flow, addition())


def test_a_broken_tree_is_never_published_as_it_is(house):
    broken = flow()
    broken["tree_structure"]["options"][0]["next_node_id"] = "nowhere"
    home = house(broken)
    id_ = proposed(home)
    with pytest.raises(Conflict, match="nowhere"):
        home.reviewing.decide(id_, "approve", BOB)
    assert (status(home, id_), home.flows.list()) == ("pending", []), "nothing came of it"
    done = home.reviewing.decide(id_, "modify", BOB, changes={"tree_structure": flow()["tree_structure"]})
    assert done.status == "modified", "put right, it is"
    assert home.proposals.get(id_).problem is None, "and nothing is wrong with it any more"
    assert home.flows.get(done.flow_id) is not None, "it is in use"


# Modifying


def test_modifying_publishes_what_is_given(house):
    home = house()
    id_ = proposed(home)
    done = home.reviewing.decide(id_, "modify", BOB, changes={"title": "Printer does not print"})
    assert home.flows.get(done.flow_id).flow.title == "Printer does not print", "the new words"
    found = home.proposals.get(id_)
    assert (found.status, found.title) == ("modified", "Printer does not print"), "the proposal says so too"
    assert found.content["tree_structure"] == flow()["tree_structure"], "what was left out stays"


def test_an_addition_may_be_modified_by_parts_or_as_a_whole_flow(house):
    home = house(addition())
    flow_id, id_ = added(home)
    home.reviewing.decide(id_, "modify", BOB, changes={"diff_description": "Toner, checked."})
    assert home.flows.versions(flow_id)[0].diff_description == "Toner, checked.", "by parts"
    home.session("s2", {**OWN_WORDS, "asked": "s2"}, started_at="2031-01-01 00:00:00", **followed(flow_id))
    second = home.run("s2").proposal_id
    whole = flow("Printer, rewritten")
    done = home.reviewing.decide(second, "modify", BOB, changes=whole)
    assert home.flows.get(flow_id).flow.title == "Printer, rewritten", "as a whole"
    assert done.version == 3, "a version of the same flow"


def test_a_field_that_is_given_as_nothing_goes(house):
    home = house()
    done = home.reviewing.decide(proposed(home), "modify", BOB, changes={"problem_domain": None})
    assert home.flows.get(done.flow_id).flow.problem_domain is None, "it is filed under nothing now"


def followed(flow_id):
    return {"matched_flow": flow_id, "matched_version": 1, "match_state": "attached", "match_score": 0.9}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "content"),
        ({"title": ""}, "title"),
        ({"match_keywords": ["one"]}, "match_keywords"),
        ({"tree_structure": {"id": "root"}}, "tree_structure"),
        ({"status": "approved"}, "status"),
        ({"tree_structure": []}, "tree_structure"),
        ({"tree_structure": None}, "tree_structure"),
    ],
)
def test_what_is_no_flow_is_refused_and_changes_nothing(house, changes, field):
    home = house()
    id_ = proposed(home)
    with pytest.raises(MemoryFault) as caught:
        home.reviewing.decide(id_, "modify", BOB, changes=changes)
    assert caught.value.field == field, "the field is named"
    assert (status(home, id_), home.flows.list()) == ("pending", []), "nothing changed"


# Saying no, twice, and at once


@pytest.mark.parametrize(("action", "becomes"), [("reject", "rejected"), ("dismiss", "dismissed")])
def test_saying_no_publishes_nothing(house, action, becomes):
    home = house()
    id_ = proposed(home)
    assert home.reviewing.decide(id_, action, BOB).status == becomes, "its new status"
    assert home.flows.list() == [], "nothing is in use"


@pytest.mark.parametrize("first", ["approve", "modify", "reject", "dismiss"])
def test_a_second_decision_finds_nothing_to_decide(house, first):
    home = house()
    id_ = proposed(home)
    home.reviewing.decide(id_, first, ANN, changes={"title": "Anew"} if first == "modify" else None)
    with pytest.raises(Missing):
        home.reviewing.decide(id_, "approve", BOB)
    assert len(home.flows.list()) == (first in ("approve", "modify")), "nothing is published twice"


def test_unknown_and_strange_ones_are_missing(house):
    home = house()
    id_ = home.publish()
    home.session("s1", **followed(id_))
    note = home.run("s1").proposal_id
    elsewhere = proposed_in(home, "s2")
    for id_, namespace in (("pro_none", None), (note, None), (elsewhere, "other")):
        with pytest.raises(Missing):
            home.reviewing.decide(id_, "approve", ANN, namespace=namespace)
    assert status(home, note) == "auto_reinforced", "a note that a flow worked is nothing to decide on"
    assert status(home, elsewhere) == "pending", "nor is what lies in another namespace"


def proposed_in(home, id_):
    home.session(id_, OWN_WORDS)
    return home.run(id_).proposal_id


def test_two_approvals_at_once_publish_once(house):
    home = house()
    id_ = proposed(home)
    barrier = threading.Barrier(4)

    def approve(_):
        barrier.wait()
        try:
            return home.reviewing.decide(id_, "approve", BOB).flow_id
        except Missing:
            return None

    with ThreadPoolExecutor(4) as threads:
        done = [one for one in threads.map(approve, range(4)) if one]
    assert len(done) == 1, "one of them"
    assert [one.id for one in home.flows.list()] == done, "and one flow"


# Undoing


def test_undoing_an_approval_retires_the_flow_and_asks_again(house):
    home = house()
    id_ = proposed(home)
    done = home.reviewing.decide(id_, "approve", BOB)
    home.memories.undo(done.audit_id, ANN)
    found = home.proposals.get(id_)
    assert (found.status, found.flow_id) == ("pending", None), "it waits again"
    assert home.flows.get(done.flow_id).status == "retired", "the flow is out of use"
    again = home.reviewing.decide(id_, "approve", BOB)
    assert home.flows.get(again.flow_id).status == "published", "and may be approved anew"


def test_undoing_an_addition_publishes_the_version_before(house):
    home = house(addition())
    flow_id, id_ = added(home)
    before = home.flows.get(flow_id).flow
    done = home.reviewing.decide(id_, "approve", BOB)
    home.memories.undo(done.audit_id, ANN)
    now = home.flows.get(flow_id)
    assert (now.version, now.status) == (3, "published"), "as a further version: none is ever lost"
    assert now.flow == before, "that says what the one before said"
    assert status(home, id_) == "pending", "the proposal waits again"


def test_undoing_a_modification_brings_the_words_back(house):
    home = house()
    id_ = proposed(home)
    before = home.proposals.get(id_)
    done = home.reviewing.decide(id_, "modify", BOB, changes={"title": "Anew", "description": "Other words."})
    home.memories.undo(done.audit_id, ANN)
    found = home.proposals.get(id_)
    assert (found.title, found.description, found.content) == (before.title, before.description, before.content), "all"


@pytest.mark.parametrize("action", ["reject", "dismiss"])
def test_a_no_can_be_undone_and_the_undoing_too(house, action):
    home = house()
    id_ = proposed(home)
    done = home.reviewing.decide(id_, action, BOB)
    undone = home.memories.undo(done.audit_id, ANN)
    assert status(home, id_) == "pending", "it waits again"
    home.memories.undo(undone.audit_id, ANN)
    assert status(home, id_) == home.proposals.get(id_).status == done.status, "and back"


def test_what_changed_since_is_not_undone(house):
    home = house(addition())
    flow_id, id_ = added(home)
    done = home.reviewing.decide(id_, "approve", BOB)
    home.flows.change(flow_id, home.flows.get(flow_id).flow.reworded(lambda text: f"{text}!"), ANN)
    with pytest.raises(Conflict, match="changed since"):
        home.memories.undo(done.audit_id, ANN)
    assert status(home, id_) == "approved", "nothing is half undone"


def test_a_proposal_that_was_made_can_be_taken_back_but_not_its_support(house):
    home = house()
    id_ = proposed(home)
    home.session("s2", "s2: help")
    home.run("s2")
    support, made = home.memories.trail.of(id_)
    with pytest.raises(Conflict):
        home.memories.undo(support["id"], ANN)
    home.memories.undo(made["id"], ANN)
    assert status(home, id_) == "dismissed", "it is put away"


# The one queue


def queue_of(home):
    return Review(home.memories, home.database, Deck(home.proposals, home.reviewing, home.flows))


def test_proposals_and_memories_wait_in_one_queue(house):
    home = house()
    id_ = proposed(home)
    given = {"namespace": "team", "project": "", "memory_type": "preference", "actor": ANN}
    memory, _ = home.memories.add(**given, content="The user drinks green tea", status="candidate", confidence=0.4)
    found = queue_of(home).queue()
    assert [card.id for card in found.cards] == [id_, memory.id], "by support, then by confidence"
    assert (found.waiting["new_flow"], found.waiting["memory"], found.waiting["enhancement"]) == (1, 1, 0), "counted"
    card = found.cards[0]
    assert (card.kind, card.supports, tuple(card.supporting)) == ("new_flow", 1, ("s1",)), "who supports it"
    assert {step for step, _ in card.proposal.diff} == {"insert"}, "all of it is new"
    assert queue_of(home).queue(kind="memory").cards[0].id == memory.id, "by kind"
    assert queue_of(home).queue(namespace="other").cards == [], "by namespace"


def test_an_additions_card_shows_what_is_new(house):
    home = house(addition())
    _, id_ = added(home)
    (card,) = queue_of(home).queue().cards
    new = [line for step, line in card.proposal.diff if step == "insert"]
    assert any("It blinks red -> toner" in line for line in new), "the option"
    assert any("Change the toner" in line for line in new), "and where it leads"
    assert [step for step, _ in card.proposal.diff if step == "delete"] == [], "nothing goes"
    assert "Printer is offline" in card.why, "of which flow"
    assert card.id == id_, "by its id it is decided on"


def test_cards_are_decided_in_bulk_and_undone(house):
    home = house(flow(), flow("Scanner is jammed"))
    first, second = proposed(home), proposed_in(home, "s2")
    review = queue_of(home)
    given = [
        {"id": first, "action": "approve"},
        {"id": second, "action": "modify", "changes": {"title": "Scanner jams"}},
        {"id": "pro_none", "action": "approve"},
        {"id": first, "action": "merge"},
        {"id": second, "action": "reject", "changes": "text"},
    ]
    done = review.decide(given, "bob")
    assert [one.status for one in done] == ["approved", "modified", None, None, None], "each on its own"
    assert [type(one.error).__name__ for one in done[2:]] == ["Missing", "MemoryFault", "MemoryFault"], "and told"
    assert all(one.flow_id for one in done[:2]), "with the flow that came of it"
    undone = review.undo(Actor("bob"))
    assert (undone.object_id, undone.action) == (second, "modify"), "the last one first"
    assert review.undo(Actor("bob")).object_id == first, "then the one before"
    assert review.decide([{"id": first, "action": "skip"}], "bob")[0].status == "pending", "put off, it waits"


def test_the_preview_says_why_it_cannot_be(house):
    home = house(addition())
    _, id_ = added(home)
    found = preview(home.proposals.get(id_), None)
    assert (found.flow, found.diff) == (None, []), "nothing to be seen"
    assert "out of use" in found.problems[0], "and why"
