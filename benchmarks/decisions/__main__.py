"""May a stored answer be served? Right and wrong decisions on labelled data, several ways of deciding side by side.

    python -m benchmarks.decisions --data DIR [--only pairs,streams,conversations] [--rows N|all] [--plot DIR]
        [--cache DIR] [--verifier NAME,..] [--jobs N] [--json FILE]

*Pairs*: recall of reusable pairs at 0.5, 1, 2 and 5 % false hits, what guards veto, calibration. *Streams*: replays
through the real ``cache`` package over SQLite and Chroma, beside static thresholds and cuts set in hindsight.
*Conversations*: the same words after another history. Each scorer is shown without and with guards; with them is what
the product does. Embeddings and verifiers' scores are kept in the cache folder: a second run is faster.

Nothing expires in a replay (answers live ten years); the clock is the stream's own where it has one, else a second a
request; no hit is audited. See the data's own README for what its labels are worth.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.decisions import conversations, data, pairs, plots, streams
from benchmarks.decisions.embedding import default_cache
from benchmarks.decisions.scorers import DEFAULT_VERIFIERS
from benchmarks.decisions.workers import Workers, open_tools

PARTS = ("pairs", "streams", "conversations")


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark."""
    options = _parser().parse_args(arguments)
    if options.plot:
        plots.need_matplotlib()
    folder = data.folder_of(options.data)
    found: dict[str, Any] = {}
    with _timed("loading"):
        tools = open_tools(options.cache, options.verifier)
        workers = Workers(options.jobs, options.cache, tools)
    with _timed("embedding"):
        print(tools.embedder.prepare(_texts(folder, options.only, options.rows)), "texts embedded, the rest was kept")
        tools.flush()
    if "pairs" in options.only:
        with _timed("pairs"):
            scored = pairs.score_all(data.pairs(folder), workers)
            found["pairs"] = pairs.report(scored)
            if options.plot:
                plots.plot_pairs(pairs.groups(scored), options.plot)
    if "streams" in options.only:
        with _timed("streams"):
            found["streams"] = streams.report(data.streams(folder), workers, options.rows)
            if options.plot:
                plots.plot_streams(found["streams"], options.plot)
    if "conversations" in options.only:
        with _timed("conversations"):
            rows = data.conversation_pairs(folder), data.conversations(folder)
            found["conversations"] = conversations.report(*rows, workers)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False, default=float), encoding="utf-8")


def _texts(folder: Path, only: list[str], rows: int | None) -> Iterator[str]:
    """Every text that will be embedded."""
    if "pairs" in only:
        for row in data.pairs(folder):
            yield from (row.a, row.b)
    if "streams" in only:
        found = data.streams(folder)
        for selection in streams.SELECTIONS:
            yield from (request.prompt for request in streams.select(selection, found, rows))
    if "conversations" in only:
        for pair in data.conversation_pairs(folder):
            yield from data.user_texts([*pair.a[-1:], *pair.b[-1:]])
        for one in data.conversations(folder):
            yield from (*data.user_texts(one.messages), *one.rewordings)


@contextlib.contextmanager
def _timed(name: str) -> Iterator[None]:
    began, before = time.perf_counter(), sum(os.times()[:4])
    yield
    wall, processor = time.perf_counter() - began, sum(os.times()[:4]) - before
    print(f"\n[{name}: {wall:.0f} s; of all processors together {processor:.0f} s]", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the *.jsonl.gz files, or the one above")
    parser.add_argument("--only", type=_parts, default=list(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--rows", type=_rows, default=4000, help="of each stream_* file; replay_mixed is always whole")
    parser.add_argument("--plot", type=Path, help="folder for the figures")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder of kept embeddings and scores")
    parser.add_argument("--verifier", type=_names, help=f"beside cosine; unnamed: {', '.join(DEFAULT_VERIFIERS)}")
    parser.add_argument("--jobs", type=int, default=2, help="processes that share the work")
    parser.add_argument("--json", type=Path, help="write all figures there too, and every semantic hit")
    return parser


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _parts(text: str) -> list[str]:
    names = _names(text)
    if not set(names) <= set(PARTS):
        raise argparse.ArgumentTypeError(f"not of {','.join(PARTS)}: {text}")
    return names


def _rows(text: str) -> int | None:
    return None if text == "all" else int(text)


if __name__ == "__main__":
    main()
