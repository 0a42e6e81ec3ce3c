"""Shares estimated from a few checked cases, with the interval in which the true share lies. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from cache.budget import clopper_pearson
from memory.statistics.audits import Checked

CONFIDENCE: Final = 0.95
"""Of the two-sided interval."""
NO_AUDITS: Final = "no audits yet"

Row = dict[str, Any]


def estimate(wrong: int, checked: int, none: str = NO_AUDITS) -> Row:
    """Wrong answers per answer: ``rate`` with ``low`` and ``high``, Clopper and Pearson's bounds at 95 %.

    Without a case, all three are None and ``note`` says why.
    """
    if not checked:
        return {"rate": None, "low": None, "high": None, "wrong": 0, "checked": 0, "note": none}
    low, high = clopper_pearson(wrong, checked, (1 + CONFIDENCE) / 2)
    return {
        "rate": round(wrong / checked, 6),
        "low": round(low, 6),
        "high": round(high, 6),
        "wrong": wrong,
        "checked": checked,
    }


def error_of_hits(found: Iterable[Checked]) -> Row:
    """Wrong answers per semantic hit, as audits found, and apart from it what people said of hits.

    Audits are drawn at random from the would-be hits; what people speak of is not.
    """
    listed = list(found)
    audits = [one for one in listed if one.source == "audit"]
    said = [one for one in listed if one.source != "audit"]
    wrong = sum(one.wrong for one in audits)
    return {
        "semantic_error": estimate(wrong, wrong + sum(one.right for one in audits)),
        "feedback": {"right": sum(one.right for one in said), "wrong": sum(one.wrong for one in said)},
    }


def beside_rates(summary: Row, found: list[Checked]) -> Row:
    """A summary with the estimated error beside each semantic hit rate, in total and by group; sessions apart."""
    by = {
        group: rows if group == "session" else [{**row, **_of(found, group, row[group])} for row in rows]
        for group, rows in summary["by"].items()
    }
    tiers = {**summary["tiers"], "semantic": {**summary["tiers"]["semantic"], **error_of_hits(found)}}
    return {**summary, "tiers": tiers, "by": by}


def with_errors(buckets: list[Row], found: list[Checked], start: Callable[[str], str]) -> list[Row]:
    """The buckets of a trend with their estimated errors; ``start`` gives the bucket of ``YYYY-MM-DD HH``."""
    by_bucket: dict[str, list[Checked]] = {}
    for one in found:
        by_bucket.setdefault(start(one.hour), []).append(one)
    return [{**row, **error_of_hits(by_bucket.get(row["at"], ()))} for row in buckets]


def _of(found: list[Checked], group: str, name: str) -> Row:
    return error_of_hits(one for one in found if one.groups[group] == name)
