"""Fills the cache over HTTP: answers that came from elsewhere, stored as if they had come through the proxy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Final, Self

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from proxy.auth import Caller
from proxy.config.units import PositiveDuration
from proxy.errors import InvalidRequest
from proxy.moving.item import KEY, LATEST, MOST, BadRecord, Item, Kept, Result, Status, clean_tags, completion
from proxy.moving.template import Template
from proxy.routes.access import Admin, Parts

MOST_ENTRIES = 1000
"""Answers in one call."""
STATUSES: Final[tuple[Status, ...]] = ("stored", "duplicate", "refused")

router = APIRouter(prefix="/cache", tags=["entries"])
_log = structlog.get_logger(__name__)

Key = Annotated[str, StringConstraints(pattern=f"^{KEY.pattern}$")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Exported(BaseModel):
    """What an exported answer brings with it: keys, age, quality."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    exact_key: Key | Annotated[str, StringConstraints(max_length=0)] = ""
    compat_key: Key | None = None
    loose_key: Key | None = None
    partition: str = ""
    target: str | None = None
    alpha: float = Field(gt=0, lt=MOST)
    beta: float = Field(ge=0, lt=MOST)
    created_at: float | None = Field(default=None, ge=0, lt=LATEST)
    expires_at: float | None = Field(default=None, ge=0, lt=LATEST)
    earlier: list[str] = []
    prompt: str | None = None
    answered_by: str | None = None
    cost: float | None = Field(default=None, ge=0)
    whole: bool = True

    def as_kept(self) -> Kept:
        """As the store takes it."""
        return Kept(**{**self.model_dump(), "earlier": tuple(self.earlier)})


class WarmEntry(BaseModel):
    """A request and its answer.

    The request is a `prompt`, or `messages`, or a whole chat body as `request`; `answer`, or `response`, is a text, an
    assistant's message or a chat completion.
    """

    model_config = ConfigDict(extra="forbid")

    prompt: str | None = None
    messages: list[dict[str, Any]] | None = None
    request: dict[str, Any] | None = None
    system: str | None = Field(default=None, description="The system prompt that the prompt's calls have.")
    model: Short | None = None
    answer: str | dict[str, Any] | None = None
    response: str | dict[str, Any] | None = None
    namespace: Short | None = Field(default=None, description="Whose calls it answers; left out: the caller's own.")
    project: Annotated[str, StringConstraints(max_length=200)] = ""
    policy: Short | None = Field(default=None, description="Stored under this policy; left out: that of its calls.")
    tags: list[Short] = []
    ttl: PositiveDuration | None = None
    headers: dict[str, str] = Field(default={}, description="Headers of its calls that can change the answer.")
    made: bool = Field(default=False, description="Was `response` made from a text, by whoever imports it?")
    exported: Exported | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if sum(given is not None for given in (self.prompt, self.messages, self.request)) != 1:
            raise ValueError("give one of prompt, messages and request")
        if (self.answer is None) == (self.response is None):
            raise ValueError("give one of answer and response")
        return self


class Warm(BaseModel):
    """Answers to be stored."""

    model_config = ConfigDict(extra="forbid")

    entries: list[WarmEntry] = Field(min_length=1, max_length=MOST_ENTRIES)
    force: bool = Field(default=False, description="Store also what policy would let use no tier.")
    dry_run: bool = Field(default=False, description="Store nothing; say what would become of each.")


@router.post("/warm", operation_id="warm_cache")
def warm(given: Warm, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Store answers without asking the upstream, by the identity and the rules of live calls.

    Each is `stored`, a `duplicate` of what its key holds already, or `refused` with the reason. They are found by
    exact match at once, by meaning within a minute.
    """
    items = [_item(entry, caller, f"entries.{number}") for number, entry in enumerate(given.entries)]
    results = parts.warmer.store(items, force=given.force, dry=given.dry_run)
    counts = Counter(result.status for result in results)
    told: dict[str, Any] = {status: counts[status] for status in STATUSES}
    _log.info("cache warmed", dry_run=given.dry_run, counts=told)
    return {**told, "results": _told(results)}


def _item(given: WarmEntry, caller: Caller, at: str) -> Item:
    template = Template(model=given.model)
    try:
        if given.request is not None:
            request = given.request
        elif given.messages is not None:
            request = template.continuing(given.messages, {})
        else:
            request = template.asking(given.prompt or "", given.system, given.model)
        request = {**request, "model": template.model_of(request)}
        response, made = completion(given.response if given.answer is None else given.answer, request["model"])
        tags = clean_tags(given.tags)
    except BadRecord as error:
        raise InvalidRequest(f"'{at}': {error}.", param=at) from error
    return Item(
        request,
        response,
        namespace=given.namespace or caller.namespace,
        project=given.project,
        policy=given.policy,
        tags=tags,
        ttl=given.ttl,
        headers={name.lower(): value for name, value in given.headers.items()},
        made=made or given.made,
        kept=given.exported.as_kept() if given.exported else None,
    )


def _told(results: Sequence[Result]) -> list[dict[str, Any]]:
    """In the order of the entries; what is not known of one is left out."""
    names = ("status", "id", "key", "reason", "message")
    return [{name: getattr(result, name) for name in names if getattr(result, name)} for result in results]
