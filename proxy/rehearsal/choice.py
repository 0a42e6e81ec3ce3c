"""Which policies a rehearsal runs: one of the configured ones, a block in a file, or a whole other configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from proxy.config import DEFAULT_POLICY, CacheSettings, ConfigError, Settings, load_settings
from proxy.config.messages import message_of, path_of
from proxy.config.problems import dotted
from proxy.policy.policies import Policies, build_policies


class NoSuchPolicy(Exception):
    """What was asked for is no policy, or a wrong one; the text says why."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Policies to rehearse."""

    policies: Policies
    name: str
    current: bool = False
    """Are they the configured ones, as they are?"""


def configured(settings: Settings) -> Choice:
    """The configured policies with their routes; no experiments."""
    return Choice(build_policies(settings.cache), "the configured policies", current=True)


def choose(asked: str, settings: Settings) -> Choice:
    """A policy by its name, or those in a YAML file. Raises ``NoSuchPolicy``."""
    named = build_policies(settings.cache).named
    if asked in named:
        routed = bool(settings.cache.routes)
        return Choice(single(settings, asked), asked, current=asked == DEFAULT_POLICY and not routed)
    path = Path(asked)
    if not path.is_file():
        known = ", ".join(sorted(named))
        raise NoSuchPolicy(f"{asked!r} is neither a policy nor a file; there are the policies {known}")
    given = _read(path)
    if given and not set(given) <= Settings.model_fields.keys():
        return Choice(_of_block(path, given), path.name)
    try:
        return Choice(build_policies(load_settings(path, {}).cache), path.name)
    except ConfigError as error:
        raise NoSuchPolicy(str(error)) from error


def single(settings: Settings, name: str) -> Policies:
    """One policy for every call; callers may still name another."""
    named = build_policies(settings.cache).named
    return Policies({**named, DEFAULT_POLICY: named[name]})


def _of_block(path: Path, given: Mapping[str, Any]) -> Policies:
    try:
        cache = CacheSettings.model_validate({"policies": {path.stem: given, DEFAULT_POLICY: {"extends": path.stem}}})
    except ValidationError as error:
        found = [(path_of(detail), message_of(detail)) for detail in error.errors(include_url=False)]
        told = [f"{dotted(key[2:] or key)}: {message}" for key, message in found]
        raise NoSuchPolicy(f"{path} is no policy: {'; '.join(told)}") from error
    named = build_policies(cache).named
    return Policies({**named, DEFAULT_POLICY: named[path.stem]})


def _read(path: Path) -> dict[str, Any]:
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise NoSuchPolicy(f"{path} cannot be read: {error}") from error
    if given is not None and not isinstance(given, dict):
        raise NoSuchPolicy(f"{path} holds no mapping")
    return given or {}
