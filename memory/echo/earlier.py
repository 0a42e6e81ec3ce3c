"""The answer that a user's turn reacts to: in the history that was sent along, or in a session that was named."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from store.database import Database
from store.tables import interactions

DERIVED: Final = "ses_"
"""How session ids begin that nobody named: unrelated people who open alike share one."""
LOOKED_BACK: Final = 50
"""Interactions of a session among which the answer is looked for."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An interaction before."""

    id: str
    namespace: str
    prompt: str
    response: str
    memories: Sequence[str]
    """Ids that it names."""


def earlier_answer(database: Database, record: Mapping[str, Any]) -> Earlier | None:
    """The interaction whose answer the user had before this turn.

    Where the call sends a history, the one whose answer that history ends with; without a history the newest of the
    session, if somebody named it. Unrelated people who ask the same first question are not one session.

    Raises ``DatabaseError``.
    """
    session = record["session_id"] or ""
    shown = shown_answer(record["request"])
    if not session or shown == "" or (shown is None and session.startswith(DERIVED)):
        return None
    log = interactions.c
    statement = (
        sa.select(log.id, log.namespace, log.prompt, log.response, log.response_summary, log.memories_used)
        .where(
            log.session_id == session,
            log.namespace == record["namespace"],
            log.interaction_type == "llm",
            log.success == 1,
            sa.or_(
                log.created_at < record["created_at"],
                sa.and_(log.created_at == record["created_at"], log.id < record["id"]),
            ),
        )
        .order_by(log.created_at.desc(), log.id.desc())
        .limit(1 if shown is None else LOOKED_BACK)
    )
    for row in database.query(statement):
        if shown is None or (row["response"] or "").strip() == shown:
            answer = row["response"] or row["response_summary"] or ""
            return Earlier(row["id"], row["namespace"], row["prompt"], answer, _names(row["memories_used"]))
    return None


def shown_answer(request: str | None) -> str | None:
    """The assistant's text right before the last message, which is the user's.

    None where the request holds no answer at all; empty where there is one that this turn does not follow.
    """
    messages = _messages(request)
    roles = [message.get("role") for message in messages]
    if "assistant" not in roles:
        return None
    if len(messages) < 2 or roles[-1] != "user" or roles[-2] != "assistant":
        return ""
    return _text(messages[-2]).strip()


def _messages(request: str | None) -> list[Mapping[str, Any]]:
    try:
        body = json.loads(request or "null")
    except ValueError:
        return []
    listed = body.get("messages") if isinstance(body, dict) else None
    return [message for message in listed if isinstance(message, dict)] if isinstance(listed, list) else []


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _names(column: str | None) -> list[str]:
    try:
        value = json.loads(column) if column else []
    except ValueError:
        return []
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
