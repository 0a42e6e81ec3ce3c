"""Strangers' texts for a model, in a place that they cannot leave.

They are passed as one line of JSON in ASCII, so that no text can end its string or look like a line of ours, between
two lines that hold a mark nobody can guess.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any


def mark() -> str:
    """Text that nobody can guess, new each time."""
    return secrets.token_hex(12)


def quoted(prompt: str, data: Mapping[str, Any], mark: str) -> list[dict[str, str]]:
    """The messages that ask a model to do what the prompt says with the data; ``{mark}`` in the prompt is filled in."""
    return [
        {"role": "system", "content": prompt.replace("{mark}", mark)},
        {"role": "user", "content": f"{mark}\n{json.dumps(data, ensure_ascii=True)}\n{mark}"},
    ]
