"""The commands explain, replay and tune on a data directory that no server holds: what they print and refuse."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from proxy.cli import app
from proxy.cli.options import CannotRun
from tests.fakes import near

FRANCE, REWORDED = "What is the capital of France?", "What's the capital of France?"
OTHERS = [f"Please explain the word {word} to me." for word in "river engine garden".split()]
CONFIG = """
model_list:
  - {model_name: m, litellm_params: {model: openai/m, api_base: "BASE"}}
cache:
  policies:
    exact-only: {tiers: [exact]}
    loose: {similarity_threshold: 0.85}
"""


async def answered(run_app, base_url, folder, texts):
    """A server on a folder that answers these and stops; beside it the configuration."""
    (folder / "config.yaml").write_text(CONFIG.replace("BASE", base_url))
    vectors = {FRANCE: near(1.0), REWORDED: near(0.98)}
    async with run_app(vectors=vectors, server={"data_dir": str(folder / "data")}) as (client, _):
        for text in texts:
            body = {"model": "m", "messages": [{"role": "user", "content": text}]}
            assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
    return folder


@pytest.fixture(scope="module")
def directory(run_app, base_url, tmp_path_factory):
    """The data directory of a server that has answered eight calls, and its configuration."""
    texts = (FRANCE, FRANCE, *OTHERS, OTHERS[0], REWORDED, "What time is it now?")
    return asyncio.run(answered(run_app, base_url, tmp_path_factory.mktemp("operator"), texts))


@pytest.fixture(scope="module")
def empty(run_app, base_url, tmp_path_factory):
    """That of a server that answered nothing."""
    return asyncio.run(answered(run_app, base_url, tmp_path_factory.mktemp("empty"), ()))


def said(folder, command, *options):
    """What a command prints."""
    where = ("--config", folder / "config.yaml", "--data-dir", folder / "data")
    done = CliRunner().invoke(app, [command, *map(str, (*options, *where))], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def told(folder, command, *options):
    return json.loads(said(folder, command, *options, "--json"))


def refused(folder, command, *options):
    with pytest.raises(CannotRun) as caught:
        said(folder, command, *options)
    return str(caught.value)


# ---- explain


def test_explain_reads_the_store(directory):
    text = said(directory, "explain", FRANCE)
    assert "Hit: this very call was answered" in text
    assert "policy     default" in text
    assert "Bypass: the call is in the class 'volatile'" in said(directory, "explain", "What time is it now?")
    near_miss = told(directory, "explain", REWORDED, "--header", "x-reprise-policy: loose", "--system", "Be brief.")
    assert (near_miss["policy"]["ignored"], near_miss["reason"]) == (["policy"], "no_entry")


def test_explain_takes_the_model_from_the_configuration_or_the_body(directory, tmp_path):
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"model": "m", "messages": [{"role": "user", "content": FRANCE}]}))
    assert told(directory, "explain", "--body", body)["verdict"] == "hit"
    assert told(directory, "explain", FRANCE, "--namespace", "others")["verdict"] == "miss"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "say what is asked"),
        ((FRANCE, "--header", "x"), "name: value"),
        ((FRANCE, "--body", "none.json"), "cannot be read"),
        ((FRANCE, "--header", "x-reprise-thresold: 0.9"), "Did you mean x-reprise-threshold?"),
        ((FRANCE, "--model", "unknown"), "unknown"),
        ((FRANCE, "--namespace", " "), "namespace"),
    ],
)
def test_explain_names_what_is_wrong(directory, options, words):
    assert words in refused(directory, "explain", *options)


def test_a_model_must_be_named_where_none_is_configured(directory, tmp_path):
    (tmp_path / "config.yaml").write_text("{}\n")
    with pytest.raises(CannotRun, match="name the model"):
        CliRunner().invoke(app, ["explain", FRANCE, "--config", str(tmp_path / "config.yaml")], catch_exceptions=False)


# ---- replay


def test_replay_says_what_would_have_changed(directory):
    text = said(directory, "replay", "--policy", "loose", "--since", "1h", "--limit", "20")
    assert "8 calls through loose" in text
    assert "1 newly hit, 0 no longer hit" in text
    assert "it is not known what the upstream would have said" in text
    checked = said(directory, "replay")
    assert "through the configured policies" in checked
    assert "The replay reproduces the log for" in checked


def test_replay_takes_a_block_or_a_whole_configuration(directory, tmp_path):
    (tmp_path / "block.yaml").write_text("tiers: [exact]\nttl: 48h\n")
    (tmp_path / "whole.yaml").write_text("cache: {policies: {default: {tiers: []}}}\n")
    (tmp_path / "empty.yaml").write_text("")
    block, whole, nothing = (
        told(directory, "replay", "--policy", tmp_path / f"{name}.yaml") for name in ("block", "whole", "empty")
    )
    assert block["replayed"]["tiers"]["exact"]["hits"] == 2
    assert whole["replayed"]["hits"] == 0
    assert nothing["replayed"] == told(directory, "replay", "--policy", "default")["replayed"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_error_rate: 7\n", "max_error_rate"),
        ("tiers: [exact]\nthreshold: 1\n", "threshold"),
        ("- a\n", "no mapping"),
        ("a: [\n", "cannot be read"),
        ("cache: {policies: {a: {ttl: 0}}}\n", "ttl"),
    ],
)
def test_replay_refuses_a_wrong_file(directory, tmp_path, text, words):
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    assert words in refused(directory, "replay", "--policy", path)


def test_replay_names_the_policies_there_are(directory):
    words = refused(directory, "replay", "--policy", "nowhere")
    assert "neither a policy nor a file" in words
    assert "aggressive" in words
    assert "--since" in refused(directory, "replay", "--since", "soon")


@pytest.mark.parametrize("command", ["replay", "tune"])
def test_an_empty_log_is_said_to_be(empty, tmp_path, command):
    assert "no calls" in said(empty, command)
    assert told(empty, command)["calls"] == 0
    with pytest.raises(CannotRun, match="no log"):
        CliRunner().invoke(app, [command, "--data-dir", str(tmp_path / "none")], catch_exceptions=False)


# ---- tune


def test_too_few_labels_are_said_to_be_too_few(directory, tmp_path):
    found = told(directory, "tune", "--write", tmp_path / "tuned.yaml")
    assert (found["proposed"], found["labels"]["needed"]) == (None, 316)
    assert not (tmp_path / "tuned.yaml").exists(), "nothing is proposed, nothing is written"
    text = said(directory, "tune", "--max-error", "0.01")
    assert "Too few labels for 1.00%" in text
    assert "at least 316 above a cut" in text


def test_tune_names_what_is_wrong(directory, tmp_path):
    for wrong in ("0", "60%", "much", "1%%"):
        assert "--max-error takes a share" in refused(directory, "tune", "--max-error", wrong)
    assert "no policy is called" in refused(directory, "tune", "--policy", "nope")
    assert "must end in" in refused(directory, "tune", "--plot", tmp_path / "curve.txt")
    assert "exists" in refused(directory, "tune", "--write", directory / "config.yaml")
