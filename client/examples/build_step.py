"""A build step: built once for each state of its sources, and never served stale.

    reprise serve --config config.yaml
    python examples/build_step.py page.md

What names the call is the path; whether an earlier result still holds, ``valid`` decides last: the source must not
have changed since that run began, and what it built must still be there.
"""

from __future__ import annotations

import contextlib
import html
import json
import sys
from pathlib import Path

from reprise_client import InteractionLogger, PastRun, Unavailable

logger = InteractionLogger(project="site")


def is_fresh(entry: PastRun) -> bool:
    """Is the source older than the build, and the build still there?"""
    source, target = Path(entry.input), Path(entry.output)
    return source.stat().st_mtime < entry.started_at and target.is_file()


@logger.tool(tool_id="build-page", key=lambda source: str(source.resolve()), valid=is_fresh)
def build(source: Path) -> str:
    """Make a page of a text; gives its path."""
    target = source.with_suffix(".html")
    paragraphs = source.read_text("utf-8").split("\n\n")
    target.write_text("".join(f"<p>{html.escape(text)}</p>\n" for text in paragraphs), "utf-8")
    return str(target.resolve())


if __name__ == "__main__":
    pages = [Path(name) for name in sys.argv[1:]]
    for page in pages:
        for _ in range(2):
            ran = build.run(page)
            print(f"{page} -> {ran.value} ({ran.status})")
    with contextlib.suppress(Unavailable):
        figures = logger.get_tool_statistics("build-page")
        print(json.dumps({name: figures[name] for name in ("runs", "hits", "hit_rate", "time_saved_ms")}))
    logger.close()
