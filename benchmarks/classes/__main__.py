"""What the bypass classes recognise, and what they lose, on labelled streams.

    python -m benchmarks.classes --data DIR [--examples FILE] [--intents]

Recognised: rows of share action, never or personal for which a class leaves no tier by default. Lost: rows of share faq
(with Bitext's faq-entity and mixed) for which one does. "As shipped" uses the weights in the package, which have seen
the intents of CLINC150 and Banking77; "intents left out" fits them again on four fifths of the intents and judges the
fifth, which is what to expect of intents nobody has thought of. "Rules alone" needs no weights.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.classes.streams import MUST_NOT, REPLAY, SHARED, STREAMS, TRAINED_ON, Row, rows_of, with_intents
from benchmarks.classes.train import KEEP, Fitted, fit_without_each_fold, present, usable
from cache.classes.asked import asked, cut_for, read
from cache.classes.private import private
from cache.policy import DEFAULT_CLASSES

EXAMPLES = Path(__file__).parents[2] / "tests" / "cache" / "classes_examples.jsonl"
Judge = Callable[[Row], bool]


def bypassed(classes: Iterable[str]) -> bool:
    """Does one of the classes leave no tier by default?"""
    return any(not DEFAULT_CLASSES[name] for name in classes)


def as_shipped() -> Judge:
    """The package's own verdict, remembered."""
    verdicts: dict[str, bool] = {}

    def judge(row: Row) -> bool:
        if row.prompt not in verdicts:
            verdicts[row.prompt] = bypassed((*asked(row.prompt), *private(row.prompt)))
        return verdicts[row.prompt]

    return judge


def left_out(fits: Sequence[Fitted]) -> Judge:
    """The verdict of weights that have not seen the row's intent."""
    scores: dict[tuple[str, int], bool] = {}

    def judge(row: Row) -> bool:
        key = row.prompt, row.fold
        if key not in scores:
            scores[key] = _verdict(row, fits[row.fold])
        return scores[key]

    return judge


def _verdict(row: Row, fitted: Fitted) -> bool:
    reading = read(row.prompt)
    certain = reading.classes & {"random", "volatile"} or private(row.prompt)
    score = fitted.score(present(row.prompt)) if reading.whole else 0.0
    return bool(certain) or (
        score >= KEEP if reading.classes else "work" not in reading.signs and score > cut_for(reading)
    )


def rules_alone(row: Row) -> bool:
    """The verdict of the rules."""
    return bypassed((*read(row.prompt).classes, *private(row.prompt)))


def shares(rows: Iterable[Row], judge: Judge) -> dict[tuple[str, str], tuple[int, int]]:
    """(rows, bypassed rows) by source and share."""
    counted: Counter[tuple[str, str]] = Counter()
    hit: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counted[row.source, row.share] += 1
        hit[row.source, row.share] += judge(row)
    return {key: (counted[key], hit[key]) for key in sorted(counted)}


def print_table(title: str, rows: Sequence[Row], judges: dict[str, Judge]) -> None:
    """One line for each source and share, and the two that the targets speak of."""
    found = {name: shares(rows, judge) for name, judge in judges.items()}
    print(f"\n{title:44}" + "".join(f"{name:>20}" for name in judges))
    keys = sorted(next(iter(found.values())))
    groups = [(f"{source} {share}", [(source, share)]) for source, share in keys]
    groups += [
        ("ALL action, never, personal", [key for key in keys if key[1] in MUST_NOT]),
        ("ALL faq, faq-entity, mixed", [key for key in keys if key[1] in SHARED]),
    ]
    for label, group in groups:
        total = sum(next(iter(found.values()))[key][0] for key in group)
        if total:
            cells = [sum(table[key][1] for key in group) / total for table in found.values()]
            print(f"  {label:34}{total:8}" + "".join(f"{100 * cell:19.1f}%" for cell in cells))


def print_intents(rows: Sequence[Row], judges: dict[str, Judge]) -> None:
    """Recall by intent, worst first."""
    by_intent: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.share in MUST_NOT:
            by_intent[row.share, row.intent].append(row)
    lines = [
        (*(sum(map(judge, of)) / len(of) for judge in reversed(judges.values())), key) for key, of in by_intent.items()
    ]
    print(f"\nby intent: {', '.join(reversed(judges))}")
    for *cells, (share, intent) in sorted(lines):
        print(f"  {share:9} {intent:44}" + "".join(f"{100 * cell:8.0f}%" for cell in cells))


def print_cost(rows: Sequence[Row]) -> None:
    """Microseconds a prompt that is not remembered costs."""
    prompts = [row.prompt for row in rows[:5000]]
    started = time.process_time()
    for prompt in prompts:
        asked(prompt)
        private(prompt)
    print(f"\n{(time.process_time() - started) / len(prompts) * 1e6:.0f} us of CPU for a prompt seen first")


def print_examples(path: Path) -> None:
    """Recall and loss on examples written by hand before the rules were."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for bypass, label in ((True, "recognised"), (False, "lost")):
        of = [row["text"] for row in rows if row["bypass"] is bypass]
        hits = sum(bypassed((*asked(text), *private(text))) for text in of)
        print(f"examples {label}: {hits} of {len(of)}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the streams")
    parser.add_argument("--examples", type=Path, default=EXAMPLES)
    parser.add_argument("--intents", action="store_true", help="print recall by intent")
    arguments = parser.parse_args()
    streams = {name: rows_of(arguments.data, name) for name in STREAMS}
    labelled = [row for name in TRAINED_ON for row in streams[name]]
    replay = with_intents(rows_of(arguments.data, REPLAY), labelled)
    trained = usable(labelled)
    features = {row.prompt: present(row.prompt) for row in trained}
    judges: dict[str, Judge] = {
        "rules alone": rules_alone,
        "intents left out": left_out(fit_without_each_fold(trained, features)),
        "as shipped": as_shipped(),
    }
    print_table(f"{REPLAY}, bypassed", replay, judges)
    for name, rows in streams.items():
        print_table(f"{name}, bypassed", rows, judges)
    if arguments.intents:
        print_intents(labelled, judges)
    print_examples(arguments.examples)
    print_cost(replay)


if __name__ == "__main__":
    main()
