"""Puts answers that came from elsewhere into the store, by the identity and the rules of live calls.

Each item is placed as the proxy would place the call it answers: namespace, policy, upstream and headers enter its
keys, so that the same call is an exact hit from then on. Vectors are left to the sweep that mends the semantic tier:
it embeds what has none, within a minute in a running server, at its next start otherwise.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from cache.call import Call
from cache.classes import allowed_tiers
from cache.policy import Policy, Tier
from cache.storing import UNSTORED, Storable, entry_of, storable
from proxy.auth import Caller
from proxy.controls import NAME_CHARS, read_controls
from proxy.errors import InvalidRequest, ProxyError
from proxy.exchange import Exchange
from proxy.moving.item import IMPORTED, Item, Kept, Result
from proxy.prices import Prices
from proxy.usage import usage_of
from proxy.wire import ChatRequest, check_chat, check_nesting
from store import bulk
from store.database import Database
from store.entry import Entry

Place = Callable[[ChatRequest, Caller], Exchange]
"""Gives a call its identity and its policy, as a live one's. Raises ``ProxyError``."""
Named = Callable[[], Mapping[str, Policy]]
"""The policies by name, as they are now."""

_WHY = {
    **UNSTORED,
    "expired": "it was good until a time that is over",
    "invalidated": "it is older than the namespace's epoch, which was raised to be rid of all that is",
    "out-of-service": "an answer under the same key was blocked or quarantined here",
    "no-request": "it belongs to another namespace, upstream or epoch, and its request is not known",
}


class _Refused(Exception):
    def __init__(self, reason: str, message: str = "", key: str | None = None) -> None:
        super().__init__(reason)
        self.result = Result("refused", key, reason=reason, message=message or _WHY[reason])


class Warmer:
    """Stores items in batches.

    Args:
        database: where the entries go; None: nothing is stored yet, and nothing can be (see ``dry``).
        clock: seconds since 1970.
    """

    def __init__(
        self,
        place: Place,
        named: Named,
        database: Database | None,
        prices: Prices,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._place = place
        self._named = named
        self._database = database
        self._prices = prices
        self._clock = clock

    def store(self, items: Sequence[Item], *, force: bool = False, dry: bool = False) -> list[Result]:
        """Store what may be stored and is not there yet; returns once that survives a killed process.

        Args:
            force: store also what policy lets use no tier, and what takes the place of an answer out of service.
            dry: store nothing, and say what would become of each.

        Raises:
            DatabaseError: nothing of the batch was stored.
        """
        now = self._clock()
        begun = bulk.epochs_begun(self._database) if self._database is not None else {}
        made = [self._made(item, force=force, now=now, begun=begun) for item in items]
        keys = [entry.exact_key for entry in made if isinstance(entry, Entry)]
        held = bulk.held(self._database, keys, now) if self._database is not None else {}
        new: dict[str, Entry] = {}
        results: list[Result] = []
        for entry in made:
            if isinstance(entry, Result):
                results.append(entry)
            elif entry.exact_key in new or held.get(entry.exact_key):
                results.append(Result("duplicate", entry.exact_key))
            elif entry.exact_key in held and not force:
                results.append(_Refused("out-of-service", key=entry.exact_key).result)
            else:
                new[entry.exact_key] = entry
                results.append(Result("stored", entry.exact_key, None if dry else entry.id))
        if new and not dry:
            assert self._database is not None, "there is nowhere to store"
            bulk.insert(self._database, list(new.values())).result()
        return results

    def _made(self, item: Item, *, force: bool, now: float, begun: Mapping[str, float]) -> Entry | Result:
        try:
            raw = _checked(item)
            exchange = self._placed(item, raw)
            call = _under(item.policy, exchange.call, self._named())
            entry = entry_of(call, item.response, _may(item, call, force=force), now)
            entry = dataclasses.replace(entry, **_origin(item, entry, now))
            if entry.expires_at <= now:
                raise _Refused("expired", key=entry.exact_key)
            if entry.created_at < begun.get(entry.namespace, 0.0):
                raise _Refused("invalidated", key=entry.exact_key)
            return entry if entry.cost is not None else dataclasses.replace(entry, cost=self._cost(item, exchange, raw))
        except _Refused as refused:
            return refused.result
        except ProxyError as error:
            return Result("refused", reason="invalid", message=error.message)

    def _placed(self, item: Item, raw: bytes) -> Exchange:
        headers = {**item.headers, "x-reprise-project": item.project} if item.project else item.headers
        controls = read_controls(headers, item.request.get("cache"))
        controls = dataclasses.replace(controls, tags=tuple(sorted({*controls.tags, *item.tags})))
        request = ChatRequest(raw, item.request, headers, "", controls)
        return self._place(request, Caller(item.namespace, "client"))

    def _cost(self, item: Item, exchange: Exchange, raw: bytes) -> float | None:
        return self._prices.of_answer(exchange.target, item.response, usage_of(raw, item.response))


def _checked(item: Item) -> bytes:
    """The request's bytes, once it is known that request and answer can be stored. Raises ``ProxyError``, refusals."""
    check_chat(item.request)
    check_nesting({"request": item.request, "response": item.response})
    if not item.namespace.isprintable() or not 1 <= len(item.namespace) <= NAME_CHARS:
        raise InvalidRequest(f"'namespace' takes 1 to {NAME_CHARS} printable characters.", param="namespace")
    try:
        raw = json.dumps(item.request, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        # As a replay will write it.
        orjson.dumps(item.response)
        if item.kept is not None:
            orjson.dumps(dataclasses.asdict(item.kept))
    except (ValueError, TypeError) as error:
        # Half a surrogate pair, no number, or an answer with one beyond 64 bits.
        raise _Refused("invalid", "it holds characters or numbers that JSON in UTF-8 cannot hold") from error
    return raw


def _may(item: Item, call: Call, *, force: bool) -> Storable:
    """What the rules of storing say. Raises ``_Refused``."""
    tiers: frozenset[Tier] = call.policy.tiers
    refused = None
    if not force:
        tiers, refused = allowed_tiers(call.classes, call.policy)
    if refused is not None:
        raise _Refused(refused, "policy lets calls of this class use no tier", call.exact_key)
    may = storable(call, tiers, item.response)
    if not isinstance(may, Storable):
        raise _Refused(may, key=call.exact_key)
    return may


def _under(name: str | None, call: Call, named: Mapping[str, Policy]) -> Call:
    """The call as it would be under the policy that the operator names. Raises ``InvalidRequest``."""
    if name is None:
        return call
    if name not in named:
        raise InvalidRequest(f"No policy is called {name!r}; there are: {', '.join(sorted(named))}.", param="policy")
    return dataclasses.replace(call, policy=named[name])


def _origin(item: Item, entry: Entry, now: float) -> dict[str, Any]:
    """What tells of where an entry comes from: tags, age, and what it was where it was exported."""
    changes: dict[str, Any] = {"tags": tuple(sorted({*entry.tags, IMPORTED}))}
    if item.made:
        changes["answered_by"] = None
    if item.kept is not None:
        changes |= _as_it_was(item.kept, entry, now)
    if item.ttl is not None:
        changes["expires_at"] = now + item.ttl
    return changes


def _as_it_was(kept: Kept, entry: Entry, now: float) -> dict[str, Any]:
    """An exported answer's age and quality; its keys, too, where it still belongs to the same place."""
    changes: dict[str, Any] = {
        "alpha": kept.alpha,
        "beta": kept.beta,
        "created_at": now if kept.created_at is None else min(kept.created_at, now),
        "expires_at": entry.expires_at if kept.expires_at is None else kept.expires_at,
        "answered_by": kept.answered_by,
        "cost": kept.cost,
    }
    if (kept.partition, kept.target) == (entry.partition, entry.target):
        # Headers and memory enter the keys too, and only the keys tell of them.
        by_meaning = entry.compat_key is not None
        return changes | {
            "exact_key": kept.exact_key,
            "compat_key": kept.compat_key if by_meaning else None,
            "loose_key": kept.loose_key if by_meaning else None,
            "earlier": kept.earlier if by_meaning else (),
            "prompt": kept.prompt,
        }
    if not kept.whole:
        raise _Refused("no-request")
    return changes
