"""What sessions add to a flow."""

from __future__ import annotations

import copy

import pytest

from memory.flows.enhancing import diff_of, enhanced
from memory.flows.tree import FlowFault, read_flow
from tests.memory.flows.made import given, node

FLOW = read_flow(given())
SOLUTION = {"id": "toner", "type": "solution", "title": "Change the toner", "description": "It is empty."}
ACTION = {"id": "toner", "type": "action", "title": "Shake the toner", "description": "", "next_node_id": "done"}


def added(**fields):
    """One new node of these fields."""
    return {"new_nodes": [{**SOLUTION, **fields}], "diff_description": "Toner."}


def refused(flow, given_):
    with pytest.raises(FlowFault) as fault:
        enhanced(flow, given_)
    return list(fault.value.problems)


def test_a_decision_gains_an_option():
    made = enhanced(FLOW, added(attach_after_node_id="queue", new_option_label="The page is blank"))
    assert [(one.label, one.next_node_id) for one in made.node("queue").options] == [
        ("Yes", "restart"),
        ("No", "done"),
        ("The page is blank", "toner"),
    ]
    assert len({one.id for one in made.node("queue").options}) == 3, "its id is a new one"
    assert made.node("toner").title == "Change the toner"
    assert FLOW.node("toner") is None, "the flow itself stays as it was"


def test_the_root_gains_one_too():
    made = enhanced(FLOW, added(attach_after_node_id="root", new_option_label="It blinks"))
    assert made.root.options[-1].next_node_id == "toner"


def test_an_option_that_is_there_already_is_not_added_twice():
    same = {"modified_options": [{"node_id": "queue", "add_option": {"label": "yes!", "next_node_id": "restart"}}]}
    assert enhanced(FLOW, same) == FLOW


def test_options_are_added_by_themselves():
    add = {"node_id": "queue", "add_option": {"id": "o3", "label": "I cannot see it", "next_node_id": "power"}}
    made = enhanced(FLOW, {"modified_options": [add]})
    assert made.node("queue").options[-1].as_json() == add["add_option"]


def test_a_step_is_put_in_behind_an_action():
    step = {**ACTION, "next_node_id": None, "attach_after_node_id": "restart"}
    made = enhanced(FLOW, {"new_nodes": [step]})
    assert made.node("restart").next_node_id == "toner"
    assert made.node("toner").next_node_id == "done", "it leads on to what came next"


def test_another_way_behind_an_action_makes_a_choice():
    made = enhanced(FLOW, added(attach_after_node_id="restart", new_option_label="Still nothing"))
    choice = made.node(made.node("restart").next_node_id)
    assert choice.type == "decision"
    assert [(one.label, one.next_node_id) for one in choice.options] == [
        ("As before: Print a test page", "done"),
        ("Still nothing", "toner"),
    ]


def test_where_a_choice_follows_already_it_gains_the_way():
    flow = given()
    node(flow, "restart")["next_node_id"] = "queue"
    made = enhanced(read_flow(flow), added(attach_after_node_id="restart", new_option_label="Still nothing"))
    assert made.node("restart").next_node_id == "queue"
    assert made.node("queue").options[-1].label == "Still nothing"


def test_new_nodes_may_hang_on_each_other():
    chain = [
        {
            **ACTION,
            "id": "shake",
            "next_node_id": "toner",
            "attach_after_node_id": "queue",
            "new_option_label": "Blank",
        },
        SOLUTION,
    ]
    made = enhanced(FLOW, {"new_nodes": chain})
    assert made.node("shake").next_node_id == "toner"


def test_nothing_follows_a_solution():
    assert "node 'toner': nothing can follow 'power', a solution" in refused(FLOW, added(attach_after_node_id="power"))


def test_behind_a_decision_a_label_is_needed():
    found = refused(FLOW, added(attach_after_node_id="queue"))
    assert found[0] == "node 'toner': behind decision 'queue' it needs a new_option_label"


def test_a_sixth_option_is_one_too_many():
    flow = FLOW
    for at in range(3):
        more = added(id=f"toner{at}", attach_after_node_id="queue", new_option_label=f"Way {at}")
        flow = enhanced(flow, more)
    found = refused(flow, added(attach_after_node_id="queue", new_option_label="One more"))
    assert found == [
        "node 'queue': a decision has 2 to 5 options, this has 6",
        "node 'toner': no way leads to it from the root",
    ]


def test_what_was_proposed_for_an_earlier_version_fits_the_newest_where_its_nodes_are_still_there():
    proposed = added(attach_after_node_id="queue", new_option_label="The page is blank")
    newest = enhanced(FLOW, added(id="cable", attach_after_node_id="root", new_option_label="It is loose"))
    made = enhanced(newest, proposed)
    assert made.node("cable") is not None, "what the newest version has stays"
    assert made.node("toner") is not None, "and the proposal comes in"


def test_nodes_that_the_newest_version_has_no_more_are_named():
    flow = given()
    tree = flow["tree_structure"]
    tree["children"] = [node(flow, "power"), node(flow, "done")]
    tree["options"][0]["next_node_id"] = "done"
    proposed = {
        **added(attach_after_node_id="queue", new_option_label="Blank"),
        "modified_options": [{"node_id": "restart", "add_option": {"label": "Again", "next_node_id": "done"}}],
    }
    found = refused(read_flow(flow), proposed)
    assert "node 'toner': the flow has no node 'queue'" in found
    assert "enhancement: number 1 of modified_options: the flow has no node 'restart'" in found


def test_an_id_that_is_taken_is_named():
    found = refused(FLOW, added(id="done", attach_after_node_id="queue", new_option_label="Blank"))
    assert "node 'done': the flow has a node of this id already" in found


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        "text",
        {},
        {"new_nodes": []},
        {"new_nodes": "toner"},
        {"new_nodes": [None, 3, {"id": 4}, {"id": ""}]},
        {"new_nodes": [{"id": "x", "attach_after_node_id": {"deep": []}}]},
        {"new_nodes": [{"id": "x", "type": "decision", "options": {"a": 1}, "attach_after_node_id": "queue"}]},
        {"new_nodes": [{**SOLUTION, "attach_after_node_id": "queue", "new_option_label": ["x"]}]},
        {"modified_options": [None, {}, {"node_id": "queue"}, {"node_id": "queue", "add_option": "Yes"}]},
        {"modified_options": [{"node_id": "power", "add_option": {"label": "x", "next_node_id": "done"}}]},
        {"modified_options": [{"node_id": "queue", "add_option": {}}]},
        {"modified_options": [{"node_id": "queue", "add_option": {"label": 3, "next_node_id": []}}]},
        {"new_nodes": [SOLUTION] * 500},
    ],
)
def test_whatever_else_is_given_is_refused_with_reasons(bad):
    before = copy.deepcopy(bad)
    assert all(isinstance(one, str) for one in refused(FLOW, bad))
    assert bad == before, "and what was given is not changed"


def test_no_enhancement_makes_what_cannot_be_followed():
    circle = {**ACTION, "next_node_id": "toner", "attach_after_node_id": "queue", "new_option_label": "Blank"}
    assert refused(FLOW, {"new_nodes": [circle]}) == ["node 'toner': no way leads from it to a solution"]


def test_what_is_new_is_said_on_one_line():
    assert diff_of({"diff_description": " A new\nway\u200b. "}) == "A new way."
    assert diff_of({"diff_description": ["x"]}) == ""
    assert diff_of(None) == ""
    assert len(diff_of({"diff_description": "x" * 100_000})) == 1000
