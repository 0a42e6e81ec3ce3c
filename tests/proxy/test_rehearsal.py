"""Logged calls through other policies: the run is the cache's own, on the log's clock, and leaves the log alone."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

import pytest
import sqlalchemy as sa

from cache.budget import clopper_pearson
from cache.decision import Hit, Miss, Reason
from cache.judges import FixedJudges
from cache.policy import Decay, Policy
from proxy.policy.policies import Policies, build_policies
from proxy.rehearsal.archive import Archive, stored_before
from proxy.rehearsal.log import Log, Logged, read_log
from proxy.rehearsal.replaying import rehearse
from proxy.rehearsal.report import judge, report, same_outcome
from proxy.rehearsal.stage import RehearsedJudges, RememberedEmbedder, RememberedVerifier
from proxy.rehearsal.truth import Truth
from store.labels import Label
from store.tables import entries, interactions
from tests.fakes import NOW, FakeEmbedder, FakeVerifier, answer, chat, choice, near

HOUR = 3600.0
FRANCE, REWORDED, SPAIN = "What is the capital of France?", "Tell me France's capital", "What is the capital of Spain?"
VECTORS = {FRANCE: near(1.0), REWORDED: near(0.95), SPAIN: near(0.9, axis=2)}
FIXED = Policy(similarity_threshold=0.93)


def controls(**wishes):
    from proxy.controls import Controls

    return Controls(**wishes)


def logged(text, at=NOW, *, says="Paris.", status="miss", key=None, compat="compat", number=None, **changes):
    """A call as the log has it; equal texts are equal calls."""
    values = {
        "id": f"int_{text}_{at if number is None else number}",
        "at": at,
        "namespace": "tests",
        "body": chat(text),
        "controls": controls(),
        "exact_key": key or f"key of {text}",
        "compat_key": compat,
        "status": status,
        "tier": "upstream",
        "reason": "no_entry",
        "answer": answer(says),
        "stored": True,
        "latency": 100.0,
        "cost": 0.01,
    }
    return Logged(**values | changes)


def label(asked, stored, correct, at=NOW, source="miss", similarity=0.95, score=0.9, propensity=1.0, **changes):
    """A label of two texts' pair."""
    values = {
        "id": f"lab_{asked}_{stored}_{at}",
        "at": at,
        "namespace": "tests",
        "verifier": "fake-verifier",
        "embedder": "fake",
        "prompt_key": f"key of {asked}",
        "entry_key": f"key of {stored}",
        "entry_id": "ent_1",
        "prompt": asked,
        "stored_prompt": stored,
        "similarity": similarity,
        "score": score,
        "signals": (2.0, similarity),
        "correct": correct,
        "source": source,
        "method": "meaning",
        "propensity": propensity,
    }
    return Label(**values | changes)


def archive(*calls, labels=(), judges=None, served=None, vectors=VECTORS):
    return Archive(Log(calls), tuple(labels), FakeEmbedder(vectors), None, judges, served or {})


def through(policy, *calls, labels=(), judges=None, known=(), named=None):
    """What a policy makes of these calls."""
    policies = Policies({"default": policy, **(named or {})})
    return rehearse(archive(*calls, labels=labels, judges=judges), policies, calls, known, judges)


def outcomes(replayed):
    return [(one.decision.reason, one.hit.tier if one.hit else None) for one in replayed]


# ---- the run


def test_a_looser_policy_hits_what_was_a_miss():
    calls = [logged(FRANCE), logged(REWORDED, NOW + 60)]
    strict, loose = (through(dataclasses.replace(FIXED, similarity_threshold=at), *calls) for at in (0.99, 0.9))
    assert outcomes(strict) == [("no_entry", None), ("below_threshold", None)]
    assert outcomes(loose) == [("no_entry", None), ("similar", "semantic")]


def test_what_is_newly_hit_brings_no_answer_of_its_own():
    calls = [logged(FRANCE), logged(REWORDED, NOW + 60), logged(REWORDED, NOW + 120, status="hit", tier="exact")]
    assert outcomes(through(FIXED, *calls))[1:] == [("similar", "semantic")] * 2, "nothing was stored under its key"


def test_lifetimes_count_on_the_clock_of_the_log():
    calls = [logged(FRANCE), logged(FRANCE, NOW + 5 * HOUR), logged(FRANCE, NOW + 13 * HOUR)]
    short = through(dataclasses.replace(FIXED, ttl=4 * HOUR), *calls)
    long = through(dataclasses.replace(FIXED, ttl=12 * HOUR), *calls)
    assert outcomes(short) == [("no_entry", None), ("expired", None), ("expired", None)]
    assert outcomes(long) == [("no_entry", None), ("exact_match", "exact"), ("expired", None)]


def test_a_stale_answer_is_served_and_refreshed():
    policy = dataclasses.replace(FIXED, ttl=HOUR, serve_stale_for=HOUR)
    calls = [logged(FRANCE, NOW + hours * HOUR) for hours in (0.0, 1.5, 2.2, 5.0)]
    replayed = through(policy, *calls)
    assert [one.hit.stale if one.hit else None for one in replayed] == [None, True, False, None]


def test_quality_decays_on_the_clock_of_the_log():
    calls = [logged(FRANCE), logged(FRANCE, NOW + 6 * HOUR)]
    stale = dataclasses.replace(FIXED, decay=Decay(0.1, 12 * HOUR))
    assert outcomes(through(stale, *calls))[1] == ("low_quality", None)


def test_an_answer_is_there_once_it_came_and_no_sooner():
    slow = logged(FRANCE, latency=10_000.0)
    early, late = logged(REWORDED, NOW + 5), logged(REWORDED, NOW + 11, number=2)
    assert outcomes(through(FIXED, slow, early))[1] == ("no_entry", None)
    assert outcomes(through(FIXED, slow, late))[1] == ("similar", "semantic")


def test_an_answer_that_was_served_had_come_whatever_the_clocks_say():
    slow = logged(FRANCE, latency=10_000.0, entry_id="ent_1")
    served = logged(FRANCE, NOW + 5, number=2, status="hit", tier="exact", reason="exact_match", entry_id="ent_1")
    assert outcomes(through(FIXED, slow, served))[1] == ("exact_match", "exact")


def test_an_equal_call_in_flight_is_joined():
    calls = [logged(FRANCE, latency=10_000.0), logged(FRANCE, NOW + 5, collapsed=True)]
    first, second = through(FIXED, *calls)
    assert second.joined
    assert same_outcome(second)
    assert first.decision == Miss(Reason.NO_ENTRY)


@pytest.mark.parametrize(
    "changes",
    [{"stored": False}, {"answer": None}, {"controls": controls(no_store=True)}],
    ids=["incomplete", "failed", "not to be stored"],
)
def test_what_could_not_be_stored_is_not(changes):
    calls = [logged(FRANCE, **changes), logged(FRANCE, NOW + 60)]
    assert outcomes(through(FIXED, *calls))[1] == ("no_entry", None)


def test_what_callers_asked_of_the_cache_counts_again():
    calls = [
        logged(FRANCE),
        logged(FRANCE, NOW + 60, controls=controls(no_cache=True), says="Still Paris."),
        logged(FRANCE, NOW + 120, controls=controls(max_age=30.0), says="Still Paris."),
        logged(FRANCE, NOW + 180, controls=controls(policy="strict"), says="Still Paris."),
        logged(FRANCE, NOW + 240, controls=controls(policy="gone")),
        logged(FRANCE, NOW + 300, controls=controls(part="other")),
    ]
    named = {"strict": dataclasses.replace(FIXED, name="strict", min_quality=0.99)}
    replayed = through(FIXED, *calls, named=named)
    reasons = [reason for reason, _ in outcomes(replayed)]
    assert reasons[1:5] == ["no_cache_asked", "too_old", "low_quality", "exact_match"]
    assert replayed[4].hit is not None
    assert replayed[4].hit.entry.answer["choices"][0]["message"]["content"] != "Paris.", "the refreshed one is served"


def test_a_compat_key_that_was_not_logged_is_found_again():
    bypassed = logged(REWORDED, NOW + 60, compat=None, status="bypass", reason="volatile")
    other_system = logged(REWORDED, NOW + 90, compat=None)
    other_system = dataclasses.replace(
        other_system, body=chat({"role": "system", "content": "Be brief."}, REWORDED), exact_key="another"
    )
    replayed = through(FIXED, logged(FRANCE), bypassed, other_system)
    assert outcomes(replayed)[1:] == [("similar", "semantic"), ("no_entry", None)]


def test_a_pair_known_to_be_wrong_by_then_is_refused_and_one_learned_later_is_not():
    calls = [logged(FRANCE), logged(REWORDED, NOW + 60)]
    known = through(FIXED, *calls, labels=[label(REWORDED, FRANCE, False, at=NOW + 30)])
    later = through(FIXED, *calls, labels=[label(REWORDED, FRANCE, False, at=NOW + 90)])
    assert outcomes(known)[1] == ("judged_wrong", None)
    assert outcomes(later)[1] == ("similar", "semantic"), "hindsight would hide the error"


def judged(score=0.9, cut=0.6):
    return RehearsedJudges(FixedJudges(FakeVerifier({FRANCE: score}), cut))


def test_the_verifier_and_its_cut_decide_again():
    calls = [logged(FRANCE), logged(REWORDED, NOW + 60)]
    assert outcomes(through(Policy(), *calls, judges=judged(0.9)))[1] == ("similar", "semantic")
    assert outcomes(through(Policy(), *calls, judges=judged(0.5)))[1] == ("below_cut", None)
    set_by_hand = RehearsedJudges(FixedJudges(FakeVerifier({FRANCE: 0.5}), None), cut=0.4)
    assert outcomes(through(Policy(), *calls, judges=set_by_hand))[1] == ("similar", "semantic")


def test_audits_are_drawn_as_they_were():
    policy = Policy(audit_rate=0.5)
    audit = logged(REWORDED, NOW + 60, reason="audit")
    hit = logged(REWORDED, NOW + 60, status="hit", tier="semantic", reason="similar")
    assert outcomes(through(policy, logged(FRANCE), audit, judges=judged()))[1] == ("audit", None)
    assert outcomes(through(policy, logged(FRANCE), hit, judges=judged()))[1] == ("similar", "semantic")
    unknown = [logged(REWORDED, NOW + 60 + at, number=at, key=f"k{at}", stored=False) for at in range(200)]
    drawn = outcomes(through(policy, logged(FRANCE), *unknown, judges=judged()))
    assert drawn == outcomes(through(policy, logged(FRANCE), *unknown, judges=judged())), "the same each time"
    assert 60 < drawn.count(("audit", None)) < 140


# ---- what is remembered


def test_vectors_and_scores_are_made_once():
    embedder, verifier = FakeEmbedder(VECTORS), FakeVerifier({FRANCE: 0.9})
    held = RememberedEmbedder(embedder, {FRANCE: near(1.0)})
    scored = RememberedVerifier(verifier, {(SPAIN, FRANCE): (1.5, 0.9), (REWORDED, SPAIN): (1.0,)})
    judges = RehearsedJudges(FixedJudges(scored, 0.6))
    calls = [logged(FRANCE), logged(REWORDED, NOW + 60), logged(SPAIN, NOW + 120)]
    for _ in range(2):
        rehearse(
            Archive(Log(tuple(calls)), (), held, scored, judges, {}), Policies({"default": Policy()}), calls, (), judges
        )
    assert sorted(embedder.asked) == sorted([REWORDED, SPAIN])
    assert [(pair.new, pair.stored) for pair in verifier.asked if pair.new == REWORDED] == [(REWORDED, FRANCE)]
    assert all(pair.new != SPAIN or pair.stored != FRANCE for pair in verifier.asked), "the log had it"


# ---- truth


def verdicts(policy, *calls, labels=(), served=None):
    replayed = through(policy, *calls, labels=())
    truth = Truth(calls, labels, served or {}, FakeEmbedder(VECTORS).embed)
    return judge(replayed, truth, lambda done, total: None)


def test_a_newly_hit_call_is_judged_by_its_own_fresh_answer():
    right = verdicts(FIXED, logged(FRANCE), logged(REWORDED, NOW + 60, says="Paris."))
    wrong = verdicts(FIXED, logged(FRANCE), logged(REWORDED, NOW + 60, says="Madrid."))
    assert [(one.verdict.correct, one.verdict.source) for one in right] == [(True, "fresh")]
    assert [(one.verdict.correct, one.verdict.source) for one in wrong] == [(False, "fresh")]


def test_a_label_of_the_pair_stands_above_comparing():
    calls = [logged(FRANCE), logged(REWORDED, NOW + 60, says="Madrid.")]
    found = verdicts(FIXED, *calls, labels=[label(REWORDED, FRANCE, True, at=NOW + 60)])
    assert [(one.verdict.correct, one.verdict.source) for one in found] == [(True, "label")]


def test_of_a_logged_hit_nothing_is_known_unless_somebody_said_so():
    hit = {"status": "hit", "tier": "semantic", "reason": "similar", "entry_id": "ent_f"}
    calls = [logged(FRANCE), logged(REWORDED, NOW + 60, **hit)]
    served = {"ent_f": f"key of {FRANCE}"}
    assert [one.verdict.correct for one in verdicts(FIXED, *calls, served=served)] == [None]
    told = verdicts(FIXED, *calls, served=served, labels=[label(REWORDED, FRANCE, False, source="feedback")])
    assert [(one.verdict.correct, one.verdict.source) for one in told] == [(False, "label")]


def test_an_exact_repetition_knows_what_its_first_call_was_told():
    repeated = logged(REWORDED, NOW + 120, says="Madrid.", status="hit", tier="exact", reason="exact_match", number=2)
    calls = [logged(FRANCE), logged(REWORDED, NOW + 60, says="Madrid."), repeated]
    found = verdicts(FIXED, *calls)
    assert [(one.verdict.correct, one.verdict.source) for one in found] == [(False, "fresh"), (False, "same call")]


def test_a_rated_answer_is_known_to_be_right():
    other = "Name the capital of France"
    hit = {"status": "hit", "tier": "semantic", "entry_id": "ent_other", "quality": 1.0, "says": "It is Madrid."}
    calls = [logged(FRANCE), logged(REWORDED, NOW + 60, **hit)]
    found = verdicts(FIXED, *calls, served={"ent_other": f"key of {other}"})
    assert [(one.verdict.correct, one.verdict.source) for one in found] == [(False, "rated")]


# ---- the report


def reported(policy, *calls, labels=(), worst=5):
    replayed = through(policy, *calls)
    truth = Truth(calls, labels, {}, FakeEmbedder(VECTORS).embed)
    return report(Log(calls), replayed, judge(replayed, truth, lambda done, total: None), worst)


def test_the_report_counts_what_changed_and_what_was_wrong():
    calls = [
        logged(FRANCE),
        logged(REWORDED, NOW + 60, says="Madrid.", reason="below_threshold"),
        logged(FRANCE, NOW + 120, status="hit", tier="exact", reason="exact_match", latency=2.0),
        logged("Something else", NOW + 180, status="hit", tier="exact", reason="exact_match", latency=4.0),
    ]
    told = reported(FIXED, *calls)
    assert (told["logged"]["hits"], told["replayed"]["hits"]) == (2, 2)
    assert told["replayed"]["tiers"] == {
        "exact": {"hits": 1, "hit_rate": 0.25},
        "semantic": {"hits": 1, "hit_rate": 0.25},
    }
    assert told["same_outcome"] == {"calls": 2, "share": 0.5}
    assert (told["changes"]["newly_hit"], told["changes"]["no_longer_hit"]) == (1, 1)
    assert told["changes"]["by_reason"][0]["calls"] == 1
    semantic = told["wrong"]["semantic"]
    bounds = clopper_pearson(1, 1)
    assert (semantic["wrong"], semantic["known"], semantic["unknown"]) == (1, 1, 0)
    assert (semantic["low"], semantic["high"]) == (round(bounds.lower, 4), bounds.upper)
    assert told["wrong"]["exact"]["unknown"] == 1
    assert told["saved"]["cost_usd"] == {"logged": 0.02, "replayed": 0.02, "calls_without_price": 0}
    assert told["saved"]["mean_latency_ms"] == {"logged": 51.5, "replayed": (100 + 3 + 2 + 100) / 4}
    [worst] = told["worst"]
    assert (worst["prompt"], worst["stored_prompt"], worst["right"], worst["served"]) == (
        REWORDED,
        FRANCE,
        "Madrid.",
        "Paris.",
    )
    assert any("not known what the upstream would have said" in note for note in told["notes"])


def test_only_so_many_of_the_worst_are_shown_the_surest_first():
    texts = [f"{REWORDED}, {word}" for word in ("please", "kindly", "thanks", "again")]
    VECTORS.update({text: near(0.94 + number / 100) for number, text in enumerate(texts)})
    calls = [logged(FRANCE), *(logged(text, NOW + 60, says="Madrid.") for text in texts)]
    told = reported(FIXED, *calls, worst=2)
    assert told["wrong"]["semantic"]["wrong"] == 4
    assert [one["prompt"] for one in told["worst"]] == [texts[3], texts[2]]


# ---- the log itself


CALLS = (
    (FRANCE, {}),
    (FRANCE, {}),
    (REWORDED, {}),
    (SPAIN, {}),
    ("What time is it now?", {}),
    (FRANCE, {"cache-control": "no-cache"}),
    (REWORDED, {"x-reprise-threshold": "0.99"}),
    (SPAIN, {"x-reprise-project": "apollo", "x-reprise-tags": "a,b"}),
)


@contextlib.asynccontextmanager
async def filled(run):
    """Drive calls through a server; gives them as they are logged, with its parts."""
    async with run as (client, parts):
        for text, headers in CALLS:
            body = {"model": "m", "messages": [{"role": "user", "content": text}]}
            response = await client.post("/v1/chat/completions", json=body, headers=headers)
            assert response.status_code == 200, response.text
        parts.database.writer.submit("SELECT 1", ()).result(10)
        yield parts


SETTINGS = {"policies": {"default": {"similarity_threshold": 0.93}}}


async def test_the_log_is_read_as_it_was_written(run_app, model):
    async with filled(run_app(vectors=VECTORS, cache=SETTINGS)) as parts:
        log = read_log(parts.database, since=None, namespace=None, limit=None)
        assert [call.prompt for call in log.calls] == [text for text, _ in CALLS]
        assert [call.status for call in log.calls] == "miss hit hit miss bypass refresh miss miss".split()
        assert [call.at for call in log.calls] == sorted(call.at for call in log.calls)
        assert log.calls[5].controls.no_cache
        assert log.calls[6].controls.threshold == 0.99
        assert (log.calls[7].controls.project, log.calls[7].controls.tags) == ("apollo", ("a", "b"))
        assert all(call.answer["choices"][0]["finish_reason"] == "stop" for call in log.calls)
        newest = read_log(parts.database, since=None, namespace=None, limit=3)
        assert [call.id for call in newest.calls] == [call.id for call in log.calls[-3:]]
        assert read_log(parts.database, since=None, namespace="nobody", limit=None).calls == ()
        assert read_log(parts.database, since=log.calls[-1].at + 3600, namespace=None, limit=None).calls == ()


async def test_the_present_policy_reproduces_the_log(run_app, model):
    async with filled(run_app(vectors=VECTORS, cache=SETTINGS)) as parts:
        log = read_log(parts.database, since=None, namespace=None, limit=None)
        policies = build_policies(parts.settings.cache)
        held = Archive(log, (), parts.embedder, None, None, {})
        replayed = await asyncio.to_thread(rehearse, held, policies, log.calls, [], None)
        assert [(one.decision.reason, one.hit and one.hit.tier) for one in replayed] == [
            (call.reason, call.tier if call.hit else None) for call in log.calls
        ]
        assert all(map(same_outcome, replayed))


async def test_what_was_stored_before_the_window_is_there(run_app, model):
    async with filled(run_app(vectors=VECTORS, cache=SETTINGS)) as parts:
        log = read_log(parts.database, since=None, namespace=None, limit=2)
        policies = build_policies(parts.settings.cache)
        known = stored_before(parts.database, log.calls, "fake", policies.named, policies.named)
        assert {one.entry.prompt for one in known} >= {FRANCE, SPAIN}
        assert all(one.vector is not None and one.entry.status == "active" for one in known)
        keys = [one.entry.exact_key for one in known]
        assert len(keys) == len(set(keys)), "of an answer that was replaced, the last one"
        longer = {"default": dataclasses.replace(policies.named["default"], ttl=48 * HOUR)}
        for one in stored_before(parts.database, log.calls, "fake", longer, policies.named):
            assert one.entry.expires_at - one.entry.created_at == pytest.approx(48 * HOUR)


async def test_records_without_a_request_are_left_out_and_counted(run_app, model):
    async with filled(run_app(vectors=VECTORS, cache=SETTINGS)) as parts:
        first = read_log(parts.database, since=None, namespace=None, limit=None).calls[0]
        damage = sa.update(interactions).where(interactions.c.id == first.id).values(request="{")
        parts.database.transact(lambda connection, damage=damage: connection.execute(damage))
        log = read_log(parts.database, since=None, namespace=None, limit=None)
        assert (len(log.calls), log.left_out) == (len(CALLS) - 1, 1)


async def test_the_answer_is_read_from_the_log_where_the_entry_is_gone(run_app, model):
    async with filled(run_app(vectors=VECTORS, cache=SETTINGS)) as parts:
        parts.database.transact(lambda connection: connection.execute(sa.delete(entries)))
        log = read_log(parts.database, since=None, namespace=None, limit=None)
        assert log.calls[0].answer["choices"] == [choice("The capital of France is Paris.")]


async def test_a_tool_call_is_read_back_from_its_message(run_app, model):
    async with run_app(vectors=VECTORS, cache=SETTINGS) as (client, parts):
        body = {"model": "m", "messages": [{"role": "user", "content": "Look it up [tool look_up]"}]}
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
        parts.database.transact(lambda connection: connection.execute(sa.delete(entries)))
        [call] = read_log(parts.database, since=None, namespace=None, limit=None).calls
        assert call.answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "look_up"
        assert call.answer["choices"][0]["finish_reason"] == "tool_calls"


def test_a_hit_is_told_from_a_miss():
    assert logged(FRANCE, status="stale").hit
    assert not logged(FRANCE, status="refresh").hit
    assert isinstance(through(FIXED, logged(FRANCE), logged(FRANCE, NOW + 60))[1].decision, Hit)
