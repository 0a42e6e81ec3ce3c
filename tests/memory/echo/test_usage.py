"""Uses: which of the memories in its prompt an answer made use of."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from memory.echo.usage import echoed_anew, used


@dataclass
class Kept:
    """A memory as far as it is looked at."""

    id: str
    content: str
    memory_type: str = "knowledge"


PIER = Kept("pier", "The night ferry leaves from pier four at 22:15.")
KILN = Kept("kiln", "The kiln reaches 1,240 degrees.")


def test_what_the_answer_tells_from_a_memory_is_used():
    found = used("Where do I board?", [PIER, KILN], "Go to pier four: the night ferry leaves at 22:15.")
    assert found == ["pier"], "the ferry and not the kiln"


def test_prompt_text_is_no_use():
    asked = "The night ferry leaves from pier four at 22:15, right?"
    assert used(asked, [PIER], "Yes, the night ferry leaves from pier four at 22:15.") == [], "the prompt gave it all"


def test_a_value_in_code_is_a_use_though_it_is_not_stated():
    memory = Kept("m", "The repository uses corepack with yarnberry.", "project")
    assert used("Write the build step", [memory], "```sh\ncorepack enable\nyarnberry install\n```") == ["m"], "applied"


def test_the_memory_whose_own_words_were_said_is_the_one():
    other = Kept("other", "The day ferry leaves from pier nine at 08:40.")
    found = used("When does the night ferry go?", [PIER, other], "At 22:15, from pier four.")
    assert found == ["pier"], "both are ferries; one has these values"


def test_an_echo_of_the_pool_must_be_news():
    asked = "The kiln reaches 1,240 degrees. Is that enough?"
    answer = "The kiln reaches 1,240 degrees, and that is enough for stoneware."
    assert echoed_anew(asked, [KILN], answer) == [], "the prompt said so"
    assert echoed_anew("Is it hot enough?", [KILN], answer) == ["kiln"], "the answer says so"


def test_no_memories_no_uses():
    assert used("Hi", [], "Hello.") == [], "nothing to use"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=150), st.lists(st.text(max_size=80), max_size=3), st.text(max_size=150))
def test_nothing_raises_and_only_given_ids_come_back(prompt, contents, answer):
    memories = [Kept(str(number), content) for number, content in enumerate(contents)]
    assert set(used(prompt, memories, answer)) <= {memory.id for memory in memories}, "of those given"
