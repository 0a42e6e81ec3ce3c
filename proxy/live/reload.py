"""Edits of the configuration file, taken into a running server: a valid one at once, an invalid one not at all.

Editors empty a file before they write it, write it twice, or put another in its place: nothing is read as an edit
before the file has stayed the same for a moment, and an empty file never is one.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import structlog

from proxy.config import ConfigError, Problem, Settings
from proxy.config.changes import Edit, Source, compare
from proxy.config.document import Unreadable
from proxy.config.loader import Loaded, load, read_raw
from proxy.live.running import stamp_of
from proxy.logs import set_level
from proxy.policy.policies import error_budgets
from proxy.services import Services

PAUSE: Final = 0.2
"""Seconds between two looks that must see the same."""
EMPTY: Final = 1.0
"""Seconds that an empty or missing file is waited for, before that is what it is."""
MOST: Final = 10.0
"""Seconds after which a file that never rests is read as it is."""

Outcome = Literal["applied", "refused", "unchanged"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refused:
    """An edit that was not taken in."""

    at: str
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Standing:
    """What readiness tells of the file, beside the revision."""

    refused: Refused | None = None
    """The last edit, where it was refused."""
    waiting: tuple[str, ...] = field(default=())
    """Settings whose new values need a restart."""


class Reloader:
    """Looks at the file when told to, and puts what it says in force. For one event loop.

    Args:
        source: where the settings came from; None: from no file, so that there is nothing to look at.
        pause: seconds between two looks.
    """

    def __init__(self, services: Services, source: Source | None, pause: float = PAUSE) -> None:
        self._services = services
        self.source = source
        self._pause = pause
        self._looking = asyncio.Lock()
        self._seen: bytes | str | None = source.raw if source else None
        """What the file held when it was last taken in or refused, or why it could not be read."""
        self.standing = Standing()
        services.metrics.show_revision(services.live.now.revision)

    async def look(self, *, asked: bool = False) -> Outcome | None:
        """Take in the file as it is now. None where it holds what it held at the last look.

        Args:
            asked: somebody wants it looked at: say so even where nothing has changed.
        """
        if self.source is None:
            return None
        async with self._looking:
            raw = await self._settled(self.source.path)
            if raw == self._seen and not asked:
                return None
            self._seen = raw
            outcome = await self._take(self.source, raw)
            self._services.metrics.reloads.labels(outcome).inc()
            return outcome

    def described(self) -> dict[str, Any]:
        """The configuration in force and the state of its file, for readiness."""
        now, refused = self._services.live.now, self.standing.refused
        return {
            "revision": now.revision,
            "loaded_at": now.loaded_at,
            "file": self.source.path.name if self.source else None,
            "needs_restart": list(self.standing.waiting),
            "refused": refused and {"at": refused.at, "problems": [_shown(problem) for problem in refused.problems]},
        }

    async def _settled(self, path: Path) -> bytes | str:
        """What the file holds once it has stayed the same, or why it cannot be read."""
        began = time.monotonic()
        raw = await asyncio.to_thread(_read, path)
        while True:
            await asyncio.sleep(self._pause)
            before, raw = raw, await asyncio.to_thread(_read, path)
            waited = time.monotonic() - began
            if (raw == before and (not _is_empty(raw) or waited >= EMPTY)) or waited >= MOST:
                return raw

    async def _take(self, source: Source, raw: bytes | str) -> Outcome:
        def problem(message: str) -> list[Problem]:
            return [Problem(str(source.path), None, None, "", message)]

        if isinstance(raw, str):
            return self._refuse(problem(raw))
        if _is_empty(raw):
            return self._refuse(problem("is empty: the policy in force stays"))
        try:
            loaded = await asyncio.to_thread(load, source.path, source.environ, raw)
            _refuse_opening(self._services.settings, loaded)
            edit = compare(self._services.settings, source.settings, loaded.settings)
            if edit.changed:
                await asyncio.to_thread(apply, self._services, edit.settings)
        except ConfigError as error:
            return self._refuse(error.problems)
        except Exception as error:  # noqa: BLE001  what ran before must run on, whatever stands in the way
            return self._refuse(problem(f"could not be put in force: {type(error).__name__}"))
        return self._accept(edit)

    def _accept(self, edit: Edit) -> Outcome:
        now = self._services.live.now
        self.standing = Standing(waiting=edit.waiting)
        self._services.metrics.show_revision(now.revision)
        if edit.changed:
            _log.info("configuration applied", revision=now.revision, changed=", ".join(edit.changed))
        else:
            _log.info("configuration looked at: nothing changes", revision=now.revision)
        if edit.waiting:
            _log.warning(f"needs a restart: {', '.join(edit.waiting)}", revision=now.revision)
        return "applied" if edit.changed else "unchanged"

    def _refuse(self, problems: list[Problem]) -> Outcome:
        revision = self._services.live.now.revision
        self.standing = Standing(Refused(stamp_of(time.time()), tuple(problems)), self.standing.waiting)
        for problem in problems:
            _log.error("configuration refused, what ran before runs on", revision=revision, **_told(problem))
        return "refused"


def apply(services: Services, settings: Settings) -> None:
    """Put settings in force. Blocks for SQL and for learning cuts. Raises ``StoreError``, and then changes nothing."""
    services.trials.begin(settings.cache.experiments)
    # First the cuts: nobody is to meet a policy whose budget has none yet.
    services.learning.adopt(error_budgets(settings.cache))
    services.live.adopt(settings)
    set_level(settings.logging.level)


def _refuse_opening(running: Settings, loaded: Loaded) -> None:
    """Keys that vanish from a file are more likely lost than meant: without any, every route would be open.

    Raises ConfigError.
    """
    if running.auth.keys and not loaded.settings.auth.keys:
        place = loaded.findings.place_of(("auth", "keys"))
        message = "is empty now, which would open every route: the keys in force stay; to run without, restart"
        raise ConfigError([Problem(place.file, place.line, place.column, "auth.keys", message)])


def _read(path: Path) -> bytes | str:
    try:
        return read_raw(path)
    except Unreadable as error:
        return error.message


def _is_empty(raw: bytes | str) -> bool:
    """Is there nothing in it but blank lines, comments and marks of a document's beginning and end?"""
    lines = [] if isinstance(raw, str) else raw.removeprefix(b"\xef\xbb\xbf").splitlines()
    return all(line.strip() in (b"", b"---", b"...") or line.lstrip().startswith(b"#") for line in lines)


def _told(problem: Problem) -> dict[str, Any]:
    return {"file": problem.file, "line": problem.line, "key": problem.key, "message": problem.message}


def _shown(problem: Problem) -> dict[str, Any]:
    """The same for readiness, which anybody may read: without the folders of this machine."""
    return {**_told(problem), "file": Path(problem.file).name}
