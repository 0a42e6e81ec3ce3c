"""Which of several sessions a turn belongs to, where all share a derived session id. Pure.

Whoever opens with the same words gets the same derived id, at the same time or next week. A turn is therefore held
against the sessions of that id by the history that it sends:

- it goes on in the session whose latest turn its history holds, the deepest one, the one whose answer it shows, the
  latest one, in this order;
- the same turn again is a repetition, an opening only while nobody has gone on from the first one and it is not idle;
- an opening otherwise begins another session, and so does a turn whose history leaves a session's at an earlier turn.
  That one takes repetitions with it that the session left behind: they may have been its own.

Turns are taken in their order of time, whatever the order is in which they become known, so the outcome is the same.
The first session has the derived id itself, others have that id, a dot and the end of their first interaction's id.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise

from memory.sessions.reading import Reading


@dataclass(slots=True)
class _Thread:
    id: str
    client: str
    groups: list[list[Reading]] = field(default_factory=list)
    """By turn; several readings of one are repetitions."""
    beside: list[Reading] = field(default_factory=list)
    """Runs of tools that were posted."""

    @property
    def latest(self) -> str:
        return self.groups[-1][0].turn if self.groups else ""

    @property
    def at(self) -> str:
        times: list[str] = [one.at for one in (*(self.groups[-1] if self.groups else ()), *self.beside)]
        return max(times)

    def add(self, reading: Reading) -> None:
        if not reading.is_talk:
            self.beside.append(reading)
        elif self.groups and self.latest == reading.turn:
            self.groups[-1].append(reading)
        else:
            self.groups.append([reading])


def assign(readings: Sequence[Reading], settled: Mapping[str, str], idle: float) -> dict[str, str]:
    """The session of each interaction, by its id.

    Args:
        readings: all of one derived id.
        settled: sessions that must not change any more, by interaction.
        idle: seconds after which an opening is not repeated but made anew.
    """
    threads: list[_Thread] = []
    for reading in sorted(readings, key=lambda one: (one.at, one.interaction_id)):
        held = settled.get(reading.interaction_id)
        thread = next((one for one in threads if one.id == held), None) if held else _home(threads, reading, idle)
        if thread is None:
            thread = _Thread(held or _name(reading, threads, settled), reading.client)
            if held is None:
                _take_along(threads, thread, reading, settled)
            threads.append(thread)
        thread.add(reading)
    placed: dict[str, str] = {}
    for thread in threads:
        placed |= {one.interaction_id: thread.id for one in chain(*thread.groups, thread.beside)}
    return placed


def _home(threads: Sequence[_Thread], reading: Reading, idle: float) -> _Thread | None:
    """The session that a turn goes on in, or repeats the latest turn of."""
    own = [thread for thread in threads if thread.client == reading.client]
    if not reading.is_talk:
        return max(own, key=lambda one: one.at, default=None)
    again = [thread for thread in own if thread.latest == reading.turn]
    if reading.opens:
        again = [one for one in again if len(one.groups) == 1 and _seconds(one.at, reading.at) <= idle]
    before = {place.turn: (depth, place.answer) for depth, place in enumerate(reading.path[:-1])}
    going_on = [thread for thread in own if thread.latest in before]

    def fits(thread: _Thread) -> tuple[int, bool, str]:
        depth, shown = before[thread.latest]
        return depth, any(one.answer == shown for one in thread.groups[-1]), thread.at

    best = max(going_on, key=fits, default=None)
    repeated = max(again, key=lambda one: one.at, default=None)
    if repeated is None or best is None:
        return repeated or best
    # Two talks of the very same words: the one that was going on is the one that goes on.
    waits = before[best.latest][0] == len(before) - 1
    return best if waits and best.at > repeated.at else repeated


def _take_along(threads: Sequence[_Thread], new: _Thread, reading: Reading, settled: Mapping[str, str]) -> None:
    """Move the repetitions that lie on a turn's path out of the session that it leaves."""
    path = {place.turn: place.answer for place in reading.path[:-1]}
    left = max(
        (one for one in threads if one.client == new.client),
        key=lambda one: sum(group[0].turn in path for group in one.groups),
        default=None,
    )
    if left is None:
        return
    for group, follows in pairwise(left.groups):
        if group[0].turn not in path or len(group) < 2:
            continue
        kept = _shown_by(group, follows[0])
        spare = [one for one in group if one is not kept and one.interaction_id not in settled]
        if spare:
            shown = path[group[0].turn]
            taken = next((one for one in reversed(spare) if one.answer == shown), spare[-1])
            group.remove(taken)
            new.add(taken)


def _shown_by(group: Sequence[Reading], follower: Reading) -> Reading:
    """Of repetitions the one that the next turn went on from."""
    shown = follower.shown
    fitting = [one for one in group if shown is not None and one.answer == shown.answer]
    return (fitting or group)[0]


def _name(reading: Reading, threads: Sequence[_Thread], settled: Mapping[str, str]) -> str:
    if not threads and reading.root not in settled.values():
        return reading.root
    return f"{reading.root}.{reading.interaction_id[-10:]}"


def _seconds(earlier: str, later: str) -> float:
    return (dt.datetime.fromisoformat(later) - dt.datetime.fromisoformat(earlier)).total_seconds()
