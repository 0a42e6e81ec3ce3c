"""Which session a call belongs to, where its client does not say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any


def derive_session(namespace: str, messages: Sequence[Any]) -> str:
    """A session id from the caller and the messages up to the first of the user.

    A chat client re-sends its history, so these stay the same from turn to turn. Two people of one namespace who open
    with the same words share a derived id: treat it as a grouping, not as an identity.
    """
    opening = []
    for message in messages:
        opening.append(message)
        if isinstance(message, Mapping) and message.get("role") == "user":
            break
    material = json.dumps([namespace, opening], ensure_ascii=False, sort_keys=True)
    return "ses_" + hashlib.sha256(material.encode()).hexdigest()[:20]
