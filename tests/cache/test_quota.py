"""Write quotas: how often a writer may store, and what one writer's doing means to another."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.quota import WriteQuota


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def granted(quota, times, writer="ann"):
    return sum(quota.allow(writer) for _ in range(times))


def test_a_minutes_quota_may_be_written_at_once_and_no_more(clock):
    assert granted(WriteQuota(5, clock), 20) == 5, "a full bucket holds a minute's quota"


def test_tokens_come_back_evenly(clock):
    quota = WriteQuota(6, clock)
    granted(quota, 6)
    clock.now += 9.9
    assert not quota.allow("ann"), "six a minute is one in ten seconds, not in less"
    clock.now += 0.2
    assert quota.allow("ann"), "after ten seconds one token is back"
    assert not quota.allow("ann"), "and only one"


def test_a_pause_fills_the_bucket_but_not_beyond_its_rim(clock):
    quota = WriteQuota(3, clock)
    granted(quota, 3)
    clock.now += 3600
    assert granted(quota, 10) == 3, "an hour's pause is worth one minute's quota"


def test_a_refused_write_costs_nothing(clock):
    quota = WriteQuota(60, clock)
    granted(quota, 60)
    for _ in range(100):
        quota.allow("ann")
    clock.now += 1.0
    assert quota.allow("ann"), "refusals do not push the next token away"


def test_writers_do_not_take_from_each_other(clock):
    quota = WriteQuota(2, clock)
    assert granted(quota, 10, "ann") == 2, "ann has her quota"
    assert granted(quota, 10, "bob") == 2, "bob has his own"


def test_a_quota_of_zero_forbids_all(clock):
    quota = WriteQuota(0, clock)
    clock.now += 600
    assert not quota.allow("ann"), "nothing is granted, whatever the time"


def test_a_quota_below_one_is_never_full_enough_for_a_write(clock):
    quota = WriteQuota(0.5, clock)
    clock.now += 600
    assert not quota.allow("ann"), "a bucket that holds half a token gives none"


def test_memory_is_bounded_and_the_least_lately_used_is_forgotten(clock):
    quota = WriteQuota(1, clock, most_writers=3)
    for writer in ("ann", "bob", "cid"):
        quota.allow(writer)
    quota.allow("ann")
    quota.allow("dan")
    assert len(quota) == 3, "no more buckets than there is room for"
    assert not quota.allow("ann"), "ann was seen lately, so her empty bucket is remembered"
    assert quota.allow("bob"), "bob was seen least lately and starts anew"


def test_a_clock_that_goes_back_takes_nothing_away(clock):
    quota = WriteQuota(2, clock)
    quota.allow("ann")
    clock.now -= 500
    assert quota.allow("ann"), "the second token is still there"


@pytest.mark.parametrize("per_minute", [-1, math.nan])
def test_a_quota_that_is_no_rate_is_refused(per_minute):
    with pytest.raises(ValueError, match="at least 0"):
        WriteQuota(per_minute)


def test_no_room_for_any_writer_is_refused():
    with pytest.raises(ValueError, match="room for one writer"):
        WriteQuota(1, most_writers=0)


def test_threads_together_get_no_more_than_the_quota(clock):
    quota = WriteQuota(50, clock)
    got = []
    threads = [threading.Thread(target=lambda: got.append(granted(quota, 50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 50, "each token is given once, whoever asks"


@given(waits=st.lists(st.floats(0, 200), max_size=60), per_minute=st.integers(1, 30))
def test_in_any_stretch_no_more_is_granted_than_the_bucket_and_its_refill(waits, per_minute):
    clock = Clock()
    quota = WriteQuota(per_minute, clock)
    writes = 0
    for wait in waits:
        clock.now += wait
        writes += quota.allow("ann")
    most = per_minute + sum(waits) * per_minute / 60
    assert writes <= most + 1e-6, "the quota holds over any time"
