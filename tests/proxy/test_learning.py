"""What serving by meaning stands on: the verifier is opened, labels are restored in their order, new ones taken in."""

from __future__ import annotations

import types

import pytest
from structlog.testing import capture_logs

from cache.budget import LabelError
from cache.calibration import Calibrations
from cache.calibration.window import WINDOW
from cache.policy import Policy
from cache.verifier import VerifierError, load_verifier, scale_of
from proxy.config import VerifierSettings
from proxy.labels import learning as learning_module
from proxy.labels.learning import Learning
from store.database import Database
from store.entries import Entries
from store.errors import DatabaseError
from store.labels import Label, Labels
from tests.fakes import FakeVerifier, near
from tests.proxy.fakes import entry

PRIORS = {0.01: 0.9}


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "reprise.db")
    yield opened
    opened.close()


@pytest.fixture
def labels(database):
    return Labels(database)


@pytest.fixture
def entries(database):
    return Entries(database, 10)


@pytest.fixture
def cache():
    """What ``Learning`` sees of a cache."""
    return types.SimpleNamespace(judges=None)


@pytest.fixture
def make(monkeypatch, labels, entries, cache):
    """Makes the learning of a fake verifier with these priors; its calibrations are ``kind``."""

    def made(priors=PRIORS, kind=Calibrations, probation=False):
        monkeypatch.setattr(learning_module, "load_verifier", lambda *_: FakeVerifier())
        monkeypatch.setattr(learning_module, "priors_of", lambda *_: priors)
        monkeypatch.setattr(learning_module, "Calibrations", kind)
        settings, budgets = VerifierSettings(model="fake-verifier"), [0.01, 0.01]
        return Learning(settings, budgets, labels, entries, cache, LabelError(), probation=probation)

    return made


class Watched(Calibrations):
    """Calibrations that note each label they are told."""

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.noted = []

    def told(self, label):
        self.noted.append(label.id)
        super().told(label)


def label(id="lab_1", **changes):
    values = {
        "id": id,
        "at": 1.0,
        "namespace": "acme",
        "verifier": "fake-verifier",
        "embedder": "mini",
        "prompt_key": f"prompt of {id}",
        "entry_key": f"entry of {id}",
        "entry_id": "ent_1",
        "prompt": "Tell me the capital of France please",
        "stored_prompt": "What is the capital of France?",
        "similarity": 0.95,
        "score": 0.95,
        "signals": (3.0, 0.95),
        "correct": True,
        "source": "miss",
        "method": "meaning",
        "propensity": 1.0,
    }
    return Label(**values | changes)


def keep(labels, *given):
    """Write labels."""
    for one in given:
        labels.add(one).result(60)


# Opening


def test_once_open_the_cache_has_judges_on_the_shipped_cuts(make, cache):
    learning = make()
    assert (learning.judges, cache.judges) == (None, None), "nothing is judged before"
    with capture_logs() as lines:
        learning.open("mini")
    assert cache.judges is learning.judges, "the cache asks them from now on"
    judge = cache.judges.of("acme", Policy())
    assert (judge.cut, judge.shadow, judge.embedder) == (0.9, False, "mini"), "the shipped cut serves"
    assert lines == [], "and there is nothing to say"


def test_without_measured_cuts_it_starts_in_shadow_mode_and_says_how_to_leave_it(make, cache):
    with capture_logs() as lines:
        make(priors={}).open("mini")
    [line] = lines
    assert line["log_level"] == "warning", "an operator should know"
    assert line["event"].startswith("shadow mode:"), "it says what mode it is in"
    assert "set a similarity_threshold" in line["event"], "and how to leave it"
    assert (line["verifier"], line["embedder"]) == ("fake-verifier", "mini"), "what was not measured"
    assert line["key"] == "cache.policies.<name>.similarity_threshold", "where that is set"
    assert cache.judges.of("acme", Policy()).shadow, "nothing is served by meaning"


def test_the_verifier_is_the_configured_one(monkeypatch, labels, entries, cache):
    asked = []

    def load(*given):
        asked.append(given)
        return FakeVerifier()

    monkeypatch.setattr(learning_module, "load_verifier", load)
    monkeypatch.setattr(learning_module, "priors_of", lambda *given: asked.append(given) or PRIORS)
    Learning(VerifierSettings(model="lexical", threads=3), [], labels, entries, cache).open("mini")
    assert asked == [("lexical", 3), ("lexical", "mini")], "its name, its threads, and the embedder it works with"


def test_a_verifier_that_cannot_be_loaded_is_told_and_leaves_no_judges(make, monkeypatch, cache):
    learning = make()

    def fail(*_):
        raise VerifierError("no such model")

    monkeypatch.setattr(learning_module, "load_verifier", fail)
    with pytest.raises(VerifierError):
        learning.open("mini")
    assert (learning.judges, cache.judges) == (None, None), "nothing is judged by half a verifier"


def test_labels_that_cannot_be_read_are_told_and_leave_no_judges(make, database, cache):
    learning = make()
    database.transact(lambda connection: connection.exec_driver_sql("DROP TABLE labels"))
    with pytest.raises(DatabaseError):
        learning.open("mini")
    assert cache.judges is None, "what was refuted before must not be served for lack of labels"


# Restoring


def test_labels_are_restored_oldest_first(make, labels):
    keep(labels, label("lab_b", at=2.0), label("lab_c", at=3.0), label("lab_a", at=1.0))
    learning = make(kind=Watched)
    learning.open("mini")
    assert learning.judges.calibrations.noted == ["lab_a", "lab_b", "lab_c"], "as they were made, whenever written"


def test_only_labels_of_this_verifier_and_this_embedder_are_restored(make, labels):
    keep(
        labels,
        label("lab_own"),
        label("lab_other_embedder", embedder="other"),
        label("lab_other_verifier", verifier="other"),
    )
    learning = make(kind=Watched)
    learning.open("mini")
    assert learning.judges.calibrations.noted == ["lab_own"], "another's scores say nothing of these"


def test_each_namespace_gets_its_own_labels(make, labels):
    for namespace, count in (("acme", 50), ("other", 25)):
        keep(labels, *(label(f"lab_{namespace}_{at}", at=float(at), namespace=namespace) for at in range(count)))
    learning = make()
    learning.open("mini")
    known = {name: learning.judges.calibrations.of(name, 0.01).labels for name in ("acme", "other", "third")}
    assert known == {"acme": 50, "other": 25, "third": 0}, "its own, and none of the others'"


def test_of_many_labels_the_newest_are_restored(make, labels, monkeypatch):
    assert learning_module.RESTORED >= WINDOW, "what is read fills the window"
    monkeypatch.setattr(learning_module, "RESTORED", 2)
    keep(labels, *(label(f"lab_{at}", at=float(at)) for at in range(5)))
    learning = make(kind=Watched)
    learning.open("mini")
    assert learning.judges.calibrations.noted == ["lab_3", "lab_4"], "the window's worth, oldest first"


def test_what_labels_refuted_is_not_served_after_a_restart(make, labels, cache):
    keep(labels, *(label(f"lab_{at:03}", at=float(at), correct=False, source="audit") for at in range(60)))
    make().open("mini")
    judge = cache.judges.of("acme", Policy())
    assert judge.cut is None or judge.shadow, "sixty wrong hits stand against the shipped cut"
    assert cache.judges.of("other", Policy()).cut == 0.9, "in their own namespace only"


# How things stand


def test_how_a_namespace_stands_is_told_by_budget(make, labels):
    keep(labels, *(label(f"lab_{at}", at=float(at)) for at in range(25)))
    keep(labels, label("lab_person", source="feedback", namespace="other", correct=False))
    learning = make()
    assert learning.standing(None) == {}, "nothing stands before it is open"
    learning.open("mini")
    known = learning.standing("acme")
    assert set(known) == {"acme"}, "one namespace sees its own only"
    found = known["acme"]
    assert found["verifier"] == "fake-verifier", "whose scores they are"
    assert found["labels"] == {"miss": {"right": 25, "wrong": 0}}, "by source"
    assert set(found) == {"verifier", "labels", "0.01"}, (
        "one line for each budget in use, however many policies have it"
    )
    line = found["0.01"]
    assert (line["cut"], line["source"], line["shadow"], line["alarm"]) == (0.9, "prior", False, None), "what serves"
    assert line["labels_above"] == 25, "on how many labels"
    assert 0 < line["error_at_most"] < 1, "and what they bound the error by"
    everybody = learning.standing(None)
    assert set(everybody) == {"acme", "other"}, "an operator sees all"
    assert everybody["other"]["labels"] == {"feedback": {"right": 0, "wrong": 1}}, "each with its own"


# Changed policies


def test_budgets_of_changed_policies_have_cuts_and_are_shown(make, labels):
    keep(labels, label())
    learning = make()
    learning.open("mini")
    before = learning.standing("acme")["acme"]
    learning.adopt([0.03, 0.01, 0.03])
    after = learning.standing("acme")["acme"]
    assert "0.03" not in before
    assert after["0.03"]["cut"] == 0.9, "what was shipped for the budget below serves"
    assert after["0.01"] == before["0.01"]


def test_budgets_that_change_before_all_is_open_are_known_then(make, labels):
    keep(labels, label())
    learning = make()
    learning.adopt([0.03])
    learning.open("mini")
    assert "0.03" in learning.standing("acme")["acme"]


# New labels


def test_a_new_label_reaches_the_calibrations(make, labels):
    learning = make(kind=Watched)
    learning.open("mini")
    learning.told(label("lab_new"))
    assert learning.judges.calibrations.noted == ["lab_new"], "it is learned from at once"


def test_a_label_of_another_embedder_is_not_learned_from(make):
    learning = make(kind=Watched)
    learning.open("mini")
    learning.told(label(embedder="other"))
    assert learning.judges.calibrations.noted == [], "its similarity is on another scale"


def test_a_label_made_before_all_is_open_breaks_nothing(make, labels):
    learning = make(kind=Watched)
    early = label("lab_early")
    keep(labels, early)
    learning.told(early)
    learning.open("mini")
    assert learning.judges.calibrations.noted == ["lab_early"], "it is restored with the others"


@pytest.mark.parametrize(("correct", "moved"), [(True, (0.25, 0.0)), (False, (0.0, 0.5))])
def test_what_an_audit_found_moves_the_quality_of_its_entry_a_little(make, entries, correct, moved):
    entries.add(entry(id="ent_1"), None, None, replace=False).result(60)
    learning = make()
    for _ in range(2):
        learning.told(label(source="audit", correct=correct, interaction_id="int_1"))
    found = entries.get("ent_1")
    assert (found.alpha - 9.0, found.beta - 1.0) == pytest.approx(moved), (
        "once for each call: the match erred as likely"
    )


@pytest.mark.parametrize("source", ["miss", "shadow", "feedback", "review"])
def test_labels_of_other_sources_leave_the_quality_to_others(make, entries, source):
    entries.add(entry(id="ent_1"), None, None, replace=False).result(60)
    make().told(label(source=source, correct=False))
    assert entries.get("ent_1").beta == 1.0, "that the answer does not fit another prompt is not its fault"


@pytest.mark.parametrize(("probation", "audited"), [(False, 0.02), (True, 1.0)])
def test_probation_audits_all_hits_of_a_cut_that_nothing_is_known_about(make, cache, probation, audited):
    make(probation=probation).open("mini")
    assert cache.judges.of("acme", Policy(audit_rate=0.02)).audit_rate == audited, "as policy says, or all of them"


# In the application


async def reason(client, prompt, headers=None, **fields):
    """Why a call was a hit or a miss."""
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **fields}
    response = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.headers["x-reprise-reason"]


async def test_without_a_verifier_a_fixed_threshold_still_serves_and_the_rest_is_a_miss(run_app, model, monkeypatch):
    def fail(*_):
        raise VerifierError("no such model")

    monkeypatch.setattr(learning_module, "load_verifier", fail)
    vectors = {"How tall is the Eiffel tower?": near(1.0), "What height has the Eiffel tower?": near(0.95)}
    policies = {"default": {"allow_loosening": True}, "fixed": {"similarity_threshold": 0.9}}
    with capture_logs() as lines:
        async with run_app(vectors=vectors, cache={"policies": policies}) as (client, parts):
            first, second = vectors
            assert await reason(client, first) == "uncalibrated", "nobody can judge what is near enough"
            assert await reason(client, second, cache={"no-store": True}) == "uncalibrated", "however near it is"
            assert not parts.health.parts["verifier"].ok, "readiness shows it"
            fixed = {"x-reprise-policy": "fixed"}
            assert await reason(client, second, fixed) == "similar", "a fixed threshold needs no verifier"
    assert [line["part"] for line in lines if line["log_level"] == "error"] == ["verifier"], "said once"


# Without a server


@pytest.mark.parametrize("name", ["pair", "lexical", "cosine"])
def test_the_scale_of_a_verifier_is_known_without_its_weights(name):
    loaded, scale = load_verifier(name), scale_of(name)
    assert (scale.id, scale.mix) == (loaded.id, loaded.mix)


def test_the_labels_give_the_same_standing_without_a_server(database, labels, entries, cache):
    of = {"verifier": "pair-1", "embedder": "all-minilm-l6-v2-x", "signals": (5.0, *[0.0] * 7)}
    for number in range(30):
        labels.add(label(f"lab_{number}", **of)).result(5)
    settings = VerifierSettings()
    learning = Learning(settings, [0.01], labels, entries, cache)
    learning.open("all-minilm-l6-v2-x")
    calibrations, verifier = learning_module.at_rest(settings, [0.01], labels, "all-minilm-l6-v2-x")
    assert learning_module.standing(labels, calibrations, verifier, [0.01], None) == learning.standing(None)
    (namespace,) = labels.namespaces()
    assert calibrations.of(namespace, 0.01).labels > 0, "the labels were taken in"
