"""What is a flow, and what is told of what is none."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from memory.flows import tree
from memory.flows.tree import FlowFault, checked, problems, read_flow
from memory.memories.memory import MemoryFault
from tests.memory.flows.made import given, lasting, node, trees


def told(flow, *parts):
    """Exactly one problem is told, and it says all of this."""
    found = problems(flow)
    assert len(found) == 1, found
    for part in parts:
        assert part in found[0], "the problem names what is wrong"
    return found[0]


def test_a_flow_is_read_and_given_back_as_it_was_written():
    flow = read_flow(given())
    assert flow.as_json() == given(), "nothing is lost, nothing is added"
    assert [one.type for one in flow.nodes] == ["decision", "decision", "action", "solution", "solution"]
    assert flow.node("restart").next_node_id == "done"


@settings(max_examples=40)
@examples(trees())
def test_whatever_can_be_followed_is_a_flow(drawn):
    flow = read_flow(drawn)
    assert read_flow(flow.as_json()) == flow, "reading again changes nothing"
    assert checked(flow) == flow


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=40)
@examples(JSON)
def test_whatever_else_is_given_is_told_to_be_none(drawn):
    assert problems(drawn), "no arbitrary JSON is a flow"


@settings(max_examples=40)
@examples(st.data())
def test_one_wrong_value_anywhere_never_breaks_the_reading(data):
    flow = given()
    place = flow
    for _ in range(data.draw(st.integers(1, 5))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], (dict, list)) or not place[key]:
            break
        before, place = (place, key), place[key]
    else:
        place, key = before
    place[key] = data.draw(JSON)
    found = problems(flow)
    assert all(isinstance(one, str) for one in found)
    if not found:
        assert problems(read_flow(flow).as_json()) == [], "what passes stays a flow"


@settings(max_examples=40)
@examples(trees(), st.data())
def test_a_tree_that_is_cut_anywhere_is_no_flow(drawn, data):
    children = drawn["tree_structure"]["children"]
    gone = children.pop(data.draw(st.integers(0, len(children) - 1)))
    found = problems(drawn)
    assert any(repr(gone["id"]) in one for one in found), "the missing node is named by those that lead to it"


def test_all_problems_are_told_at_once():
    flow = given(title="", match_keywords=["one"])
    node(flow, "restart")["next_node_id"] = "nowhere"
    node(flow, "power")["type"] = "end"
    node(flow, "queue")["options"] = []
    with pytest.raises(FlowFault) as fault:
        read_flow(flow)
    assert fault.value.problems == (
        "title: is empty",
        "match_keywords: must be 5 to 10, not 1",
        "node 'queue': a decision has 2 to 5 options, this has 0",
        "node 'power': its type must be one of decision, action, solution, not 'end'",
        "node 'restart': it leads to 'nowhere', which is none",
        "node 'queue': no way leads from it to a solution",
        "node 'restart': no way leads to it from the root",
        "node 'restart': no way leads from it to a solution",
        "node 'done': no way leads to it from the root",
    )
    assert isinstance(fault.value, MemoryFault)
    assert fault.value.field == "title", "the field of the first problem"


def test_a_fault_of_a_node_is_one_of_the_tree():
    flow = given()
    node(flow, "restart")["next_node_id"] = "nowhere"
    with pytest.raises(FlowFault) as fault:
        read_flow(flow)
    assert fault.value.field == "tree_structure"


@pytest.mark.parametrize("count", [0, 4, 11])
def test_keywords_are_five_to_ten(count):
    told(given(match_keywords=[f"word {at}" for at in range(count)]), "match_keywords", f"not {count}")


@pytest.mark.parametrize("count", [5, 10])
def test_five_and_ten_keywords_will_do(count):
    assert not problems(given(match_keywords=[f"word {at}" for at in range(count)]))


def test_keywords_are_told_apart_by_more_than_case_and_hidden_characters():
    told(given(match_keywords=["printer", "Prin\u200bter", "c", "d", "e"]), "match_keywords", "twice")


@pytest.mark.parametrize("count", [1, 6])
def test_a_decision_has_two_to_five_options(count):
    flow = given()
    node(flow, "queue")["options"] = [
        {"id": f"o{at}", "label": f"Way {at}", "next_node_id": ("restart", "done")[at % 2]} for at in range(count)
    ]
    if count == 1:
        flow["tree_structure"]["children"].remove(node(flow, "restart"))
        node(flow, "queue")["options"][0]["next_node_id"] = "done"
    told(flow, "node 'queue'", "2 to 5", f"has {count}")


def test_options_are_told_apart():
    flow = given()
    for option in node(flow, "queue")["options"]:
        option.update(id="same", label="Same ")
    found = problems(flow)
    assert found == ["node 'queue': two options have the id 'same'", "node 'queue': two options are labelled 'Same'"]


def test_ids_of_nodes_are_unique():
    flow = given()
    flow["tree_structure"]["children"].append(copy.deepcopy(node(flow, "done")))
    told(flow, "node 'done'", "another node's")


def test_hidden_characters_do_not_tell_ids_apart():
    flow = given()
    flow["tree_structure"]["children"].append({**node(flow, "done"), "id": "do\u200bne"})
    told(flow, "node 'done'", "another node's")


def test_the_root_is_a_decision_of_that_name():
    flow = given()
    flow["tree_structure"]["id"] = "start"
    told(flow, "node 'start'", "'root'")


def test_an_option_leads_to_a_node():
    flow = given()
    node(flow, "queue")["options"][1]["next_node_id"] = "gone"
    told(flow, "node 'queue'", "option 'o2'", "'gone'")


def test_a_solution_is_the_end():
    flow = given()
    node(flow, "power")["next_node_id"] = "done"
    told(flow, "node 'power'", "a solution is the end")
    flow = given()
    node(flow, "power")["options"] = node(flow, "queue")["options"]
    told(flow, "node 'power'", "a solution is the end, it has no options")


def test_an_action_leads_on():
    flow = given()
    del node(flow, "restart")["next_node_id"]
    found = problems(flow)
    assert found[0] == "node 'restart': its next_node_id is missing"


def test_an_action_may_lead_on_by_what_comes_of_it():
    flow = given()
    restart = node(flow, "restart")
    restart["options"] = [{"id": "o1", "label": "It is back", "next_node_id": restart.pop("next_node_id")}]
    assert read_flow(flow).as_json() == flow, "by its options"
    restart["next_node_id"] = "done"
    told(flow, "node 'restart'", "this action leads on by its options")
    del restart["next_node_id"]
    restart["options"] = [{**restart["options"][0], "id": f"o{at}", "label": f"Result {at}"} for at in range(6)]
    told(flow, "node 'restart'", "1 to 5 options, this has 6")


def test_a_circle_that_nothing_leaves_is_named():
    flow = given()
    node(flow, "restart")["next_node_id"] = "again"
    again = {"id": "again", "type": "action", "title": "Wait", "description": "", "next_node_id": "restart"}
    flow["tree_structure"]["children"].append(again)
    assert problems(flow) == [
        "node 'restart': no way leads from it to a solution",
        "node 'again': no way leads from it to a solution",
    ]


def test_a_circle_with_a_way_out_will_do():
    flow = given()
    node(flow, "restart")["next_node_id"] = "queue"
    assert not problems(flow), "trying again until the queue is empty is allowed"


def test_what_nobody_reaches_is_named():
    flow = given()
    flow["tree_structure"]["children"].append({"id": "alone", "type": "solution", "title": "Lost", "description": ""})
    told(flow, "node 'alone'", "from the root")


@pytest.mark.parametrize(
    ("field", "most"),
    [("title", tree.TITLE_CHARS), ("description", tree.DESCRIPTION_CHARS)],
)
def test_texts_have_a_longest_length(field, most):
    assert not problems(given(**{field: "x" * most}))
    told(given(**{field: "x" * (most + 1)}), field, f"at most {most} characters, not {most + 1}")


def test_texts_of_nodes_have_one_too():
    flow = given()
    node(flow, "queue")["question"] = "x" * (tree.QUESTION_CHARS + 1)
    told(flow, "node 'queue'", "question", str(tree.QUESTION_CHARS))


def test_a_flow_has_a_largest_size():
    assert not problems(lasting(tree.MOST_NODES))
    found = problems(lasting(tree.MOST_NODES + 1))
    assert found[0] == f"tree_structure: must be of at most {tree.MOST_NODES} nodes, not {tree.MOST_NODES + 1}"


def test_so_many_problems_are_told_and_the_rest_are_counted():
    flow = given()
    flow["tree_structure"]["children"] = [{"id": f"x{at}"} for at in range(90)]
    found = problems(flow)
    assert len(found) == tree.MOST_PROBLEMS + 1, "a wall of text helps nobody"
    assert found[-1].startswith("and "), "what is left out is said"


def test_deep_input_is_refused_like_any_other():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for name in tree.FIELDS:
        assert problems(given(**{name: deep})), f"{name} is no list of lists"
    flow = given()
    node(flow, "queue")["options"] = deep
    node(flow, "restart")["title"] = deep
    assert problems(flow), "nor is anything in the tree"


def test_huge_input_is_refused_without_reading_all_of_it():
    assert len(problems(given(title="x" * 10_000_000))) == 1
    assert problems(given(match_keywords=["x"] * 1_000_000))[0].startswith("match_keywords: must be 5 to 10")
    flow = given()
    flow["tree_structure"]["children"] *= 200_000
    assert len(problems(flow)) <= tree.MOST_PROBLEMS + 1


def test_hidden_characters_go_and_unicode_has_one_form():
    flow = given(title="Prin\u200bter \u202edown", description="Cafe\u0301\u00a0bar\u2028second line\r\n\r\nthird")
    node(flow, "done")["title"] = "Half \ud83d and NUL \x00 here"
    read = read_flow(flow)
    assert read.title == "Printer down"
    assert read.description == "Café bar\nsecond line\nthird", "lines stay, for steps are written in lines"
    assert read.node("done").title == "Half \ufffd and NUL here", "so that every store can keep it"


def test_a_text_of_hidden_characters_alone_is_empty():
    told(given(title="\u200b\u200d "), "title", "empty")


def test_a_domain_is_one_of_those_configured():
    assert not problems(given(problem_domain=None), ["printing"])
    assert not problems(given(), ["printing", "email"])
    assert problems(given(problem_domain="magic"), ["printing", "email"]) == [
        "problem_domain: 'magic' is none of printing, email"
    ]


def test_a_decision_needs_no_title_and_a_step_no_description():
    flow = given()
    del node(flow, "queue")["title"]
    del node(flow, "done")["description"]
    read = read_flow(flow)
    assert read.node("queue").called == "Are jobs stuck in the queue?"
    assert read.node("done").text == ""


def test_a_step_needs_a_title():
    flow = given()
    del node(flow, "done")["title"]
    told(flow, "node 'done'", "title")


def test_every_text_can_be_reworded():
    flow = read_flow(given())
    loud = flow.reworded(str.upper)
    assert loud.title == "PRINTER DOES NOT PRINT"
    assert loud.match_keywords[0] == "PRINTER"
    assert loud.root.options[0].label == "YES"
    assert loud.root.help_text == "IT IS AT THE FRONT."
    assert [one.id for one in loud.nodes] == [one.id for one in flow.nodes], "ids stay"
    assert flow.node("restart").text.upper() == loud.node("restart").text
