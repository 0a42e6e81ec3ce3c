"""Durations, sizes and moments as people write them: `30s`, `24h`, `512MB`, `2026-03-01T09:00`.

`Duration` is a float of seconds, `Size` an int of bytes and `Moment` a float of seconds since 1970 once a configuration
is loaded; all are written back in their short form by `model_dump(mode="json")` and in the JSON Schema's defaults.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)? ?(ms|s|m|h|d)?$"
MOMENT_PATTERN = r"^\d{4}-\d{2}-\d{2}([T ][0-9:.,]+ ?([zZ]|[+-][0-9:]+)?)?$"
SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)? ?([kKmMgGtT]([iI]?[bB])?|[bB])?$"

# A century: far beyond any use, and small enough that adding it to a date can never overflow.
MAX_DURATION = 36_500 * 86_400.0
MAX_SIZE = 2**50
# The smallest float above zero, written out, is not much shorter than this; longer texts are not worth the arithmetic.
_LONGEST = 400

_SECONDS = {
    unit: Decimal(seconds)
    for unit, seconds in (("ms", "0.001"), ("s", 1), ("", 1), ("m", 60), ("h", 3_600), ("d", 86_400))
}
_BYTES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_DURATION_HELP = "must be a duration such as 500ms, 30s, 10m, 24h or 7d, or a number of seconds"
_SIZE_HELP = "must be a size such as 64KB, 512MB or 2GB, or a number of bytes"
_MOMENT_HELP = "must be a date or a time such as 2026-03-01 or 2026-03-01T09:00:00Z"


def parse_duration(value: Any) -> float:
    """Seconds meant by `500ms`, `30s`, `10m`, `24h`, `7d` or a plain number (of seconds), from 0 to a century.

    Raises PydanticCustomError, a ValueError, for anything else; its text never repeats the value.
    """
    number, unit = _split(value, DURATION_PATTERN, _DURATION_HELP)
    seconds = number * _SECONDS[unit]
    if not 0 <= seconds <= MAX_DURATION:
        raise _refusal(_DURATION_HELP + " (from 0 to 36500d)")
    return float(seconds)


def format_duration(seconds: float) -> str:
    """A short, exact way to write that many seconds; `parse_duration` gives the same number back."""
    exact = Decimal(repr(float(seconds)))
    # A day reads better as 24h, a week as 7d.
    for unit in ("d", "h", "m", "s") if exact > 86_400 else ("h", "m", "s"):
        if exact and exact % _SECONDS[unit] == 0:
            return f"{int(exact / _SECONDS[unit])}{unit}"
    if exact and exact * 1000 == int(exact * 1000):
        return f"{int(exact * 1000)}ms"
    return f"{exact:f}s" if exact else "0s"


def parse_size(value: Any) -> int:
    """Bytes meant by `64KB`, `32MiB`, `2GB` or a plain number (of bytes), from 0 to 1024 TB, rounded to whole bytes.

    Units count in 1024s, with or without the `i`: `1MB` is 1,048,576 bytes, as in web server configurations.
    Raises PydanticCustomError, a ValueError, for anything else; its text never repeats the value.
    """
    number, unit = _split(value, SIZE_PATTERN, _SIZE_HELP)
    size = number * _BYTES[unit.lower().rstrip("ib")]
    if not 0 <= size <= MAX_SIZE:
        raise _refusal(_SIZE_HELP + " (from 0 to 1024TB)")
    return round(size)


def format_size(size: int) -> str:
    """A short, exact way to write that many bytes; `parse_size` gives the same number back."""
    for unit in ("t", "g", "m", "k"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit.upper()}B"
    return f"{size}B"


def parse_moment(value: Any) -> float:
    """Seconds since 1970 of an ISO 8601 date or time; in UTC unless it names an offset.

    Raises PydanticCustomError, a ValueError, for anything else; its text never repeats the value.
    """
    try:
        moment = datetime.fromisoformat(value.strip().upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (AttributeError, ValueError, OverflowError):
        raise _refusal(_MOMENT_HELP) from None


def format_moment(seconds: float) -> str:
    """An exact way to write that moment, in UTC; `parse_moment` gives the same number back."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _split(value: Any, pattern: str, help_text: str) -> tuple[Decimal, str]:
    if isinstance(value, int) and value.bit_length() > 64:
        # Python refuses to write very long numbers out, and none of them is in range.
        raise _refusal(f"{help_text} (not one as large)")
    text = f"{Decimal(repr(value)):f}" if type(value) in (int, float) else value
    if not isinstance(text, str) or len(text) > _LONGEST or not re.match(pattern, text := text.strip()):
        raise _refusal(help_text)
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return Decimal(number.strip()), text[len(number) :]


def _refusal(message: str) -> PydanticCustomError:
    return PydanticCustomError("unit", "{message}", {"message": message})


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": DURATION_PATTERN}, {"type": "number", "minimum": 0}]}),
]
"""Seconds, 0 or more."""

PositiveDuration = Annotated[Duration, Field(gt=0)]
"""Seconds, more than 0."""

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": SIZE_PATTERN}, {"type": "integer", "minimum": 0}]}),
]
"""Bytes, 0 or more."""

Moment = Annotated[
    float,
    BeforeValidator(parse_moment),
    PlainSerializer(format_moment, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": MOMENT_PATTERN}),
]
"""Seconds since 1970."""
