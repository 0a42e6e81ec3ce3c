"""Which Reprise this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("reprise-llm")
    except PackageNotFoundError:
        return "0"
