"""Ids: text order is the order in which they were made."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

from store.ids import IdMaker, new_id


def test_an_id_is_its_prefix_a_time_and_randomness():
    before = time.time_ns() // 1000
    made = new_id("int")
    after = time.time_ns() // 1000
    found = re.fullmatch(r"int_([0-9a-f]{14})[0-9a-f]{10}", made)
    assert found
    assert before <= int(found[1], 16) <= after + 1


def test_ids_of_one_maker_increase_strictly():
    ids = [new_id("ent") for _ in range(10_000)]
    assert ids == sorted(set(ids))


def test_ids_increase_though_many_threads_ask_at_once():
    make = IdMaker()
    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(lambda _: [make("x") for _ in range(1000)], range(8)))
    assert all(ids == sorted(ids) for ids in lists)
    assert len({id_[:16] for ids in lists for id_ in ids}) == 8000


def test_ids_increase_though_the_clock_is_set_back(monkeypatch):
    make = IdMaker()
    first = make("x")
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    assert first < make("x") < make("x")


def test_two_makers_do_not_make_the_same_id(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)
    assert len({IdMaker()("x") for _ in range(1000)}) == 1000
