"""Labels made behind the answers: what is written, what is dropped, what survives a failure."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

import pytest

from proxy.labels.labelling import Comparison, Labelling
from proxy.metrics import Metrics
from tests.fakes import NOW, FakeEmbedder
from tests.proxy.fakes import answer, entry

pytestmark = pytest.mark.anyio

LONG = "Put the egg into boiling water and take it out when the yolk is as firm as you like it."


class Sink:
    """Remembers labels, and on which thread they came; raises what it is told to."""

    def __init__(self):
        self.labels = []
        self.threads = set()
        self.errors = []
        self.added = threading.Event()

    def add(self, label):
        self.threads.add(threading.get_ident())
        if self.errors:
            raise self.errors.pop(0)
        self.labels.append(label)
        self.added.set()
        written = Future()
        written.set_result(None)
        return written


class FakeJudge:
    """Says what it is told to say, once the gate is open."""

    def __init__(self, *verdicts):
        self.verdicts = list(verdicts)
        self.asked = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def verdict(self, *asked):
        await self.gate.wait()
        self.asked.append(asked)
        return self.verdicts.pop(0)


class Bench:
    """A labelling over a fake sink, whose parts can be looked at."""

    def __init__(self, embedder=None, **options):
        self.sink = Sink()
        self.metrics = Metrics()
        self.outcomes = []
        self.told = []
        self.embedder = embedder if embedder is not None else FakeEmbedder()
        self.labelling = Labelling(
            self.sink,
            lambda: self.embedder,
            self.metrics,
            outcome=self.outcomes.append,
            told=self.told.append,
            clock=lambda: NOW,
            **options,
        )

    async def label(self, *comparisons):
        """Compare these; gives the labels."""
        self.labelling.start()
        for each in comparisons:
            self.labelling.consider(each)
        await self.labelling.settled()
        await self.labelling.close()
        return self.sink.labels

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"reprise_{name}_total", labels) or 0

    @property
    def failures(self):
        return [error for error in self.outcomes if error is not None]


def comparison(fresh="Paris.", stored="Paris.", **changes):
    """A fresh answer beside a stored one."""
    values = {
        "namespace": "team-a",
        "prompt": "France's capital?",
        "prompt_key": "new-key",
        "entry": entry(answer=answer(stored) if isinstance(stored, str) else stored),
        "similarity": 0.93,
        "score": 0.8,
        "signals": (1.5, 0.93),
        "verifier": "pair-1",
        "embedder": "fake",
        "source": "miss",
        "propensity": 1.0,
        "interaction_id": "int_1",
        "fresh": answer(fresh) if isinstance(fresh, str) else fresh,
    }
    return Comparison(**values | changes)


async def test_a_label_holds_all_that_was_known():
    bench = Bench()
    (label,) = await bench.label(comparison(source="audit", propensity=0.02))
    assert label.id.startswith("lab_"), "an id of its own"
    assert (label.at, label.namespace, label.verifier, label.embedder) == (NOW, "team-a", "pair-1", "fake"), "the scale"
    assert (label.prompt_key, label.entry_key, label.entry_id) == ("new-key", "k", "ent_1"), "the pair"
    assert (label.prompt, label.stored_prompt) == ("France's capital?", "What is the capital of France?"), "its texts"
    assert (label.similarity, label.score, label.signals) == (0.93, 0.8, (1.5, 0.93)), "the verifier's view"
    assert (label.correct, label.source, label.method) == (True, "audit", "exact"), "the verdict"
    assert (label.propensity, label.interaction_id) == (0.02, "int_1"), "how it came about"
    assert bench.told == [label], "calibration is told"
    assert bench.count("labels", source="audit", method="exact", verdict="right") == 1, "it is counted"


async def test_another_answer_is_a_wrong_one():
    (label,) = await Bench().label(comparison("Yes, it is.", "No, it is not."))
    assert (label.correct, label.method) == (False, "meaning"), "the stored answer would have been wrong"


async def test_what_cannot_be_told_is_no_label():
    bench = Bench()
    unfinished = answer("The capital of")
    unfinished["choices"][0]["finish_reason"] = "length"
    assert await bench.label(comparison(unfinished)) == [], "no label"
    assert bench.count("labels", source="miss", method="exact", verdict="none") == 1, "it is counted"
    assert bench.told == [], "nothing to tell"


async def test_considering_does_no_work():
    bench = Bench()
    bench.labelling.consider(comparison(LONG, LONG + " Enjoy it."))
    assert (bench.embedder.asked, bench.sink.labels) == ([], []), "it only queues, even before the start"
    assert len(await bench.label()) <= 1, "what was queued before the start is not lost"
    assert bench.embedder.asked, "it was compared then"


async def test_it_works_off_the_event_loop():
    bench = Bench()
    await bench.label(comparison())
    assert threading.get_ident() not in bench.sink.threads, "labels are made in a thread"


async def test_a_full_queue_drops_the_oldest_and_counts_it():
    bench = Bench(most=2)
    for number in range(5):
        bench.labelling.consider(comparison(interaction_id=f"int_{number}"))
    labels = await bench.label()
    assert [label.interaction_id for label in labels] == ["int_3", "int_4"], "the newest are kept"
    assert bench.count("labels_dropped") == 3, "the others are counted"


async def test_a_failure_is_told_and_the_next_one_is_compared():
    bench = Bench()
    bench.sink.errors = [RuntimeError("no database")]
    labels = await bench.label(comparison(interaction_id="int_1"), comparison(interaction_id="int_2"))
    assert [label.interaction_id for label in labels] == ["int_2"], "the worker goes on"
    assert [type(error) for error in bench.failures] == [RuntimeError], "the failure is told"
    assert bench.outcomes[-1] is None, "and that it works again"


async def test_a_broken_embedder_is_told_and_gives_no_label():
    bench = Bench()
    bench.embedder.broken = True
    labels = await bench.label(comparison(LONG, LONG + " Enjoy it."), comparison())
    assert [label.method for label in labels] == ["exact"], "what needs no embedder is still compared"
    assert len(bench.failures) == 1, "the failure is told"


async def test_without_an_embedder_equal_answers_are_still_labels():
    bench = Bench()
    bench.embedder = None
    labels = await bench.label(comparison(LONG, LONG + " Enjoy it."), comparison())
    assert [label.method for label in labels] == ["exact"], "equality needs none"
    assert bench.failures == [], "to be without one is no failure"


async def test_an_odd_body_breaks_nothing():
    bench = Bench()
    labels = await bench.label(comparison({"choices": None}), comparison({"choices": [3]}), comparison())
    assert len(labels) == 1, "the odd ones give no label"
    assert bench.failures == [], "and no failure"


# The judge


def unclear(**changes):
    """What comparing cannot tell."""
    return comparison("Spain", "Madrid is the capital of Spain.", **changes)


async def test_the_judge_decides_what_comparing_cannot_tell():
    judge = FakeJudge(True)
    (label,) = await Bench(judge=judge).label(unclear())
    assert (label.correct, label.method) == (True, "judge"), "its verdict"
    assert judge.asked == [
        ("France's capital?", "What is the capital of France?", "Spain", "Madrid is the capital of Spain.")
    ], "it was given both questions and both answers"


async def test_the_judge_is_not_asked_what_is_clear():
    judge = FakeJudge()
    (label,) = await Bench(judge=judge).label(comparison(source="audit"))
    assert (label.method, judge.asked) == ("exact", []), "a verdict costs money"


async def test_a_judge_without_a_verdict_leaves_no_label():
    assert await Bench(judge=FakeJudge(None)).label(unclear()) == [], "nobody can tell"


async def test_audits_may_always_be_judged():
    judge = FakeJudge(False, None)
    bench = Bench(judge=judge, judge_audits=True)
    labels = await bench.label(comparison(source="audit"), comparison(source="audit"), comparison())
    found = [(label.source, label.correct, label.method) for label in labels]
    assert sorted(found) == [("audit", False, "judge"), ("audit", True, "exact"), ("miss", True, "exact")], (
        "the judge stands above; where it says nothing, the comparison holds; misses are not sent to it"
    )


async def test_a_slow_judge_holds_up_no_comparison():
    judge = FakeJudge(True)
    judge.gate.clear()
    bench = Bench(judge=judge)
    bench.labelling.start()
    bench.labelling.consider(unclear())
    bench.labelling.consider(comparison())
    await asyncio.to_thread(bench.sink.added.wait, 60)
    assert bench.sink.labels[0].method == "exact", "the next comparison does not wait for the judge"
    judge.gate.set()
    await bench.labelling.settled()
    await bench.labelling.close()
    assert [label.method for label in bench.sink.labels] == ["exact", "judge"], "its verdict comes later"


# The end


async def test_a_stopping_server_finishes_what_waits():
    bench = Bench()
    bench.labelling.start()
    for _ in range(20):
        bench.labelling.consider(comparison())
    await bench.labelling.close(60)
    assert len(bench.sink.labels) == 20, "all were compared"
    assert bench.count("labels_dropped") == 0, "none was dropped"


async def test_it_waits_no_longer_than_it_may():
    judge = FakeJudge(True, True)
    judge.gate.clear()
    bench = Bench(judge=judge)
    bench.labelling.start()
    bench.labelling.consider(unclear())
    bench.labelling.consider(unclear())
    await bench.labelling.close(0.05)
    assert bench.sink.labels == [], "the judge never spoke"
    assert bench.count("labels_dropped") == 2, "what was given up is counted"


async def test_it_can_be_closed_unstarted_and_twice():
    bench = Bench()
    bench.labelling.consider(comparison())
    await bench.labelling.close()
    await bench.labelling.close()
    assert bench.count("labels_dropped") == 1, "what nobody compared is counted once"
