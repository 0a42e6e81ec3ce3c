"""A stand-in for the analysing model: what it replies depends on what it is sent, and on nothing else.

It reads the one JSON object among the messages, takes the words that are said most, and makes a flow or an enhancement
of them. Some replies are fenced, some stand within prose, and some are broken when they are first asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_WORD = re.compile(r"[^\W\d_][\w-]{2,}")
_DULL = frozenset(
    "the and for are but not you your our ours yours with was were has have had this that these those they them their"
    " there then than thanks thank yes all any can cannot could would should will shall what which who how when where"
    " why does did done its it's i'm let's let please again now also only just still yet out off over under into from"
    " about after before since because while until here some one two three each every other more most less very much"
    " nor neither none both either same new old first second last next back put got get gets goes see says say said"
    " tell told use used want wants need needs give like good great glad hello worked works working work solved help"
    " option which's connected how's affected who's system my me he she his her him hers we us an is in on at to of or"
    " as be by do go if no so up it am don't doesn't didn't isn't aren't null true false user assistant tool".split()
)
_USER_KEYS = ("asked", "user", "prompt", "problem", "free_text", "own_words", "action_result", "result", "resolution")
_FREE = ("free_text", "own_words")
_OWN_KEYS = ("said", "assistant", "answer", "response")


class Analyst:
    """Replies to the analysing prompts."""

    def __init__(self, breaks: bool = True) -> None:
        self._breaks = breaks
        self._asked: Counter[str] = Counter()

    def reply(self, body: Mapping[str, Any]) -> str:
        """The text of the reply to a chat body."""
        data = given(body["messages"])
        target = next(_flows(data), None)
        made = enhancement(data, target) if _wants_enhancement(body, target) else new_flow(data)
        text = json.dumps(made, ensure_ascii=False)
        if not self._breaks:
            return text
        digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).digest()[0]
        self._asked[str(digest)] += 1
        if digest % 8 == 0 and self._asked[str(digest)] == 1:
            return text[: len(text) // 2]
        if digest % 4 == 1:
            return f"```json\n{json.dumps(made, indent=2, ensure_ascii=False)}\n```"
        return f"Here is what I found:\n\n{text}\n\nTell me if you need more." if digest % 8 == 3 else text


def given(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON object with steps that the messages hold, or any; their text as ``user`` where there is none."""
    objects = []
    for message in messages:
        for line in str(message.get("content")).splitlines():
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                objects.append(found)
    with_steps = [found for found in objects if "steps" in found]
    return (with_steps or objects or [{"user": str(messages[-1].get("content"))}])[0]


def new_flow(data: Mapping[str, Any]) -> dict[str, Any]:
    """A flow made of what was said."""
    words = _words(data)
    asked, said = list(_texts(data, _USER_KEYS)), list(_texts(data, _OWN_KEYS))
    options, pick = next(_choices(data), (["Yes", "No"], "Yes"))
    fix = max(said or asked or ["Try again."], key=len)[:300]
    labels = options[:5]
    choices = [
        {"id": f"o{at}", "label": label, "next_node_id": "fix" if label == pick else "ask"}
        for at, label in enumerate(labels)
    ]
    if all(choice["next_node_id"] == "ask" for choice in choices):
        choices[0]["next_node_id"] = "fix"
    question = next((text for text in said if "?" in text), "Is this what happens?")
    return {
        "title": " ".join(words[:6]).capitalize() or "Something else",
        "description": (asked[0] if asked else "A problem that was solved.")[:300],
        "match_keywords": [*words, "problem", "solved", "session", "support", "help"][:7],
        "problem_domain": _domain(data),
        "tree_structure": {
            "id": "root",
            "type": "decision",
            "question": question[:200],
            "options": choices,
            "children": [
                {"id": "fix", "type": "action", "title": "What helped", "description": fix, "next_node_id": "done"},
                {"id": "ask", "type": "solution", "title": "Ask a person", "description": "Hand it to a colleague."},
                {"id": "done", "type": "solution", "title": "Solved", "description": "It works again."},
            ],
        },
    }


def enhancement(data: Mapping[str, Any], target: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the session adds to a flow."""
    words = _words(data)
    tree = (target or {}).get("tree_structure") or {}
    nodes = [tree, *tree.get("children", [])]
    free = next(_texts(data, _FREE), "") or next(_texts(data, _USER_KEYS), "Something else")
    place = _where(data, nodes)
    name = "n-" + hashlib.sha256(free.encode()).hexdigest()[:6]
    end = next((node["id"] for node in nodes if node.get("type") == "solution"), "root")
    fix = max([*_texts(data, _OWN_KEYS), "Try again."], key=len)[:300]
    return {
        "title": " ".join(words[:6]).capitalize(),
        "description": f"A way that the flow does not know: {free[:200]}",
        "new_nodes": [
            {
                "id": name,
                "type": "action",
                "title": " ".join(words[:4]).capitalize() or "Something else",
                "description": fix,
                "next_node_id": end,
                "attach_after_node_id": place,
                "new_option_label": free[:80],
            }
        ],
        "modified_options": [],
        "diff_description": f"One more way behind {place}: {' '.join(words[:6])}",
    }


def _wants_enhancement(body: Mapping[str, Any], target: Mapping[str, Any] | None) -> bool:
    schema = json.dumps(body.get("response_format") or {})
    if "new_nodes" in schema or "tree_structure" in schema:
        return "new_nodes" in schema
    return target is not None


def _where(data: Any, nodes: Sequence[Mapping[str, Any]]) -> str:
    """The node whose options were on offer when the user used words of their own; the root otherwise."""
    for step in _objects(data):
        if any(step.get(key) for key in _FREE) and step.get("options"):
            labels = {_label(option).casefold() for option in step["options"]}
            for node in nodes:
                if labels & {str(option.get("label")).casefold() for option in node.get("options") or []}:
                    return str(node["id"])
    return str(nodes[0].get("id", "root"))


def _choices(data: Any) -> Iterator[tuple[list[str], str]]:
    for step in _objects(data):
        options = step.get("options")
        if isinstance(options, list) and 2 <= len(options) <= 5 and "next_node_id" not in json.dumps(options):
            labels = list(dict.fromkeys(_label(option) for option in options))
            if len(labels) >= 2:
                yield labels, str(step.get("option_selected") or step.get("picked") or labels[0])


def _label(option: Any) -> str:
    return str(option.get("label")) if isinstance(option, Mapping) else str(option)


def _words(data: Mapping[str, Any]) -> list[str]:
    """The words that are said most, those of the user first, in the order in which they come."""
    counts: Counter[str] = Counter()
    for keys, weight in ((_USER_KEYS, 2), (_OWN_KEYS, 1)):
        for text in _texts(data, keys):
            for word in _WORD.findall(text.casefold()):
                if word not in _DULL:
                    counts[word] += weight
    order = {word: at for at, word in enumerate(counts)}
    best = sorted(counts, key=lambda word: (-counts[word], order[word]))[:6]
    return sorted(best, key=order.__getitem__)


def _domain(data: Any) -> Any:
    names = ("domain", "problem_domain")
    return next((found[name] for found in _objects(data) for name in names if found.get(name)), None)


def _texts(data: Any, keys: Sequence[str]) -> Iterator[str]:
    for found in _objects(data):
        for key, value in found.items():
            if any(key == name or key.startswith(f"{name}_") for name in keys) and isinstance(value, str) and value:
                yield value


def _flows(data: Any) -> Iterator[Mapping[str, Any]]:
    return (found for found in _objects(data) if isinstance(found.get("tree_structure"), Mapping))


def _objects(data: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, Mapping):
        yield data
        for value in data.values():
            yield from _objects(value)
    elif isinstance(data, list):
        for value in data:
            yield from _objects(value)
