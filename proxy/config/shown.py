"""The configuration in force, fit to be shown: secrets masked, values as people write them."""

from __future__ import annotations

import re
from typing import Any

from proxy.config.models import Settings

MASK = "**********"

_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+(?=@)")
_PLAIN = frozenset({"model", "api_base", "timeout", "stream_timeout", "api_version", "custom_llm_provider"})
"""Parameters of a model whose text is no secret. Of those that are not known here, all text is taken for one."""


def shown(settings: Settings) -> dict[str, Any]:
    """Every section, complete; what a policy does not use because it decides another way is left out."""
    data = settings.model_dump(mode="json")
    for entry in data["model_list"]:
        params = entry["litellm_params"]
        for name, value in params.items():
            params[name] = value if name in _PLAIN else _masked(value)
    for policy in data["cache"]["policies"].values():
        _tidy(policy)
    return _without_credentials(data)  # type: ignore[no-any-return]


def _tidy(policy: dict[str, Any]) -> None:
    if policy["similarity_threshold"] is not None:
        del policy["max_error_rate"]
    if policy["extends"] is None:
        del policy["extends"]
    if policy["headers"] is None:
        policy["headers"] = "all"
    for name, value in policy.items():
        policy[name] = "none" if value is None else value


def _masked(value: Any) -> Any:
    """The value with all text in it masked; numbers and truth values tell nobody anything."""
    if isinstance(value, dict):
        return {name: _masked(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return MASK if isinstance(value, str) and value else value


def _without_credentials(value: Any) -> Any:
    """The value without what stands before the @ of an address."""
    if isinstance(value, dict):
        return {name: _without_credentials(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_credentials(inner) for inner in value]
    return _CREDENTIALS.sub(MASK, value) if isinstance(value, str) else value
