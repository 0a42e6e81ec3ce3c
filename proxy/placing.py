"""Where a call belongs: its namespace, target, policy, session and keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from cache.call import Call
from cache.identity import Scope as CacheScope
from cache.identity import canonical
from memory.sessions.identity import derive_session
from proxy.auth import Caller
from proxy.controls import Controls, apply_controls
from proxy.exchange import Exchange
from proxy.policy.policies import Policies, Traits, Unit
from proxy.upstreams.outgoing import steering
from proxy.upstreams.router import Router
from proxy.wire import ChatRequest

Names = Callable[[str], tuple[str, ...]]


def place(
    request: ChatRequest,
    caller: Caller,
    router: Router,
    policies: Policies,
    *,
    names: Names = lambda project: (project,) if project else (),
    epoch: int = 0,
    mark: int | None = None,
) -> Exchange:
    """Identity: whose call it is, where it would go, which policy it meets.

    Args:
        names: gives what a project of this name goes by, its id first.
        epoch: the namespace's (``store.epochs``).
        mark: ``Cache.mark`` now, where the answer is yet to come.

    Raises:
        NotFound: no such model.
        InvalidRequest: a control names what is not there.
    """
    asked = request.controls
    known_as = names(asked.project) if asked.project else ()
    if known_as and known_as[0] != asked.project:
        asked = dataclasses.replace(asked, project=known_as[0])
    target = router.resolve(request.model, caller)
    session = asked.session or _session_in(request.body) or derive_session(caller.namespace, request.body["messages"])
    traits = traits_of(caller, request.model, request.path, request.headers, asked, known_as[1:])
    unit = Unit(session, caller.key_name or caller.namespace, request.user)
    chosen = policies.choose(traits, unit)
    policy, controls, ignored = apply_controls(asked, policies.named, chosen.policy)
    if controls.session != asked.session:
        session = _session_in(request.body) or derive_session(caller.namespace, request.body["messages"])
    scope = CacheScope(
        namespace=caller.namespace,
        part=controls.part,
        project=controls.project,
        # What policy usually says leaves no mark. What is put into the call is added where that is chosen.
        memory="" if policy.memory == "full" else policy.memory,
        target=target.identity,
        headers=canonical([steering(request.headers), request.query]),
        epoch=epoch,
    )
    call = Call(
        request.body,
        scope,
        policy,
        refresh=controls.no_cache,
        store=not controls.no_store,
        tags=controls.tags,
        auditable=not controls.only_if_cached,
        asked=mark,
    )
    return Exchange(
        request=request,
        target=target,
        call=call,
        session=session,
        client=controls.client or _client_of(caller, request.headers),
        ignored=tuple(ignored),
        chosen=chosen,
    )


def traits_of(
    caller: Caller,
    model: str,
    path: str,
    headers: Mapping[str, str],
    asked: Controls,
    aliases: tuple[str, ...] = (),
) -> Traits:
    """What routes see of a call.

    Args:
        path: with ``/v1``.
        headers: by lower-case name.
        aliases: what the project goes by besides.
    """
    return Traits(
        model=model,
        namespace=caller.namespace,
        key=caller.key_name,
        client=asked.client or _client_of(caller, headers),
        project=asked.project,
        path=path,
        headers=headers,
        tags=asked.tags,
        aliases=aliases,
    )


def _client_of(caller: Caller, headers: Mapping[str, str]) -> str:
    """The program that calls, where it does not say so itself: its key's name, else its user agent's product."""
    return caller.key_name or _product(headers.get("user-agent", ""))


def _session_in(body: Mapping[str, Any]) -> str | None:
    metadata = body.get("metadata")
    session = metadata.get("session_id") if isinstance(metadata, Mapping) else None
    return session if isinstance(session, str) and session.strip() else None


def _product(user_agent: str) -> str:
    """``OpenAI/Python 2.54.0`` is the client ``OpenAI/Python``; ``curl/8.5`` is ``curl``."""
    first = user_agent.split(" ")[0]
    name, _, version = first.partition("/")
    return name if version[:1].isdigit() else first
