"""What a rule found, before limits."""

from __future__ import annotations

from dataclasses import dataclass

from memory.memories.memory import MemoryType, Role


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement, where it stands, and the rule that found it."""

    memory_type: MemoryType
    content: str
    rule: str
    role: Role
    start: int
    end: int
