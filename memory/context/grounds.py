"""What the prompts of a namespace and project may get beside documents: its memories and the project's state."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Protocol

from memory.context.pool import Held, Pool
from memory.context.statements import Statement, statements_of
from memory.projects.state import Fact

MOST_HELD: Final = 1024
"""Namespaces and projects, those used last."""


class Stated(Protocol):
    """As much of ``memory.projects.state.State`` as packs need."""

    def active(self, namespace: str, project: str) -> tuple[Fact, ...]:
        """What holds now of a project. Raises ``DatabaseError``."""
        ...

    def version(self, namespace: str) -> int:
        """Rises after each committed change of the namespace's state."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Memories and state as they were at one moment."""

    held: Held
    statements: tuple[Statement, ...]
    version: int
    """The state's, when it was read."""
    mark: object = field(default_factory=object)
    """Stands for these very memories and state; what was chosen of them can be remembered under it."""

    def __bool__(self) -> bool:
        """Is there anything?"""
        return bool(self.statements) or len(self.held) > 0


class Grounds:
    """Those of the namespaces and projects used last. Usable from any thread."""

    def __init__(self, pool: Pool, state: Stated) -> None:
        self._pool = pool
        self._state = state
        self._held: OrderedDict[tuple[str, str], Ground] = OrderedDict()
        self._lock = threading.Lock()

    def current(self, namespace: str, project: str) -> Ground | None:
        """What is held, if nothing has changed since; reads nothing."""
        held = self._pool.current(namespace)
        if held is None:
            return None
        with self._lock:
            ground = self._held.get((namespace, project))
            if ground is None or ground.held is not held or ground.version != self._state.version(namespace):
                return None
            self._held.move_to_end((namespace, project))
        return ground

    def of(self, namespace: str, project: str) -> Ground:
        """The same, read where that is needed. Raises ``DatabaseError``."""
        ground = self.current(namespace, project)
        if ground is None:
            # Taken first: what changes while the rows are read makes them outdated.
            version = self._state.version(namespace)
            facts = self._state.active(namespace, project) if project else ()
            ground = Ground(self._pool.of(namespace), statements_of(facts), version)
            self._keep((namespace, project), ground)
        return ground

    def _keep(self, key: tuple[str, str], ground: Ground) -> None:
        with self._lock:
            self._held[key] = ground
            self._held.move_to_end(key)
            while len(self._held) > MOST_HELD:
                self._held.popitem(last=False)
