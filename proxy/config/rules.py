"""One policy as it is written: the rules for reusing answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, cast

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cache import policy
from cache.policy import Tier as Tier
from proxy.config.section import Name, Section, refusal
from proxy.config.units import Duration, PositiveDuration, Size

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
GuardName = Literal[
    "numbers",
    "units",
    "negation",
    "opposites",
    "quoted",
    "form",
    "unread",
    "order",
    "names",
    "language",
    "members",
    "roles",
    "question",
    "logic",
    "temporal",
    "modal",
    "person",
    "correction",
]
HeaderName = Literal["policy", "threshold", "session", "project", "client", "tags", "memory"]
Share = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""
Gain = Annotated[float, Field(gt=0, le=2)]
Count = Annotated[int, Field(ge=1)]
Bytes = Annotated[Size, Field(gt=0)]


def _said_none(value: Any) -> Any:
    return None if value == "none" else value


def _said_off(value: Any) -> Any:
    # YAML reads a bare `off` as a truth value.
    return "off" if value is False else value


def _said_all_or_none(value: Any) -> Any:
    return {"all": None, "none": []}.get(value, value) if isinstance(value, str) else value


# A key left empty is not named at all, and leaves a parent's value: `none` takes it away.
_NONE = Literal["none"]
ShareOrNone = Annotated[Share | None, BeforeValidator(_said_none, json_schema_input_type=Share | _NONE | None)]
GainOrNone = Annotated[Gain | None, BeforeValidator(_said_none, json_schema_input_type=Gain | _NONE | None)]
CountOrNone = Annotated[Count | None, BeforeValidator(_said_none, json_schema_input_type=Count | _NONE | None)]
BytesOrNone = Annotated[Bytes | None, BeforeValidator(_said_none, json_schema_input_type=Bytes | _NONE | None)]
AgeOrNone = Annotated[
    PositiveDuration | None, BeforeValidator(_said_none, json_schema_input_type=PositiveDuration | _NONE | None)
]
Headers = Annotated[
    list[HeaderName] | None,
    BeforeValidator(_said_all_or_none, json_schema_input_type=list[HeaderName] | Literal["all", "none"] | None),
]

Mode = Annotated[
    policy.MemoryMode, BeforeValidator(_said_off, json_schema_input_type=policy.MemoryMode | Literal[False])
]

DEFAULT_CLASSES = cast(
    dict[ClassName, list[Tier]], {name: sorted(tiers) for name, tiers in policy.DEFAULT_CLASSES.items()}
)


class DecaySettings(Section):
    """How an answer loses rank with age: its quality is multiplied by a factor that falls from 1 to the floor."""

    floor: Share = Field(default=0.5, description="The least that age leaves of an answer's quality, from 0 to 1.")
    window: PositiveDuration = Field(default=168 * 3600.0, description="The age that `shape` speaks of.")
    shape: policy.Shape = Field(
        default="linear",
        description="`linear`: 1 - age / window, nothing but the floor from age = window on; `exponential`: "
        "2 ** -(age / window), a half at age = window; `step`: 1 before age = window, the floor from then on.",
    )


class StreamSettings(Section):
    """Whether calls that ask for a stream take part."""

    serve: bool = Field(default=True, description="Whether streamed calls may be answered from the cache.")
    store: bool = Field(default=True, description="Whether answers of streamed calls may be stored.")


class PolicySettings(Section):
    """One set of rules for reusing answers. What it leaves out is its parent's.

    A call meets the policy of the first of `cache.routes` that matches, else `default`; with `x-reprise-policy` it may
    name a stricter one.
    """

    extends: Name | None = Field(
        default=None,
        description="The parent: another policy, or a preset (`conservative`, `balanced`, `aggressive`). Left out: "
        "`balanced`, or for a policy with the name of a preset, that preset.",
    )
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
    similarity_threshold: ShareOrNone = Field(
        default=None,
        description="A fixed least cosine similarity of a semantic hit, 0 to 1, in place of verifier and error budget: "
        "a policy names one of the two, and that stands above a parent's other.",
    )
    deletion_gain: GainOrNone = Field(
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
    max_age: AgeOrNone = Field(
        default=None,
        description="The oldest answer that is served, whatever ttl it was stored under; left out: ttl alone counts.",
    )
    serve_stale_for: Duration = Field(
        default=0.0,
        description="How long after its expiry an answer may still be served, while one call in the background "
        "fetches a fresh one; 0: not at all.",
    )
    negative_ttl: Annotated[Duration, Field(le=60)] = Field(
        default=0.0,
        description="How long an upstream's refusal of a call (a 400, 404, 413 or 422 for the very same body) is "
        "repeated, up to 60s; 0: not at all.",
    )
    max_entries: CountOrNone = Field(
        default=None,
        description="The most answers in service that were stored under this policy; beyond it the least valuable go.",
    )
    max_bytes: BytesOrNone = Field(
        default=None, description="The most bytes of prompts and answers that these may take; left out: no limit."
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
    match_history: Literal["equal", "meaning"] = Field(
        default="equal",
        description="Whether the turns before the last must be `equal`, or may match by `meaning`, turn by turn.",
    )
    streams: StreamSettings = Field(default_factory=StreamSettings, description="Whether streamed calls take part.")
    memory: Mode = Field(
        default="full",
        description="What memory does with calls: `off`: nothing; `read`: it puts memories into them; `full`: that, "
        "and it learns from them. A call may name another with `x-reprise-memory`.",
    )
    guards: dict[GuardName, bool] = Field(
        default={}, description="Guards that are switched off (`false`); those left out are on."
    )
    headers: Headers = Field(
        default=None,
        description="The `x-reprise-` headers that callers may use (policy, threshold, session, project, client, tags, "
        "memory), or `all` or `none`; others are ignored, and named in `x-reprise-ignored`. `Cache-Control` is always "
        "heard.",
    )
    allow_loosening: bool = Field(
        default=False,
        description="Whether a call may ask for more reuse than the policy gives, such as a lower threshold.",
    )
    classes: dict[ClassName, list[Tier]] = Field(
        default=DEFAULT_CLASSES,
        description="The tiers that calls of each class may use; classes left out keep the parent's.",
    )

    @field_validator("audit_rate", mode="before")
    @classmethod
    def _audits_are_needed(cls, given: Any) -> Any:
        if given in (0, "0") and not isinstance(given, bool):
            raise refusal("must be more than 0: without audits no error budget holds")
        return given

    @model_validator(mode="after")
    def _one_way_to_decide(self) -> Self:
        both = {"similarity_threshold", "max_error_rate"} <= self.model_fields_set
        if both and self.similarity_threshold is not None:
            raise refusal("stands in place of max_error_rate: give one of the two", at=("similarity_threshold",))
        return self
