"""Which policy a call with some traits gets, and where each of its values comes from."""

from __future__ import annotations

import json

import pytest
import yaml

from proxy.cli import choices
from proxy.config import Settings, load_settings
from proxy.config.loader import load
from proxy.config.shown import MASK, shown
from proxy.errors import InvalidRequest, NotFound
from proxy.policy.choice import Asked, choose

FILE = """\
auth:
  keys:
    - {key: a-long-key, namespace: team-a, name: Team A}
    - {key: another-key, namespace: team-b}
cache:
  routes:
    - match: {tag: exam}
      policy: conservative
    - name: nightly
      match: {key: Team*, header: {X-Job: "*"}}
      policy: strict
    - match: {client: "curl*"}
      policy: fixed
  policies:
    base:
      similarity_threshold: 0.9
      ttl: 2h
      decay: {floor: 0.4}
      classes: {creative: []}
    strict:
      extends: base
      max_error_rate: 0.02
      guards: {modal: false}
    fixed: {extends: base, allow_loosening: true}
"""


@pytest.fixture
def explain(tmp_path):
    """What a call gets, by the file above."""
    path = tmp_path / "c.yaml"
    path.write_text(FILE)

    def explain_call(model="gpt-4o", key="Team A", text=FILE, environ=None, **asked):
        path.write_text(text)
        loaded = load(path, environ or {})
        return choose(loaded, Asked(model, key=key, **asked))

    return explain_call


def origins(choice):
    """Where each value comes from, in words, without the folder of the file."""
    return {one.key: str(one.origin).rpartition("/")[2] for one in choice.values}


def values(choice):
    return {one.key: one.value for one in choice.values}


def test_each_value_is_told_with_its_source(explain):
    choice = explain(headers=("x-job: 7",))
    assert choice.policy == "strict"
    found, said = origins(choice), values(choice)
    assert (said["max_error_rate"], found["max_error_rate"]) == (0.02, "c.yaml:22 (strict)"), "its own"
    assert (said["ttl"], found["ttl"]) == ("2h", "c.yaml:17 (base)"), "the parent's"
    assert (said["decay.floor"], found["decay.floor"]) == (0.4, "c.yaml:18 (base)"), "one key of a section"
    assert (said["decay.window"], found["decay.window"]) == ("7d", "default"), "the other key"
    assert (said["classes.creative"], found["classes.creative"]) == ([], "c.yaml:19 (base)"), "one class"
    assert found["classes.random"] == "default", "another class"
    assert (said["min_quality"], found["min_quality"]) == (0.7, "preset balanced"), "the preset"
    assert (said["guards.modal"], found["guards.modal"]) == (False, "c.yaml:23 (strict)"), "a guard"
    assert found["headers"] == "default", "what nobody names"


def test_what_puts_an_inherited_threshold_out_of_force_is_told(explain):
    choice = explain(headers=("x-job: 7",))
    assert values(choice)["similarity_threshold"] == "none"
    assert origins(choice)["similarity_threshold"] == "c.yaml:22 (strict), by max_error_rate"


def test_a_variable_is_told_as_the_source(explain):
    variable = "REPRISE_CACHE__POLICIES__STRICT__MIN_QUALITY"
    choice = explain(headers=("x-job: 7",), environ={variable: "0.8"})
    (origin,) = [one.origin for one in choice.values if one.key == "min_quality"]
    assert (str(origin), values(choice)["min_quality"]) == (f"environment variable {variable}", 0.8)
    assert origin.as_json() == {"kind": "environment", "policy": "strict", "variable": variable}


def test_every_setting_of_a_policy_has_a_line(explain):
    names = {key.partition(".")[0] for key in values(explain())}
    settings = Settings().cache.policies["default"]
    assert names == set(type(settings).model_fields) - {"extends"}


def test_the_way_to_the_policy_is_told(explain):
    choice = explain(headers=("X-Job: 7",))
    assert [(one.route.name, one.place.line, one.unmet) for one in choice.tried] == [
        ("route-1", 7, "tag"),
        ("nightly", 9, None),
    ]
    assert [(link.name, place and place.line) for link, place in choice.line] == [
        ("strict", 20),
        ("base", 15),
        ("balanced", None),
    ]


def test_where_no_route_matches_it_is_the_default_policy(explain):
    choice = explain()
    assert (choice.policy, [one.unmet for one in choice.tried]) == ("default", ["tag", "header x-job", "client"])
    assert [link.name for link, _ in choice.line] == ["default", "balanced"], "built in"


def test_tags_projects_and_clients_are_those_of_the_calls_headers(explain):
    assert explain(tags=("exam", "b")).policy == "conservative"
    assert explain(headers=("x-reprise-tags: a, exam",)).policy == "conservative"
    assert explain(key=None, namespace="team-b", headers=("User-Agent: curl/8.5",)).policy == "fixed", "its product"
    assert explain(client="curl").policy == "fixed"
    assert explain(headers=("user-agent: curl/8.5",)).policy == "default", "a key's name comes before its user agent"


def test_what_the_call_wishes_is_granted_or_ignored(explain):
    choice = explain(
        tags=("exam",),
        headers=("cache-control: max-age=60", "x-reprise-threshold: 0.9", "x-reprise-policy: aggressive"),
    )
    assert (choice.policy, choice.ignored) == ("conservative", ("policy",))
    said, found = values(choice), origins(choice)
    assert (said["max_age"], found["max_age"]) == ("1m", "asked by the call")
    assert (said["min_similarity"], found["min_similarity"]) == (0.9, "asked by the call"), "beside the cut"
    asked = explain(headers=("x-reprise-memory: read",))
    assert (values(asked)["memory"], origins(asked)["memory"]) == ("read", "asked by the call"), "what memory does"
    granted = explain(headers=("x-reprise-policy: conservative",))
    assert (granted.policy, granted.ignored) == ("conservative", ()), "a stricter one"


def test_an_experiment_that_may_take_the_call_is_named(explain):
    arms = "arms: {a: {policy: balanced, weight: 50}, b: {policy: aggressive, weight: 50}}"
    text = FILE.replace("  routes:", f"  experiments: [{{name: bold, match: {{project: p}}, {arms}}}]\n  routes:")
    assert explain(text=text, project="p").experiment == "bold"
    assert explain(text=text).experiment is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"key": "Team B"}, "No key in auth.keys has the name 'Team B'"),
        ({"key": None}, "Only callers with a key of auth.keys get in"),
        ({"key": None, "namespace": "team-c"}, "Only callers with a key of auth.keys get in"),
        ({"namespace": "team-b"}, "The key 'Team A' is of the namespace 'team-a'"),
        ({"headers": ("x-job",)}, "A header is written as 'name: value'"),
        ({"headers": ("x-reprise-polcy: a",)}, "Unknown header x-reprise-polcy"),
        ({"headers": ("x-reprise-policy: nobody",)}, "No policy is called 'nobody'"),
    ],
)
def test_a_call_that_would_be_refused_is_refused_here_too(explain, asked, message):
    with pytest.raises(InvalidRequest) as caught:
        explain(**asked)
    assert caught.value.message.startswith(message)


def test_a_model_that_is_not_configured_is_refused(explain):
    models = "model_list: [{model_name: small, litellm_params: {model: openai/m}}]\n"
    with pytest.raises(NotFound):
        explain(text=models + FILE)
    assert explain("small", text=models + FILE).policy == "default"


def test_without_keys_the_namespace_is_free(explain):
    text = FILE.partition("cache:")[2].replace("key: Team*, ", "")
    choice = explain(text=f"cache:{text}", key=None, namespace="anything")
    assert choice.traits.namespace == "anything"
    assert explain(text=f"cache:{text}", key=None).traits.namespace == "default"


def test_it_is_told_to_people_and_to_programs(explain):
    choice = explain(headers=("x-job: 7", "x-reprise-policy: aggressive"))
    text = choices.told(choice)
    lines = [" ".join(line.replace(str(choice.tried[0].place.file), "c.yaml").split()) for line in text.splitlines()]
    about = lines.pop(4)
    assert about.startswith("balanced: at most 1 wrong answer in 100"), "what to expect of the preset"
    assert lines[:5] == [
        "policy strict",
        "route nightly (c.yaml:9) -> strict",
        "not route-1 (c.yaml:7) -> conservative: tag",
        "parents strict (c.yaml:20) < base (c.yaml:15) < preset balanced",
        "ignored policy: policy does not grant it",
    ]
    assert "ttl 2h c.yaml:17 (base)" in lines
    told = json.loads(json.dumps(choices.as_json(choice)))
    assert (told["policy"], told["route"]["name"], told["route"]["line"]) == ("strict", "nightly", 9)
    assert told["passed_over"][0]["unmet"] == "tag"
    assert told["settings"]["ttl"]["value"] == "2h"
    assert (told["settings"]["ttl"]["from"]["kind"], told["settings"]["ttl"]["from"]["line"]) == ("policy", 17)
    assert told["settings"]["candidates"]["from"] == {"kind": "default"}


# What is in force, shown

SECRET = "sk-Very5ecretValue"
SECRETS = f"""\
auth: {{keys: [{{key: {SECRET}, namespace: a}}]}}
store: {{embedder: {{api_base: "http://me:{SECRET}@127.0.0.1:1", api_key: {SECRET}}}}}
model_list:
  - model_name: m
    litellm_params:
      model: azure/m
      api_base: https://me:{SECRET}@example.com/x
      api_key: {SECRET}
      extra_headers: {{x-secret: {SECRET}}}
      aws_secret_access_key: {SECRET}
      nested: [{{deep: {SECRET}}}]
      api_version: 2024-06-01
      rpm: 6
"""


def test_secrets_are_masked_wherever_they_are(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(SECRETS)
    told = shown(load_settings(path, {}))
    assert SECRET.removeprefix("sk-") not in json.dumps(told)
    params = told["model_list"][0]["litellm_params"]
    assert (params["api_key"], params["extra_headers"]) == (MASK, {"x-secret": MASK})
    assert (params["rpm"], params["api_version"], params["model"]) == (6, "2024-06-01", "azure/m"), "no secrets"
    assert params["api_base"] == f"https://{MASK}@example.com/x"


def test_what_is_shown_is_a_configuration_that_says_the_same(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(FILE.partition("cache:")[1] + FILE.partition("cache:")[2].replace("key: Team*, ", ""))
    before = load_settings(path, {})
    path.write_text(yaml.safe_dump(shown(before), sort_keys=False))
    assert load_settings(path, {}) == before
