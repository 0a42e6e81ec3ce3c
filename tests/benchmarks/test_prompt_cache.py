"""The caches of the scripted upstream, and where blocks are put."""

from __future__ import annotations

from benchmarks.memory.prompt_cache import END, FRONT, KEPT, LEAST, OWN, STEP, PromptCache, placed, tokens


def message(role, count, word="x"):
    return {"role": role, "content": " ".join([word] * count)}


def test_a_beginning_is_cached_in_steps_from_the_least_on():
    cache = PromptCache(whole_messages=False)
    system, asked = message("system", LEAST + 10), message("user", 300, "y")
    assert cache.cached([system, asked]) == 0, "seen for the first time"
    cache.learn([system, asked])
    longer = [system, {**asked, "content": f"{asked['content']} z"}]
    whole = len(tokens(system)) + len(tokens(asked))
    assert cache.cached(longer) == (whole - 1) // STEP * STEP, "within a message too"
    assert cache.cached([system, message("user", 9)]) == LEAST, "as far as both go"
    assert cache.cached([message("system", LEAST - 200), asked]) == 0, "another beginning"


def test_a_cache_of_whole_messages_needs_them_whole():
    cache = PromptCache(whole_messages=True)
    system, asked = message("system", LEAST + 10), message("user", 300, "y")
    cache.learn([system, asked])
    assert cache.cached([system, {**asked, "content": f"{asked['content']} z"}]) == LEAST, "up to the message before"
    assert cache.cached([system, asked, asked]) == (LEAST + 12 + 302) // STEP * STEP, "both of them"


def test_blocks_go_where_they_are_said_to():
    messages = [message("system", 1), message("user", 1, "a"), message("assistant", 1), message("user", 1, "b")]
    blocks = {1: "OLD", 3: "NEW"}
    said = {place: [one["content"] for one in placed(messages, blocks, place)] for place in (FRONT, OWN, KEPT)}
    assert said[FRONT] == ["NEW\n\nx", "a", "x", "b"], "before everything"
    assert said[OWN] == ["x", "a", "x", "b", "NEW"], "behind the last of the user"
    assert said[KEPT] == ["x", "a\n\nOLD", "x", "b\n\nNEW"], "each with its own"
    assert END not in said, "that is the server's work"
