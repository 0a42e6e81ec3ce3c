"""The `memory` section: what is recorded, and what is made of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxy.config.flows import FlowSettings
from proxy.config.section import Name, Section, Text
from proxy.config.sources import RetrievalSettings, SourceSettings
from proxy.config.units import Duration, PositiveDuration

Share = Annotated[float, Field(ge=0, le=1)]


class InteractionSettings(Section):
    """Which kinds of interaction are recorded."""

    llm: bool = Field(default=True, description="Calls to models.")
    tool: bool = Field(default=True, description="Tool runs that clients report.")
    command_check: bool = Field(default=True, description="Checks of commands that clients report.")
    embed: bool = Field(
        default=True, description="Whether what tools were given is embedded, so that similar runs can be found."
    )


class ContextSettings(Section):
    """What is put into a prompt: project state, memories, pieces of the sources."""

    budget: Annotated[int, Field(ge=200, le=100_000)] = Field(
        default=3000, description="Characters that a context may take at most, 200 to 100000."
    )
    sources: bool = Field(default=True, description="Whether calls get pieces of the sources, too.")
    holdout: Share = Field(
        default=0.0,
        description="Share of sessions that get nothing, so that `/stats` can say what it is worth, 0 to 1.",
    )


class ReinforcementSettings(Section):
    """Confidence that memories gain when answers use them."""

    enabled: bool = Field(default=True, description="Whether answers move the memories that they use.")
    step: Share = Field(default=0.02, description="Confidence gained by a use, 0 to 1; at most once per session.")
    contradiction: Share = Field(
        default=0.1, description="Confidence lost when the next turn of the user contradicts it, 0 to 1."
    )
    cooldown: Duration = Field(default=600.0, description="Least time between two gains of one memory.")
    unused_after: Annotated[int, Field(ge=1)] = Field(
        default=30, description="Injections without a single use after which a memory returns to review, 1 or more."
    )


class ExtractionSettings(Section):
    """Candidate memories, found in proxied calls behind the answer."""

    enabled: bool = Field(default=True, description="Whether proxied calls are read for candidates.")
    model: Text | None = Field(
        default=None,
        description="A model of `model_list` that reads them too, by the name callers would write; left out: rules "
        "alone. It sees redacted text.",
    )
    timeout: PositiveDuration = Field(default=60.0, description="Longest wait for one reading by the model.")
    max_per_minute: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=20, description="Readings by the model in a minute at most, 0 to 10000; the rest waits."
    )
    batch: Duration = Field(
        default=3600.0,
        description="How often interactions that the present version of the extractor has not read are read; 0: never.",
    )


class TriageSettings(Section):
    """A model that decides on candidates in a person's place. Off without a model."""

    model: Text | None = Field(default=None, description="A model of `model_list`; left out: only people decide.")
    larger_model: Text | None = Field(
        default=None, description="Asked where the first is not sure; left out, a person decides then."
    )
    act_at: Share = Field(default=0.8, description="How sure a model must be for its decision to count, 0 to 1.")
    timeout: PositiveDuration = Field(default=60.0, description="Longest wait for one decision.")
    every: PositiveDuration = Field(default=600.0, description="How often candidates are looked at.")


class HygieneSettings(Section):
    """What time does to memories."""

    decay: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.97, description="Factor a day on the confidence of idle memories, above 0, up to 1; 1: no decay."
    )
    idle: PositiveDuration = Field(
        default=30 * 86400.0,
        description="How long an active memory that no answer ever used must go unchanged before it decays.",
    )
    floor: Share = Field(default=0.3, description="Confidence below which an idle memory is superseded, 0 to 1.")
    merge_at: Share = Field(
        default=0.88, description="Cosine from which two memories are proposed to be merged, 0 to 1."
    )
    merge_alone: Share | None = Field(
        default=None, description="Cosine from which they are merged without a person, such as 0.92; left out: never."
    )
    every: PositiveDuration = Field(default=3600.0, description="How often memories are looked over.")


class RedactionSettings(Section):
    """Secrets and personal data, taken out before anything is kept as a memory or shown to an extraction model."""

    engine: Literal["rules", "presidio"] = Field(
        default="rules",
        description="`rules` comes with Reprise; `presidio` adds Microsoft Presidio, which must be installed.",
    )


class MemorySettings(Section):
    """What is recorded, and what memory makes of it."""

    interactions: InteractionSettings = Field(
        default_factory=InteractionSettings, description="Which kinds of interaction are recorded."
    )
    sources: dict[Name, SourceSettings] = Field(
        default_factory=dict, description="Folders of documents, by name; a path alone, or `path` and more."
    )
    retrieval: RetrievalSettings = Field(
        default_factory=RetrievalSettings, description="How pieces of documents are ranked for a prompt."
    )
    context: ContextSettings = Field(default_factory=ContextSettings, description="What is put into a prompt.")
    reinforcement: ReinforcementSettings = Field(
        default_factory=ReinforcementSettings, description="Confidence that memories gain when answers use them."
    )
    extraction: ExtractionSettings = Field(
        default_factory=ExtractionSettings, description="Candidate memories, found behind the answers."
    )
    triage: TriageSettings = Field(
        default_factory=TriageSettings, description="A model that decides on candidates in a person's place."
    )
    hygiene: HygieneSettings = Field(default_factory=HygieneSettings, description="What time does to memories.")
    flows: FlowSettings = Field(
        default_factory=FlowSettings, description="Sessions derived from calls, and what resolved ones teach."
    )
    redaction: RedactionSettings = Field(
        default_factory=RedactionSettings, description="What is taken out of memories."
    )
