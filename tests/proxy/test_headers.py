"""Response headers: what the cache did, told to those who may know, and what of the upstream's goes on."""

from __future__ import annotations

import dataclasses
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.decision import Bypass, Hit, Judged, Miss, Reason
from proxy.headers import cache_headers, passed_on
from tests.proxy.completions import examples
from tests.proxy.fakes import entry, exchange, outcome

EXACT = Hit(entry(), "exact", 1.0, Reason.EXACT)
SIMILAR = Hit(entry(), "semantic", 0.94567, Reason.SIMILAR)
SCORED = Judged(entry(), 0.94567, 0.87654, (1.0, 0.9), "pair-1", "mini")
VERIFIED = Hit(entry(), "semantic", 0.94567, Reason.SIMILAR, SCORED)


def told(decision, expose="full", status=200, ignored=(), **changes):
    changes = {"upstream_status": status, **changes}
    return cache_headers(exchange(ignored=ignored), outcome(decision, status, **changes), expose)


@pytest.mark.parametrize(
    ("decision", "status", "tier", "reason"),
    [
        (EXACT, "hit", "exact", "exact_match"),
        (SIMILAR, "hit", "semantic", "similar"),
        (Miss(Reason.NO_ENTRY), "miss", "upstream", "no_entry"),
        (Miss(Reason.BELOW_THRESHOLD, 0.8), "miss", "upstream", "below_threshold"),
        (Miss(Reason.REFRESH), "refresh", "upstream", "no_cache_asked"),
        (Bypass("action"), "bypass", "upstream", "action"),
    ],
)
@pytest.mark.parametrize("expose", ["full", "minimal"])
def test_what_the_cache_did_is_always_told(decision, status, tier, reason, expose):
    headers = told(decision, expose)
    assert headers["x-reprise-cache"] == status
    assert headers["x-reprise-tier"] == tier
    assert headers["x-reprise-reason"] == reason
    assert headers["x-reprise-policy"] == "default"
    assert headers["x-reprise-interaction"].startswith("int_")


@pytest.mark.parametrize(
    ("decision", "changes", "expected"),
    [
        (Miss(Reason.NO_ENTRY), {}, "reprise; fwd=miss; fwd-status=200"),
        (Miss(Reason.NO_ENTRY), {"entry_id": "ent_1"}, "reprise; fwd=miss; fwd-status=200; stored"),
        (Miss(Reason.NO_ENTRY), {"collapsed": True}, "reprise; fwd=miss; fwd-status=200; collapsed"),
        (Miss(Reason.NO_ENTRY), {"status": 429}, "reprise; fwd=miss; fwd-status=429"),
        (Miss(Reason.NO_ENTRY), {"status": 502, "upstream_status": 200}, "reprise; fwd=miss; fwd-status=200"),
        (Miss(Reason.NO_ENTRY), {"status": 502, "upstream_status": None}, "reprise; fwd=miss"),
        (Miss(Reason.NO_ENTRY), {"status": 504, "error": "only_if_cached"}, "reprise"),
        (Miss(Reason.REFRESH), {"entry_id": "ent_1"}, "reprise; fwd=request; fwd-status=200; stored"),
        (Bypass("action"), {}, "reprise; fwd=bypass; fwd-status=200"),
    ],
)
def test_cache_status_says_why_a_call_was_forwarded_as_rfc_9211_has_it(decision, changes, expected):
    assert told(decision, **changes)["cache-status"] == expected


@pytest.mark.parametrize("tier", ["exact", "semantic"])
def test_cache_status_of_a_hit_says_how_long_the_answer_is_still_good(tier):
    hit = Hit(entry(expires_at=time.time() + 100.5), tier, 1.0, Reason.EXACT)
    assert told(hit)["cache-status"] in [f"reprise; hit; ttl={ttl}; detail={tier}" for ttl in (99, 100)]


def test_age_is_told_of_hits_in_whole_seconds_and_never_negative():
    headers = told(Hit(entry(created_at=time.time() - 100.5), "exact", 1.0, Reason.EXACT))
    assert headers["age"] in ("100", "101")
    assert told(Hit(entry(created_at=time.time() + 100), "exact", 1.0, Reason.EXACT))["age"] == "0"
    assert "age" not in told(Miss(Reason.NO_ENTRY))


def test_similarity_quality_and_entry_are_told_where_all_is_exposed():
    headers = told(SIMILAR, entry_id="ent_1")
    assert headers["x-reprise-similarity"] == "0.9457"
    assert headers["x-reprise-quality"] == "0.900"
    assert headers["x-reprise-entry"] == "ent_1"
    assert told(Miss(Reason.GUARD, 0.97, "numbers: 7"))["x-reprise-similarity"] == "0.9700"


@pytest.mark.parametrize(
    "decision",
    [VERIFIED]
    + [Miss(reason, 0.9, judged=SCORED) for reason in (Reason.BELOW_CUT, Reason.NO_CUT, Reason.AUDIT, Reason.SHADOW)],
    ids=lambda decision: decision.reason,
)
def test_the_verifiers_score_is_told_only_where_all_is_exposed(decision):
    assert told(decision)["x-reprise-score"] == "0.8765", "hits and misses alike"
    assert "x-reprise-score" not in told(decision, "minimal"), "it tells what others asked"


@pytest.mark.parametrize("decision", [EXACT, SIMILAR, Miss(Reason.NO_ENTRY), Miss(Reason.GUARD, 0.9), Bypass("action")])
def test_where_no_verifier_was_asked_no_score_is_told(decision):
    assert "x-reprise-score" not in told(decision), "there is none"


@pytest.mark.parametrize(
    "decision",
    [
        EXACT,
        SIMILAR,
        VERIFIED,
        Miss(Reason.GUARD, 0.97, "quoted: secret"),
        Miss(Reason.BELOW_CUT, 0.97, "score 0.123", SCORED),
        Bypass("action"),
    ],
)
def test_with_least_exposed_nothing_tells_what_others_asked(decision):
    headers = told(decision, "minimal", entry_id="ent_1")
    hidden = {"x-reprise-similarity", "x-reprise-quality", "x-reprise-entry", "x-reprise-score"}
    assert not hidden & headers.keys(), "how near another's prompt is stays hidden"
    assert "secret" not in str(headers), "no word of it is told"
    assert "score" not in str(headers), "nor how sure the verifier was"
    assert "ent_1" not in str(headers), "nor which entry it was"


def test_the_words_that_made_a_guard_veto_are_told():
    assert told(Miss(Reason.GUARD, 0.97, "numbers: 5 7"))["x-reprise-reason"] == "guard: numbers: 5 7"


@examples
@given(st.text(max_size=600))
def test_words_of_a_prompt_never_make_another_header(detail):
    told_reason = told(Miss(Reason.GUARD, 0.97, detail))["x-reprise-reason"]
    assert told_reason.startswith("guard:")
    assert all(" " <= character <= "~" for character in told_reason)
    assert len(told_reason) <= 200


def test_wishes_that_were_not_granted_are_told():
    assert told(Miss(Reason.NO_ENTRY), ignored=("threshold", "ttl"))["x-reprise-ignored"] == "threshold, ttl"
    assert "x-reprise-ignored" not in told(Miss(Reason.NO_ENTRY))


def test_headers_of_the_upstream_that_mean_something_go_on():
    meant = {
        "content-type": "application/json",
        "retry-after": "7",
        "retry-after-ms": "7000",
        "x-ratelimit-remaining-requests": "5",
        "x-request-id": "r",
        "openai-processing-ms": "5",
        "x-should-retry": "false",
        "www-authenticate": "Bearer",
        "location": "/x",
    }
    assert passed_on(meant) == meant


@pytest.mark.parametrize(
    "name",
    "age connection content-encoding content-length date keep-alive proxy-authenticate server set-cookie trailer"
    " transfer-encoding upgrade x-reprise-cache x-reprise-similarity x-reprise-entry x-reprise-score".split(),
)
def test_headers_of_the_hop_cookies_and_what_another_reprise_says_do_not_go_on(name):
    assert passed_on({name: "x", "x-request-id": "r"}) == {"x-request-id": "r"}


def test_a_held_out_call_says_so():
    given = dataclasses.replace(exchange(), holdout=True)
    headers = cache_headers(given, outcome(Miss(Reason.NO_ENTRY)), "minimal")
    assert (headers["x-reprise-memories"], headers["x-reprise-holdout"]) == ("0", "true"), "something was kept back"
    for holdout in (None, False):
        given = dataclasses.replace(exchange(), holdout=holdout)
        assert "x-reprise-holdout" not in cache_headers(given, outcome(Miss(Reason.NO_ENTRY)), "full"), holdout
