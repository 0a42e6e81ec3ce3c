"""Which policy a call with some traits gets, and where each of its values comes from: by the configuration alone."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cache.policy import Policy
from proxy.auth import DEFAULT_NAMESPACE, Caller
from proxy.config import Settings, format_duration
from proxy.config.inheritance import Link
from proxy.config.loader import Loaded
from proxy.config.origins import Origin, is_written, lineage_of, origin_of, values_of
from proxy.config.problems import Place, dotted
from proxy.config.routes import PATHS
from proxy.controls import Controls, apply_controls, read_controls
from proxy.errors import InvalidRequest
from proxy.experiments.drawing import Experiments
from proxy.placing import traits_of
from proxy.policy.policies import Policies, Unit, build_policies
from proxy.policy.routing import Route, Routes, Traits
from proxy.upstreams.router import Router
from proxy.wire import full_path


@dataclass(frozen=True, slots=True)
class Asked:
    """A call to be looked at."""

    model: str
    namespace: str | None = None
    key: str | None = None
    client: str | None = None
    project: str | None = None
    path: str = PATHS[0]
    headers: tuple[str, ...] = ()
    """Each as ``name: value``."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """A route that was looked at."""

    route: Route
    place: Place
    unmet: str | None
    """The first condition that the call does not fulfil; None: the call takes this route."""


@dataclass(frozen=True, slots=True)
class Value:
    """One setting in force."""

    key: str
    value: Any
    origin: Origin


@dataclass(frozen=True, slots=True)
class Choice:
    """What a call gets."""

    traits: Traits
    tried: tuple[Tried, ...]
    """The routes up to the one taken; all of them where none is."""
    policy: str
    line: tuple[tuple[Link, Place | None], ...]
    """The policy and its parents, nearest first, and where the file has them."""
    values: tuple[Value, ...]
    ignored: tuple[str, ...]
    experiment: str | None
    """An experiment that may put such calls on another policy."""


def choose(loaded: Loaded, asked: Asked) -> Choice:
    """What a call gets.

    Raises:
        ProxyError: such a call would be refused; the error says why.
    """
    cache = loaded.settings.cache
    traits, controls = _read(loaded.settings, asked)
    policies = build_policies(cache)
    chosen = policies.choose(traits, Unit(""))
    granted = apply_controls(controls, policies.named, chosen.policy)
    line = lineage_of(loaded, granted.policy.name)
    experiments = Experiments(cache.experiments, policies.named, {}).all
    return Choice(
        traits=traits,
        tried=tuple(_tried(loaded, traits)),
        policy=granted.policy.name,
        line=tuple((link, _place(loaded, link)) for link in line),
        values=tuple(_values(loaded, line, granted.policy, policies)),
        ignored=tuple(granted.ignored),
        experiment=next((one.settings.name for one in experiments if one.admits(traits, time.time())), None),
    )


def _read(settings: Settings, asked: Asked) -> tuple[Traits, Controls]:
    """The call as the server would see it."""
    headers: dict[str, str] = {}
    for text in asked.headers:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise InvalidRequest("A header is written as 'name: value'.")
        headers[name.strip().lower()] = value.strip()
    given = {"client": asked.client, "project": asked.project, "tags": ",".join(asked.tags)}
    headers |= {f"x-reprise-{name}": value for name, value in given.items() if value}
    controls = read_controls(headers, None)
    caller = _caller(settings, asked)
    Router(settings.model_list, settings.server).resolve(asked.model, caller)
    return traits_of(caller, asked.model, full_path(asked.path), headers, controls), controls


def _caller(settings: Settings, asked: Asked) -> Caller:
    keys = settings.auth.keys
    if asked.key is None:
        namespaces = sorted({key.namespace for key in keys})
        if namespaces and asked.namespace not in namespaces:
            known = ", ".join(namespaces)
            raise InvalidRequest(f"Only callers with a key of auth.keys get in: give --key, or --namespace: {known}.")
        return Caller(asked.namespace or DEFAULT_NAMESPACE, "client")
    key = next((key for key in keys if key.name == asked.key), None)
    if key is None:
        raise InvalidRequest(f"No key in auth.keys has the name {asked.key!r}.")
    if asked.namespace not in (None, key.namespace):
        raise InvalidRequest(f"The key {asked.key!r} is of the namespace {key.namespace!r}.")
    return Caller(key.namespace, key.role, key.name)


def _tried(loaded: Loaded, traits: Traits) -> Iterator[Tried]:
    for index, route in enumerate(Routes(loaded.settings.cache.routes).all):
        unmet = route.unmet(traits)
        yield Tried(route, loaded.findings.place_of(("cache", "routes", index)), unmet)
        if unmet is None:
            return


def _place(loaded: Loaded, link: Link) -> Place | None:
    """Where the file, or a variable, has the policy; None for what is built in."""
    if link.preset or not is_written(loaded, link.name):
        return None
    return loaded.findings.place_of(("cache", "policies", link.name))


def _values(loaded: Loaded, line: Sequence[Link], met: Policy, policies: Policies) -> Iterator[Value]:
    """Every setting of the policy that the call meets, what it wishes for itself included."""
    wished = _wished(met, policies.named[met.name])
    for path, value in values_of(loaded.settings.cache.policies[met.name]):
        key = dotted(path)
        if key in wished:
            yield Value(key, wished.pop(key), Origin("call"))
        else:
            yield Value(key, value, origin_of(loaded, line, path))
    for key, value in wished.items():
        yield Value(key, value, Origin("call"))


def _wished(met: Policy, named: Policy) -> dict[str, Any]:
    """What the call's own controls changed of a policy, as people write it."""
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(Policy):
        value = getattr(met, field.name)
        if value != getattr(named, field.name):
            changed[field.name] = value if field.name in _AS_THEY_ARE else format_duration(value)
    return changed


_AS_THEY_ARE = ("similarity_threshold", "min_similarity", "memory")
