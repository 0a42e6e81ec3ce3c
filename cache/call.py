"""A call as the cache sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cache.classes import classes_of
from cache.history import is_comparable
from cache.identity import Earlier, Fuzzy, Scope, earlier_part, exact_key, fuzzy_part
from cache.policy import Policy


@dataclass(frozen=True)
class Call:
    """One chat call: its body as the client sent it, where it belongs, and the policy it meets.

    The keys are computed when first asked for: an exact hit never needs the fuzzy part.
    """

    body: Mapping[str, Any]
    scope: Scope
    policy: Policy
    refresh: bool = False
    """The caller wants a fresh answer, which then replaces the stored one."""
    store: bool = True
    """May the answer be stored?"""
    tags: tuple[str, ...] = ()
    auditable: bool = True
    """May a would-be hit be forwarded to measure the error of hits? Not where nothing is forwarded at all."""
    asked: int | None = None
    """``Cache.mark`` when the call came in: its answer is not stored if an invalidation since then covers it."""

    @cached_property
    def classes(self) -> list[str]:
        """See ``cache.classes.classes_of``."""
        return classes_of(self.body, self.policy)

    @cached_property
    def exact_key(self) -> str:
        """See ``cache.identity.exact_key``."""
        return exact_key(self.body, self.scope)

    @cached_property
    def fuzzy(self) -> Fuzzy | None:
        """See ``cache.identity.fuzzy_part``."""
        return fuzzy_part(self.body, self.scope)

    @cached_property
    def earlier(self) -> Earlier | None:
        """The turns before the last, where policy lets them match by meaning and they can be compared."""
        if self.policy.match_history == "equal":
            return None
        earlier = earlier_part(self.body, self.scope)
        return earlier if is_comparable(earlier) else None

    @property
    def streamed(self) -> bool:
        """Does the caller want a stream?"""
        return bool(self.body.get("stream"))

    @property
    def known_compat_key(self) -> str | None:
        """The compat_key where somebody needed it; an exact hit is not worth computing it for."""
        fuzzy = self.__dict__.get("fuzzy")
        return fuzzy.compat_key if isinstance(fuzzy, Fuzzy) else None
