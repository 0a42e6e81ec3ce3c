"""How often something may be done in a minute."""

from __future__ import annotations

from proxy.pace import Pace


def test_what_is_too_much_waits_until_the_oldest_is_a_minute_old():
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.wait(2) == 0, "the first may go"
    now[0] = 20.0
    assert pace.wait(2) == 0, "the second too"
    now[0] = 30.0
    assert pace.wait(2) == 30.0, "the third waits for the first's minute to end"
    now[0] = 60.0
    assert pace.wait(2) == 0, "which it has"
    assert pace.wait(2) == 20.0, "now the second is the oldest"


def test_a_lowered_limit_counts_at_once():
    now = [0.0]
    pace = Pace(lambda: now[0])
    for second in range(3):
        now[0] = float(second)
        assert pace.wait(3) == 0, "three may go"
    assert pace.wait(1) == 60.0, "only the newest leaves room for one"


def test_nothing_goes_where_nothing_may():
    assert Pace(lambda: 0.0).wait(0) == 60.0, "asked again in a minute"
