"""Importing does no work: the command line starts fast, and no module opens anything when it is imported."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

import proxy

HEAVY = "litellm torch transformers sentence_transformers chromadb onnxruntime openai fastapi sqlalchemy numpy".split()

LATE = [name for name in HEAVY if name not in ("fastapi", "sqlalchemy", "numpy")]
"""What only some calls need."""

IMPORT_ALL = """
import importlib, json, logging, os, sys, threading
# What others do when they are imported is not ours to answer for.
import aiohttp, alembic, fastapi, numpy, prometheus_client, pydantic, sqlalchemy, starlette, structlog, typer, uvicorn
opened = []

def watch(event, arguments):
    if event.startswith(("socket.", "subprocess.", "sqlite3.", "os.mkdir", "os.remove", "os.rename")):
        opened.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        opened.append(f"open {arguments[0]}")

def surroundings():
    root = logging.getLogger()
    return [dict(os.environ), len(root.handlers), root.level, [thread.name for thread in threading.enumerate()]]

before = surroundings()
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps([opened, before, surroundings(), sorted(sys.modules)]))
"""


def run(code, *arguments):
    """What a fresh interpreter prints, as JSON."""
    made = subprocess.run(
        [sys.executable, "-B", "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=100
    )
    return json.loads(made.stdout)


def modules():
    """Every module of the proxy that can be imported without starting it."""
    found = [module.name for module in pkgutil.walk_packages(proxy.__path__, "proxy.")]
    return [name for name in found if not name.endswith("__main__")]


@pytest.fixture(scope="module")
def imported():
    """What importing every module left behind."""
    opened, before, after, names = run(IMPORT_ALL, *modules())
    return {"opened": opened, "before": before, "after": after, "modules": set(names)}


def test_the_command_line_starts_without_the_heavy_libraries():
    assert not set(HEAVY) & set(run("import sys, json, proxy.cli; print(json.dumps(sorted(sys.modules)))"))


def test_no_module_needs_what_only_some_calls_need(imported):
    assert "proxy.app" in imported["modules"]
    assert not set(LATE) & imported["modules"]


def test_no_module_opens_a_socket_a_file_or_a_process_when_it_is_imported(imported):
    assert imported["opened"] == []


def test_no_module_changes_environment_loggers_or_threads_when_it_is_imported(imported):
    assert imported["after"] == imported["before"]


def test_the_walk_of_modules_finds_them():
    assert {"proxy.app", "proxy.upstreams.litellm_sdk", "proxy.routes.health", "proxy.cli.serve"} <= set(modules())
