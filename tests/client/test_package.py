"""The distribution: small, typed, apart from the server, and as its README says."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import reprise_client
from reprise_client.options import ToolOptions

CLIENT = Path(__file__).parents[2] / "client"
README = (CLIENT / "README.md").read_text("utf-8")
SOURCES = sorted((CLIENT / "src").rglob("*.py"))
EXAMPLES = sorted((CLIENT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_client_needs_nothing_but_python_and_one_library(path):
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    assert found <= {*sys.stdlib_module_names, "httpx2", "reprise_client"}


def test_the_version_is_the_distributions():
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == reprise_client.__version__
    assert project["dependencies"] == ["httpx2>=2"]
    assert (CLIENT / "src" / "reprise_client" / "py.typed").is_file()


def test_what_is_offered_is_there_and_documented():
    for name in reprise_client.__all__:
        assert inspect.getdoc(getattr(reprise_client, name)), name
        assert name in README or name in ("Counts", "PastRun", "Ran"), name


def test_every_option_of_a_tool_is_in_the_readme():
    missing = [name for name in inspect.get_annotations(ToolOptions) if f"`{name}`" not in README]
    assert missing == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_in_the_readme_and_runs_without_a_server(path, tmp_path):
    assert f"(examples/{path.name})" in README
    (tmp_path / "page.md").write_text("One & two\n\nthree")
    env = {"PYTHONPATH": str(CLIENT / "src"), "REPRISE_URL": "http://127.0.0.1:9"}
    given = ["page.md"] if path.stem == "build_step" else ["ls"]
    done = subprocess.run(
        [sys.executable, str(path), *given],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "(uncached)" in done.stdout
    assert done.stderr.count("Reprise does not work") == 1, "one warning"


def test_the_readmes_code_is_python():
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        ast.parse(block)
