"""Flows for tests, as JSON, and a strategy that draws some."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

PRINTER: dict[str, Any] = {
    "title": "Printer does not print",
    "description": "A printer shows offline, or jobs stay in the queue.",
    "match_keywords": ["printer", "offline", "print queue", "spooler", "jobs stuck"],
    "problem_domain": "printing",
    "tree_structure": {
        "id": "root",
        "type": "decision",
        "question": "Is the printer's light on?",
        "help_text": "It is at the front.",
        "options": [
            {"id": "o1", "label": "Yes", "next_node_id": "queue"},
            {"id": "o2", "label": "No", "next_node_id": "power"},
        ],
        "children": [
            {
                "id": "queue",
                "type": "decision",
                "title": "Look at the queue",
                "question": "Are jobs stuck in the queue?",
                "options": [
                    {"id": "o1", "label": "Yes", "next_node_id": "restart"},
                    {"id": "o2", "label": "No", "next_node_id": "done"},
                ],
            },
            {
                "id": "restart",
                "type": "action",
                "title": "Restart the spooler",
                "description": "Open services.\nRestart the print spooler.",
                "next_node_id": "done",
            },
            {"id": "power", "type": "solution", "title": "Plug it in", "description": "Then switch it on."},
            {"id": "done", "type": "solution", "title": "Print a test page", "description": ""},
        ],
    },
}


def given(**changes: Any) -> dict[str, Any]:
    """The printer's flow as JSON, its own to change."""
    return {**copy.deepcopy(PRINTER), **changes}


def node(flow: dict[str, Any], id_: str) -> dict[str, Any]:
    """A node of it, to be changed in place."""
    tree = flow["tree_structure"]
    nodes: list[dict[str, Any]] = [tree, *tree["children"]]
    return next(one for one in nodes if one["id"] == id_)


def lasting(size):
    """A flow of so many nodes, in a row."""
    children = [
        {"id": f"a{at}", "type": "action", "title": f"Step {at}", "description": "Do it.", "next_node_id": f"a{at + 1}"}
        for at in range(size - 2)
    ]
    children.append({"id": f"a{size - 2}", "type": "solution", "title": "Done", "description": "It works."})
    options = [{"id": f"o{at}", "label": f"Way {at}", "next_node_id": "a0"} for at in range(2)]
    root = {"id": "root", "type": "decision", "question": "Which way?", "options": options, "children": children}
    return given(tree_structure=root)


WORDS = st.text(st.characters(exclude_categories=("C", "Z"), max_codepoint=0x2FFF), min_size=1, max_size=12).filter(
    lambda text: text.isprintable() and any(one.isalnum() for one in text)
)


@st.composite
def trees(draw):
    """A flow that can be followed: each node leads to later ones, and every node is reached."""
    size = draw(st.integers(2, 12))
    leads = {at: set() for at in range(size)}
    for at in range(1, size):
        # From an earlier one that has room.
        leads[draw(st.sampled_from([one for one in range(at) if len(leads[one]) < 4] or [0]))].add(at)
    children = []
    for at in range(size):
        onward = sorted(leads[at])
        title = draw(WORDS)
        if at == 0 or len(onward) > 1:
            if len(onward) == 1:
                onward *= 2
            options = [
                {"id": f"o{n}", "label": f"{n} {draw(WORDS)}", "next_node_id": name(to)} for n, to in enumerate(onward)
            ]
            children.append(
                {"id": name(at), "type": "decision", "title": title, "question": draw(WORDS), "options": options}
            )
        elif onward:
            children.append(
                {
                    "id": name(at),
                    "type": "action",
                    "title": title,
                    "description": draw(WORDS),
                    "next_node_id": name(onward[0]),
                }
            )
        else:
            children.append({"id": name(at), "type": "solution", "title": title, "description": draw(WORDS)})
    root = {**children[0], "children": children[1:]}
    return given(title=draw(WORDS), description=draw(WORDS), tree_structure=root)


def name(at):
    """The id of a node by its number."""
    return f"n{at}" if at else "root"
