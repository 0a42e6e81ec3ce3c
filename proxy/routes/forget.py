"""Forgetting over HTTP."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from memory.memories.memory import Actor
from proxy.errors import InvalidRequest
from proxy.remembering.forget import Forget
from proxy.remembering.selector import KINDS, LEAST_CHARS, Selector
from proxy.routes.access import Admin

router = APIRouter(prefix="/admin", tags=["memory"])


def _forget(request: Request) -> Forget:
    found: Forget = request.app.state.forget
    return found


class Forgettable(BaseModel):
    """What to forget: exactly one of subject, session, client and namespace."""

    model_config = ConfigDict(extra="forbid")

    subject: str | None = Field(
        default=None,
        description="A name, an e-mail address: everything that holds these words goes. Case, spacing and spelling of "
        "accents make no difference.",
    )
    session: str | None = None
    client: str | None = None
    namespace: str | None = None
    whole_words: bool = Field(
        default=False, description="Of a subject: find it as a word of its own only, so that 'Ann' leaves 'planning'."
    )
    keep_backups: bool = Field(
        default=False,
        description="Keep the backups in the data directory that hold it; they are named as left. Else they are "
        "deleted, whole: nothing can be cut out of one.",
    )
    dry_run: bool = Field(
        default=False,
        description="Say how many rows would go, and which backups, and change nothing: a common word may stand in "
        "everything.",
    )


@router.post("/forget", operation_id="forget")
async def forget(given: Forgettable, forgets: Annotated[Forget, Depends(_forget)], caller: Admin) -> dict[str, Any]:
    """Forget somebody, a session, a client or a namespace: in the log, in memory, in the cache, in every file.

    Gives a receipt, which is kept in the audit and holds none of the words. Calls go on meanwhile. Asked again after a
    failure, it finishes what was left. Backups in the data directory that hold it are deleted, and named, unless
    ``keep_backups`` says otherwise: make a new one then. Exports, server logs and backups that were taken elsewhere are
    not reached.
    """
    selector = _selector(given)
    if given.dry_run:
        going = [] if given.keep_backups else await forgets.backups(selector)
        return {"status": "dry_run", "counts": await forgets.preview(selector), "backups": going}
    actor = Actor(caller.key_name or "admin")
    done = await forgets.forget(selector, actor, caller.namespace, keep_backups=given.keep_backups)
    receipt = dataclasses.asdict(done)
    return {"status": "forgotten", **receipt}


def _selector(given: Forgettable) -> Selector:
    named = [kind for kind in KINDS if getattr(given, kind) is not None]
    if len(named) != 1:
        which = named[1] if named else "subject"
        raise InvalidRequest(f"Give exactly one of {', '.join(KINDS)}.", param=which)
    kind = named[0]
    value = str(getattr(given, kind))
    if not value.strip():
        raise InvalidRequest(f"'{kind}' must not be blank.", param=kind)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"'{kind}' holds half a surrogate pair.", param=kind, code="invalid_json") from error
    if given.whole_words and kind != "subject":
        raise InvalidRequest("'whole_words' goes with 'subject' alone.", param="whole_words")
    if kind != "subject":
        return Selector(kind, value)
    try:
        selector = Selector(kind, value.strip(), given.whole_words)
        chars = selector.words.chars if selector.words is not None else 0
    except ValueError:
        chars = 0
    if chars < LEAST_CHARS:
        raise InvalidRequest(f"'subject' takes at least {LEAST_CHARS} characters.", param="subject")
    return selector
