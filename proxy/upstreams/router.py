"""Which upstream answers a model, by the configured list."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cache.identity import canonical
from proxy.auth import Caller
from proxy.config import ModelEntry, ServerSettings
from proxy.errors import NotFound
from proxy.upstreams.base import Target

DIRECT = frozenset({"openai", "custom_openai", "openai_like", "hosted_vllm"})
"""LiteLLM's provider prefixes whose servers speak OpenAI's own format."""


class Router:
    """Finds the entry for a model: by its whole name first, then by the longest pattern with a ``*``.

    Where several entries share a name, the first one answers.
    """

    def __init__(self, entries: Sequence[ModelEntry], server: ServerSettings) -> None:
        self._server = server
        self._named: dict[str, ModelEntry] = {}
        patterns: list[ModelEntry] = []
        for entry in entries:
            if "*" in entry.model_name:
                patterns.append(entry)
            else:
                self._named.setdefault(entry.model_name, entry)
        self._settings = {id(entry): _digest(entry) for entry in entries}
        self._patterns = sorted(patterns, key=lambda entry: -len(entry.model_name))

    @property
    def names(self) -> list[str]:
        """The models that are configured by name."""
        return list(self._named)

    @property
    def patterns(self) -> list[ModelEntry]:
        """The entries that answer many models."""
        return self._patterns

    def resolve(self, model: str, caller: Caller) -> Target:
        """Where a call for this model goes. Raises ``NotFound``."""
        entry = self._named.get(model)
        if entry is not None:
            return self._target(entry, entry.litellm_params.model, caller)
        for entry in self._patterns:
            star = _match(entry.model_name, model)
            # A URL as a model's name is an address to some of LiteLLM's providers.
            if star is not None and "://" not in star:
                return self._target(entry, entry.litellm_params.model.replace("*", star, 1), caller)
        raise NotFound(f"The model {model!r} is not configured here.", param="model", code="model_not_found")

    def _target(self, entry: ModelEntry, name: str, caller: Caller) -> Target:
        params = entry.litellm_params
        provider, slash, model = name.partition("/")
        if not slash:
            provider, model = "openai", name
        key = params.api_key.get_secret_value() if params.api_key else None
        return Target(
            provider=provider,
            model=model,
            api_base=str(params.api_base) if params.api_base else None,
            api_key=key or caller.authorization,
            own_key=key is None,
            extra_headers=params.extra_headers,
            params=params.model_extra or {},
            timeout=params.timeout or self._server.request_timeout,
            stream_timeout=params.stream_timeout or self._server.stream_timeout,
            settings=self._settings[id(entry)],
        )


def _digest(entry: ModelEntry) -> str:
    """What of an entry can change the answers, beside provider, model and base; empty where there is nothing."""
    params = entry.litellm_params
    said = {**(params.model_extra or {}), **({"extra_headers": params.extra_headers} if params.extra_headers else {})}
    return hashlib.sha256(canonical(said).encode()).hexdigest()[:16] if said else ""


def is_direct(target: Target) -> bool:
    """Does the target speak OpenAI's own format?"""
    return target.provider in DIRECT


def name_of(model: str, pattern: str, target: Target) -> str | None:
    """What callers write for a model that a pattern's upstream lists; None where the pattern does not lead to it."""
    star = _match(target.model, model) if "*" in target.model else model
    return None if star is None else pattern.replace("*", star, 1)


def _match(pattern: str, model: str) -> str | None:
    """What the pattern's star stands for in a model's name; None where it does not match."""
    head, _, tail = pattern.partition("*")
    if len(model) > len(head) + len(tail) - 1 and model.startswith(head) and model.endswith(tail):
        return model[len(head) : len(model) - len(tail)]
    return None
