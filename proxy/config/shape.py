"""Which keys the models know at a path: for suggestions, and for finding what an environment variable means."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from proxy.config.policy import DEFAULT_POLICY
from proxy.config.problems import KeyPath
from proxy.config.section import unwrapped


def is_model(annotation: Any) -> bool:
    """Whether the type is a section."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def keys_of(annotation: Any) -> list[str]:
    """The keys that are known of a section or a mapping; none for any other type."""
    if is_model(annotation):
        return list(annotation.model_fields)
    if get_origin(annotation) is not dict:
        return []
    # A mapping of sections always has the one called default.
    return [DEFAULT_POLICY] if is_model(child_of(annotation, "")) else choices_of(get_args(annotation)[0])


def child_of(annotation: Any, key: str | int) -> Any:
    """The type of what lies under the key, or None where nothing may."""
    if is_model(annotation):
        field = annotation.model_fields.get(key)
        return unwrapped(field.annotation) if field else None
    if get_origin(annotation) in (dict, list):
        return unwrapped(get_args(annotation)[-1])
    return None


def type_at(root: Any, path: KeyPath) -> Any:
    """The type at a path below the root, or None where nothing may be."""
    for key in path:
        root = child_of(root, key)
    return root


def leaves(annotation: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all values that are no sections; a mapping of sections is shown by its entry `default`."""
    if is_model(annotation) or is_model(child_of(annotation, "")):
        for key in keys_of(annotation):
            yield from leaves(child_of(annotation, key), (*path, key))
    else:
        yield path


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean "port"?`, or nothing where no known word is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def choices_of(annotation: Any) -> list[str]:
    """The words a value may be one of; none for any other type."""
    return list(get_args(annotation)) if get_origin(annotation) is Literal else []
