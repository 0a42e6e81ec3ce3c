"""What memory is worth, as ``/stats`` shows it: the comparison of sessions, and what upstreams had cached."""

from __future__ import annotations

from typing import Any

from cache.quality import CORRECTED, REPEATED, reaction
from memory.statistics.calls import Calls
from memory.statistics.holdouts import by_holdout, conversations, prompt_cache
from memory.statistics.objections import objects
from memory.statistics.turns import Said
from memory.statistics.worth import NO_HOLDOUT, worth
from store.database import Database

Row = dict[str, Any]


def worth_of(database: Database, calls: Calls, holdout: float) -> Row:
    """``worth`` compares sessions with memories and sessions held out, ``prompt_cache`` says what upstreams had cached.

    Raises ``DatabaseError``.

    Args:
        holdout: share of sessions that are held out now; what was held out in the window counts whatever it is.
    """
    found = by_holdout(database, calls)
    compared = _compared(database, calls, holdout, any_held_out=True in found)
    return {"worth": compared, "prompt_cache": prompt_cache(found)}


def _compared(database: Database, calls: Calls, holdout: float, *, any_held_out: bool) -> Row:
    if not holdout and not any_held_out:
        return {"holdout": holdout, "note": NO_HOLDOUT}
    found = conversations(database, calls, reacts)
    compared = worth(found.conversations)
    for arm, held_out in (("with_memory", False), ("held_out", True)):
        compared["arms"][arm]["memories_contradicted"] = found.contradicted[held_out]
    return {"holdout": holdout, **compared, "left_out": dict(found.left_out)}


def reacts(asked: str, said: str) -> Said | None:
    """Does what is said object to the answer to what was asked, or ask the same again?"""
    evidence = reaction(asked, said)
    if evidence == CORRECTED or objects(said):
        return "corrected"
    return "repeated" if evidence == REPEATED else None
