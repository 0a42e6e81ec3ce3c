"""What ``reprise config explain`` prints."""

from __future__ import annotations

from typing import Any

from proxy.config.inheritance import ABOUT, Link
from proxy.config.problems import Place
from proxy.policy.choice import Choice, Tried


def as_json(choice: Choice) -> dict[str, Any]:
    """All that is known of a choice."""
    traits, taken = choice.traits, _taken(choice)
    return {
        "call": {
            "model": traits.model,
            "namespace": traits.namespace,
            "key": traits.key,
            "client": traits.client or None,
            "project": traits.project or None,
            "path": traits.path,
            "tags": list(traits.tags),
        },
        "route": None if taken is None else _route(taken),
        "passed_over": [{**_route(one), "unmet": one.unmet} for one in choice.tried if one.unmet is not None],
        "policy": choice.policy,
        "parents": [_link(link, place) for link, place in choice.line],
        "ignored": list(choice.ignored),
        "experiment": choice.experiment,
        "settings": {one.key: {"value": one.value, "from": one.origin.as_json()} for one in choice.values},
    }


def told(choice: Choice) -> str:
    """The same for people: a few lines, then every setting with its value and where that comes from."""
    taken = _taken(choice)
    lines = [("policy", choice.policy)]
    lines += [("route", "none matches, so it is the policy `default`" if taken is None else _written(taken))]
    lines += [("", f"not {_written(one)}: {one.unmet}") for one in choice.tried if one.unmet is not None]
    lines += [("parents", " < ".join(_named(link, place) for link, place in choice.line))]
    lines += [("", f"{link.name}: {ABOUT[link.name]}") for link, _ in choice.line if link.preset]
    if choice.ignored:
        lines += [("ignored", f"{', '.join(choice.ignored)}: policy does not grant it")]
    if choice.experiment is not None:
        lines += [("experiment", f"{choice.experiment} may put such calls on the policy of one of its arms")]
    rows = [(one.key, _text(one.value), str(one.origin)) for one in choice.values]
    key, value = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(
        [
            *(f"{name:<11}{text}" for name, text in lines),
            "",
            *(f"{name:<{key}}  {text:<{value}}  {origin}" for name, text, origin in rows),
        ]
    )


def _taken(choice: Choice) -> Tried | None:
    return next((one for one in choice.tried if one.unmet is None), None)


def _route(tried: Tried) -> dict[str, Any]:
    known = {"name": tried.route.name, "policy": tried.route.policy, "file": tried.place.file, "line": tried.place.line}
    return {name: value for name, value in known.items() if value is not None}


def _written(tried: Tried) -> str:
    return f"{tried.route.name} ({_at(tried.place)}) -> {tried.route.policy}"


def _link(link: Link, place: Place | None) -> dict[str, Any]:
    known = {"name": link.name, "preset": link.preset, "file": place and place.file, "line": place and place.line}
    return {name: value for name, value in known.items() if value is not None}


def _named(link: Link, place: Place | None) -> str:
    if link.preset:
        return f"preset {link.name}"
    return f"{link.name} ({_at(place) if place else 'built in'})"


def _at(place: Place) -> str:
    return place.file if place.line is None else f"{place.file}:{place.line}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
