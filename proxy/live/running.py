"""What calls are answered under: one revision of the configuration, made ready, and replaced as a whole.

A call reads ``Live.now`` once and keeps what it got, so it never meets a half of one revision and a half of another.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import SecretStr

from cache.quota import WriteQuota
from proxy.auth import Authenticator, Caller
from proxy.config import CacheSettings, Settings
from proxy.experiments.drawing import Experiments
from proxy.policy.policies import Policies, build_policies
from proxy.policy.routing import Routes
from proxy.upstreams.base import Target
from proxy.upstreams.router import Router

SHOWN = 12
"""Hex digits of a revision."""


@dataclass(frozen=True, slots=True)
class Running:
    """One revision at work."""

    settings: Settings
    revision: str
    """A short hash of the effective settings."""
    loaded_at: str
    """When it took effect: ISO 8601, UTC."""
    policies: Policies
    authenticator: Authenticator
    router: Router
    quota: WriteQuota | None
    """Of the answers that a namespace may store; None: no limit."""


class Live:
    """Holds what runs. ``now`` may be read from any thread; changes take turns.

    Args:
        settings: those of the start.
        secret: random bytes of this data directory, which key hashes.
        kept: gives the arm kept of each experiment that was stopped. Raises ``DatabaseError``.
    """

    def __init__(self, settings: Settings, secret: bytes, kept: Callable[[], Mapping[str, str]] = dict) -> None:
        self._secret = secret
        self._kept = kept
        self._lock = threading.Lock()
        self.now = Running(
            settings=settings,
            revision=revision_of(settings, secret),
            loaded_at=stamp_of(time.time()),
            policies=_policies(settings.cache, kept()),
            authenticator=Authenticator(settings.auth, secret),
            router=Router(settings.model_list, settings.server),
            quota=_quota(settings.cache),
        )

    def adopt(self, settings: Settings) -> None:
        """Put other settings in force. Raises ``DatabaseError``, and then changes nothing."""
        with self._lock:
            before = self.now
            same_quota = settings.cache.writes_per_minute == before.settings.cache.writes_per_minute
            self.now = Running(
                settings=settings,
                revision=revision_of(settings, self._secret),
                loaded_at=stamp_of(time.time()),
                policies=_policies(settings.cache, self._kept()),
                authenticator=Authenticator(settings.auth, self._secret),
                router=Router(settings.model_list, settings.server),
                # Another edit must not hand out the minute's quota anew.
                quota=before.quota if same_quota else _quota(settings.cache),
            )

    def refresh(self) -> None:
        """Take note that an experiment was stopped. Raises ``DatabaseError``."""
        with self._lock:
            self.now = replace(self.now, policies=_policies(self.now.settings.cache, self._kept()))

    def may_store(self, namespace: str) -> bool:
        """May the namespace store one more answer now? If so, it counts."""
        quota = self.now.quota
        return quota is None or quota.allow(namespace)

    def forget(self, namespace: str) -> None:
        """Let a namespace begin with a whole quota again."""
        quota = self.now.quota
        if quota is not None:
            quota.forget(namespace)

    def logs_calls(self) -> bool:
        """Are calls to models recorded?"""
        return self.now.settings.memory.interactions.llm

    def resolve(self, model: str, caller: Caller) -> Target:
        """Where a call for this model goes now. Raises ``NotFound``."""
        return self.now.router.resolve(model, caller)


def revision_of(settings: Settings, secret: bytes) -> str:
    """A short hash of the settings, the same for the same settings under one data directory.

    Keyed, because it is shown to everybody: nobody may try keys against it.
    """
    plain = orjson.dumps(settings.model_dump(), default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hmac.digest(secret, plain, "sha256").hex()[:SHOWN]


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _policies(cache: CacheSettings, kept: Mapping[str, str]) -> Policies:
    policies = build_policies(cache)
    if not cache.experiments:
        return policies
    return Policies(policies.named, Routes(cache.routes), Experiments(cache.experiments, policies.named, kept))


def _quota(cache: CacheSettings) -> WriteQuota | None:
    return None if cache.writes_per_minute is None else WriteQuota(cache.writes_per_minute)


def stamp_of(seconds: float) -> str:
    """ISO 8601, UTC, of a time in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
