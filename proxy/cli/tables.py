"""The statistics as tables for people."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from proxy.cli.section_tables import print_flows, print_ingestion
from proxy.insights.advice import budgets_of, sentence

NARROW = 120
"""Columns that a table takes where the output is no terminal."""
MOST_GROUPS = 10
UNBROKEN = ("error", "entry", "example", "last seen", "count", "hour, UTC", "day, UTC")
"""Columns whose values are not broken over lines."""

Row = Mapping[str, Any]


def print_all(found: Row, *, semantic: bool, sessions: bool) -> None:
    """The summary, what serving by meaning stands on, the sections that are there, and what to do next.

    Args:
        sessions: list the sessions too? There are as many of them as conversations.
    """
    print_summary(found)
    _print_groups(found["by"], sessions=sessions)
    if semantic:
        _print_labels(found["semantic"])
    _print_standing(found, everything=semantic)
    _print_memory(found["memory"])
    print_flows(found["flows"])
    print_ingestion(found["ingestion"])
    for name, show in SECTIONS.items():
        if name in found:
            show(found[name])
    _print_advice(found["advice"])


def print_summary(summary: Row) -> None:
    """The figures of all calls."""
    from rich.table import Table

    table = Table("", "", show_header=False, box=None)
    tiers, latency, tokens, cost = (summary[name] for name in ("tiers", "latency_ms", "tokens", "cost_usd"))
    table.add_row("requests", f"{summary['requests']}  ({summary['failures']} failed, {summary['collapsed']} joined)")
    stale = f", {summary['stale']} past their expiry" if summary["stale"] else ""
    table.add_row("hit rate", f"{summary['hit_rate']:.1%}  ({summary['hits']} hits{stale})")
    for tier, figures in tiers.items():
        error = f"  error {error_of(figures['semantic_error'], ' audits')}" if "semantic_error" in figures else ""
        table.add_row(f"  {tier}", f"{figures['hit_rate']:.1%}  ({figures['hits']}){error}")
    table.add_row("misses", _reasons(summary["misses"]))
    table.add_row("bypasses", _reasons(summary["bypasses"]))
    for kind in ("hit", "miss"):
        p50, p95 = latency[kind]["p50"], latency[kind]["p95"]
        table.add_row(f"{kind} latency", "-" if p50 is None else f"p50 {p50:.2f} ms, p95 {p95:.2f} ms")
    estimated = f"  ({tokens['estimated_calls']} calls estimated)" if tokens["estimated_calls"] else ""
    table.add_row(
        "tokens saved", f"{tokens['saved']} of {tokens['saved'] + tokens['prompt'] + tokens['completion']}{estimated}"
    )
    table.add_row("money saved", f"${cost['saved']:.4f}  (spent ${cost['spent']:.4f})")
    _print(table)


def _print_groups(by: Row, *, sessions: bool) -> None:
    """A table for each trait by which calls differ; one group alone would say the summary again."""
    for group, rows in by.items():
        if len(rows) > 1 and (sessions or group != "session"):
            _print(_group_table(group, rows))


def error_of(error: Row, what: str = "") -> str:
    """An estimated error with its interval, and of how many it is known."""
    if error["rate"] is None:
        return f"unknown: {error['note']}"
    return f"{error['rate']:.1%} [{error['low']:.1%}, {error['high']:.1%}] of {error['checked']}{what}"


def _group_table(group: str, rows: list[dict[str, Any]]) -> Any:
    audited = any(row.get("semantic_error", {}).get("checked") for row in rows)
    headers = [group, "requests", "hits", "hit rate", "by meaning", "tokens saved", "money saved"]
    table = _table(*headers, *(["error"] if audited else []))
    for row in rows[:MOST_GROUPS]:
        figures = [
            row["requests"],
            row["hits"],
            f"{row['hit_rate']:.1%}",
            f"{row['semantic_hit_rate']:.1%}",
            row["tokens_saved"],
            f"${row['cost_saved_usd']:.4f}",
        ]
        table.add_row(row[group] or "-", *map(str, figures), *([error_of(row["semantic_error"])] if audited else []))
    return table


def _print_standing(found: Row, *, everything: bool) -> None:
    semantic = found["semantic"]
    if not semantic:
        print("\nby meaning: no labels yet; where a shipped cut fits verifier and embedder, it serves until there are")
    for namespace, standing in semantic.items():
        print("")
        budgets = budgets_of(standing, {"by": {"policy": []}} if everything else found)
        for budget, now in budgets.items():
            known = f"; {now['labels_above']} labels above it" if now["cut"] is not None else ""
            bound = f", error at most {now['error_at_most']:.1%}" if now["error_at_most"] is not None else ""
            print(f"by meaning, {namespace}: {sentence(budget, now)}{known}{bound}")


def _print_memory(memory: Row) -> None:
    """Nothing, where there is no memory and no work for it."""
    kept, moved, jobs = memory["memories"], memory["references"], memory["jobs"].values()
    waiting, aside = (sum(counted[state] for counted in jobs) for state in ("waiting", "set_aside"))
    if any(kept.values()):
        to_review = sum(memory["to_review"].values())
        hint = " (reprise review)" if to_review else ""
        print(f"\nmemories: {kept['active']} active, {to_review} to review{hint}; {moved['used']} used by answers")
    if waiting or aside:
        failed = f", {aside} set aside after failing too often (GET /admin/jobs)" if aside else ""
        print(f"memory's queue: {waiting} waiting{failed}")
    _print_prompt_cache(memory["prompt_cache"])
    if any(kept.values()) or "arms" in memory["worth"]:
        _print_worth(memory["worth"])


def _print_prompt_cache(cached: Row) -> None:
    shares = [
        f"{part['share']:.1%} {words}"
        for part, words in ((cached["with_memory"], "with memories in it"), (cached["without"], "without"))
        if part["share"] is not None
    ]
    if shares:
        tokens = f"{cached['cached_tokens']} of {cached['prompt_tokens']} tokens"
        print(f"upstreams had cached {cached['share']:.1%} of the prompts ({tokens}): {', '.join(shares)}")


def _print_worth(worth: Row) -> None:
    """Sessions with memories beside those held out."""
    if "arms" in worth:
        arms = worth["arms"]
        table = _table("", "with memories", "held out", "difference", "95 %", title="What memory is worth")
        table.add_row("sessions", *(str(arms[arm]["sessions"]) for arm in ("with_memory", "held_out")), "", "")
        for name, row in worth["measures"].items():
            digits = ".4f" if name.startswith(("corrections", "repeats")) else ".1f"
            means = ("-" if row[arm] is None else f"{row[arm]:{digits}}" for arm in ("with_memory", "held_out"))
            difference = "-" if row["difference"] is None else f"{row['difference']:+{digits}}"
            bounds = "-" if row["low"] is None else f"[{row['low']:+{digits}}, {row['high']:+{digits}}]"
            table.add_row(name.replace("_", " "), *means, difference, bounds)
        _print(table)
    if worth["note"]:
        print(f"memory's worth: {worth['note']}")


def _print_labels(semantic: Row) -> None:
    for namespace, standing in semantic.items():
        table = _table(f"labels of {namespace}", "right", "wrong", title=f"verifier {standing['verifier']}")
        for source, counted in standing["labels"].items():
            table.add_row(source, str(counted["right"]), str(counted["wrong"]))
        _print(table)


def _print_prompts(found: Row) -> None:
    saved = _table("saved", "tokens", "hits", "entry", "prompt", title="What saved most")
    for row in found["saved"]:
        saved.add_row(_money(row["cost_saved_usd"]), str(row["tokens_saved"]), str(row["hits"]), *_named(row))
    _print(saved)
    repeated = _table("again", "in all", "calls", "why", "prompt", title="Paid for more than once")
    for row in found["repeated"]:
        why = ", ".join(f"{reason} {n}" for reason, n in list(row["why"].items())[:3])
        repeated.add_row(
            _money(row["cost_repeated_usd"]), _money(row["cost_usd"]), str(row["calls"]), why, _short(row["prompt"])
        )
    _print(repeated)
    near = _table(
        "cost", "calls", "best score", "entry", "prompt", title="Misses whose nearest stored answer was right"
    )
    for row in found["nearly_repeated"]:
        near.add_row(_money(row["cost_usd"]), str(row["calls"]), f"{row['best_score']:.3f}", *_named(row))
    _print(near)
    reasons = _table("policy", "status", "reason", "calls", "repeats", "cost", "of repeats", title="What was forwarded")
    for row in found["reasons"][:MOST_GROUPS]:
        repeats = f"{row['repeats']} ({row['repeat_share']:.0%})"
        money = (_money(row["cost_usd"]), _money(row["cost_repeated_usd"]))
        reasons.add_row(row["policy"], row["cache_status"], row["reason"], str(row["calls"]), repeats, *money)
    _print(reasons)


def _print_tools(found: Row) -> None:
    tools = _table("tool", "runs", "failed", "repeats", "time spent on repeats", title="Tools that ran")
    for row in found["tools"]:
        repeats = f"{row['repeats']} ({row['repeat_share']:.0%})"
        tools.add_row(
            row["tool"], str(row["runs"]), str(row["failures"]), repeats, f"{row['ms_repeated'] / 1000:.1f} s"
        )
    _print(tools)
    asked = _table("tool", "calls", "same arguments again", title="Tools that models asked for")
    for row in found["asked_for"]:
        asked.add_row(row["tool"], str(row["calls"]), f"{row['repeats']} ({row['repeat_share']:.0%})")
    _print(asked)
    for dimension, rows in found["by"].items():
        table = _table(dimension, "calls", "hit rate", "forwarded", "exact repeats", "their cost")
        for row in rows:
            repeats = f"{row['repeats']} ({row['repeat_share']:.0%})"
            figures = (str(row["calls"]), f"{row['hit_rate']:.1%}", str(row["forwarded"]), repeats)
            table.add_row(row[dimension] or "-", *figures, _money(row["cost_repeated_usd"]))
        _print(table)


def _print_near_misses(found: Row) -> None:
    print("\nNear misses")
    if not found["lines"]:
        print("  none: no miss of this window had a candidate that was judged")
    for line in found["lines"]:
        where = f"{line['namespace']}, policy {line['policy']}"
        print(f"  {where}: {line['judged']} misses judged" + (f"; {line['note']}" if line["note"] else ""))
        for step in line["steps"]:
            if step["calls"]:
                print(f"    {step['says']}")
    for row in found["nearest"]:
        scored = f"score {row['score']:.3f}" if row["score"] is not None else f"similarity {row['similarity']:.3f}"
        right = {True: "would have been right", False: "would have been wrong", None: "not compared"}[row["right"]]
        print(f"  {scored}, cut {row['cut']:.3f}: {right}  ({row['interaction_id']})")
        print(f"    new     {_short(row['prompt'])}")
        print(f"    stored  {_short(row['stored_prompt'] or 'not known')}")


def _print_errors(found: Row) -> None:
    title = f"{found['failures']} failures in {found['count']} patterns"
    table = _table("count", "status", "error", "last seen", "of", "pattern", "example", title=title)
    for row in found["patterns"]:
        names = ", ".join(name or "-" for name in list(row["names"])[:3])
        status = str(row["status_code"] or "-")
        table.add_row(
            str(row["count"]), status, row["error"], row["last"], names, _short(row["pattern"]), row["example"]
        )
    _print(table)


def _print_trend(found: Row) -> None:
    headers = ("calls", "hit rate", "exact", "by meaning", "failed", "saved", "p50 ms", "error")
    table = _table(f"{found['bucket']}, UTC", *headers)
    # What was before the first call says nothing; a gap between calls does.
    for row in itertools.dropwhile(lambda row: not row["calls"], found["buckets"]):
        median = "-" if row["latency_ms_p50"] is None else f"{row['latency_ms_p50']:.1f}"
        error = "-" if row["semantic_error"]["rate"] is None else error_of(row["semantic_error"])
        hits = (f"{row['hit_rate']:.1%}", str(row["exact_hits"]), str(row["semantic_hits"]))
        money = _money(row["cost_saved_usd"])
        table.add_row(row["at"][:16], str(row["calls"]), *hits, str(row["failures"]), money, median, error)
    _print(table)


SECTIONS = {
    "prompts": _print_prompts,
    "tools": _print_tools,
    "near_misses": _print_near_misses,
    "errors": _print_errors,
    "trend": _print_trend,
}


def _print_advice(advice: Iterable[str]) -> None:
    lines = list(advice)
    if lines:
        print("\nWhat to do next")
    for number, line in enumerate(lines, 1):
        print(f"  {number}. {line}")


def _named(row: Row) -> tuple[str, str]:
    return str(row["entry_id"]), _short(row["prompt"])


def _short(text: str, most: int = 72) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _money(dollars: float) -> str:
    return f"${dollars:.4f}"


def _reasons(counted: Row) -> str:
    reasons = ", ".join(f"{reason} {n}" for reason, n in counted["reasons"].items())
    return f"{counted['count']}  ({reasons})" if reasons else str(counted["count"])


def _table(*headers: str, title: str | None = None) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None)
    for header in headers:
        table.add_column(header, no_wrap=header in UNBROKEN, overflow="fold")
    return table


def _print(table: Any) -> None:
    from rich.console import Console

    if not table.row_count:
        return
    # Piped output counts as 80 columns; the tables want a few more.
    width = max(NARROW, shutil.get_terminal_size((NARROW, 24)).columns)
    Console(highlight=False, markup=False, width=width).print(table)
