"""Plain-text tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

Cell = str | int | float | None


class Percent(float):
    """A share, shown in percent with one decimal."""


class Fine(float):
    """A share, shown in percent with two decimals."""


def show(title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table; text to the left, numbers to the right."""
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in [list(header), *texts]) for column in range(len(header))]
    left = [bool(rows) and all(isinstance(row[column], str) for row in rows) for column in range(len(header))]
    print(f"\n{title}")
    for line in [list(header), *texts]:
        cells = [
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(line, widths, left, strict=True)
        ]
        print("  " + "  ".join(cells).rstrip(), flush=True)


def _text(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "-"
    if isinstance(cell, Percent):
        return f"{100 * cell:.1f}"
    if isinstance(cell, Fine):
        return f"{100 * cell:.2f}"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
