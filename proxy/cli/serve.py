"""``reprise serve``: the proxy, until it is told to stop."""

from __future__ import annotations

import signal
import socket
import sys
from typing import Annotated, Final

import typer

from proxy.auth import is_loopback
from proxy.cli.options import CannotRun, ConfigPath, DataDir, as_told, read_settings, read_source
from proxy.config import Settings
from proxy.config.changes import Source

KEEP_ALIVE: Final = 75
"""Seconds that an idle connection stays open. Longer than clients keep theirs (httpx: 5 s, as uvicorn does):
where both give up at the same moment, a call is sent into a closing connection."""
SWITCH: Final = 0.0005
"""Seconds that a thread may run before another gets its turn."""


def serve(
    config: ConfigPath = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on; else server.host.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)] = None,
    data_dir: DataDir = None,
    workers: Annotated[int, typer.Option(help="Processes; more than one needs a vector server.", min=1)] = 1,
) -> None:
    """Start the proxy."""
    if workers > 1:
        raise CannotRun(
            "--workers above 1 is refused: the embedded vector index is not safe for two writing processes."
            " Run one process; it serves thousands of hits a second."
        )
    source = read_source(config)
    settings = source.settings if source else read_settings(config)
    run(as_told(settings, data_dir, host=host, port=port), source)


def run(settings: Settings, source: Source | None = None) -> None:
    """Serve until a signal ends it. Raises ``CannotRun`` where it cannot start.

    Args:
        source: the file that the settings came from, whose edits take effect.
    """
    refuse_open_address(settings)
    listener = bind(settings.server.host, settings.server.port)
    import uvicorn

    from memory.redaction import RedactionError
    from proxy.app import create_app
    from proxy.logs import configure_logging
    from store.errors import StoreError

    configure_logging(settings.logging)
    bound = settings.server.model_copy(update={"port": listener.getsockname()[1]})
    settings = settings.model_copy(update={"server": bound})
    try:
        app = create_app(settings, source)
    except (StoreError, RedactionError) as error:
        raise CannotRun(str(error)) from error
    print(f"Reprise listens on {address(settings)} (base URL for clients: {address(settings)}/v1)", file=sys.stderr)
    configured = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(settings.server.drain_timeout),
        lifespan="on",
    )
    # Uvicorn drains on these signals, then raises them again: by then there is nothing left to end.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: None)
    # What works behind the answers must not hold the interpreter for 5 ms, its default, while a call waits for it.
    sys.setswitchinterval(SWITCH)
    uvicorn.Server(configured).run(sockets=[listener])


def refuse_open_address(settings: Settings) -> None:
    """Without keys anybody who reaches the port could use the provider's key: loopback only."""
    if settings.auth.keys or is_loopback(settings.server.host):
        return
    raise CannotRun(
        f"refusing to listen on {settings.server.host} without auth.keys: anybody who reaches the port could use your"
        " provider keys and read the log. Configure auth.keys, or listen on 127.0.0.1."
    )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ``CannotRun`` where the port is taken or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise CannotRun(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    listener.set_inheritable(True)
    return listener


def address(settings: Settings) -> str:
    """The server's URL."""
    host = settings.server.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"
