"""The `cache` section: which stored answers may be served, to which calls, for how long."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field, field_validator, model_validator

from cache import policy
from cache.policy import Tier as Tier
from proxy.config.section import Name, Section, Text, refusal
from proxy.config.units import PositiveDuration

ClassName = Literal[
    "creative",
    "volatile",
    "random",
    "action",
    "own-data",
    "secrets",
    "personal-data",
    "tool-loop",
    "several-choices",
    "multimodal",
    "high-temperature",
]
Share = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""

DEFAULT_POLICY = "default"
DEFAULT_CLASSES = cast(
    dict[ClassName, list[Tier]], {name: sorted(tiers) for name, tiers in policy.DEFAULT_CLASSES.items()}
)


class DecaySettings(Section):
    """How an answer loses rank with age: its quality is multiplied by max(floor, 1 - age / window)."""

    floor: Share = Field(default=0.5, description="The least that age leaves of an answer's quality, from 0 to 1.")
    window: PositiveDuration = Field(
        default=168 * 3600.0, description="The age at which nothing would be left but the floor."
    )


class PolicySettings(Section):
    """One set of rules for reusing answers. A call names its policy with `x-reprise-policy`, or gets `default`."""

    tiers: list[Tier] = Field(
        default=["exact", "semantic"],
        description="Where answers are looked for: `exact` (the same call), `semantic` (the same meaning).",
    )
    max_error_rate: Annotated[float, Field(gt=0, le=0.5)] = Field(
        default=0.01,
        description="The error budget: wrong answers per semantic hit that are tolerated, above 0 and up to 0.5.",
    )
    audit_rate: Share = Field(
        default=0.02,
        gt=0,
        description="The share of would-be semantic hits that is forwarded all the same, to measure their error: "
        "above 0 and up to 1. Without audits no error budget holds.",
    )
    shadow: bool = Field(
        default=False,
        description="Decide, log and count semantic hits, but serve none of them: every call is forwarded.",
    )
    similarity_threshold: Share | None = Field(
        default=None,
        description="A fixed least cosine similarity of a semantic hit, 0 to 1, in place of verifier and error budget.",
    )
    deletion_gain: Annotated[float, Field(gt=0, le=2)] | None = Field(
        default=None,
        description="Against poisoned entries: refuse a stored prompt that a cut brings nearer to the new one, "
        "by more than this cosine (0.08 is measured). Costs up to 17 embeddings a semantic hit.",
    )
    verified: Annotated[int, Field(ge=1, le=10)] = Field(
        default=2, description="How many candidates of a call the verifier is asked about at most, 1 to 10."
    )
    min_quality: Share = Field(
        default=0.70, description="An answer whose quality x decay is below this is not served, from 0 to 1."
    )
    ttl: PositiveDuration = Field(
        default=24 * 3600.0, description="How long an answer may be served after it was stored."
    )
    decay: DecaySettings = Field(default_factory=DecaySettings, description="How age lowers an answer's quality.")
    max_temperature: Annotated[float, Field(ge=0, le=2)] = Field(
        default=1.0, description="Above this sampling temperature, 0 to 2, a call is in the class `high-temperature`."
    )
    candidates: Annotated[int, Field(ge=1, le=100)] = Field(
        default=5, description="How many nearest stored prompts a semantic lookup fetches at first, 1 to 100."
    )
    max_candidates: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=80, description="How many it fetches at most, while the farthest is still similar enough; 1 to 1000."
    )
    store_tool_calls: Literal["exact", "semantic", "never"] = Field(
        default="exact",
        description="Which tiers may serve an answer that holds tool calls: `exact` only, `semantic` too, or `never`.",
    )
    allow_loosening: bool = Field(
        default=False,
        description="Whether a call may ask for more reuse than the policy gives, such as a lower threshold.",
    )
    classes: dict[ClassName, list[Tier]] = Field(
        default=DEFAULT_CLASSES,
        description="The tiers that calls of each class may use; classes left out keep their default.",
    )

    @field_validator("classes")
    @classmethod
    def _fill_classes(cls, given: dict[ClassName, list[Tier]]) -> dict[ClassName, list[Tier]]:
        return {name: list(tiers) for name, tiers in (DEFAULT_CLASSES | given).items()}

    @model_validator(mode="after")
    def _candidates_fit(self) -> Self:
        if self.candidates > self.max_candidates:
            raise refusal("must not be below candidates", at=("max_candidates",))
        return self


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
        default_factory=lambda: {DEFAULT_POLICY: PolicySettings()},
        description="Policies by name. `default` serves every call that names none; left out, it is the built-in one.",
    )

    @field_validator("policies", mode="before")
    @classmethod
    def _empty_policy_is_built_in(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: {} if policy is None else policy for name, policy in given.items()}

    @field_validator("policies")
    @classmethod
    def _fill_default(cls, given: dict[str, PolicySettings]) -> dict[str, PolicySettings]:
        return {DEFAULT_POLICY: PolicySettings()} | given
