"""Log lines: on standard error, for people or as JSON. Never a key, a prompt or an answer."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from proxy.config import LoggingSettings


def configure_logging(settings: LoggingSettings) -> None:
    """Set up structlog and the standard library's loggers alike."""
    level = getattr(logging, settings.level.upper())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    as_json = settings.format == "json"
    last: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These log routine steps, or requests and bodies at info or debug level, prompts among them.
    for name in (
        "aiosmtplib",
        "alembic",
        "apscheduler",
        "httpx",
        "httpx2",
        "httpcore",
        "openai",
        "LiteLLM",
        "litellm",
        "chromadb",
        "watchfiles",
        "aiohttp.access",
        "asyncio",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """Change the least level that is shown, while all else stays."""
    logging.getLogger().setLevel(level.upper())
