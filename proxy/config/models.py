"""The configuration as it is once loaded: `Settings` and its sections, frozen and complete.

Every field has a description: they become the JSON Schema and the configuration reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, SecretStr, field_validator

from proxy.config.flows import NotificationSettings
from proxy.config.memory import MemorySettings
from proxy.config.policy import CacheSettings
from proxy.config.section import Folder, Name, Section, Text, Url, refusal
from proxy.config.units import Duration, PositiveDuration, Size

KEY_LENGTH = 8


class LiteLLMParams(Section):
    """Where calls for a model go, in LiteLLM's words. Its other parameters are accepted and kept (`model_extra`)."""

    model_config = ConfigDict(extra="allow")

    model: Text = Field(
        description="Provider and model: `openai/gpt-4o-mini`, `anthropic/claude-sonnet-4-5`, `ollama_chat/llama3.2`; "
        "`openai/*` takes the model name from the call."
    )
    api_key: SecretStr | None = Field(
        default=None,
        description="The provider's key. Without one (or with a variable that is not set) the caller's is used.",
    )
    api_base: Url | None = Field(default=None, description="The address of the provider, if not its usual one.")
    timeout: PositiveDuration | None = Field(
        default=None,
        description="Longest time for a whole call that is not streamed; left out: `server.request_timeout`.",
    )
    stream_timeout: PositiveDuration | None = Field(
        default=None, description="Longest silence between two chunks of a stream; left out: `server.stream_timeout`."
    )
    extra_headers: dict[str, str] = Field(default={}, description="Headers added to every call to the provider.")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Names only for headers and for parameters not known here: some of them hold secrets."""
        hidden = {"extra_headers", *(self.model_extra or {})}
        for name, value in super().__repr_args__():
            yield name, "**********" if name in hidden and value else value


class ModelEntry(Section):
    """A model name that callers may use, and where its calls go. Several entries may share a name."""

    model_name: Text = Field(description="What callers write as `model`; `*` matches any, `openai/*` a prefix.")
    litellm_params: LiteLLMParams = Field(description="Where calls for this model go.")
    supports: list[Text] = Field(
        default=["chat"],
        description="The endpoints an OpenAI-compatible `api_base` answers: chat, responses, embeddings, ... "
        "Only chat is forwarded so far.",
    )
    model_info: dict[str, Any] = Field(default={}, description="LiteLLM's notes on the model; accepted and kept.")


def _pass_through() -> list[ModelEntry]:
    return [ModelEntry(model_name="*", litellm_params=LiteLLMParams(model="openai/*"))]


class ServerSettings(Section):
    """Where Reprise listens, what it keeps, and how long it waits."""

    host: Text = Field(
        default="127.0.0.1", description="The address to listen on. Without `auth.keys`, a loopback one."
    )
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=4000, description="The TCP port to listen on, 0 to 65535; 0 takes a free one."
    )
    data_dir: Folder = Field(default=Path(".reprise"), description="The folder of everything that is kept on disk.")
    max_body: Annotated[Size, Field(gt=0)] = Field(
        default=32 * 2**20, description="The largest request body; beyond it a call is refused with 413."
    )
    expose: Literal["full", "minimal"] = Field(
        default="full",
        description="Whether responses tell callers similarity and entry ids (`full`) or not (`minimal`).",
    )
    connect_timeout: PositiveDuration = Field(default=10.0, description="Longest wait for a connection to a provider.")
    request_timeout: PositiveDuration = Field(
        default=600.0, description="Longest time for a whole call that is not streamed."
    )
    stream_timeout: PositiveDuration = Field(
        default=120.0, description="Longest silence between two chunks of a stream."
    )
    drain_timeout: Duration = Field(default=30.0, description="How long a stopping server lets running calls finish.")


class ApiKey(Section):
    """A key that callers of Reprise present, and what it opens."""

    key: SecretStr = Field(
        min_length=KEY_LENGTH, description="The key: 8 or more printable ASCII characters without spaces."
    )
    namespace: Name = Field(description="Whose answers and memories this key reads and writes.")
    role: Literal["client", "admin"] = Field(
        default="client",
        description="`client` may make calls and see its own; `admin` may change trust and shared state.",
    )
    name: Text | None = Field(default=None, description="A name for people to know the key by.")

    @field_validator("key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr) -> SecretStr:
        if not all("!" <= character <= "~" for character in key.get_secret_value()):
            raise refusal("must be printable ASCII characters without spaces")
        return key


class AuthSettings(Section):
    """Who may call. Without keys, every route is open, to this machine only."""

    keys: list[ApiKey] = Field(default=[], description="The keys that are accepted.")

    @field_validator("keys")
    @classmethod
    def _no_key_twice(cls, keys: list[ApiKey]) -> list[ApiKey]:
        first_at: dict[str, int] = {}
        for index, entry in enumerate(keys):
            first = first_at.setdefault(entry.key.get_secret_value(), index)
            if first != index:
                raise refusal(f"is the same key as auth.keys.{first}.key", at=(index, "key"))
        return keys


class EmbedderSettings(Section):
    """What turns prompts into vectors."""

    model: Text = Field(
        default="all-MiniLM-L6-v2", description="A sentence-transformers model, or the endpoint's model name."
    )
    api_base: Url | None = Field(
        default=None, description="An OpenAI-compatible embeddings endpoint. Left out: run it here."
    )
    api_key: SecretStr | None = Field(default=None, description="The key of that endpoint.")
    quantize: bool = Field(default=True, description="Whether a model run here is quantised to int8: faster, as good.")
    threads: Annotated[int, Field(ge=1, le=64)] = Field(default=1, description="Threads of a model run here, 1 to 64.")
    cache_dir: Folder | None = Field(
        default=None, description="Where prepared models are kept. Left out: the cache folder of the user."
    )


class StoreSettings(Section):
    """How things are kept."""

    sql: SecretStr | None = Field(
        default=None,
        description="A PostgreSQL database in place of SQLite in the data directory: postgresql://user:password@host/"
        "database. Never shown. It needs the extra `postgres`. One server per database: several on one are not "
        "supported yet, and a second one is refused.",
    )
    embedder: EmbedderSettings = Field(default_factory=EmbedderSettings, description="What turns prompts into vectors.")
    durability: Literal["process", "power"] = Field(
        default="process",
        description="What a recorded call survives: a killed `process`, or a loss of `power` too (slower).",
    )
    memory_entries: Annotated[int, Field(ge=0)] = Field(
        default=10_000, description="How many answers are held in the process for the exact tier, 0 or more."
    )

    @field_validator("sql")
    @classmethod
    def _is_postgresql(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None and not given.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("it begins with postgresql:// (left out, SQLite is used)")
        return given


class StatsSettings(Section):
    """Statistics."""

    window: PositiveDuration = Field(
        default=24 * 3600.0, description="The time that statistics cover when none is asked for."
    )


class LoggingSettings(Section):
    """The log of the server, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least level that is shown."
    )
    redact: bool = Field(
        default=False,
        description="Whether secrets and personal data are taken out of interactions before they are logged. Replay, "
        "tuning and exports then see what is left; stored answers stay as they are. It takes a call about a "
        "millisecond more, some ten for every 10,000 characters of a prompt that holds such data.",
    )
    format: Literal["console", "json"] = Field(
        default="console", description="Lines for people, or one JSON object a line."
    )


class Settings(Section):
    """The configuration of Reprise."""

    model_list: list[ModelEntry] = Field(
        default_factory=_pass_through,
        description="The models callers may use, in LiteLLM's shape. Left out: every model, at OpenAI, with the key "
        "of the caller.",
    )
    server: ServerSettings = Field(default_factory=ServerSettings, description="Where Reprise listens, and limits.")
    auth: AuthSettings = Field(default_factory=AuthSettings, description="Who may call.")
    store: StoreSettings = Field(default_factory=StoreSettings, description="How things are kept.")
    cache: CacheSettings = Field(default_factory=CacheSettings, description="Reuse of stored answers.")
    memory: MemorySettings = Field(
        default_factory=MemorySettings, description="What is recorded, and what memory makes of it."
    )
    notifications: NotificationSettings = Field(
        default_factory=NotificationSettings, description="Who is told of what waits for a person."
    )
    stats: StatsSettings = Field(default_factory=StatsSettings, description="Statistics.")
    logging: LoggingSettings = Field(default_factory=LoggingSettings, description="The log of the server.")
