"""Configuration: the file, the environment and the defaults, as one frozen `Settings`."""

from proxy.config.loader import load_settings
from proxy.config.models import (
    ApiKey,
    AuthSettings,
    EmbedderSettings,
    InteractionSettings,
    LiteLLMParams,
    LoggingSettings,
    MemorySettings,
    ModelEntry,
    ServerSettings,
    Settings,
    StatsSettings,
    StoreSettings,
)
from proxy.config.policy import (
    CacheSettings,
    ClassName,
    DecaySettings,
    JudgeSettings,
    PolicySettings,
    Tier,
    VerifierSettings,
)
from proxy.config.problems import ConfigError, Problem
from proxy.config.schema import json_schema
from proxy.config.units import Duration, Size, format_duration, format_size, parse_duration, parse_size

__all__ = [
    "ApiKey",
    "AuthSettings",
    "CacheSettings",
    "ClassName",
    "ConfigError",
    "DecaySettings",
    "Duration",
    "EmbedderSettings",
    "InteractionSettings",
    "JudgeSettings",
    "LiteLLMParams",
    "LoggingSettings",
    "MemorySettings",
    "ModelEntry",
    "PolicySettings",
    "Problem",
    "ServerSettings",
    "Settings",
    "Size",
    "StatsSettings",
    "StoreSettings",
    "Tier",
    "VerifierSettings",
    "format_duration",
    "format_size",
    "json_schema",
    "load_settings",
    "parse_duration",
    "parse_size",
]
