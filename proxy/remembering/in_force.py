"""The configured sources, as memory knows them."""

from __future__ import annotations

from collections.abc import Mapping

from memory.sources.source import Source
from proxy.config import Settings
from proxy.live.running import Live


class SourcesInForce:
    """Gives the sources of the configuration in force, and the same mapping again until an edit changes them."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._known: tuple[object, Mapping[str, Source]] = (None, {})

    def __call__(self) -> Mapping[str, Source]:
        given = self._live.now.settings.memory.sources
        settings, known = self._known
        if settings is not given:
            made = sources_in(self._live.now.settings)
            known = known if known == made else made
            self._known = given, known
        return known


def sources_in(settings: Settings) -> dict[str, Source]:
    """The sources of a configuration, by name."""
    return {
        name: Source(
            name,
            given.path,
            None if given.namespaces is None else frozenset(given.namespaces),
            tuple(given.tags),
            given.watch,
            given.max_file,
        )
        for name, given in settings.memory.sources.items()
    }
