"""What a configuration may say, and hardly means: told by ``reprise config check``, but no reason to refuse it."""

from __future__ import annotations

from collections.abc import Iterator

from cache.policy import Policy, is_no_looser
from proxy.config import format_duration
from proxy.config.checks import Found
from proxy.config.loader import Loaded
from proxy.config.origins import is_written
from proxy.config.problems import Problem, dotted
from proxy.config.routes import MatchSettings
from proxy.policy.policies import Policies, build_policies

NEW = 0.9
"""The quality of an answer that nothing is known of yet: ``cache.answers.prior``."""
DARING = 0.8
"""Below this cosine most pairs of prompts are not after the same answer."""


def doubts(loaded: Loaded) -> list[Problem]:
    """Everything that is legal but doubtful, in the order of its lines."""
    policies = build_policies(loaded.settings.cache)
    found = [*_routes(loaded, policies), *_sources(loaded)]
    for name, policy in policies.named.items():
        if is_written(loaded, name):
            found += [(("cache", "policies", name, key), message) for key, message in _policy(policy)]
    placed = [(loaded.findings.place_of(path), path, message) for path, message in found]
    problems = [Problem(at.file, at.line, at.column, dotted(path), message) for at, path, message in placed]
    return sorted(problems, key=lambda one: one.line or 0)


def _routes(loaded: Loaded, policies: Policies) -> Found:
    default = policies.named["default"]
    for place, route in enumerate(loaded.settings.cache.routes):
        if _is_callers_choice(route.match) and not is_no_looser(policies.named[route.policy], default):
            said = "any caller may take it, by what it says of itself, and gets more reuse than `default` gives"
            yield ("cache", "routes", place, "match"), f"{said}: add a key, a namespace or a model"


def _sources(loaded: Loaded) -> Found:
    for name, source in loaded.settings.memory.sources.items():
        if not source.path.is_dir():
            what = "is no folder" if source.path.exists() else "there is no such folder now"
            yield ("memory", "sources", name), f"{what}: nothing of it can be read until there is"


def _is_callers_choice(match: MatchSettings) -> bool:
    """Do only conditions count that a caller fulfils by saying so?"""
    said = match.client or match.project or match.header or match.tag
    return bool(said) and not (match.key or match.namespace or match.model)


def _policy(policy: Policy) -> Iterator[tuple[str, str]]:
    if policy.similarity_threshold is not None and policy.similarity_threshold < DARING:
        yield "similarity_threshold", f"without a verifier, a cosine below {DARING} admits mostly wrong answers"
    if policy.max_age is not None and policy.max_age > policy.ttl + policy.serve_stale_for:
        yield "max_age", "has no effect: ttl ends before it"
    if policy.min_quality > NEW:
        yield (
            "min_quality",
            f"a new answer's quality is {NEW}, so none is served before feedback or audits speak for it",
        )
        return
    served = _served_for(policy)
    if served < policy.ttl:
        yield (
            "ttl",
            (
                f"an answer that nothing speaks for is served for {_about(served)} only: by then its quality x decay "
                "is below min_quality (a longer decay.window, or another decay.shape, keeps it)"
            ),
        )


def _served_for(policy: Policy) -> float:
    """Seconds for which an answer of the usual quality stays above the floor, up to the policy's ttl."""
    young, old = 0.0, policy.ttl
    if NEW * policy.decay.at(old) >= policy.min_quality:
        return old
    while old - young > 1.0:
        middle = (young + old) / 2
        young, old = (middle, old) if NEW * policy.decay.at(middle) >= policy.min_quality else (young, middle)
    return policy.ttl if policy.ttl - old <= 1.0 else young


def _about(seconds: float) -> str:
    for unit in (3600.0, 60.0):
        if seconds >= unit:
            return format_duration(round(seconds / unit) * unit)
    return "some seconds"
