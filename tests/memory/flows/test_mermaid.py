"""Flows as charts: whatever stands in them, the chart can be read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from memory.flows.mermaid import LABEL_CHARS, escaped, mermaid
from memory.flows.tree import read_flow
from tests.memory.flows.made import given, lasting, node, trees

LINE = re.compile(
    r"""[ ]{4}(?:
        n\d+(?:\{"[^"]+"\}|\["[^"]+"\]|\(\["[^"]+"\]\)):::\w+
      | more\["\d+[ ]more"\]:::more
      | n\d+[ ]-->(?:\|"[^"]+"\|)?[ ](?:n\d+|more)
      | classDef[ ]\w+[ ]\S+
    )""",
    re.VERBOSE,
)


def drawn(flow, **wanted):
    """The chart's lines, each of which must be one of those that we write."""
    first, *lines = mermaid(read_flow(flow), **wanted).rstrip("\n").split("\n")
    assert first == "flowchart TD"
    for line in lines:
        assert LINE.fullmatch(line), "every line has one of our shapes"
    return lines


def test_a_flow_is_drawn():
    lines = drawn(given())
    assert lines[:9] == [
        '    n0{"Is the printer#39;s light on#63;"}:::ask',
        '    n1{"Are jobs stuck in the queue#63;"}:::ask',
        '    n2["Restart the spooler"]:::do',
        '    n3(["Plug it in"]):::solved',
        '    n4(["Print a test page"]):::solved',
        '    n0 -->|"Yes"| n1',
        '    n0 -->|"No"| n3',
        '    n1 -->|"Yes"| n2',
        '    n1 -->|"No"| n4',
    ]
    assert "    n2 --> n4" in lines


@pytest.mark.parametrize(
    "nasty",
    [
        'say "no"',
        "a[b](c){d}",
        "end",
        "<script>alert(1)</script>",
        "<b>bold</b> & more",
        "a; b; c",
        "%% no comment",
        "`code` **bold** `",
        "#quot; #35;",
        "style x fill:#fff;",
        "classDef x: #quot;",
        "a|b --> c",
        "1. first",
        "- list",
        "javascript:click()",
        '\\n \\" ',
        "{{x}} ((y))",
        "naïve 打印机 مرحبا 🖨",
    ],
)
def test_no_label_can_break_out(nasty):
    flow = given()
    node(flow, "restart")["title"] = nasty
    node(flow, "queue")["question"] = nasty
    node(flow, "queue")["options"][0]["label"] = nasty
    lines = drawn(flow)
    inside = re.findall(r'"([^"]*)"', "\n".join(lines))
    for label in inside:
        plain = re.sub(r"#\d+;", "", label)
        assert re.fullmatch(r"(?:[^\W_]| )*", plain), "beside codes there are only letters, digits and spaces"
    # As mermaid reads it.
    shown = [re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label) for label in inside]
    assert " ".join(nasty.split()) in shown, "and it is shown as it was written"


@examples(st.text(max_size=300))
def test_whatever_is_written_stays_within_its_quotes(text):
    label = escaped(text)
    assert label, "an empty label would be no label"
    assert not re.search(r'["\[\](){}|`\n]', label)
    assert re.fullmatch(r"(?:[^\W_]| |#\d+;|<br/>)+", label)


@settings(max_examples=30)
@examples(trees())
def test_every_tree_is_drawn(flow):
    lines = drawn(flow)
    size = 1 + len(flow["tree_structure"]["children"])
    assert sum(":::" in line for line in lines) == size, "each node once"


def test_lines_are_broken_by_us():
    assert escaped("one\ntwo") == "one<br/>two"


def test_long_labels_are_cut():
    assert len(escaped("x" * 500)) == LABEL_CHARS - 1 + len(f"#{ord('…')};")


def test_of_a_large_flow_so_many_nodes_are_drawn():
    lines = drawn(lasting(60), most=20)
    assert '    more["40 more"]:::more' in lines
    assert "    n19 --> more" in lines
    assert not any("n20" in line for line in lines), "the others are left out"
