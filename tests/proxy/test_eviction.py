"""Each policy's limits are kept by the sweep, and sooner where it is far over."""

from __future__ import annotations

import time

from proxy.maintenance import sweep


async def ask(client, prompt, headers=None):
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
    return await client.post("/v1/chat/completions", json=body, headers=headers)


def limited(**limit):
    return {"policies": {"default": limit}}


async def fill(client, parts, number, start=0):
    for i in range(start, start + number):
        await ask(client, f"number {i}")
    parts.entries.flush()
    parts.entries.settle()


def evictions(parts, reason):
    return parts.metrics.evictions.labels(reason)._value.get()


async def test_the_sweep_keeps_the_number_and_what_is_asked_for(run_app, model):
    async with run_app(cache=limited(max_entries=4)) as (client, parts):
        await fill(client, parts, 6)
        kept = [(await ask(client, f"number {i}")).headers["x-reprise-entry"] for i in (0, 1)]
        parts.entries.flush()
        parts.entries.settle()
        sweep(parts, time.time())
        assert parts.entries.count_active() == 3, "95 % of the limit, so that not every sweep evicts"
        assert {parts.entries.get(id_).status for id_ in kept} == {"active"}, "what was asked for stays"
        assert evictions(parts, "max_entries") == 3
        assert len((await client.get("/cache/entries")).json()["entries"]) == 3, "the rows of the others are gone"


async def test_the_sweep_keeps_the_bytes(run_app, model):
    async with run_app(cache=limited(max_bytes=2000)) as (client, parts):
        await fill(client, parts, 8)
        sweep(parts, time.time())
        assert parts.catalogue.usage()["default"][1] <= 2000
        assert parts.entries.count_active() >= 2, "and no more go than must"
        assert evictions(parts, "max_bytes") > 0


async def test_within_its_limits_nothing_goes_and_nothing_is_scanned(run_app, model):
    async with run_app(cache=limited(max_entries=10)) as (client, parts):
        await fill(client, parts, 3)
        sweep(parts, time.time())
        looks = []
        usage, parts.catalogue.usage = parts.catalogue.usage, lambda: looks.append(1) or usage()
        sweep(parts, time.time())
        assert (parts.entries.count_active(), looks) == (3, []), "what was stored since cannot have reached the limit"
        await fill(client, parts, 8, start=3)
        sweep(parts, time.time())
        assert (parts.entries.count_active(), bool(looks)) == (9, True)


async def test_far_over_a_limit_nobody_waits_for_the_sweep(run_app, model):
    async with run_app(cache=limited(max_entries=4)) as (client, parts):
        await fill(client, parts, 1)
        sweep(parts, time.time())
        await fill(client, parts, 3, start=1)
        assert not parts.evictor.is_urgent()
        await fill(client, parts, 3, start=4)
        assert parts.evictor.is_urgent(), "seven of four"
        parts.evictor.enforce(time.time())
        assert not parts.evictor.is_urgent()
        assert parts.entries.count_active() == 3


async def test_a_policys_limit_is_its_own(run_app, model):
    settings = {"policies": {"default": {}, "small": {"max_entries": 2}}}
    async with run_app(cache=settings) as (client, parts):
        for number in range(4):
            await ask(client, f"small {number}", {"x-reprise-policy": "small"})
            await ask(client, f"other {number}")
        parts.entries.settle()
        sweep(parts, time.time())
        usage = parts.catalogue.usage()
        assert (usage["small"][0], usage["default"][0]) == (1, 4)


async def test_what_an_answer_cost_is_stored_with_it(run_app, model):
    async with run_app() as (client, parts):
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "what does it cost"}]}
        entry = (await client.post("/v1/chat/completions", json=body)).headers["x-reprise-entry"]
        parts.entries.settle()
        assert parts.entries.get(entry).cost > 0, "its price is known"
        unpriced = (await ask(client, "and this")).headers["x-reprise-entry"]
        parts.entries.settle()
        assert parts.entries.get(unpriced).cost is None, "that of a model nobody knows is not"
