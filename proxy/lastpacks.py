"""What each caller was given last, to be looked at by that caller alone. Kept in this process, for the latest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cachetools import LRUCache

from memory.context.packs import Pack
from proxy.auth import Caller

MOST_CHARS: Final = 4_000_000
"""Of all packs that are kept."""
_LEAST_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class Shown:
    """A pack as it was given."""

    pack: Pack
    project: str
    budget: int
    at: str
    """UTC, ``YYYY-MM-DD HH:MM:SS``."""
    session: str | None = None
    """The call's; None for one that was only built."""
    interaction: str | None = None


class LastPacks:
    """The last pack of each caller, and of each of its sessions. Belongs to one event loop."""

    def __init__(self) -> None:
        self._held: LRUCache[tuple[str, str, str | None], Shown] = LRUCache(MOST_CHARS, _size)

    def put(self, caller: Caller, shown: Shown) -> None:
        """Keep what a caller was given."""
        for session in {None, shown.session}:
            self._held[(*_name(caller), session)] = shown

    def of(self, caller: Caller, session: str | None = None) -> Shown | None:
        """What this caller was given last, in a session where one is named; None for nothing."""
        return self._held.get((*_name(caller), session))

    def forget(self) -> None:
        """Drop them all."""
        self._held.clear()


def _name(caller: Caller) -> tuple[str, str]:
    """Two keys of one namespace are two callers; without keys the namespace is the caller."""
    return caller.namespace, caller.key_id


def _size(shown: Shown) -> int:
    return _LEAST_SIZE + len(shown.pack.text)
