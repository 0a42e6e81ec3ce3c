"""The operator's rules for sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from memory.sessions.signals import Phrases


@dataclass(frozen=True, slots=True)
class Rules:
    """Times in seconds, scores in [0, 1]."""

    domains: Sequence[str] = ()
    """What problems are filed under."""
    phrases: Phrases = field(default_factory=Phrases)
    attach_at: float = 0.75
    """Match score from which a flow is attached, inclusive."""
    suggest_at: float = 0.6
    """Match score from which a flow is suggested, inclusive."""
    idle: float = 1800.0
    """Silence after which a session ends where its last words are pleased, and pauses otherwise."""
    abandon_after: float = 86400.0
    """Silence after which a session without success is abandoned."""
