"""Conversations: an answer must not serve the same words after another history.

*Pairs*: a's conversation is stored, b's is asked; what is served although the answers differ is counted by kind, at the
cut given and with no cut at all, which shows what equal histories alone hold off. *Traffic*: whole conversations are
driven turn by turn through one cache, each caller seeing what the cache serves.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.decisions.data import Conversation, ConversationPair, Message
from benchmarks.decisions.product import Product, Rules, chat, fixed_cut, fixed_threshold, product
from benchmarks.decisions.tables import Cell, show
from benchmarks.decisions.tally import Outcome
from benchmarks.decisions.workers import Tools, Workers
from cache.policy import Policy
from store.embedder import Embedder

BUDGET = Policy().max_error_rate
THRESHOLD = 0.9
"""Cosine where the last scorer ships no cut."""
Kind = Literal["cut", "no cut", "like histories"]
"""The shipped cut; everything served; the shipped cut, with histories that may match by meaning."""
OUTCOMES = ("exact", "semantic", "miss", "bypass")


@dataclass(frozen=True)
class SemanticHit:
    """A hit by meaning, for reading: the histories are equal, the last turns are these."""

    file: str
    turn: int
    """1 for the first user turn."""
    new: str
    stored: str
    similarity: float | None
    same_turn: bool
    """Was the stored turn the same turn of the same conversation, in other words?"""


@dataclass
class Traffic:
    """Counts by (file, round, first or later turn)."""

    outcomes: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    semantic: list[SemanticHit] = field(default_factory=list)
    exact_elsewhere: int = 0
    """Exact hits on an answer from another conversation: the same words after the same history."""


def ask_pairs(rows: Sequence[ConversationPair], embedder: Embedder, rules: Rules) -> dict[str, Outcome]:
    """The outcome of b after a was stored, by the pair's id, each pair in a namespace of its own."""
    found: dict[str, Outcome] = {}

    async def drive() -> None:
        for row in rows:
            await cache.ask(chat(row.a), "the answer to a", row.id)
            found[row.id] = (await cache.ask(chat(row.b), "the answer to b", row.id)).outcome

    with product(embedder, rules) as cache:
        asyncio.run(drive())
    return found


def drive_traffic(conversations: Sequence[Conversation], embedder: Embedder, rules: Rules) -> Traffic:
    """All conversations one after another as recorded, then those with other wordings once more in these."""
    traffic = Traffic()

    async def drive() -> None:
        for conversation in conversations:
            await _talk(cache, conversation, conversation.messages, "recorded", traffic)
        for conversation in conversations:
            if conversation.rewordings:
                await _talk(cache, conversation, _reworded(conversation), "reworded", traffic)

    with product(embedder, rules) as cache:
        asyncio.run(drive())
    return traffic


async def _talk(
    cache: Product, conversation: Conversation, messages: Sequence[Message], round_: str, traffic: Traffic
) -> None:
    """One caller: each turn with all that was said before, answers as they were got."""
    history: list[Message] = []
    turn = 0
    for number, message in enumerate(messages):
        if message["role"] != "user":
            continue
        turn += 1
        history.append({"role": "user", "content": message["content"]})
        follows = messages[number + 1] if number + 1 < len(messages) else {}
        marker = f"{conversation.id} turn {turn}"
        # The marker says whose answer it is; a caller takes no notice of it.
        text = follows.get("content") if follows.get("role") == "assistant" else f"Answer {marker}."
        reply = await cache.ask(chat(history), f"{marker}\n{text}")
        stored, _, served = reply.text.partition("\n")
        history.append({"role": "assistant", "content": served})
        place = "first turn" if turn == 1 else "later turns"
        traffic.outcomes[conversation.file, round_, place, reply.outcome] += 1
        traffic.exact_elsewhere += reply.outcome == "exact" and not stored.startswith(f"{conversation.id} ")
        if reply.outcome == "semantic" and reply.stored_prompt is not None:
            traffic.semantic.append(
                SemanticHit(
                    conversation.file, turn, message["content"], reply.stored_prompt, reply.similarity, stored == marker
                )
            )


def _reworded(conversation: Conversation) -> list[Message]:
    wordings = iter(conversation.rewordings)
    return [
        {**message, "content": next(wordings, message["content"])} if message["role"] == "user" else message
        for message in conversation.messages
    ]


def report(
    pairs: Sequence[ConversationPair], conversations: Sequence[Conversation], workers: Workers
) -> dict[str, Any]:
    """Print the tables; gives the same as data."""
    cut = workers.tools.scorers[-1].shipped_cut(BUDGET)
    chosen = f"cosine from {THRESHOLD}" if cut is None else f"{workers.tools.scorers[-1].name} above {cut:.3f}"
    # Traffic only as the product would have it: without a cut all first turns are one.
    kinds: list[tuple[Kind, Sequence[Any]]] = [("cut", pairs), ("no cut", pairs), ("cut", conversations)]
    names = [chosen, "no cut at all"]
    if cut is not None:
        kinds += [("like histories", pairs), ("like histories", conversations)]
    with_cut, without, traffic, *alike = workers.map(measure, kinds)
    shown = dict(zip(names, (with_cut, without), strict=True))
    driven = {chosen: traffic}
    if alike:
        shown[f"{chosen}, histories by meaning"], driven[f"{chosen}, histories by meaning"] = alike
    return {
        "pairs": {name: _show_pairs(name, pairs, outcomes) for name, outcomes in shown.items() if pairs},
        "traffic": {name: _show_traffic(name, found) for name, found in driven.items()} if conversations else {},
    }


def measure(tools: Tools, task: tuple[Kind, Sequence[Any]]) -> Any:
    """Pairs give their outcomes, conversations their ``Traffic``, under the last scorer's shipped cut or none."""
    kind, rows = task
    scorer = tools.scorers[-1]
    cut = scorer.shipped_cut(BUDGET)
    rules = fixed_threshold(THRESHOLD)
    if cut is not None:
        rules = fixed_cut(scorer.verifier, cut, "meaning" if kind == "like histories" else "equal")
    if kind == "no cut":
        rules = fixed_threshold(-1.0)
    if rows and isinstance(rows[0], ConversationPair):
        return ask_pairs(rows, tools.embedder, rules)
    return drive_traffic(rows, tools.embedder, rules)


def _show_pairs(name: str, pairs: Sequence[ConversationPair], outcomes: dict[str, Outcome]) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str, bool, str]] = Counter(
        (row.file, row.kind, row.same, outcomes[row.id]) for row in pairs
    )
    found: list[dict[str, Any]] = []
    for file, kind, same in sorted({key[:3] for key in counts}):
        by_outcome = {outcome: counts[file, kind, same, outcome] for outcome in OUTCOMES}
        found.append({"file": file, "kind": kind, "same": same, "n": sum(by_outcome.values()), **by_outcome})
    wrong = sum(one["exact"] + one["semantic"] for one in found if not one["same"])
    show(
        f"Conversation pairs, {name}: {wrong} false hits of {sum(one['n'] for one in found if not one['same'])}",
        ("file", "kind", "same", "n", *OUTCOMES),
        [
            (one["file"], one["kind"], int(one["same"]), one["n"], *(one[outcome] for outcome in OUTCOMES))
            for one in found
        ],
    )
    return found


def _show_traffic(name: str, traffic: Traffic) -> dict[str, Any]:
    rows: list[tuple[Cell, ...]] = []
    for key in sorted({key[:3] for key in traffic.outcomes}):
        counts = [traffic.outcomes[*key, outcome] for outcome in OUTCOMES]
        rows.append((*key, sum(counts), *counts))
    show(
        f"Conversations as traffic, {name} (exact hits across conversations: {traffic.exact_elsewhere})",
        ("file", "round", "turn", "requests", *OUTCOMES),
        rows,
    )
    show(
        "Their semantic hits, to be read",
        ("file", "turn", "cosine", "same turn", "new", "stored"),
        [
            (hit.file, hit.turn, hit.similarity, "yes" if hit.same_turn else "no", hit.new[:80], hit.stored[:80])
            for hit in traffic.semantic[:40]
        ],
    )
    return {
        "outcomes": [[*key, count] for key, count in sorted(traffic.outcomes.items())],
        "semantic": [vars(hit) for hit in traffic.semantic],
        "exact_elsewhere": traffic.exact_elsewhere,
    }
