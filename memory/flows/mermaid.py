"""Flows as Mermaid flowcharts. Pure.

Whatever stands in a label is shown as it is: all but letters, digits and a few harmless marks is written as an entity
code, so that nothing in it can end the label, begin a comment or be taken for Markdown or HTML. Nodes have names of
ours (``n0``, ``n1``), for an id such as ``end`` would break the chart.
"""

from __future__ import annotations

import re
from typing import Final

from memory.flows.flow import Flow, Node
from memory.flows.tree import MOST_NODES

LABEL_CHARS: Final = 120
"""Of one label; a longer one is cut."""

_SHAPES: Final = {"decision": ('{"', '"}'), "action": ('["', '"]'), "solution": ('(["', '"])')}
_CLASSES: Final = {"decision": "ask", "action": "do", "solution": "solved"}
_STYLES: Final = (
    "classDef ask fill:#fff4d6,stroke:#b58900,color:#222",
    "classDef do fill:#e3eefc,stroke:#2e6fb7,color:#222",
    "classDef solved fill:#e0f3e3,stroke:#2f855a,color:#222",
    "classDef more fill:#f2f2f2,stroke:#888,color:#222",
)
_HARMLESS = re.compile(r"[^\W_]| ")


def mermaid(flow: Flow, most: int = MOST_NODES) -> str:
    """The flow as the text of a chart, from the top down.

    Args:
        most: nodes that are drawn, at least 1; what lies beyond is one node that says how many there are.
    """
    drawn = flow.nodes[:most]
    names = {node.id: f"n{at}" for at, node in enumerate(drawn)}
    beyond = len(flow.nodes) - len(drawn)
    lines = ["flowchart TD"]
    lines += [f"    {names[node.id]}{_shape(node)}:::{_CLASSES[node.type]}" for node in drawn]
    if beyond:
        lines.append(f'    more["{beyond} more"]:::more')
    for node in drawn:
        for option in node.options:
            lines.append(
                f'    {names[node.id]} -->|"{escaped(option.label)}"| {names.get(option.next_node_id, "more")}'
            )
        if node.next_node_id is not None:
            lines.append(f"    {names[node.id]} --> {names.get(node.next_node_id, 'more')}")
    return "\n".join([*lines, *(f"    {style}" for style in _STYLES), ""])


def escaped(text: str) -> str:
    """A text as it may stand between the quotes of a label."""
    shown = text if len(text) <= LABEL_CHARS else f"{text[: LABEL_CHARS - 1]}…"
    # The breaks are ours: they are put in when nothing else is left that could be read as a tag.
    return "<br/>".join(map(_coded, shown.splitlines())) or " "


def _coded(line: str) -> str:
    return "".join(one if _HARMLESS.fullmatch(one) else f"#{ord(one)};" for one in line)


def _shape(node: Node) -> str:
    before, after = _SHAPES[node.type]
    return f"{before}{escaped(node.text if node.type == 'decision' else node.title)}{after}"
