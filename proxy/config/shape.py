"""Which keys the models know at a path: for suggestions, and for finding what an environment variable means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from proxy.config.inheritance import DEFAULT_POLICY, PRESETS
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
    # Beside the policies of the file there are always these.
    return [DEFAULT_POLICY, *PRESETS] if is_model(child_of(annotation, "")) else choices_of(get_args(annotation)[0])


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


def choices_of(annotation: Any) -> list[str]:
    """The words a value may be one of; none for any other type."""
    return list(get_args(annotation)) if get_origin(annotation) is Literal else []
