"""What every section of the configuration has in common: the base model and the kinds of text it is made of."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

TRUTH_VALUE = " (YAML reads a bare yes, no, on, off, true or false as a truth value: put quotes around it)"
NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
URL_PATTERN = r"^https?://\S+$"


class Section(BaseModel):
    """A frozen mapping that knows its keys. A key left empty (`auth:` with nothing below it) means its default."""

    # Errors never show what was given: it may be a key pasted into the wrong line.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}

    @field_validator("*", mode="before")
    @classmethod
    def _truth_values_are_no_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        # To Python, True is 1: `port: yes` would be port 1.
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(value, bool) and field and unwrapped(field.annotation) in (int, float):
            raise refusal(f"must be a number{TRUTH_VALUE}")
        return value


def unwrapped(annotation: Any) -> Any:
    """The type inside `Annotated[T, ...]` and `T | None`."""
    if get_origin(annotation) is Annotated:
        return unwrapped(get_args(annotation)[0])
    options = [option for option in get_args(annotation) if option is not NoneType]
    if NoneType in get_args(annotation) and len(options) == 1:
        return unwrapped(options[0])
    return annotation


def refusal(message: str, at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """An error that says `message`, never what was given; `at` leads from the value it is raised for to the culprit."""
    return PydanticCustomError("refused", "{message}", {"message": message, "at": at})


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean "port"?`, or nothing where no known word is near."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return f'; did you mean "{found[0]}"?' if found else ""


def _folder_text(value: Any) -> Any:
    # Path("") is the current folder: never what an empty variable was meant to say.
    if isinstance(value, str) and not value.strip():
        raise refusal("must not be empty")
    return value


def _at_home(path: Path) -> Path:
    return path.expanduser() if path.parts[:1] == ("~",) else path


Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""1 to 64 lower-case letters, digits, dots, dashes and underscores, the first a letter or a digit."""

Text = Annotated[str, StringConstraints(min_length=1)]
"""Text that is not empty."""

Url = Annotated[str, StringConstraints(pattern=URL_PATTERN)]
"""An http or https address."""

Folder = Annotated[Path, BeforeValidator(_folder_text), AfterValidator(_at_home)]
"""A folder, relative to the working directory unless absolute; a leading `~/` is the home of the user."""
