"""Which session a call belongs to, where its client does not say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import orjson


def derive_session(namespace: str, messages: Sequence[Any]) -> str:
    """A session id from the caller and the messages up to the first of the user.

    A chat client re-sends its history, so these stay the same from turn to turn. Two people of one namespace who open
    with the same words share a derived id: treat it as a grouping, not as an identity.
    """
    opening = []
    for message in messages:
        opening.append(message)
        if isinstance(message, dict) and message.get("role") == "user":
            break
    try:
        material = orjson.dumps([namespace, opening], option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Integers beyond 64 bits.
        material = json.dumps([namespace, opening], sort_keys=True).encode()
    return "ses_" + hashlib.sha256(material).hexdigest()[:20]
