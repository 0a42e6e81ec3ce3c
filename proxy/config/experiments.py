"""`cache.experiments`: policies tried side by side, each on a share of the calls."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from proxy.config.routes import MatchSettings
from proxy.config.section import Name, Section, refusal
from proxy.config.units import Moment

WHOLE = (100.0, 1.0)
"""What the weights of an experiment's arms may add up to."""


class ArmSettings(Section):
    """One arm of an experiment."""

    policy: Name = Field(description="The policy that calls on this arm meet: one of `cache.policies`, or a preset.")
    weight: Annotated[float, Field(gt=0, le=100)] = Field(
        description="The share of units on this arm; those of an experiment add up to 100, or to 1."
    )


class ExperimentSettings(Section):
    """Puts each unit (a session, a key, a user) on one of several arms, and keeps it there."""

    name: Name = Field(description="What it is called in the log; another name draws all units anew.")
    sticky: Literal["session", "key", "user"] = Field(
        default="session",
        description="What stays on one arm: a `session` (derived from the opening of a conversation where none is "
        "named), a `key` of `auth.keys` by its name, or a `user` as the body says. A call without it takes no part.",
    )
    arms: dict[Name, ArmSettings] = Field(description="Two or more arms by name, each with a policy and a weight.")
    match: MatchSettings = Field(
        default_factory=MatchSettings,
        description="Which calls take part, as in `cache.routes`; left empty: all. Of all experiments that match and "
        "run at the time, the first counts.",
    )
    since: Moment | None = Field(default=None, description="When it begins, ISO 8601; left out: at once.")
    until: Moment | None = Field(default=None, description="When it ends, ISO 8601; left out: when it is stopped.")

    @model_validator(mode="after")
    def _arms_share_all_units(self) -> Self:
        if len(self.arms) < 2:
            raise refusal("needs two arms at least", at=("arms",))
        total = math.fsum(arm.weight for arm in self.arms.values())
        if not any(math.isclose(total, whole, rel_tol=1e-6) for whole in WHOLE):
            raise refusal(f"has weights that add up to {total:g}, not 100", at=("arms",))
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise refusal("must be after since", at=("until",))
        return self

    def covers(self, later: ExperimentSettings) -> bool:
        """Does it take every call that a later one would take?"""
        begins, ends = self.since or -math.inf, self.until or math.inf
        always = begins <= (later.since or -math.inf) and (later.until or math.inf) <= ends
        return always and self.match.covers(later.match)
