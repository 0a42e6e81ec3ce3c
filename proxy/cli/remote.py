"""Speaks to the server that holds the data directory, as an admin."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, Final

from proxy.cli.options import CannotRun
from proxy.config import Settings

PATIENCE: Final = 600.0
"""Seconds to wait for an answer."""
FAILED: Final = 400
"""Statuses from here on are errors."""

_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Refused(CannotRun):
    """The server answered with an error; its text is the error's message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RunningServer:
    """A running server of this data directory.

    Args:
        holder: what it wrote into the directory's lock.
        patience: seconds to wait for an answer.

    Raises:
        CannotRun: the directory's holder is no server.
    """

    def __init__(self, holder: Mapping[str, Any], settings: Settings, patience: float = PATIENCE) -> None:
        if not isinstance(holder.get("port"), int):
            raise CannotRun(f"another command works in {settings.server.data_dir} (process {holder.get('pid')})")
        host = str(holder.get("host", "127.0.0.1"))
        self._host, self._port = _ANY.get(host, host), holder["port"]
        admins = [key.key.get_secret_value() for key in settings.auth.keys if key.role == "admin"]
        self._patience = patience
        self._headers = {"content-type": "application/json"}
        if admins:
            self._headers["authorization"] = f"Bearer {admins[0]}"

    def post(self, path: str, body: Any) -> Any:
        """As ``ask``."""
        return self.ask("POST", path, body)

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON.

        Args:
            headers: sent beside its own, or in their place; lower-case names.

        Raises:
            Refused: the server says no.
            CannotRun: it cannot be reached, or what it says makes no sense.
        """
        # Straight to it: a proxy of the environment must not see the admin key.
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._patience)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, path, sent, {**self._headers, **(headers or {})})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CannotRun(f"the server on port {self._port} did not answer {path}: {error}") from error
        finally:
            connection.close()
        if response.status >= FAILED:
            raise Refused(response.status, _message(answer) or f"status {response.status}")
        return answer


def _message(answer: Any) -> str | None:
    error = answer.get("error") if isinstance(answer, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None
