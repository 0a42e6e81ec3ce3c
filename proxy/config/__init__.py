"""Configuration: the file, the environment and the defaults, as one frozen `Settings`."""

from proxy.config.experiments import ArmSettings, ExperimentSettings
from proxy.config.inheritance import DEFAULT_POLICY, PRESETS
from proxy.config.loader import load_settings
from proxy.config.memory import (
    ContextSettings,
    ExtractionSettings,
    HygieneSettings,
    InteractionSettings,
    MemorySettings,
    RedactionSettings,
    ReinforcementSettings,
    TriageSettings,
)
from proxy.config.models import (
    ApiKey,
    AuthSettings,
    EmbedderSettings,
    LiteLLMParams,
    LoggingSettings,
    ModelEntry,
    ServerSettings,
    Settings,
    StatsSettings,
    StoreSettings,
)
from proxy.config.policy import CacheSettings, JudgeSettings, VerifierSettings
from proxy.config.problems import ConfigError, Problem
from proxy.config.routes import MatchSettings, RouteSettings
from proxy.config.rules import ClassName, DecaySettings, GuardName, HeaderName, PolicySettings, StreamSettings, Tier
from proxy.config.schema import json_schema
from proxy.config.units import Duration, Size, format_duration, format_size, parse_duration, parse_size

__all__ = [
    "DEFAULT_POLICY",
    "PRESETS",
    "ApiKey",
    "ArmSettings",
    "AuthSettings",
    "CacheSettings",
    "ClassName",
    "ConfigError",
    "ContextSettings",
    "DecaySettings",
    "Duration",
    "EmbedderSettings",
    "ExperimentSettings",
    "ExtractionSettings",
    "GuardName",
    "HeaderName",
    "HygieneSettings",
    "InteractionSettings",
    "JudgeSettings",
    "LiteLLMParams",
    "LoggingSettings",
    "MatchSettings",
    "MemorySettings",
    "ModelEntry",
    "PolicySettings",
    "Problem",
    "RedactionSettings",
    "ReinforcementSettings",
    "RouteSettings",
    "ServerSettings",
    "Settings",
    "Size",
    "StatsSettings",
    "StoreSettings",
    "StreamSettings",
    "Tier",
    "TriageSettings",
    "VerifierSettings",
    "format_duration",
    "format_size",
    "json_schema",
    "load_settings",
    "parse_duration",
    "parse_size",
]
