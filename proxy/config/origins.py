"""Where each value of a policy comes from: the policy itself, a parent, a preset, the environment, or the default."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from proxy.config.inheritance import PRESETS, Link, lineage
from proxy.config.loader import Loaded
from proxy.config.problems import Place, child_of
from proxy.config.rules import PolicySettings
from proxy.config.section import Section

Path = tuple[str, ...]
"""A setting of a policy: ("decay", "floor")."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one value comes from."""

    kind: Literal["policy", "environment", "preset", "default", "call"]
    """A block of the file, a variable, a preset, what is built in, or the call's own wish."""
    policy: str | None = None
    """The policy or preset that says so."""
    place: Place | None = None
    instead: str | None = None
    """The setting that was named there, where it is another one that puts this one out of force."""

    def __str__(self) -> str:
        if self.kind == "preset":
            said = f"preset {self.policy}"
        elif self.place is None:
            said = "asked by the call" if self.kind == "call" else "default"
        elif self.kind == "environment":
            said = self.place.file
        else:
            line = "" if self.place.line is None else f":{self.place.line}"
            said = f"{self.place.file}{line} ({self.policy})"
        return f"{said}, by {self.instead}" if self.instead else said

    def as_json(self) -> dict[str, Any]:
        """Only what is known."""
        place = self.place
        known = {
            "kind": self.kind,
            "policy": self.policy,
            "file": place.file if place and self.kind != "environment" else None,
            "line": place.line if place else None,
            "variable": place.file.rpartition(" ")[2] if place and self.kind == "environment" else None,
            "instead": self.instead,
        }
        return {name: value for name, value in known.items() if value is not None}


def is_written(loaded: Loaded, name: str) -> bool:
    """Is there a block of the policy, and not only what is built in?"""
    return name in _blocks(loaded)


def lineage_of(loaded: Loaded, name: str) -> list[Link]:
    """A policy and its parents, nearest first."""
    blocks = _blocks(loaded)
    return lineage(name, {own: child_of(block, "extends") for own, block in blocks.items()})


def values_of(policy: PolicySettings) -> Iterator[tuple[Path, Any]]:
    """Every setting of a complete policy, as people write it: 24h, not 86400."""
    for name, value in policy.model_dump(mode="json", exclude={"extends"}).items():
        if name == "guards" and not value:
            yield (name,), "all on"
        elif isinstance(value, dict):
            yield from (((name, key), inner) for key, inner in value.items())
        elif value is None:
            yield (name,), "all" if name == "headers" else "none"
        else:
            yield (name,), value


def origin_of(loaded: Loaded, line: Sequence[Link], path: Path) -> Origin:
    """Where the value at the path comes from, for a policy of this line of parents."""
    for place, link in enumerate(line):
        if _says(loaded, link, path):
            if path == ("similarity_threshold",):
                # A child that names a budget is rid of a parent's fixed threshold.
                rivals = [nearer for nearer in line[:place] if _says(loaded, nearer, ("max_error_rate",))]
                if rivals:
                    return _at(loaded, rivals[0], ("max_error_rate",), instead="max_error_rate")
            return _at(loaded, link, path)
    return Origin("default")


def _says(loaded: Loaded, link: Link, path: Path) -> bool:
    if link.preset:
        return _names(PRESETS[link.name], path)
    return _written(_blocks(loaded).get(link.name), path) is not None


def _at(loaded: Loaded, link: Link, path: Path, instead: str | None = None) -> Origin:
    if link.preset:
        return Origin("preset", link.name, instead=instead)
    place = loaded.findings.place_of(("cache", "policies", link.name, *path))
    return Origin("policy" if place.line else "environment", link.name, place, instead)


def _blocks(loaded: Loaded) -> dict[str, Any]:
    blocks = child_of(child_of(loaded.data, "cache"), "policies")
    return blocks if isinstance(blocks, dict) else {}


def _written(data: Any, path: Path) -> Any:
    for key in path:
        data = child_of(data, key)
    return data


def _names(section: Section, path: Path) -> bool:
    name, *rest = path
    if name not in section.model_fields_set:
        return False
    inner = getattr(section, name)
    return not rest or (rest[0] in inner.model_fields_set if isinstance(inner, Section) else rest[0] in inner)
