"""What a configuration may say and hardly means."""

from __future__ import annotations

import pytest

from cache.answers import prior
from proxy.config import PRESETS
from proxy.config.loader import load
from proxy.policy.doubts import NEW, doubts
from tests.fakes import answer


@pytest.fixture
def doubted(tmp_path):
    """What is doubtful in a text: line, key and message."""

    def doubts_of(text):
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return [(one.line, one.key, one.message) for one in doubts(load(path, {}))]

    return doubts_of


def test_a_new_answer_has_the_quality_that_is_reckoned_with():
    alpha, beta = prior(answer())
    assert alpha / (alpha + beta) == NEW


def test_nothing_is_doubtful_about_the_defaults_and_the_presets(doubted):
    assert doubted("") == []
    blocks = "".join(f"    {name}: {{verified: 3}}\n" for name in PRESETS)
    assert doubted(f"cache:\n  policies:\n{blocks}") == [], "not even when they are written out"


@pytest.mark.parametrize(
    ("block", "key", "message"),
    [
        ("{similarity_threshold: 0.5}", "similarity_threshold", "without a verifier, a cosine below 0.8"),
        ("{max_age: 48h}", "max_age", "has no effect"),
        ("{min_quality: 0.95}", "min_quality", "a new answer's quality is 0.9, so none is served"),
        ("{ttl: 7d}", "ttl", "an answer that nothing speaks for is served for 37h only"),
        ("{min_quality: 0.9}", "ttl", "an answer that nothing speaks for is served for some seconds only"),
        ("{decay: {shape: step, window: 1h}}", "ttl", "an answer that nothing speaks for is served for 1h only"),
    ],
)
def test_a_doubtful_policy(doubted, block, key, message):
    ((line, found, said),) = doubted(f"cache:\n  policies:\n    mine: {block}\n")
    assert (line, found) == (3, f"cache.policies.mine.{key}")
    assert said.startswith(message)


@pytest.mark.parametrize(
    "block", ["{ttl: 7d, decay: {window: 32d}}", "{max_age: 1h}", "{min_quality: 0.9, decay: {shape: step}}"]
)
def test_a_policy_that_means_what_it_says(doubted, block):
    assert doubted(f"cache: {{policies: {{mine: {block}}}}}") == []


@pytest.mark.parametrize(
    "match", ["{tag: a}", "{project: a}", "{client: a}", "{header: {x-a: b}}", "{tag: a, path: '*'}"]
)
def test_a_looser_policy_that_callers_can_choose_for_themselves(doubted, match):
    ((line, key, message),) = doubted(f"cache:\n  routes:\n    - {{match: {match}, policy: aggressive}}\n")
    assert (line, key) == (3, "cache.routes.0.match")
    assert message.startswith("any caller may take it")


@pytest.mark.parametrize(
    "route",
    [
        "{match: {tag: a}, policy: conservative}",
        "{match: {tag: a, model: b}, policy: aggressive}",
        "{match: {model: b}, policy: aggressive}",
        "{match: , policy: aggressive}",
    ],
)
def test_a_route_that_the_operator_decides_on(doubted, route):
    assert doubted(f"cache: {{routes: [{route}]}}") == []


def test_a_source_whose_folder_is_missing(doubted, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "a-file").write_text("")
    sources = f"{{docs: {tmp_path}/there, gone: {tmp_path}/gone, file: {{path: {tmp_path}/a-file}}}}"
    found = doubted(f"memory:\n  sources: {sources}\n")
    assert [(line, key) for line, key, _ in found] == [(2, "memory.sources.gone"), (2, "memory.sources.file")]
    assert [message.partition(":")[0] for *_, message in found] == ["there is no such folder now", "is no folder"]
    assert str(tmp_path) not in str(found), "no value is told"
