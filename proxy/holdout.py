"""Sessions that get nothing out of memory, so that it can be told what it is worth to the others. Pure.

A call that is held out goes as it came, under the keys of a call that memory has nothing for: both ask the upstream the
same, and were answered without memories. So they may share answers with each other, and never with a call into which
something was put.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Final

from proxy.exchange import Exchange

_PERSON: Final = b"reprise-holdout"
"""Keeps the draw apart from those of experiments."""


def held_out(namespace: str, session: str, share: float) -> bool:
    """Does this session get nothing?

    The same in every process and on every machine. As the share grows, sessions join those held out and none leaves.

    Args:
        share: of all sessions, in [0, 1].
    """
    if share <= 0:
        return False
    named = f"{namespace}\0{session}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(named, digest_size=8, person=_PERSON).digest()
    return int.from_bytes(digest) < share * 2**64


def settled(came: Exchange, given: Exchange, share: float) -> Exchange:
    """The call with what memory has for it or, if its session is held out, as it came; ``holdout`` says which.

    Who names a mode of memory for the call gets what it says: asked for is asked for.

    Args:
        given: the call with what memory has for it; ``came`` itself where that is nothing.
        share: of sessions that are held out, in [0, 1].
    """
    if given.pack is None:
        return given
    asked = came.request.controls.memory and "memory" not in came.ignored
    if not asked and held_out(came.call.scope.namespace, came.session, share):
        return dataclasses.replace(came, holdout=True)
    return dataclasses.replace(given, holdout=False)
