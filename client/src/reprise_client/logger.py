"""``InteractionLogger``: the runs of an application's tools, logged with Reprise and served again."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ParamSpec, Self, TypeVar, Unpack, overload

import httpx2

from reprise_client import calls
from reprise_client.alike import same_details
from reprise_client.background import MOST_WAITING, Sender
from reprise_client.choosing import Same, Terms, Valid, fitting
from reprise_client.errors import RepriseError
from reprise_client.link import Link
from reprise_client.making import tool_of
from reprise_client.options import Fields, ToolOptions, check_names
from reprise_client.recipe import Recipe
from reprise_client.runs import PastRun
from reprise_client.settings import DEFAULT_TIMEOUT, read_settings
from reprise_client.tools import Decorate, Tool
from reprise_client.trouble import Counts, Trouble

P = ParamSpec("P")
T = TypeVar("T")

MOST_ASKED = 10
"""Runs that are looked at before a tool runs itself."""


class InteractionLogger:
    """Logs what tools do, and finds what they did. Thread-safe.

    ``log_interaction``, ``get_cached_result`` and decorated tools go on without Reprise where it does not work: the
    first failure is a warning in the log ``reprise_client``, ``counts`` counts them all, and for five seconds after
    it could not be reached nobody waits for it. What else is asked raises ``RepriseError``.

    Args:
        base_url: of the server, with or without ``/v1``; default ``REPRISE_URL``, else ``http://127.0.0.1:4000``.
        api_key: default ``REPRISE_API_KEY``.
        timeout: seconds to wait for an answer.
        strict: raise ``RepriseError`` instead of going on without Reprise.
        background: ``log_interaction`` only queues, and gives no id; what finds the queue full is dropped and counted.
        most_waiting: length of that queue.
        project, client, session_id: logged with every interaction that names none.
        transport: in place of the network, for tests.

    Raises:
        ValueError: an argument makes no sense.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        strict: bool = False,
        background: bool = False,
        most_waiting: int = MOST_WAITING,
        project: str = "",
        client: str = "",
        session_id: str = "",
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.trouble = Trouble()
        self._link = Link(read_settings(base_url, api_key, timeout), transport)
        self._strict = strict
        self._sender = Sender(self._link.send, self.trouble, most_waiting) if background else None
        self.defaults = {"project": project, "client": client, "session_id": session_id}
        # Sent at the end of the process too; the sender knows nothing of this object, or it would never be let go.
        self._closing = weakref.finalize(self, close_all, self._sender, self._link)

    @property
    def counts(self) -> Counts:
        """What was lost so far."""
        return self.trouble.counts

    def log_interaction(self, **fields: Unpack[Fields]) -> str | None:
        """Log a run of a tool, a check of a command, a call to a model; see ``Fields``.

        Returns:
            Its id; None in the background, or where Reprise does not work.

        Raises:
            TypeError: a field that nobody knows.
            RepriseError: with ``strict``, where it could not be logged.
        """
        check_names(fields, Fields, "log_interaction")
        return self.log_fields({**self.defaults, **fields})

    def find_similar_interactions(
        self,
        tool_id: str,
        text: str,
        *,
        threshold: float = 0.85,
        min_quality: float = 0.0,
        require_success: bool = False,
        top_k: int = 5,
        max_age_hours: float | None = None,
    ) -> list[PastRun]:
        """Earlier runs with an equal or similar input, by quality x similarity. Raises ``RepriseError``."""
        return calls.read_runs(
            self._link.send(
                calls.similar(
                    tool_id,
                    text,
                    threshold=threshold,
                    min_quality=min_quality,
                    require_success=require_success,
                    top_k=top_k,
                    max_age_hours=max_age_hours,
                )
            )
        )

    def get_cached_result(
        self,
        tool_id: str,
        text: str,
        *,
        threshold: float = 0.95,
        max_age_hours: float = 24,
        min_quality: float = 0.7,
        same: Same | None = same_details,
        valid: Valid | None = None,
    ) -> PastRun | None:
        """A successful earlier run whose output may be served for this input; an equal input comes first.

        Args:
            threshold: least similarity; 1.0 takes equal inputs alone.
            min_quality: what nobody rated counts as 0.7.
            same: beside the embedder, says whether a similar input may share a result. None: the embedder alone.
            valid: has the last word.

        Raises:
            ValueError: an argument makes no sense.
            RepriseError: with ``strict``, where Reprise does not work; without, that is None.
        """
        terms = Terms(threshold, max_age_hours, min_quality, same, valid)
        found, _ = self._fitting(tool_id, text, terms)
        return next((run for run in found if valid is None or valid(run)), None)

    def update_interaction_quality(self, interaction_id: str, score: float) -> None:
        """Say how good an output was, 0 to 1; of a hit, the run behind it is rated too. Raises ``RepriseError``."""
        self._link.send(calls.rate(interaction_id, score))

    def get_tool_statistics(self, tool_id: str, hours: float = 24) -> dict[str, Any]:
        """How a tool fared; what the figures are, ``GET /tools/{tool_id}/stats`` says. Raises ``RepriseError``."""
        return self._link.send(calls.statistics(tool_id, hours))

    @overload
    def tool(self, func: Callable[P, Coroutine[Any, Any, T]], /) -> Tool[P, Coroutine[Any, Any, T]]: ...
    @overload
    def tool(self, func: Callable[P, T], /) -> Tool[P, T]: ...
    @overload
    def tool(self, /, **options: Unpack[ToolOptions]) -> Decorate: ...
    def tool(self, func: Callable[..., Any] | None = None, /, **options: Unpack[ToolOptions]) -> Any:
        """Make a logged, cached tool of a function, synchronous or not; see ``ToolOptions``.

        A call is looked up, run where nothing fits, and logged. An exception is logged as a failure and raised; it is
        never served. A result that JSON cannot hold is given back, but not kept.

        Raises:
            TypeError, ValueError: this function or these options make no tool.
        """
        return tool_of(func, options, self, self.defaults)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until what was queued is sent or given up; False when that takes longer."""
        return self._sender is None or self._sender.flush(timeout)

    def close(self) -> None:
        """Send what is queued, for at most five seconds, and close the connections. Idempotent."""
        close_all(self._sender, self._link)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def look_up(self, recipe: Recipe, text: str) -> tuple[list[PastRun], bool]:
        """For decorated tools: runs that fit, and whether Reprise was asked."""
        return self._fitting(recipe.tool_id, text, recipe.terms)

    def log_fields(self, fields: Mapping[str, Any], *, quiet: bool = False) -> str | None:
        """For decorated tools: log without checking; ``quiet`` never raises."""
        if not self._strict and self._sender is None and not self.trouble.may_try():
            return None
        try:
            request = calls.record(fields)
            if self._sender is not None:
                self._sender.put(request)
                return None
            recorded = calls.read_recorded(self._link.send(request))
        except RepriseError as error:
            self._failed(error, quiet=quiet)
            return None
        self.trouble.worked()
        return recorded.id

    def _fitting(self, tool_id: str, text: str, terms: Terms) -> tuple[list[PastRun], bool]:
        if not self._strict and not self.trouble.may_try():
            return [], False
        try:
            found = self.find_similar_interactions(
                tool_id,
                text,
                threshold=terms.threshold,
                min_quality=terms.min_quality,
                require_success=True,
                top_k=MOST_ASKED,
                max_age_hours=terms.max_age_hours,
            )
        except RepriseError as error:
            self._failed(error)
            return [], False
        self.trouble.worked()
        return fitting(text, found, terms), True

    def _failed(self, error: RepriseError, *, quiet: bool = False) -> None:
        if self._strict and not quiet:
            raise error
        self.trouble.failed(error)


def close_all(sender: Sender | None, link: Link) -> None:
    """Send what is queued, and close the connections."""
    if sender is not None:
        sender.close()
    link.close()
