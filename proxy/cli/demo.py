"""``reprise demo``: the proxy before an offline scripted model, and a short conversation through it."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from proxy.cli.options import CannotRun
from proxy.cli.serve import address, bind
from proxy.cli.tables import print_summary
from proxy.config import CacheSettings, LiteLLMParams, ModelEntry, PolicySettings, Settings
from proxy.scripted import ScriptedModel

CONVERSATION = (
    ("a first question", "What is the capital of France?"),
    ("the same again", "What is the capital of France?"),
    ("reworded", "What's the capital of France?"),
    ("another question", "What is the capital of Spain?"),
    ("another topic", "How long should I boil an egg?"),
    ("reworded", "How long should I boil an egg for?"),
    ("asks for an action", "Set a timer for six minutes."),
    ("the same again, streamed", "How long should I boil an egg?"),
)
THINKING = 0.25
"""Seconds the scripted model takes to answer."""


def demo(
    stay: Annotated[bool, typer.Option("--stay", help="Keep the proxy up afterwards.")] = False,
    port: Annotated[int, typer.Option(help="The proxy's port; 0 takes a free one.", min=0, max=65535)] = 0,
) -> None:
    """Show hits and misses on a short conversation. Needs no key and no network."""
    with tempfile.TemporaryDirectory(prefix="reprise-demo-") as folder, _model() as model_url:
        entry = ModelEntry(
            model_name="*",
            litellm_params=LiteLLMParams(model="openai/*", api_base=f"{model_url}/v1", api_key=SecretStr("none")),
        )
        defaults = Settings()
        server = defaults.server.model_copy(update={"data_dir": Path(folder), "port": port})
        # An audited hit would be shown as a miss.
        cache = CacheSettings(policies={"default": PolicySettings(audit_rate=1e-9)})
        settings = defaults.model_copy(update={"model_list": [entry], "server": server, "cache": cache})
        with _proxy(settings) as (proxy_url, app):
            _converse(proxy_url)
            from memory.statistics.calls import Calls

            typer.echo("")
            print_summary(app.state.services.statistics.summary(Calls(3600.0)))
            _say_how(proxy_url, folder, stay=stay)
            if stay:
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()


def _converse(proxy_url: str) -> None:
    from openai import OpenAI
    from rich.console import Console
    from rich.table import Table

    client = OpenAI(base_url=f"{proxy_url}/v1", api_key="demo", max_retries=0)
    _ = client.chat.completions  # the client loads its parts when first asked for them
    table = Table("", "prompt", "cache", "tier", "cosine", "reason", "ms", box=None, pad_edge=False)
    for note, prompt in CONVERSATION:
        started = time.perf_counter()
        headers = _ask(client, prompt, stream="streamed" in note)
        took = (time.perf_counter() - started) * 1000
        shown = (headers.get(f"x-reprise-{name}", "-") for name in ("cache", "tier", "similarity", "reason"))
        table.add_row(note, prompt, *shown, f"{took:.1f}")
    # Piped output counts as 80 columns; the table wants a few more.
    Console(highlight=False, width=max(110, Console().width)).print(table)


def _ask(client: Any, prompt: str, *, stream: bool) -> Any:
    asked = {"model": "scripted", "messages": [{"role": "user", "content": prompt}]}
    if not stream:
        return client.chat.completions.with_raw_response.create(**asked).headers
    with client.chat.completions.with_streaming_response.create(**asked, stream=True) as response:
        for _ in response.iter_lines():
            pass
        return response.headers


def _say_how(proxy_url: str, folder: str, *, stay: bool) -> None:
    typer.echo("\nPoint your own client at Reprise by its base URL alone:")
    if stay:
        typer.echo(f"\n    export OPENAI_BASE_URL={proxy_url}/v1\n\nThe scripted model answers. Stop with Ctrl-C.")
        typer.echo(f"Look at it from another shell: reprise stats --data-dir {folder}")
    else:
        typer.echo("\n    reprise serve &\n    export OPENAI_BASE_URL=http://127.0.0.1:4000/v1")
        typer.echo("\nYour own OPENAI_API_KEY goes on to OpenAI with each miss; a hit never leaves this machine.")


@contextlib.contextmanager
def _model() -> Iterator[str]:
    """The scripted model on a free port."""
    import uvicorn

    listener = bind("127.0.0.1", 0)
    model = ScriptedModel(thinking=THINKING)
    server = uvicorn.Server(uvicorn.Config(model.app, log_config=None, access_log=False))
    with _running(server, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def _proxy(settings: Settings) -> Iterator[tuple[str, Any]]:
    """The proxy, ready to be called."""
    import uvicorn

    from proxy.app import create_app
    from proxy.logs import configure_logging

    listener = bind(settings.server.host, settings.server.port)
    bound = settings.server.model_copy(update={"port": listener.getsockname()[1]})
    settings = settings.model_copy(update={"server": bound})
    configure_logging(settings.logging.model_copy(update={"level": "warning"}))
    app = create_app(settings)
    typer.echo("Starting the proxy (the first start prepares the embedder, which takes some seconds) ...")
    with _running(uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)), listener):
        _wait_until_ready(address(settings))
        yield address(settings), app


@contextlib.contextmanager
def _running(server: Any, listener: Any) -> Iterator[None]:
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(30)


def _wait_until_ready(url: str, patience: float = 300.0) -> None:
    deadline = time.monotonic() + patience
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        try:
            with straight.open(f"{url}/health/readiness", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise CannotRun("the proxy did not get ready")
