"""What is wrong with settings that are right one by one: parents that lead nowhere, routes that no call can take."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from proxy.config.inheritance import faults
from proxy.config.models import Settings
from proxy.config.problems import KeyPath, child_of
from proxy.config.routes import PATHS, MatchSettings, RouteSettings
from proxy.config.section import suggestion

Found = Iterator[tuple[KeyPath, str]]
"""Where something is wrong, and what."""


def parents(data: Any) -> Found:
    """Parents of policies that are missing or lead in a circle; `data` is as written, and may be wrong elsewhere."""
    blocks = child_of(child_of(data, "cache"), "policies")
    if not isinstance(blocks, dict):
        return
    extends = {name: child_of(block, "extends") for name, block in blocks.items()}
    for broken in faults({name: parent if isinstance(parent, str) else None for name, parent in extends.items()}):
        yield ("cache", "policies", broken.name, "extends"), broken.message


def routes(settings: Settings) -> Found:
    """Routes that name no policy, and routes that no call can take."""
    policies = settings.cache.policies
    for place, route in enumerate(settings.cache.routes):
        path = ("cache", "routes", place)
        if route.policy not in policies:
            known = sorted(policies)
            yield (*path, "policy"), f"names no policy; there are {', '.join(known)}{suggestion(route.policy, known)}"
        for trait, message in _unmet(route.match, settings):
            yield (*path, "match", trait), message
        shadow = _shadow(settings.cache.routes, place)
        if shadow is not None:
            yield (*path, "match"), f"can never match: {shadow} before it takes all such calls"
        if route.name is not None and route.name in [earlier.name for earlier in settings.cache.routes[:place]]:
            yield (*path, "name"), "is the name of an earlier route too"


def experiments(settings: Settings) -> Found:
    """Arms that name no policy, names given twice, and experiments that no call can be part of."""
    known = sorted(settings.cache.policies)
    tried = settings.cache.experiments
    for place, experiment in enumerate(tried):
        path = ("cache", "experiments", place)
        for arm, given in experiment.arms.items():
            if given.policy not in settings.cache.policies:
                message = f"names no policy; there are {', '.join(known)}{suggestion(given.policy, known)}"
                yield (*path, "arms", arm, "policy"), message
        for trait, message in _unmet(experiment.match, settings):
            yield (*path, "match", trait), message
        earlier = tried[:place]
        if any(other.name == experiment.name for other in earlier):
            yield (*path, "name"), "is the name of an earlier experiment too"
        covering = [other.name for other in earlier if other.covers(experiment)]
        if covering:
            yield (*path, "match"), f"can never match: the experiment {covering[0]} before it takes all such calls"


def _shadow(routes: Sequence[RouteSettings], place: int) -> str | None:
    """The earlier route that leaves nothing to this one."""
    for index, earlier in enumerate(routes[:place]):
        if earlier.match.covers(routes[place].match):
            return f"cache.routes.{index}" + (f" ({earlier.name})" if earlier.name else "")
    return None


def _unmet(match: MatchSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    """Conditions that no call can fulfil, by what is configured."""
    keys = settings.auth.keys
    if match.key and not keys:
        yield "key", "can never match: auth.keys is empty, so no call has a key"
    elif match.key and not _any(match.key, [key.name for key in keys if key.name]):
        yield "key", "can never match: no key in auth.keys has such a name"
    if match.namespace and keys and not _any(match.namespace, [key.namespace for key in keys]):
        yield "namespace", "can never match: no key in auth.keys has such a namespace"
    models = [entry.model_name for entry in settings.model_list]
    if match.model and not any("*" in model for model in models) and not _any(match.model, models):
        yield "model", "can never match: no entry of model_list has such a name"
    if match.path and not _any(match.path, PATHS):
        yield "path", f"can never match: calls come in at {', '.join(PATHS)}"


def _any(patterns: Collection[str], values: Collection[str]) -> bool:
    return any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns for value in values)
