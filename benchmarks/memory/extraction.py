"""How much of what is worth keeping the rules find, and how much of what they find is not.

    python -m benchmarks.memory.extraction [--half open|held] [--misses] [--json]

Reads ``tests/data/extraction_*.jsonl`` (see the README there). A find is true when it covers more than half of a
labelled span of the same speaker; one find may cover several. A second find of a span, and an answer's repetition of
what the user's labelled words say, is a duplicate and counts neither way. Types are counted apart. Intervals are 95 %,
by resampling whole interactions. ``again`` counts finds that say what the system prompt, the history or the injected
text said; the probes put every labelled statement there and let the answer repeat it in seven shapes.

The held half is run once, for the final figures.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memory.extraction import extract, fresh
from memory.extraction.restated import Known, words
from memory.memories.memory import Candidate
from store.embedder import Embedder, EmbedderSpec, load_embedder

DATA = Path(__file__).parents[2] / "tests" / "data"
RESAMPLED = 2000

_loaded: list[Embedder] = []


def embedder() -> Embedder | None:
    """The default embedder, where it was loaded."""
    return _loaded[0] if _loaded else None


Row = dict[str, Any]


@dataclass(slots=True)
class Scored:
    """What was found in one interaction."""

    row: Row
    hits: list[tuple[Candidate, list[int]]] = field(default_factory=list)
    false: list[Candidate] = field(default_factory=list)
    doubles: list[Candidate] = field(default_factory=list)
    again: list[Candidate] = field(default_factory=list)

    @property
    def covered(self) -> set[int]:
        """The labelled memories that were found, by their number."""
        return {number for _, numbers in self.hits for number in numbers}


def record_of(row: Row) -> Row:
    """The interaction as it would be logged."""
    return {
        "prompt": row["messages"][-1]["content"],
        "response": row["response"],
        "request": json.dumps({"model": "m", "messages": row["messages"]}),
        "context_pack": {"text": row["injected"]} if row["injected"] else None,
    }


def score(row: Row) -> Scored:
    """Compare what the rules find in an interaction with its labels."""
    record = record_of(row)
    text = {"user": record["prompt"], "assistant": record["response"]}
    places = [(m["role"], text[m["role"]].index(m["span"]), len(m["span"])) for m in row["memories"]]
    scored = Scored(row)
    known = [message["content"] for message in row["messages"][:-1]] + [row["injected"]]
    for candidate in extract(fresh(record), embedder):
        numbers = [number for number, place in enumerate(places) if _covers(candidate, *place)]
        if set(numbers) - scored.covered:
            scored.hits.append((candidate, numbers))
        elif numbers or _repeats(candidate, row):
            scored.doubles.append(candidate)
        else:
            scored.false.append(candidate)
            if Known(known).holds(candidate.content, 0.8):
                scored.again.append(candidate)
    return scored


def _covers(found: Candidate, role: str, start: int, length: int) -> bool:
    shared = min(found.end, start + length) - max(found.start, start)
    return found.role == role and shared > length / 2


def _repeats(found: Candidate, row: Row) -> bool:
    """Does an answer's find only repeat what a labelled span of the user says?"""
    spans = [memory["span"] for memory in row["memories"] if memory["role"] == "user"]
    said = set(words(found.content))
    return found.role == "assistant" and any(len(said & set(words(span))) >= 0.6 * len(said) for span in spans)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and shares over some interactions."""

    interactions: int
    memories: int
    found: int
    true: int
    false: int
    doubles: int
    wrong_type: int

    @property
    def precision(self) -> float:
        """Share of finds that are true, in [0, 1]; 1 where nothing was found."""
        return self.true / (self.true + self.false) if self.true + self.false else 1.0

    @property
    def recall(self) -> float:
        """Share of labelled memories that were found, in [0, 1]; 0 where there are none."""
        return self.found / self.memories if self.memories else 0.0


def figures(scored: Sequence[Scored], role: str | None = None) -> Figures:
    """Counts over interactions, of one speaker's text if a role is given."""
    found = true = false = doubles = memories = wrong = 0
    for one in scored:
        labels = one.row["memories"]
        mine = {n for n, memory in enumerate(labels) if role in (None, memory["role"])}
        hits = [(candidate, numbers) for candidate, numbers in one.hits if role in (None, candidate.role)]
        memories += len(mine)
        found += len(one.covered & mine)
        true += len(hits)
        false += sum(role in (None, candidate.role) for candidate in one.false)
        doubles += sum(role in (None, candidate.role) for candidate in one.doubles)
        wrong += sum(all(labels[n]["memory_type"] != c.memory_type for n in numbers) for c, numbers in hits)
    return Figures(len(scored), memories, found, true, false, doubles, wrong)


def interval(scored: Sequence[Scored], value: Callable[[Figures], float]) -> tuple[float, float]:
    """95 % of a figure over resampled interactions."""
    draw = random.Random(1)
    seen = sorted(value(figures(draw.choices(scored, k=len(scored)))) for _ in range(RESAMPLED))
    return seen[int(0.025 * RESAMPLED)], seen[int(0.975 * RESAMPLED) - 1]


def by_rule(scored: Iterable[Scored]) -> dict[str, Counter[str]]:
    """True, false, duplicate and wrongly typed finds of each rule."""
    rules: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in scored:
        for candidate, numbers in one.hits:
            rules[candidate.rule]["true"] += 1
            types = {one.row["memories"][number]["memory_type"] for number in numbers}
            rules[candidate.rule]["type"] += candidate.memory_type not in types
        for candidate in one.false:
            rules[candidate.rule]["false"] += 1
        for candidate in one.doubles:
            rules[candidate.rule]["double"] += 1
    return dict(sorted(rules.items()))


def shapes(statement: str) -> Iterator[str]:
    """An answer that says a known statement again."""
    yield f"## Decision: {statement}"
    yield f"# Fact - {statement.upper()}"
    yield f"Sure.\n\n- {statement}\n- **Requirement:** {statement}"
    yield f"**Decided:** {statement}"
    yield f"As agreed: {statement.rstrip('.')}."
    half = statement.find(" ", len(statement) // 2)
    yield f"You decided to follow this: {statement[:half]}\n{statement[half + 1 :]}"
    yield f"The requirement is that {statement[:1].lower()}{statement[1:]}"


def probes(rows: Iterable[Row]) -> tuple[int, list[tuple[str, str]]]:
    """How many answers and turns repeated a known statement, and (where it stood, find) of those that were taken."""
    asked, taken = 0, []
    for row in rows:
        for memory in row["memories"]:
            for statement in (memory["span"], memory["content"]):
                for place, record in _records(statement):
                    asked += 1
                    taken += [(place, found.content) for found in extract(fresh(record), embedder)]
    return asked, taken


def _records(statement: str) -> Iterator[tuple[str, Row]]:
    ask = {"role": "user", "content": "Write the note, please."}
    answer = {"role": "assistant", "content": "Noted."}
    before = {
        "system": [{"role": "system", "content": f"You help the team. {statement}\nBe brief."}],
        "history": [{"role": "user", "content": statement}, answer],
        "answer": [{"role": "user", "content": "What do we know?"}, {"role": "assistant", "content": statement}],
    }
    for shape in shapes(statement):
        for place, turns in before.items():
            yield (
                place,
                {"prompt": ask["content"], "response": shape, "request": json.dumps({"messages": [*turns, ask]})},
            )
        pack = {"text": f"Notes about the user:\n- Lives in Ghent.\n- {statement}"}
        yield "injected", {"prompt": ask["content"], "response": shape, "context_pack": pack}
    for shape in (statement, f"- {statement}", statement.upper(), f"<memories>\n- {statement}\n</memories>"):
        turns = [*before["history"], {"role": "user", "content": f"{shape}\n\nAnd now?"}]
        yield "resent", {"prompt": turns[-1]["content"], "response": "Yes.", "request": json.dumps({"messages": turns})}


def load(half: str) -> list[Row]:
    """The interactions of one half."""
    path = DATA / f"extraction_{half}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def report(rows: Sequence[Row]) -> dict[str, Any]:
    """All figures, as they are printed."""
    scored = [score(row) for row in rows]
    groups = {("all", ""): scored}
    for key in ("area", "lang"):
        for value in sorted({row[key] for row in rows}):
            groups[key, value] = [one for one in scored if one.row[key] == value]
    table = {" ".join(filter(None, name)): _line(figures(group), group) for name, group in groups.items()}
    table |= {f"role {role}": _line(figures(scored, role), None) for role in ("user", "assistant")}
    asked, taken = probes(rows)
    return {
        "groups": table,
        "rules": {rule: dict(counts) for rule, counts in by_rule(scored).items()},
        "again": [_shown(one, found) for one in scored for found in one.again],
        "probes": {"asked": asked, "taken": len(taken), "by_place": dict(Counter(place for place, _ in taken))},
        "false": [_shown(one, found) for one in scored for found in one.false],
        "junk": sum(_is_junk(one.row, found) for one in scored for found in one.false),
        "missed": [
            {"id": one.row["id"], "type": memory["memory_type"], "span": memory["span"]}
            for one in scored
            for number, memory in enumerate(one.row["memories"])
            if number not in one.covered
        ],
    }


def _line(of: Figures, group: Sequence[Scored] | None) -> dict[str, Any]:
    line: dict[str, Any] = {
        "interactions": of.interactions,
        "memories": of.memories,
        "found": of.found,
        "true": of.true,
        "false": of.false,
        "doubles": of.doubles,
        "wrong_type": of.wrong_type,
        "precision": round(of.precision, 3),
        "recall": round(of.recall, 3),
    }
    if group is not None:
        line["precision_95"] = [round(end, 3) for end in interval(group, lambda one: one.precision)]
        line["recall_95"] = [round(end, 3) for end in interval(group, lambda one: one.recall)]
    return line


def _shown(one: Scored, found: Candidate) -> dict[str, str]:
    return {"id": one.row["id"], "rule": found.rule, "role": found.role, "content": found.content}


def _is_junk(row: Row, found: Candidate) -> bool:
    text = row["messages"][-1]["content"] if found.role == "user" else row["response"]
    said = text[found.start : found.end]
    return any(junk in said or said in junk for junk in row["junk"])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("open", "more", "held"), default="open")
    parser.add_argument("--rules-alone", action="store_true", help="without the embedder")
    parser.add_argument("--misses", action="store_true", help="print each false find and each missed memory")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not arguments.rules_alone:
        _loaded.append(load_embedder(EmbedderSpec(), None))
    found = report(load(arguments.half))
    print(json.dumps(found, ensure_ascii=False, indent=2)) if arguments.json else show(found, arguments.misses)


def show(found: dict[str, Any], misses: bool) -> None:
    """Print the tables."""
    heads = ("memories", "found", "true", "false", "doubles", "wrong_type", "precision", "recall")
    print(f"{'':18s}" + "".join(f"{head:>11s}" for head in heads))
    for name, line in found["groups"].items():
        ends = "  ".join(f"{key[0]} {line[key][0]:.2f}-{line[key][1]:.2f}" for key in line if key.endswith("_95"))
        print(f"{name:18s}" + "".join(f"{line[head]:11}" for head in heads) + f"   {ends}")
    print()
    for rule, counts in found["rules"].items():
        print(f"{rule:24s} " + "  ".join(f"{key} {counts.get(key, 0)}" for key in ("true", "false", "double", "type")))
    print(
        f"\nsaid again: {len(found['again'])}; probes {found['probes']}; false finds labelled as junk: {found['junk']}"
    )
    for kind in ("false", "missed") if misses else ():
        for one in found[kind]:
            print(kind, *one.values(), sep=" | ")


if __name__ == "__main__":
    main()
