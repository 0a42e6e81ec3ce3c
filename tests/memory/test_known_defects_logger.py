"""The known defects of an earlier interaction logger, each by name: none of them is one of Reprise's.

The server runs in this process, with an embedder that knows which inputs are near; the client is the shipped one.
"""

from __future__ import annotations

import httpx2
import pytest

from cache.answers import prior
from cache.classes import classes_of
from cache.policy import Policy
from reprise_client import AsyncInteractionLogger
from tests.fakes import answer, chat, near
from tests.proxy.conftest import base_url, model, run_app, scripted_server  # noqa: F401  fixtures

VECTORS = {
    "what files are there": near(1.0),
    "What files are there?": near(0.97, 1),
    "the output": near(0.1, 2),
    "what files are there the output": near(0.5, 3),
}
ASKED, ASKED_AGAIN = list(VECTORS)[:2]


@pytest.fixture(scope="module")
async def running(run_app):  # noqa: F811  the fixture
    async with run_app(vectors=VECTORS) as (client, parts):
        yield client, parts


@pytest.fixture
async def logger(running):
    client, _ = running
    async with AsyncInteractionLogger("http://127.0.0.1", strict=True, transport=client._transport) as made:
        yield made


async def read(client, id_):
    return (await client.get(f"/interactions/{id_}")).raise_for_status().json()


async def test_the_documented_semantic_cache_is_called(logger, running):
    _, parts = running
    runs = []

    @logger.tool(tool_id="semantic", threshold=0.95)
    async def look(text: str) -> str:
        runs.append(text)
        return "a and b"

    assert await look(ASKED) == "a and b"
    asked_before = len(parts.semantic.embedder().inner.asked)
    hit = await look.run(ASKED_AGAIN)
    assert (hit.status, hit.value) == ("hit", "a and b")
    assert (hit.source.equal, hit.source.similarity) == (False, pytest.approx(0.97, abs=1e-5))
    assert runs == [ASKED], "the second call was served"
    assert len(parts.semantic.embedder().inner.asked) > asked_before, "by meaning, not by equality"
    assert (await logger.get_cached_result("semantic", ASKED_AGAIN)).output == "a and b"


async def test_a_score_belongs_to_the_record_it_was_given_for(logger, running):
    client, _ = running
    ids = [await logger.log_interaction(tool_id="scores", input="x", output=f"{n}") for n in range(3)]
    await logger.update_interaction_quality(ids[0], 0.9)
    await logger.update_interaction_quality(ids[2], 0.1)
    assert [(await read(client, id_))["quality_score"] for id_ in ids] == [0.9, None, 0.1]
    found = await logger.find_similar_interactions("scores", "x")
    assert [(run.id, run.quality_score) for run in found] == [(ids[0], 0.9), (ids[1], None), (ids[2], 0.1)]


async def test_a_score_moves_the_entry_that_was_served_and_no_other(running, model):  # noqa: F811  the fixture
    client, parts = running
    entries = []
    for text in ("Which entry is rated?", "Which entry is left alone?"):
        body = {"model": "m", "messages": [{"role": "user", "content": text}]}
        await client.post("/v1/chat/completions", json=body)
        entries.append(await client.post("/v1/chat/completions", json=body))
    rated, other = (parts.entries.get(call.headers["x-reprise-entry"]) for call in entries)
    given = entries[0].headers["x-reprise-interaction"]
    await client.post(f"/interactions/{given}/quality", json={"score": 0})
    assert parts.entries.get(rated.id).quality < rated.quality
    assert parts.entries.get(other.id).quality == other.quality


async def test_stored_and_asked_vectors_are_both_of_the_input_alone(logger, running):
    _, parts = running
    await logger.log_interaction(tool_id="vectors", input=ASKED, output="the output")
    (found,) = await logger.find_similar_interactions("vectors", ASKED_AGAIN, threshold=0.9)
    assert found.similarity == pytest.approx(0.97, abs=1e-5), "the cosine of the two inputs"
    assert await logger.find_similar_interactions("vectors", "the output", threshold=0.5) == []
    assert not [text for text in parts.semantic.embedder().inner.asked if "output" in text and text != "the output"]


async def test_quality_is_read_from_where_it_was_written(logger, running):
    client, _ = running
    id_ = await logger.log_interaction(tool_id="fields", input="x", output="y", quality_score=0.8)

    async def everywhere():
        (found,) = await logger.find_similar_interactions("fields", "x")
        stats = await logger.get_tool_statistics("fields")
        return {
            found.quality,
            found.quality_score,
            stats["average_quality"],
            (await read(client, id_))["quality_score"],
        }

    assert await everywhere() == {0.8}
    await logger.update_interaction_quality(id_, 0.3)
    assert await everywhere() == {0.3}
    assert await logger.get_cached_result("fields", "x") is None, "it decides what is served, too"
    await logger.update_interaction_quality(id_, 0.7)
    assert (await logger.get_cached_result("fields", "x")).id == id_


@pytest.mark.parametrize("length", [499, 500, 501, 4_000, 300_000])
async def test_answers_are_not_cut(logger, running, length):
    client, _ = running
    output = "ab" * (length // 2) + "!" * (length % 2)
    id_ = await logger.log_interaction(tool_id=f"cut {length}", input="x", output=output)
    record = await read(client, id_)
    assert (record["response"], record["response_chars"]) == (output, length)
    assert (await logger.get_cached_result(f"cut {length}", "x")).output == output
    hit = await logger.log_interaction(tool_id=f"cut {length}", input="x", cached_from=id_)
    assert (await read(client, hit))["response"] == output


@pytest.mark.parametrize("output", ["yes", "no", "", "0", "y" * 100_000])
async def test_quality_does_not_grow_with_length_and_yes_is_served_again(logger, output):
    runs = []

    @logger.tool(tool_id=f"length {output[:3]} {len(output)}")
    async def check(text: str) -> str:
        runs.append(text)
        return output

    assert await check("x") == output
    hit = await check.run("x")
    assert (hit.status, hit.value) == ("hit", output)
    assert hit.source.quality == 0.7, "the same for all that nobody rated"
    assert len(runs) == 1


def test_the_quality_of_a_models_answer_does_not_grow_with_its_length():
    assert prior(answer("yes")) == prior(answer("yes, " * 1000))


@pytest.mark.parametrize(
    "text", ["Rewrite this paragraph in plain words", "How do I overwrite a file?", "a typewriter"]
)
def test_write_within_another_word_asks_for_nothing_creative(text):
    assert "creative" not in classes_of(chat(text), Policy())
    assert "creative" in classes_of(chat("Write a poem about the sea"), Policy())


async def test_a_rejected_command_is_a_result_like_any_other(logger):
    runs = []

    @logger.tool(tool_id="rejections", interaction_type="command_check")
    async def check(command: str) -> dict[str, str]:
        runs.append(command)
        return {"verdict": "rejected"}

    for _ in range(2):
        assert await check("rm -rf /") == {"verdict": "rejected"}
    assert runs == ["rm -rf /"]


async def test_the_logger_of_a_server_that_is_gone_ends_no_run():
    def gone(request):
        raise httpx2.ConnectError("gone")

    logger = AsyncInteractionLogger(transport=httpx2.MockTransport(gone))

    @logger.tool
    async def check(text: str) -> str:
        return text.upper()

    assert await check("x") == "X"
