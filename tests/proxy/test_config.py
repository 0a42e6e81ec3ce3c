"""The configuration: what is accepted, what it becomes, and what a writer is told about each mistake."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import proxy.config
from cache.guards import GUARDS
from cache.policy import DEFAULT_CLASSES, Policy
from proxy.config import (
    PRESETS,
    ApiKey,
    ClassName,
    ConfigError,
    GuardName,
    HeaderName,
    LiteLLMParams,
    PolicySettings,
    Problem,
    Settings,
    format_duration,
    format_size,
    json_schema,
    load_settings,
    parse_duration,
    parse_size,
)
from proxy.config.units import MAX_DURATION, MAX_SIZE
from proxy.controls import HEADERS

ROOT = Path(__file__).parents[2]
SECRET = "sk-Very5ecretValue"


@pytest.fixture
def load(tmp_path):
    """Load a text as a file, with an environment of its own."""

    def load_text(text: str | bytes, **environ: str) -> Settings:
        path = tmp_path / "config.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_settings(path, environ)

    return load_text


@pytest.fixture
def problems(load):
    """What is wrong with a text, in order."""

    def problems_of(text: str | bytes, **environ: str) -> list[Problem]:
        with pytest.raises(ConfigError) as caught:
            load(text, **environ)
        return caught.value.problems

    return problems_of


# What works as it is


def test_no_file_is_the_defaults():
    assert load_settings(None, {}) == Settings()


def test_the_default_models_are_every_model_at_openai_with_the_callers_key():
    (entry,) = Settings().model_list
    assert (entry.model_name, entry.litellm_params.model, entry.litellm_params.api_key) == ("*", "openai/*", None)


def test_the_policy_defaults_are_those_of_the_cache():
    ours, theirs = PolicySettings(), Policy()
    for name in (
        "max_error_rate",
        "audit_rate",
        "shadow",
        "similarity_threshold",
        "deletion_gain",
        "verified",
        "min_quality",
        "ttl",
        "max_temperature",
        "candidates",
        "max_candidates",
        "max_age",
        "serve_stale_for",
        "negative_ttl",
        "max_entries",
        "max_bytes",
        "match_history",
        "memory",
        "headers",
    ):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert (ours.store_tool_calls, ours.allow_loosening) == (theirs.store_tool_calls, theirs.allow_loosening)
    assert set(ours.tiers) == theirs.tiers
    assert tuple(dict(ours.decay).values()) == (theirs.decay.floor, theirs.decay.window, theirs.decay.shape)
    assert (ours.streams.serve, ours.streams.store) == (theirs.serve_streams, theirs.store_streams)
    assert (ours.guards, theirs.guards_off) == ({}, frozenset()), "every guard is on"
    assert {name: set(tiers) for name, tiers in ours.classes.items()} == dict(theirs.classes)


def test_guards_and_headers_are_named_as_where_they_are_at_work():
    assert get_args(GuardName) == tuple(guard.__name__ for guard in GUARDS)
    assert get_args(HeaderName) == HEADERS
    assert set(get_args(ClassName)) == DEFAULT_CLASSES.keys()


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n", "null\n", "\ufeff", "server:\nauth:\n"])
def test_an_empty_file_or_section_is_the_defaults(load, text):
    assert load(text) == Settings()


def test_the_shipped_file_shows_the_defaults():
    shipped = load_settings(ROOT / "config.yaml", {})
    assert shipped.model_copy(update={"model_list": Settings().model_list}) == Settings()


def test_the_shipped_file_takes_the_openai_key_from_the_environment():
    path = ROOT / "config.yaml"
    (entry,) = load_settings(path, {"OPENAI_API_KEY": SECRET}).model_list
    assert entry.litellm_params.api_key is not None
    assert entry.litellm_params.api_key.get_secret_value() == SECRET
    assert load_settings(path, {}).model_list == Settings().model_list


def test_the_shipped_examples_work_once_uncommented(load):
    text = (ROOT / "config.yaml").read_text("utf-8")
    for name in ("keys", "routes", "experiments"):
        text = text.replace(f"  {name}: []\n", "")
    text = text.replace("  sources: {}\n", "")
    example = re.compile(r"^( *)# ( *(?:- )?[a-z_]+:(?: |$))", re.MULTILINE)
    secrets = dict.fromkeys(("OPENAI_API_KEY", "HOOK_SECRET", "SMTP_PASSWORD"), SECRET)
    keys = {"TEAM_A_KEY": "team-a-key", "ADMIN_KEY": "admin-key"}
    keys |= {"SLACK_WEBHOOK": "https://hooks.example.com/t", "DATABASE_URL": "postgresql://me:secret@db/reprise"}
    settings = load(example.sub(r"\1\2", text), **keys, **secrets)
    assert [entry.model_name for entry in settings.model_list] == ["*", "small", "local", "claude", "llama"]
    assert settings.model_list[2].supports == ["chat"]
    assert [key.role for key in settings.auth.keys] == ["client", "admin"]
    assert settings.store.embedder.api_base == "https://api.openai.com/v1"
    assert settings.cache.policies["fixed"].similarity_threshold == 0.95
    assert [route.policy for route in settings.cache.routes] == ["conservative", "fixed", "aggressive"]
    assert [list(experiment.arms) for experiment in settings.cache.experiments] == [["a", "b"]]
    assert {name: source.watch for name, source in settings.memory.sources.items()} == {"docs": False, "handbook": True}
    assert settings.notifications.email is not None, "one of the three channels"
    assert settings.notifications.email.to == ["team@example.com"]


def test_a_file_of_litellms_is_taken_as_it_is(load):
    settings = load(
        """
        model_list:
          - model_name: gpt-4o
            litellm_params:
              model: azure/gpt-4o-eu
              api_base: https://example.openai.azure.com/
              api_key: os.environ/AZURE_API_KEY
              api_version: 2024-06-01
              rpm: 6
              max_retries: 3
              timeout: 600
              stream_timeout:
            model_info:
              mode: chat
              base_model: azure/gpt-4o
        """,
        AZURE_API_KEY=SECRET,
    )
    params = settings.model_list[0].litellm_params
    assert params.model_extra == {"api_version": "2024-06-01", "rpm": 6, "max_retries": 3}
    assert (params.timeout, params.stream_timeout) == (600.0, None)
    assert settings.model_list[0].model_info == {"mode": "chat", "base_model": "azure/gpt-4o"}


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        Settings().server.port = 5  # type: ignore[misc]


def test_secrets_do_not_show_in_repr_or_dump():
    params = LiteLLMParams.model_validate(
        {"model": "m", "api_key": SECRET, "extra_headers": {"x": SECRET}, "aws_secret_access_key": SECRET}
    )
    key = ApiKey.model_validate({"key": SECRET, "namespace": "a"})
    assert SECRET not in repr(params) + str(params) + repr(key) + key.model_dump_json()


def test_a_policy_beside_the_default_keeps_it(load):
    cache = load("cache: {policies: {strict: {tiers: [exact]}, lax: }}").cache
    assert cache.policies["default"] == cache.policies["lax"] == PolicySettings()
    assert cache.policies["strict"].tiers == ["exact"]


def test_classes_are_changed_one_by_one(load):
    classes = load("cache: {policies: {default: {classes: {volatile: [exact]}}}}").cache.policies["default"].classes
    assert classes == PolicySettings().classes | {"volatile": ["exact"]}
    assert PolicySettings().classes["volatile"] == []


def test_a_leading_tilde_is_home(load):
    assert load("server: {data_dir: ~/reprise}").server.data_dir == Path.home() / "reprise"


def test_the_import_is_light():
    heavy = "{'litellm', 'torch', 'chromadb', 'openai', 'fastapi', 'sentence_transformers', 'numpy'}"
    code = f"import sys, proxy.config; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists():
    assert all(hasattr(proxy.config, name) for name in proxy.config.__all__)


# Durations and sizes


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("10m", 600),
        ("24h", 86_400),
        ("7d", 604_800),
        ("1.5h", 5_400),
        (" 5 m ", 300),
        ("30", 30),
        (30, 30),
        (0.25, 0.25),
        (0, 0),
    ],
)
def test_durations(written, seconds):
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    ["", "h", "-1s", "1w", "1h30m", "1e3", "ten", "36501d", "9" * 500, -1, True, None, [], float("nan"), 2**80],
)
def test_no_durations(written):
    with pytest.raises(ValueError, match="must be a duration such as 500ms"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0s"), (0.1, "100ms"), (90, "90s"), (86_400, "24h"), (604_800, "7d")]
)
def test_durations_are_written_short(seconds, written):
    assert format_duration(seconds) == written


@given(st.floats(min_value=0, max_value=MAX_DURATION))
def test_durations_come_back_as_they_were(seconds):
    assert parse_duration(format_duration(seconds)) == seconds
    assert parse_duration(seconds) == seconds


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("512MB", 512 * 2**20),
        ("32MiB", 32 * 2**20),
        ("10KB", 10_240),
        ("10k", 10_240),
        ("1.5 GB", 3 * 2**29),
        ("1t", 2**40),
        ("7B", 7),
        ("7", 7),
        (7, 7),
    ],
)
def test_sizes_count_in_steps_of_1024(written, size):
    assert parse_size(written) == size


@pytest.mark.parametrize("written", ["", "MB", "-1MB", "1PB", "1 M B", "2000TB", -1, False, None, 2**80])
def test_no_sizes(written):
    with pytest.raises(ValueError, match="must be a size such as 64KB"):
        parse_size(written)


@given(st.integers(min_value=0, max_value=MAX_SIZE))
def test_sizes_come_back_as_they_were(size):
    assert parse_size(format_size(size)) == size
    assert parse_size(size) == size


def test_units_are_written_short_in_a_json_dump():
    server = Settings().model_dump(mode="json")["server"]
    assert (server["max_body"], server["request_timeout"], server["data_dir"]) == ("32MB", "10m", ".reprise")


# References to the environment


def test_references_are_resolved_in_any_value_at_any_depth(load):
    settings = load(
        """
        server:
          port: os.environ/PORT
          host: ${A}.${B}.0.1
          data_dir: ${DIR:-/var/lib/reprise}
        cache: {enabled: "${ON}", policies: {default: {ttl: "${N}m", tiers: ["${TIER}"]}}}
        model_list:
          - model_name: m
            litellm_params: {model: openai/m, extra_headers: {x: "a${A}"}, deep: [{er: "${A}"}]}
        """,
        PORT="5000",
        A="127",
        B="0",
        ON="no",
        N="5",
        TIER="exact",
    )
    assert (settings.server.port, settings.server.host) == (5000, "127.0.0.1")
    assert settings.server.data_dir == Path("/var/lib/reprise")
    assert (settings.cache.enabled, settings.cache.policies["default"].ttl) == (False, 300)
    params = settings.model_list[0].litellm_params
    assert params.extra_headers == {"x": "a127"}
    assert params.model_extra == {"deep": [{"er": "127"}]}


@pytest.mark.parametrize(("environ", "host"), [({}, "b"), ({"A": ""}, "b"), ({"A": "a"}, "a")])
def test_a_reference_may_have_a_default(load, environ, host):
    assert load("server: {host: '${A:-b}'}", **environ).server.host == host


def test_a_doubled_dollar_is_no_reference(load):
    assert load("server: {host: '$${A}$b'}").server.host == "${A}$b"


def test_what_a_variable_holds_is_not_looked_into(load):
    settings = load("auth: {keys: [{key: os.environ/A, namespace: a}]}", A="pass${B}word")
    assert settings.auth.keys[0].key.get_secret_value() == "pass${B}word"


@pytest.mark.parametrize("environ", [{}, {"K": ""}])
@pytest.mark.parametrize("reference", ["os.environ/K", "${K}"])
def test_an_unset_key_of_a_model_leaves_the_callers_own(load, reference, environ):
    settings = load(f"model_list: [{{model_name: m, litellm_params: {{model: m, api_key: '{reference}'}}}}]", **environ)
    assert settings.model_list[0].litellm_params.api_key is None


def test_a_reference_that_comes_to_nothing_leaves_the_default(load):
    settings = load("server: {data_dir: '${A:-}', host: os.environ/B}\nstore: {embedder: {api_base: '${B}'}}", B="")
    assert settings == Settings()


def test_every_unset_variable_is_named_once_with_its_line(problems):
    found = problems(
        """\
auth:
  keys:
    - key: os.environ/KEY
      namespace: ${NAMESPACE}
    - {key: os.environ/KEY, namespace: b}
server:
  port: os.environ/PORT
store:
  embedder:
    api_key: os.environ/EMBEDDER_KEY
model_list:
  - model_name: m
    litellm_params: {model: m, api_base: "${BASE}"}
"""
    )
    assert [(problem.line, problem.key, problem.message) for problem in found] == [
        (3, "auth.keys.0.key", "the environment variable KEY is not set"),
        (4, "auth.keys.0.namespace", "the environment variable NAMESPACE is not set"),
        (5, "auth.keys.1.key", "the environment variable KEY is not set"),
        (7, "server.port", "the environment variable PORT is not set"),
        (10, "store.embedder.api_key", "the environment variable EMBEDDER_KEY is not set"),
        (13, "model_list.0.litellm_params.api_base", "the environment variable BASE is not set"),
    ]


@pytest.mark.parametrize("broken", ["${A", "${1}", "${A-b}", "${A:-${B}}", "os.environ/", "os.environ/a b", "${}"])
def test_a_reference_that_cannot_be_read_is_a_problem(problems, broken):
    (problem,) = problems(f"server:\n  host: '{broken}'", A="a", B="b")
    assert (problem.line, problem.key) == (2, "server.host")
    assert problem.message.startswith("holds a reference that cannot be read: write os.environ/NAME")


# Settings from the environment


def test_variables_stand_above_the_file(load):
    settings = load(
        "server: {port: 1, host: os.environ/UNSET}\ncache: {policies: {my-own: {ttl: 1h}}}",
        REPRISE_SERVER__PORT="5000",
        REPRISE_SERVER__HOST="::1",
        REPRISE_CACHE__ENABLED="off",
        REPRISE_CACHE__POLICIES__MY_OWN__TTL="2h",
        REPRISE_CACHE__POLICIES__DEFAULT__TIERS="[exact]",
        REPRISE_CACHE__POLICIES__DEFAULT__CLASSES__OWN_DATA="[exact]",
        REPRISE_CACHE__POLICIES__DEFAULT__SIMILARITY_THRESHOLD=" 0.9 ",
        REPRISE_AUTH__KEYS="[{key: os.environ/ADMIN, namespace: ops, role: admin}]",
        REPRISE_STATS__WINDOW="null",
        REPRISE_LOGGING__LEVEL="'debug'",
        REPRISE_STORE__EMBEDDER__API_KEY="12345 # not a comment",
        ADMIN="12345678",
    )
    assert (settings.server.port, settings.server.host, settings.cache.enabled) == (5000, "::1", False)
    policies = settings.cache.policies
    assert policies["my-own"].ttl == 7_200
    assert policies["default"].tiers == policies["default"].classes["own-data"] == ["exact"]
    assert policies["default"].similarity_threshold == 0.9
    assert settings.auth.keys[0].key.get_secret_value() == "12345678"
    assert (settings.stats.window, settings.logging.level) == (86_400, "debug")
    assert settings.store.embedder.api_key is not None
    assert settings.store.embedder.api_key.get_secret_value() == "12345 # not a comment"


def test_presets_can_be_set_from_the_environment(load):
    policies = load("", REPRISE_CACHE__POLICIES__CONSERVATIVE__TTL="1h", REPRISE_CACHE__ROUTES="[]").cache.policies
    assert (policies["conservative"].ttl, policies["conservative"].max_error_rate) == (3_600, 0.005)


def test_routes_can_be_set_from_the_environment(load, problems):
    (route,) = load("", REPRISE_CACHE__ROUTES="[{match: {model: 'gpt-*'}, policy: aggressive}]").cache.routes
    assert (route.match.model, route.policy) == (["gpt-*"], "aggressive")
    (problem,) = problems("", REPRISE_CACHE__ROUTES="[{policy: nobody}]")
    assert str(problem).startswith("environment variable REPRISE_CACHE__ROUTES: cache.routes.0.policy: names no policy")


def test_variables_work_without_a_file():
    assert load_settings(None, {"REPRISE_SERVER__PORT": "0"}).server.port == 0


def test_a_section_may_be_set_whole_and_then_in_part(load):
    server = load("server: {host: other}", REPRISE_SERVER="{port: 1, max_body: 1KB}", REPRISE_SERVER__PORT="2").server
    assert (server.port, server.max_body, server.host) == (2, 1024, "127.0.0.1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REPRISE_CONFIG", "x.yaml"),
        ("REPRISE_MODEL_CACHE", "/x"),
        ("REPRISE_URL", "http://127.0.0.1:4000"),
        ("REPRISE_API_KEY", "sk-x"),
        ("REPRISE_SERVER_PORT", ""),
        ("REPRISE_SERVICE_HOST", "10.0.0.1"),
        ("REPRISE_SERVICE_PORT_HTTP", "4000"),
        ("REPRISE_PORT", "tcp://10.0.0.1:4000"),
        ("REPRISE_PORT_4000_TCP_ADDR", "10.0.0.1"),
        ("REPRISE_CANARY_SERVICE_HOST", "10.0.0.1"),
        ("REPRISE_CANARY_PORT", "udp://10.0.0.1:4000"),
        ("OTHER_SERVER__PORT", "1"),
    ],
)
def test_variables_meant_for_others_or_empty_are_passed_over(load, name, value):
    assert load("", **{name: value}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REPRISE_SERVER_PORT", "1", 'is no setting; did you mean "REPRISE_SERVER__PORT"?'),
        ("REPRISE_DATA_DIR", "/x", 'is no setting; did you mean "REPRISE_SERVER__DATA_DIR"?'),
        ("REPRISE_server__port", "1", 'is no setting; did you mean "REPRISE_SERVER__PORT"?'),
        ("REPRISE_PORT", "4000", "is no setting"),
        ("REPRISE_SERVER__PORT__X", "1", "is no setting"),
        (
            "REPRISE_CACHE__POLICIES__DEFUALT__TTL",
            "1h",
            'is no setting; did you mean "REPRISE_CACHE__POLICIES__DEFAULT__TTL"?',
        ),
        ("REPRISE_XYZZYPLUGH", "1", "is no setting"),
        (
            "REPRISE_AUTH__KEYS__0__KEY",
            SECRET,
            "sets a part of a list; set the whole list instead: REPRISE_AUTH__KEYS='[...]'",
        ),
        ("REPRISE_SERVER__PORT", "http", "server.port: must be a whole number"),
        ("REPRISE_SERVER__PORT", "70000", "server.port: must be 65535 or less"),
        ("REPRISE_SERVER", "5", "server: must be a mapping (key: value)"),
        ("REPRISE_STORE", "{embeder: {}}", 'store.embeder: is no known key; did you mean "embedder"?'),
        (
            "REPRISE_AUTH__KEYS",
            "[{key: 'a",
            "auth.keys: is not valid YAML: a quote or bracket is opened and never closed",
        ),
        ("REPRISE_AUTH__KEYS", "[{role: admin, role: client}]", "auth.keys: is given twice"),
        ("REPRISE_SERVER__HOST", "${NOT_SET}", "server.host: the environment variable NOT_SET is not set"),
    ],
)
def test_a_wrong_variable_is_named(problems, name, value, said):
    found = problems("# nothing", **{name: value})
    assert str(found[0]).startswith(f"environment variable {name}: {said}")
    assert (found[0].file, found[0].line, found[0].column) == (f"environment variable {name}", None, None)


def test_a_variable_below_something_that_is_no_section_leaves_the_file_to_blame(problems):
    (problem,) = problems("server: 5", REPRISE_SERVER__PORT="1")
    assert (problem.line, problem.key) == (1, "server")


# Files that cannot be read at all


@pytest.mark.parametrize(
    ("name", "said"),
    [("missing.yaml", "there is no such file"), ("", "is a folder, not a file"), ("a\0b", "not a usable path")],
)
def test_a_file_that_cannot_be_opened(tmp_path, name, said):
    with pytest.raises(ConfigError, match=said) as caught:
        load_settings(tmp_path / name, {})
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.key) == (str(tmp_path / name), None, "")


def test_a_file_that_may_not_be_opened(tmp_path, monkeypatch):
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match="cannot be read: permission denied"):
        load_settings(tmp_path / "config.yaml", {})


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (b"# ok\na: \xff\n", 2, "is not UTF-8 text"),
        ("server: {}".encode("utf-16"), 1, "is not UTF-8 text"),
        ("# ok\n\na: \x00\n", 3, "holds a control character"),
        ("a: '" + "x" * 2**20 + "'", None, "is larger than 1048576 bytes"),
        ("- a\n", 1, "must be a mapping of sections"),
        ("just text", 1, "must be a mapping of sections"),
        ("server:\n\tport: 1\n", 2, "is not valid YAML: a tab cannot indent; use spaces"),
        ("server:\n  port: 1\n host: a\n", 3, "is not valid YAML: this does not belong here"),
        ("server: {port: 1\n\n", 1, "is not valid YAML: a quote or bracket is opened and never closed"),
        ("server:\n  host: 'a\n", 2, "is not valid YAML: a quote or bracket is opened and never closed"),
        ("\nserver: host: a\n", 2, "is not valid YAML: mapping values are not allowed here"),
        ("\nserver: *missing\n", 2, "is not valid YAML: an alias names no anchor"),
        ("a: &x 1\nb: &x 2\n", 2, "is not valid YAML: two anchors have the same name"),
        ("a: @at\n", 1, "is not valid YAML: character '@' that cannot start any token"),
        ("%TAG ! x\n---\na: !e!b c\n", 3, "is not valid YAML: a tag cannot be read"),
        ("a: 1\n---\nb: 2\n", 2, "is not valid YAML: there is a second document"),
        ("a: &a {b: *a}\n", 1, "holds an alias of itself"),
        ("a: &a\n  <<: *a\n", 1, "holds an alias of itself"),
        ("a: " + "[" * 60 + "]" * 60, 1, "is nested too deeply, beyond 50 levels"),
        ("[" * 2000, None, "is nested too deeply"),
    ],
)
def test_a_file_that_is_no_usable_yaml(problems, text, line, said):
    (problem,) = problems(text)
    assert (problem.line, problem.key) == (line, "")
    assert problem.message.startswith(said)


def test_what_the_environment_sets_is_checked_beside_an_unusable_file(problems):
    assert [problem.key for problem in problems("- a", REPRISE_SERVER__PORT="x")] == ["", "server.port"]


# YAML and its ways


def test_anchors_aliases_and_merge_keys_work(load):
    policies = load(
        """
        cache:
          policies:
            default: &base
              ttl: &hour 1h
              decay: &decay {floor: 0.1, window: 1h}
            short:
              <<: *base
              ttl: 1m
            other:
              <<: [{min_quality: 0.1}, {min_quality: 0.2, ttl: *hour}]
              decay: {<<: *decay, window: 2h}
        """
    ).cache.policies
    assert policies["short"].ttl == 60
    assert policies["short"].decay == policies["default"].decay
    assert (policies["other"].min_quality, policies["other"].ttl) == (0.1, 3_600)
    assert (policies["other"].decay.floor, policies["other"].decay.window) == (0.1, 7_200)


@pytest.mark.parametrize(
    "kind", ["[*{0}, *{0}, *{0}, *{0}, *{0}, *{0}, *{0}, *{0}, *{0}]", "{{a: *{0}, b: *{0}, c: *{0}}}"]
)
def test_an_alias_bomb_is_refused_quickly(problems, kind):
    names = [f"n{index}" for index in range(30)]
    layers = ["n0: &n0 {x: [y, y, y]}", *(f"{b}: &{b} {kind.format(a)}" for a, b in itertools.pairwise(names))]
    started = time.perf_counter()
    (problem,) = problems("\n".join(layers))
    assert time.perf_counter() - started < 1
    assert problem.message == "has aliases that stand for more than 20000 values"
    assert problem.line is not None


@pytest.mark.parametrize(
    ("second_line", "key", "said"),
    [
        ("  port: 22:22", "server.port", "is a number to the base of sixty in YAML: put quotes around it"),
        ("  port: 0b_", "server.port", "does not fit its tag or form: put quotes around it"),
        ("  port: !!bool maybe", "server.port", "does not fit its tag or form: put quotes around it"),
        ("  port: !!int ''", "server.port", "does not fit its tag or form: put quotes around it"),
        ("  host: !own x", "server.host", "has a tag that means nothing here: put quotes around it"),
        ("  host: !!set {a, b}", "server.host", "has a tag that means nothing here (text that begins with !"),
        ("  ? [a]\n  : 1", "server", "a key must be text, not a list or a mapping"),
        ("  <<: 5", "server.<<", "must be an alias of a mapping, or a list of those"),
        ("  {port: 1, port: 2}", "server.port", "is given twice"),
        ("  {<<: {}, <<: {}}", "server.<<", "is given twice"),
        ("server: {}", "server", "is given twice"),
        ("'server': {}", "server", "is given twice"),
    ],
)
def test_yaml_that_means_something_else(problems, second_line, key, said):
    problem = problems(f"server:\n{second_line}\n")[0]
    assert (problem.line, problem.key) == (2, key)
    assert problem.message.startswith(said)


def test_a_mistake_in_an_anchored_section_is_told_once(problems):
    found = problems("cache:\n  policies:\n    default: &d\n      ttl: 1h\n      ttl: 2h\n    b: *d\n    c: {<<: *d}")
    assert [(problem.line, problem.message) for problem in found] == [(5, "is given twice")]


def test_keys_are_text_whatever_they_look_like(load):
    policies = load("cache: {policies: {1: , 2024-01-01: , no: , 'yes': }}").cache.policies
    assert set(policies) - PRESETS.keys() == {"default", "1", "2024-01-01", "no", "yes"}


def test_dates_are_text(load):
    settings = load("model_list: [{model_name: 2024-01-01, litellm_params: {model: =}}]")
    assert (settings.model_list[0].model_name, settings.model_list[0].litellm_params.model) == ("2024-01-01", "=")


# Values that are not allowed

MODEL = "model_list: [{model_name: a, litellm_params: {model: m, %s}}]"
KEY = "auth: {keys: [{key: 12characters, namespace: a, %s}]}"


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("servr: {}", "servr", 'is no known key; did you mean "server"?'),
        ("zzz: 1", "zzz", "is no known key"),
        ("server: {prot: 1}", "server.prot", 'is no known key; did you mean "port"?'),
        ("cache: {policies: {x: {decay: {flor: 1}}}}", "cache.policies.x.decay.flor", "is no known key; did you mean"),
        (KEY % "nmae: a", "auth.keys.0.nmae", 'is no known key; did you mean "name"?'),
        ("general_settings: {}", "general_settings", "is LiteLLM's and not read here: the master_key goes to auth."),
        ("server: 5", "server", "must be a mapping (key: value)"),
        ("cache: {policies: [a]}", "cache.policies", "must be a mapping (key: value)"),
        ("auth: {keys: {a: b}}", "auth.keys", "must be a list"),
        ("auth: {keys: [12characters]}", "auth.keys.0", "must be a mapping (key: value)"),
        ("auth: {keys: [~]}", "auth.keys.0", "must be a mapping (key: value)"),
        ("auth: {keys: [{namespace: a}]}", "auth.keys.0.key", "is required"),
        ("auth: {keys: [{key: , namespace: a}]}", "auth.keys.0.key", "is required"),
        ("model_list: [{model_name: a, litellm_params: }]", "model_list.0.litellm_params", "is required"),
        ("model_list: [{model_name: a, litellm_params: {}}]", "model_list.0.litellm_params.model", "is required"),
        ("model_list: [{model_name: '', litellm_params: {model: b}}]", "model_list.0.model_name", "must not be empty"),
        (MODEL % "timeout: soon", "model_list.0.litellm_params.timeout", "must be a duration such as 500ms"),
        (MODEL % "api_base: a b", "model_list.0.litellm_params.api_base", "must begin with http:// or https://"),
        ("server: {port: yes}", "server.port", "must be a number (YAML reads a bare yes, no, on, off"),
        ("server: {port: 4000.5}", "server.port", "must be a whole number"),
        ("server: {port: -1}", "server.port", "must be 0 or more"),
        ("server: {port: 65536}", "server.port", "must be 65535 or less"),
        ("server: {host: no}", "server.host", "must be text (YAML reads a bare yes, no"),
        ("server: {host: 127}", "server.host", "must be text: put quotes around it"),
        ("server: {host: [a]}", "server.host", "must be text"),
        ("server: {data_dir: ''}", "server.data_dir", "must not be empty"),
        ("server: {data_dir: 5}", "server.data_dir", "must be a path"),
        ("server: {expose: off}", "server.expose", "must be one of full, minimal (YAML reads a bare yes"),
        ("server: {max_body: 0}", "server.max_body", "must be more than 0"),
        ("server: {max_body: 32 megabytes}", "server.max_body", "must be a size such as 64KB"),
        ("server: {max_body: yes}", "server.max_body", "must be a number (YAML reads"),
        ("server: {stream_timeout: 0}", "server.stream_timeout", "must be more than 0"),
        ("server: {drain_timeout: -1s}", "server.drain_timeout", "must be a duration such as 500ms"),
        ("logging: {level: warn}", "logging.level", "must be one of debug, info, warning, error; did you mean"),
        ("cache: {enabled: maybe}", "cache.enabled", "must be true or false"),
        ("cache: {enabled: 5}", "cache.enabled", "must be true or false"),
        ("cache: {policies: {Bad Name: }}", "cache.policies.Bad Name", "must be at most 64 lower-case letters"),
        ("auth: {keys: [{key: 12characters, namespace: A}]}", "auth.keys.0.namespace", "must be at most 64 lower-case"),
        ("auth: {keys: [{key: short, namespace: a}]}", "auth.keys.0.key", "must be 8 or more characters long"),
        ("auth: {keys: [{key: with a space, namespace: a}]}", "auth.keys.0.key", "must be printable ASCII characters"),
        ("auth: {keys: [{key: schlüssel, namespace: a}]}", "auth.keys.0.key", "must be printable ASCII characters"),
        ("auth: {keys: [{key: 1234567890, namespace: a}]}", "auth.keys.0.key", "must be text: put quotes around it"),
        (KEY % "role: root", "auth.keys.0.role", "must be one of client, admin"),
        ("store: {embedder: {threads: 65}}", "store.embedder.threads", "must be 64 or less"),
        ("cache: {writes_per_minute: -1}", "cache.writes_per_minute", "must be 0 or more"),
        ("cache: {verifier: {threads: 0}}", "cache.verifier.threads", "must be 1 or more"),
        ("cache: {verifier: {model: 7}}", "cache.verifier.model", "must be text"),
        ("store: {memory_entries: -1}", "store.memory_entries", "must be 0 or more"),
        ("stats: {window: daily}", "stats.window", "must be a duration such as 500ms, 30s, 10m, 24h or 7d"),
    ],
)
def test_a_wrong_value_is_told_by_line_and_key(problems, text, key, message):
    (problem,) = problems("# first line\n" + text)
    assert (problem.line, problem.key) == (2, key)
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("ttl: 0", "ttl", "must be more than 0"),
        ("ttl: tomorrow", "ttl", "must be a duration"),
        ("min_quality: .nan", "min_quality", "must be a finite number"),
        ("min_quality: yes", "min_quality", "must be a number (YAML reads"),
        ("min_quality: 1.01", "min_quality", "must be 1 or less"),
        ("similarity_threshold: -0.1", "similarity_threshold", "must be 0 or more"),
        ("similarity_threshold: on", "similarity_threshold", "must be a number (YAML reads"),
        ("max_error_rate: 0", "max_error_rate", "must be more than 0"),
        ("max_error_rate: 0.51", "max_error_rate", "must be 0.5 or less"),
        ("max_error_rate: low", "max_error_rate", "must be a number"),
        ("audit_rate: 0", "audit_rate", "must be more than 0: without audits"),
        ("audit_rate: 0.0", "audit_rate", "must be more than 0: without audits"),
        ("audit_rate: '0'", "audit_rate", "must be more than 0"),
        ("audit_rate: -1", "audit_rate", "must be 0 or more"),
        ("audit_rate: 1.1", "audit_rate", "must be 1 or less"),
        ("audit_rate: .nan", "audit_rate", "must be a finite number"),
        ("shadow: maybe", "shadow", "must be true or false"),
        ("deletion_gain: 0", "deletion_gain", "must be more than 0"),
        ("deletion_gain: 2.1", "deletion_gain", "must be 2 or less"),
        ("verified: 0", "verified", "must be 1 or more"),
        ("verified: 11", "verified", "must be 10 or less"),
        ("max_temperature: 2.1", "max_temperature", "must be 2 or less"),
        ("max_temperature: hot", "max_temperature", "must be a number"),
        ("candidates: 0", "candidates", "must be 1 or more"),
        ("candidates: 101", "candidates", "must be 100 or less"),
        ("max_candidates: 4", "max_candidates", "must not be below candidates"),
        ("tiers: exact", "tiers", "must be a list"),
        ("tiers: [semntic]", "tiers.0", 'must be one of exact, semantic; did you mean "semantic"?'),
        ("store_tool_calls: no", "store_tool_calls", "must be one of exact, semantic, never (YAML reads"),
        ("classes: {creativ: []}", "classes.creativ", "must be one of creative, volatile,"),
        ("classes: {random: [all]}", "classes.random.0", "must be one of exact, semantic"),
        ("decay: {window: 0s}", "decay.window", "must be more than 0"),
        ("decay: {shape: linaer}", "decay.shape", 'must be one of linear, exponential, step; did you mean "linear"?'),
        ("max_age: 0", "max_age", "must be more than 0"),
        ("max_age: never", "max_age", "must be a duration"),
        ("serve_stale_for: -1", "serve_stale_for", "must be a duration"),
        ("negative_ttl: long", "negative_ttl", "must be a duration"),
        ("negative_ttl: 2m", "negative_ttl", "must be 60 or less"),
        ("max_entries: 0", "max_entries", "must be 1 or more"),
        ("max_entries: yes", "max_entries", "must be a number (YAML reads"),
        ("max_bytes: 0", "max_bytes", "must be more than 0"),
        ("max_bytes: big", "max_bytes", "must be a size such as"),
        ("guards: {nubmers: off}", "guards.nubmers", "must be one of numbers, units,"),
        ("guards: {numbers: 7}", "guards.numbers", "must be true or false"),
        ("guards: [numbers]", "guards", "must be a mapping"),
        ("headers: [cache]", "headers.0", "must be one of policy, threshold, session"),
        ("headers: policy", "headers", "must be a list"),
        ("streams: {server: no}", "streams.server", 'is no known key; did you mean "serve"?'),
        ("streams: {serve: 7}", "streams.serve", "must be true or false"),
        ("memory: some", "memory", "must be one of off, read, full"),
        ("memory: on", "memory", "must be one of off, read, full"),
        ("match_history: maybe", "match_history", "must be one of equal, meaning"),
        ("extends: blanced", "extends", "names no policy; there are aggressive, balanced, conservative; did you mean"),
        ("extends: Big Name", "extends", "names no policy"),
        ("extends: 7", "extends", "must be text"),
        (
            "{max_error_rate: 0.1, similarity_threshold: 0.9}",
            "similarity_threshold",
            "stands in place of max_error_rate",
        ),
    ],
)
def test_a_wrong_rule_of_a_policy_is_told_by_line_and_key(problems, text, key, message):
    (problem,) = problems(f"cache:\n  policies:\n    default:\n      {text}\n")
    assert (problem.line, problem.key) == (4, f"cache.policies.default.{key}")
    assert problem.message.startswith(message)


def test_a_problem_with_what_was_left_out_points_at_its_section(problems):
    (problem,) = problems("cache:\n  policies:\n    default:\n      candidates: 90\n")
    assert (problem.line, problem.key) == (3, "cache.policies.default.max_candidates")


def test_a_key_given_twice_points_at_the_second(problems):
    keys = "\n".join(f"    - {{key: {key}, namespace: a}}" for key in (SECRET, "another-key", SECRET))
    (problem,) = problems(f"auth:\n  keys:\n{keys}")
    assert (problem.line, problem.key) == (5, "auth.keys.2.key")
    assert problem.message == "is the same key as auth.keys.0.key"


def test_all_problems_come_at_once_in_the_order_of_their_lines(problems, tmp_path):
    found = problems(
        """\
stats: {window: x}
server:
  prot: 1
  host: os.environ/NOT_SET
  port: 1
  port: 2
cache:
  polices: {}
auth: {keys: [{}]}
""",
        REPRISE_LOGGING__LEVEL="loud",
    )
    path = tmp_path / "config.yaml"
    assert [str(problem) for problem in found] == [
        f"{path}:1: stats.window: must be a duration such as 500ms, 30s, 10m, 24h or 7d, or a number of seconds",
        f'{path}:3: server.prot: is no known key; did you mean "port"?',
        f"{path}:4: server.host: the environment variable NOT_SET is not set",
        f"{path}:6: server.port: is given twice",
        f'{path}:8: cache.polices: is no known key; did you mean "policies"?',
        f"{path}:9: auth.keys.0.key: is required",
        f"{path}:9: auth.keys.0.namespace: is required",
        "environment variable REPRISE_LOGGING__LEVEL: logging.level: must be one of debug, info, warning, error",
    ]
    assert [(problem.line, problem.column) for problem in found[:3]] == [(1, 9), (3, 3), (4, 3)]


# Secrets stay secret


@pytest.mark.parametrize(
    "text",
    [
        "auth: {keys: [{key: 'SECRET ', namespace: a}]}",
        "auth: {keys: [{key: [SECRET], namespace: a}]}",
        "auth: {keys: [SECRET]}",
        "auth: {keys: SECRET}",
        "auth: SECRET",
        "SECRET",
        "auth: {keys: [{key: SECRET, namespace: SECRET, role: SECRET, name: [SECRET]}]}",
        "auth: {keys: [{key: SECRET, namespace: a}, {key: SECRET, namespace: b}]}",
        "auth: {keys: [{key: '${SECRET', namespace: a}]}",
        "auth: {keys: [{key: '${KEY:-${SECRET}}', namespace: a}]}",
        "auth: {keys: [{key: os.environ/SECRET, namespace: a}]}",
        "auth: {keys: [{key: *SECRET, namespace: a}]}",
        "auth: {keys: [{key: !SECRET 5, namespace: a}]}",
        "auth: {keys: [{key: !SECRET!x 5, namespace: a}]}",
        "auth: {keys: [{key: !!SECRET 5, namespace: a}]}",
        "auth: {keys: [{key: @SECRET, namespace: a}]}",
        "auth: {keys: [{key: 'SECRET, namespace: a}]}",
        'auth: {keys: [{key: "\\xSECRET", namespace: a}]}',
        "auth: {keys: [{key: !!int SECRET, namespace: a}]}",
        "a: &SECRET 1\nb: &SECRET 2",
        "server: {port: SECRET, host: [SECRET], max_body: SECRET, stream_timeout: SECRET, expose: SECRET}",
        "model_list: [{model_name: a, litellm_params: {api_key: SECRET, api_base: SECRET}}]",
        "model_list: [{model_name: a, litellm_params: {model: m, api_key: [SECRET], extra_headers: {a: [SECRET]}}}]",
        "cache: {enabled: SECRET, policies: {default: {tiers: [SECRET], min_quality: SECRET}}}",
        "auth: {keys: [{key: os.environ/KEY, namespace: os.environ/KEY, role: os.environ/KEY}]}",
        "server: {port: os.environ/KEY, data_dir: ['${KEY}']}",
    ],
)
def test_no_value_is_in_an_error(load, text):
    with pytest.raises(ConfigError) as caught:
        load(text.replace("SECRET", SECRET), KEY=SECRET)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.problems)
    assert SECRET.removeprefix("sk-") not in shown


def test_no_value_of_a_variable_is_in_an_error(problems):
    for value in (SECRET, f"[{SECRET}", f"[{SECRET}]", f"*{SECRET}", f"${{{SECRET}", f"'*{SECRET}"):
        assert SECRET not in repr(problems("", REPRISE_AUTH__KEYS=value))


def test_no_value_is_in_the_error_of_a_model_built_by_hand():
    with pytest.raises(ValidationError) as caught:
        ApiKey.model_validate({"key": SECRET, "namespace": SECRET, "role": SECRET})
    assert SECRET not in str(caught.value)


# Whatever it is given


def _settings_or_problems(path: Path) -> Settings | ConfigError:
    try:
        return load_settings(path, {})
    except ConfigError as error:
        return error


@example_settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200) | st.binary(max_size=200))
def test_any_file_is_settings_or_problems(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "config.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = _settings_or_problems(path)
    assert isinstance(found, Settings) or found.problems


_KEYS = [*Settings.model_fields, *PolicySettings.model_fields, "policies", "default", "keys", "key", "embedder"]
_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)


@example_settings(deadline=None)
@given(st.dictionaries(st.sampled_from(list(Settings.model_fields)), _TREES, max_size=5))
def test_any_tree_is_settings_or_problems_with_a_line(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("any") / "config.yaml"
    path.write_text(yaml.safe_dump(tree), "utf-8")
    found = _settings_or_problems(path)
    assert isinstance(found, Settings) or all(problem.line and problem.key for problem in found.problems)


# The schema


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    jsonschema.Draft7Validator.check_schema(json_schema())
    return jsonschema.Draft7Validator(json_schema())


def test_the_shipped_schema_is_current():
    written = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    assert (ROOT / "config.schema.json").read_text("utf-8") == written


def test_the_shipped_file_names_the_schema_and_fits_it(schema):
    text = (ROOT / "config.yaml").read_text("utf-8")
    assert text.splitlines()[0] == "# yaml-language-server: $schema=./config.schema.json"
    schema.validate(yaml.safe_load(text))


def test_the_shipped_file_mentions_every_setting():
    text = (ROOT / "config.yaml").read_text("utf-8")
    rare = {"extra_headers", "model_info"}
    for model in _models(Settings):
        for name in model.model_fields.keys() - rare:
            assert re.search(rf"\b{name}:", text), name


def test_the_schema_is_draft_7():
    built = json_schema()
    assert built["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert built["title"]
    for node in _nodes(built):
        assert not {"$defs", "prefixItems", "unevaluatedProperties", "dependentSchemas"} & set(node)
        if "$ref" in node:
            # Draft 7 ignores whatever stands beside a $ref.
            assert set(node) == {"$ref"}
            assert node["$ref"].removeprefix("#/definitions/") in built["definitions"]


def test_every_setting_has_a_description():
    for model in _models(Settings):
        assert model.__doc__
        assert all(field.description for field in model.model_fields.values()), model


def test_the_schema_shows_durations_and_sizes_as_people_write_them():
    definitions = json_schema()["definitions"]
    assert definitions["PolicySettings"]["properties"]["ttl"]["default"] == "24h"
    assert definitions["ServerSettings"]["properties"]["max_body"]["default"] == "32MB"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "auth:\nserver:\nmodel_list:\ncache: {policies: {default: }}",
        "server: {port: os.environ/PORT, max_body: '${SIZE:-1MB}', expose: '${EXPOSE}', host: '${HOST}'}",
        "cache: {enabled: '${ON}', policies: {default: {ttl: os.environ/T, min_quality: '${Q}'}}}",
        "auth: {keys: [{key: '${K}', namespace: os.environ/N, role: '${ROLE:-client}'}]}",
        "stats: {window: 3600}\nserver: {max_body: 1024, stream_timeout: 1.5}",
        "cache: {policies: {default: {classes: {own-data: [exact]}, tiers: ['${TIER}'], similarity_threshold: null}}}",
        "cache: {policies: {a: {extends: balanced, guards: {names: false}, max_bytes: 1GB, headers: all}}}",
        "cache: {policies: {a: {max_entries: none, max_bytes: none, max_age: none, deletion_gain: none}}}",
        "cache: {policies: {a: {similarity_threshold: none, headers: none}, b: {headers: [tags, '${H:-policy}']}}}",
        "cache: {routes: [{match: {model: 'gpt-*', tag: [a, b], header: {x-a: b, x-b: [c]}}, policy: balanced}]}",
        "cache: {routes: [{name: all, match: , policy: balanced}]}",
        "model_list: [{model_name: a, litellm_params: {model: m, rpm: 5, timeout: 600}, model_info: {x: [1]}}]",
    ],
)
def test_the_schema_admits_what_the_loader_admits(schema, load, text):
    schema.validate(yaml.safe_load(text) or {})
    environ = {"PORT": "1", "EXPOSE": "full", "HOST": "a", "ON": "no", "T": "1h", "Q": "1", "K": SECRET, "N": "a"}
    assert load(text, TIER="exact", **environ)


@pytest.mark.parametrize(
    "text",
    [
        "servr: {}",
        "server: {prot: 1}",
        "server: {port: 70000}",
        "server: {port: true}",
        "server: {port: '4000x'}",
        "server: {expose: some}",
        "stats: {window: daily}",
        "stats: {window: -1}",
        "cache: {policies: {Bad Name: {}}}",
        "cache: {policies: {default: {classes: {creativ: []}}}}",
        "cache: {policies: {default: {min_quality: 2}}}",
        "cache: {policies: {default: {decay: {shape: round}}}}",
        "cache: {policies: {default: {headers: [cache]}}}",
        "cache: {policies: {default: {guards: {nubmers: false}}}}",
        "cache: {policies: {default: {max_entries: 0}}}",
        "cache: {routes: [{match: {}}]}",
        "cache: {routes: [{match: {modle: a}, policy: balanced}]}",
        "cache: {routes: [{match: {model: 7}, policy: balanced}]}",
        "auth: {keys: [{namespace: a}]}",
        "auth: {keys: [{key: short, namespace: a}]}",
        "auth: {keys: [null]}",
        "model_list: [{model_name: a}]",
        "model_list: [{model_name: a, litellm_params: null}]",
        "store: {embedder: {api_base: 'localhost:1'}}",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(schema, problems, text):
    assert problems(text)
    assert not schema.is_valid(yaml.safe_load(text))


def _nodes(value: Any) -> list[dict[str, Any]]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return ([value] if isinstance(value, dict) else []) + [node for item in inner for node in _nodes(item)]


def _models(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found |= _models(part)
    return found


def _parts(annotation: Any) -> list[Any]:
    return [annotation] + [part for inner in getattr(annotation, "__args__", ()) for part in _parts(inner)]
