"""`memory.sources` and `memory.retrieval`: documents that prompts may be given pieces of, and how these are ranked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from proxy.config.section import Folder, Name, Section, Text
from proxy.config.units import Size


class SourceSettings(Section):
    """A folder of documents. A path alone is one that every namespace may read."""

    path: Folder = Field(description="The folder; nothing outside it is read, whatever links there.")
    watch: bool = Field(default=False, description="Whether files are read again as they change.")
    namespaces: list[Name] | None = Field(
        default=None, description="Whose calls may get pieces of it; left out, every namespace's."
    )
    tags: list[Text] = Field(default_factory=list, description="Tags of all its documents, to filter by.")
    max_file: Annotated[Size, Field(gt=0)] = Field(default=16 * 2**20, description="Larger files are not read.")

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, given: Any) -> Any:
        return {"path": given} if isinstance(given, str) else given


Boost = Annotated[float, Field(gt=0, le=10)]


class RetrievalSettings(Section):
    """A piece's score is its cosine with the prompt times these."""

    project_boost: Boost = Field(default=2.0, description="Factor for pieces of the call's own project.")
    token_boost: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.08, description="Gain for each word of the prompt that a piece has, 0 to 1."
    )
    token_cap: Annotated[float, Field(ge=1, le=10)] = Field(
        default=1.32, description="Most that shared words may multiply by."
    )
    path_boost: Boost = Field(default=1.18, description="Factor where path or headings name one of `boosted`.")
    path_penalty: Boost = Field(default=0.72, description="Factor where path or headings name one of `lowered`.")
    boosted: list[Text] = Field(
        default_factory=lambda: ["status", "decision", "requirement", "roadmap", "architecture", "current", "adr"],
        description="Words that speak of what holds now.",
    )
    lowered: list[Text] = Field(
        default_factory=lambda: ["archive", "archived", "history", "old", "deprecated", "changelog"],
        description="Words that speak of what held once.",
    )
    least_similarity: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.3, description="Cosine below which a piece is not put into a prompt, 0 to 1; `/query` shows all."
    )
