"""What a caller asks of the cache for one call: ``Cache-Control``, the body's ``cache`` field, ``x-reprise-*`` headers.

Asking for less reuse is always granted. Asking for more is ignored, and said so, unless the policy allows it.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cache.policy import Policy, is_no_looser
from proxy.config import parse_duration
from proxy.errors import InvalidRequest

TIGHTENING = 0.8
"""Beside a verifier, a caller's threshold below this asks for more reuse than the cut gives, and is not granted."""

HEADERS = ("policy", "threshold", "session", "project", "client", "tags", "memory")
MEMORY_MODES = ("off", "read", "full")
BODY_FIELDS = ("no-cache", "no-store", "ttl", "s-maxage", "namespace")
NAME_CHARS = 200
"""Longest session, project, client or tag."""


@dataclass(frozen=True, slots=True)
class Controls:
    """The wishes of one call, checked for form but not yet granted."""

    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    max_age: float | None = None
    ttl: float | None = None
    part: str = ""
    """A part of the caller's own namespace."""
    policy: str | None = None
    threshold: float | None = None
    session: str | None = None
    project: str = ""
    client: str | None = None
    tags: tuple[str, ...] = ()
    memory: str = ""

    def wishes(self) -> dict[str, Any]:
        """What was asked of the cache, in JSON's types: with it a logged call can be decided on again."""
        if self is _NONE:
            return {}
        asked = {name: getattr(self, name) for name in _WISHES}
        return {name: value for name, value in asked.items() if value != getattr(_NONE, name)}


_WISHES: Final = ("no_cache", "no_store", "only_if_cached", "max_age", "ttl", "part", "policy", "threshold", "memory")


class Granted(NamedTuple):
    """What becomes of one call's wishes."""

    policy: Policy
    """The policy it meets."""
    controls: Controls
    """The wishes that policy hears."""
    ignored: list[str]
    """Names of those that it does not hear, or does not grant."""


def read_controls(headers: Mapping[str, str], field: Any) -> Controls:
    """Controls from headers and the body's ``cache`` field; the stricter wins where both speak.

    Raises:
        InvalidRequest: a value or an ``x-reprise-`` header nobody knows; ``param`` names it.
    """
    own = {name[10:]: value for name, value in headers.items() if name.startswith("x-reprise-")}
    directives = headers.get("cache-control")
    if not own and directives is None and field is None:
        return _NONE
    for name in own:
        if name not in HEADERS:
            raise InvalidRequest(f"Unknown header x-reprise-{name}.{_meant(name)}", param=f"x-reprise-{name}")
    asked = {**_from_directives(directives or ""), **_from_headers(own)}
    for name, value in _from_field(field).items():
        asked[name] = min(asked[name], value) if name == "max_age" and name in asked else value
    return Controls(**asked)


def apply_controls(controls: Controls, policies: Mapping[str, Policy], base: Policy) -> Granted:
    """The policy one call meets, and what else of its wishes is granted.

    Args:
        base: the policy it meets if it names none.

    Raises:
        InvalidRequest: no policy has that name.
    """
    controls, unheard = _heard(controls, base.headers)
    policy, refused = _chosen(controls.policy, policies, base)
    # The policy that the caller chose may hear less; by then its own name has been heard.
    controls, more = _heard(controls, None if policy.headers is None else policy.headers | {"policy"})
    changes, denied = _changes(controls, policy)
    policy = dataclasses.replace(policy, **changes) if changes else policy
    return Granted(policy, controls, [*unheard, *more, *refused, *denied])


def _heard(controls: Controls, headers: frozenset[str] | None) -> tuple[Controls, list[str]]:
    """The controls without those whose header callers may not use, and the names of these."""
    if headers is None or controls is _NONE:
        return controls, []
    unheard = [name for name in HEADERS if name not in headers and getattr(controls, name) != getattr(_NONE, name)]
    return dataclasses.replace(controls, **{name: getattr(_NONE, name) for name in unheard}), unheard


def _changes(controls: Controls, policy: Policy) -> tuple[dict[str, Any], list[str]]:
    """What of a policy a call changes for itself, and the wishes that it may not have."""
    ignored: list[str] = []
    changes: dict[str, Any] = {}
    if controls.threshold is not None:
        least = policy.similarity_threshold
        if policy.allow_loosening or (least is not None and controls.threshold >= least):
            changes["similarity_threshold"] = controls.threshold
        elif least is None:
            # Beside the verifier's cut a threshold of the caller's own can only tighten.
            changes["min_similarity"] = controls.threshold
            ignored += ["threshold"] if controls.threshold < TIGHTENING else []
        else:
            ignored.append("threshold")
    if controls.ttl is not None:
        if controls.ttl <= policy.ttl:
            changes["store_ttl"] = controls.ttl
        elif policy.allow_loosening:
            changes |= {"ttl": controls.ttl, "store_ttl": controls.ttl}
        else:
            ignored.append("ttl")
    if controls.max_age is not None:
        changes["max_age"] = controls.max_age if policy.max_age is None else min(controls.max_age, policy.max_age)
        # Who names an age wants nothing stale (RFC 9111, section 5.2.1.1).
        changes["serve_stale_for"] = 0.0
    if controls.memory and controls.memory != policy.memory:
        changes["memory"] = controls.memory
    return changes, ignored


def _chosen(name: str | None, policies: Mapping[str, Policy], base: Policy) -> tuple[Policy, list[str]]:
    """The policy that a call names, where that is no looser than its own."""
    if name is None or name == base.name:
        return base, []
    other = policies.get(name)
    if other is None:
        known = ", ".join(sorted(policies))
        raise InvalidRequest(f"No policy is called {name!r}; there are: {known}.", param="x-reprise-policy")
    return (other, []) if base.allow_loosening or is_no_looser(other, base) else (base, ["policy"])


_NONE = Controls()


def _from_directives(text: str) -> dict[str, Any]:
    """RFC 9111, section 5.2.1; directives that mean nothing here are passed over, as it says."""
    asked: dict[str, Any] = {}
    for directive in text.lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name in ("no-cache", "no-store", "only-if-cached"):
            asked[name.replace("-", "_")] = True
        elif name == "max-age":
            if not value.strip('"').isascii() or not value.strip('"').isdigit():
                raise InvalidRequest("Cache-Control: max-age takes whole seconds.", param="Cache-Control")
            asked["max_age"] = min(asked.get("max_age", math.inf), float(value.strip('"')))
    return asked


def _from_headers(own: Mapping[str, str]) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    for name, value in own.items():
        header = f"x-reprise-{name}"
        if name == "threshold":
            asked["threshold"] = _threshold(value, header)
        elif name == "memory":
            if value not in MEMORY_MODES:
                raise InvalidRequest(f"{header} takes one of: {', '.join(MEMORY_MODES)}.", param=header)
            asked["memory"] = value
        elif name == "tags":
            asked["tags"] = tuple(sorted({_name(tag, header) for tag in value.split(",") if tag.strip()}))
        else:
            asked[name] = _name(value, header)
    return asked


def _from_field(field: Any) -> dict[str, Any]:
    if field is None:
        return {}
    if not isinstance(field, Mapping):
        raise InvalidRequest("'cache' must be an object.", param="cache")
    asked: dict[str, Any] = {}
    for name, value in field.items():
        param = f"cache.{name}"
        if name in ("no-cache", "no-store"):
            if not isinstance(value, bool):
                raise InvalidRequest(f"'{param}' must be true or false.", param=param)
            if value:
                asked[name.replace("-", "_")] = True
        elif name in ("ttl", "s-maxage"):
            asked["ttl" if name == "ttl" else "max_age"] = _seconds(value, param, zero=name == "s-maxage")
        elif name == "namespace":
            asked["part"] = _name(value, param)
        else:
            known = ", ".join(BODY_FIELDS)
            raise InvalidRequest(f"Unknown field '{param}'; known are: {known}.", param=param)
    return asked


def _threshold(text: str, header: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise InvalidRequest(f"{header} takes a number from 0 to 1.", param=header)
    return value


def _seconds(value: Any, param: str, *, zero: bool) -> float:
    try:
        seconds = parse_duration(value)
    except (TypeError, ValueError):
        seconds = math.nan
    allowed = 0 <= seconds < math.inf and (zero or seconds > 0)
    if isinstance(value, bool) or not allowed:
        raise InvalidRequest(
            f"'{param}' takes seconds{'' if zero else ' above 0'}, or a duration such as 10m.", param=param
        )
    return seconds


def _name(value: Any, param: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > NAME_CHARS or not value.isprintable():
        raise InvalidRequest(f"'{param}' takes 1 to {NAME_CHARS} printable characters.", param=param)
    return value.strip()


def _meant(name: str) -> str:
    close = difflib.get_close_matches(name, HEADERS, 1)
    return f" Did you mean x-reprise-{close[0]}?" if close else ""
