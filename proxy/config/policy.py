"""The `cache` section: which stored answers may be served, to which calls, for how long."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator

from proxy.config.experiments import ExperimentSettings
from proxy.config.inheritance import inherited
from proxy.config.routes import RouteSettings
from proxy.config.rules import PolicySettings
from proxy.config.section import Name, Section, Text
from proxy.config.units import PositiveDuration


class VerifierSettings(Section):
    """What scores how surely a stored answer is right for a new prompt."""

    model: Text = Field(
        default="pair",
        description="`pair`: the encoder that comes with Reprise; `lexical`: needs no weights beyond the embedder's; "
        "`cosine`: similarity alone; or the name or folder of a sentence-transformers CrossEncoder.",
    )
    threads: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="How many threads one verification may use, 1 to 64."
    )


class JudgeSettings(Section):
    """A model that says whether two answers say the same, where comparing them here cannot tell. Never waited for."""

    model: Text | None = Field(
        default=None, description="A model of `model_list`, by the name callers would write; left out: no judge."
    )
    timeout: PositiveDuration = Field(default=30.0, description="Longest wait for one verdict.")
    max_per_minute: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=20, description="How many verdicts are asked for in a minute at most, 0 to 10000."
    )
    audits: bool = Field(
        default=False, description="Whether every audit is judged, or only what comparing the answers leaves open."
    )


class CacheSettings(Section):
    """Reuse of stored answers."""

    enabled: bool = Field(default=True, description="Whether answers are stored and served at all.")
    probation: bool = Field(
        default=False,
        description="Whether the first semantic hits of a namespace are all audited, until the shipped cut has proven "
        "itself. The error budget then holds on traffic that the cut does not suit, at the price of those hits.",
    )
    writes_per_minute: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="The most answers that one namespace may store in a minute; left out: no limit."
    )
    verifier: VerifierSettings = Field(
        default_factory=VerifierSettings, description="What scores candidates found by meaning."
    )
    judge: JudgeSettings = Field(
        default_factory=JudgeSettings, description="Who is asked whether two answers say the same."
    )
    policies: dict[Name, PolicySettings] = Field(
        default_factory=lambda: inherited({}),
        description="Policies by name. `default` is for every call that no route matches. The presets `conservative`, "
        "`balanced` and `aggressive` are always there.",
    )
    routes: list[RouteSettings] = Field(
        default=[], description="Which calls meet which policy. The first route that matches counts; else `default`."
    )
    experiments: list[ExperimentSettings] = Field(
        default=[], description="Policies tried side by side, each on a share of the calls."
    )

    @field_validator("policies", mode="before")
    @classmethod
    def _empty_policy_is_built_in(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: {} if policy is None else policy for name, policy in given.items()}

    @field_validator("policies")
    @classmethod
    def _inherit(cls, given: dict[str, PolicySettings]) -> dict[str, PolicySettings]:
        return inherited(given)
