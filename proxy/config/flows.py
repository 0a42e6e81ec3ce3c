"""`memory.flows` and `notifications`: what resolved sessions teach, and who is told of it."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, SecretStr, model_validator

from proxy.config.section import URL_PATTERN, Name, Section, Text, refusal
from proxy.config.units import Duration, PositiveDuration

Share = Annotated[float, Field(ge=0, le=1)]
Event = Literal[
    "proposal.pending",
    "proposal.decided",
    "flow.published",
    "session.escalated",
    "budget.spent",
    "gap.found",
]
EVENTS: tuple[Event, ...] = get_args(Event)


def _is_address(value: SecretStr) -> SecretStr:
    if not re.fullmatch(URL_PATTERN, value.get_secret_value()):
        raise refusal("must be an http or https address")
    return value


def _is_mailbox(value: str) -> str:
    address = parseaddr(value)[1]
    if any(sign in value for sign in "\r\n") or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise refusal("must be an e-mail address, such as team@example.com")
    return value


SecretUrl = Annotated[SecretStr, AfterValidator(_is_address)]
Mailbox = Annotated[Text, AfterValidator(_is_mailbox)]


class FlowSettings(Section):
    """Sessions derived from calls, flows matched to them, and what their analysis proposes."""

    enabled: bool = Field(default=True, description="Whether sessions and their steps are derived from calls.")
    model: Text | None = Field(
        default=None,
        description="A model of `model_list` that analyses resolved sessions, redacted; left out: sessions are matched "
        "to flows, and nothing is proposed.",
    )
    timeout: PositiveDuration = Field(default=120.0, description="Longest wait for one analysis.")
    calls_per_day: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=50, description="Calls to the analysing model by namespace and UTC day at most, 0 to 100000."
    )
    sweep: PositiveDuration = Field(default=300.0, description="How often sessions that have ended are looked for.")
    idle: PositiveDuration = Field(
        default=1800.0, description="How long a session must be silent to end; resolved where its last turns say so."
    )
    abandon_after: PositiveDuration = Field(
        default=86400.0, description="How long a session is silent before it counts as abandoned."
    )
    attach_at: Share = Field(default=0.75, description="Match score from which a flow is attached, 0 to 1.")
    suggest_at: Share = Field(default=0.6, description="Match score from which a flow is suggested, 0 to 1.")
    inject: bool = Field(default=True, description="Whether calls of a session get the flow that is attached to it.")
    domains: list[Name] = Field(
        default_factory=lambda: [
            *("active_directory", "networking", "m365", "hardware", "endpoint", "virtualization", "security"),
            *("backup", "email", "printing", "cloud", "software", "billing", "other"),
        ],
        description="What a session's problem may be filed under.",
    )
    resolved_phrases: list[Text] = Field(
        default_factory=list, description="More words of a user that say that all is well, beside the built-in ones."
    )
    escalated_phrases: list[Text] = Field(
        default_factory=list, description="More words of a user that ask for a person, beside the built-in ones."
    )

    @model_validator(mode="after")
    def _in_order(self) -> FlowSettings:
        if self.suggest_at > self.attach_at:
            raise ValueError("suggest_at must not be above attach_at")
        return self


class HookSettings(Section):
    """Where events are posted."""

    url: SecretUrl = Field(description="An http or https address; it may hold a secret, and is never shown.")
    events: list[Event] = Field(default_factory=lambda: list(EVENTS), description="Which events go there.")
    timeout: PositiveDuration = Field(default=10.0, description="Longest wait for its answer.")


class WebhookSettings(HookSettings):
    """A webhook: one JSON object for each event."""

    secret: SecretStr | None = Field(
        default=None, description="Signs the body: HMAC-SHA256 in the header `x-reprise-signature`."
    )


class EmailSettings(Section):
    """A mail server, and whom it is to write to."""

    host: Text = Field(description="The SMTP server.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(default=587, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(default="starttls", description="How the line is secured.")
    username: Text | None = Field(default=None, description="Who logs in; left out, nobody does.")
    password: SecretStr | None = Field(default=None, description="Its password.")
    sender: Mailbox = Field(description="The address that the mails come from.")
    to: Annotated[list[Mailbox], Field(min_length=1)] = Field(description="The addresses that they go to.")
    events: list[Event] = Field(default_factory=lambda: list(EVENTS), description="Which events are mailed.")
    timeout: PositiveDuration = Field(default=20.0, description="Longest wait for the server.")


class NotificationSettings(Section):
    """Who is told of what waits for a person, beside the list that `GET /notifications` gives."""

    webhook: WebhookSettings | None = Field(default=None, description="Posts each event as JSON.")
    slack: HookSettings | None = Field(default=None, description="Posts each event as Slack's incoming webhooks take.")
    email: EmailSettings | None = Field(default=None, description="Mails each event.")
    retry: Annotated[list[PositiveDuration], Field(max_length=10)] = Field(
        default_factory=lambda: [30.0, 120.0, 600.0],
        description="How long after each failure a channel is tried again; after the last one a delivery has failed.",
    )
    keep: Duration = Field(default=90 * 86400.0, description="How long notifications are kept; 0: for good.")
