"""What a prompt held already yields nothing, however the answer says it again."""

from __future__ import annotations

import json

import pytest

from memory.extraction import extract, fresh
from memory.extraction.restated import Known
from tests.memory.extraction.support import contents, record

RULE = "Never recommend paid fonts to anyone."
SHAPES = (
    "{0}",
    "## Decision: {0}",
    "### Requirement - {0}",
    "- {0}\n- **Requirement:** {0}",
    "**Decided:** {0}",
    "As agreed: {0}",
    "You decided to honour this: {0}",
    "The requirement is that {0}",
)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("change", [str, str.upper, str.lower, lambda text: text.replace(" ", "\n", 1)])
def test_system_prompt_is_never_extracted(shape: str, change: object) -> None:
    answer = shape.format(change(RULE))  # type: ignore[operator]
    before = [("system", f"You help designers. {RULE} Be brief.")]
    assert contents("Which font fits?", answer, before=before) == [], "the system prompt came back as a memory"


@pytest.mark.parametrize("shape", SHAPES)
def test_injected_memories_are_never_extracted_again(shape: str) -> None:
    injected = "Notes about the user:\n- Keeps bees on the roof.\n- Our invoices must carry the order number."
    answer = shape.format("Our invoices must carry the order number.")
    assert contents("Write the note.", answer, injected=injected) == [], "an injected memory came back"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_history_that_is_sent_again_is_never_extracted(shape: str, role: str) -> None:
    before = [(role, "The cellar must stay below twelve degrees."), ("assistant", "Noted.")]
    answer = shape.format("The cellar must stay below twelve degrees.")
    assert contents("Thanks, what else?", answer, before=before) == [], "an earlier turn came back"


def test_reflowed_injected_text_is_known() -> None:
    known = Known(["- Prefers oat milk\n- Lives in Tartu\n- Plays the oboe"])
    assert known.holds("Since you live in Tartu and prefer oat milk", 0.6), "a reflowed list was taken for new"
    assert not known.holds("You live in Riga", 0.6), "another place was taken for known"


def test_another_number_is_new() -> None:
    known = Known(["The hall seats 120 people"])
    assert known.holds("the hall seats 120 people.", 0.85), "the same number is not new"
    assert not known.holds("the hall seats 140 people", 0.85), "a corrected number is new"


@pytest.mark.parametrize("tag", ["memories", "user_memory", "context", "relevant-memories"])
def test_a_block_of_memories_in_the_prompt_is_cut(tag: str) -> None:
    prompt = f"<{tag}>\n- I live in Porto.\n- We use Vault.\n</{tag}>\n\nI live in Ghent."
    assert contents(prompt) == ["The user lives in Ghent"], "a delimited block was read"


def test_a_block_that_is_never_closed_is_cut_to_the_end() -> None:
    assert contents("<memories>\nI live in Porto.\nWe use Vault.") == [], "an open block was read"


def test_results_of_tools_make_the_prompt_an_old_one() -> None:
    messages = [
        {"role": "user", "content": "I live in Ghent."},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "We use Vault."},
    ]
    call = {"prompt": "I live in Ghent.", "response": "", "request": json.dumps({"messages": messages})}
    assert extract(fresh(call)) == [], "the prompt of a tool loop is re-sent with each call"


def test_system_of_other_wires_counts() -> None:
    for field in ("system", "instructions"):
        request = {field: [{"type": "text", "text": RULE}], "input": [{"role": "user", "content": "Hi"}]}
        call = {"prompt": "Hi", "response": f"## Decision: {RULE}", "request": json.dumps(request)}
        assert extract(fresh(call)) == [], f"{field} came back as a memory"


@pytest.mark.parametrize(
    "request_text", [None, "", "{", "[]", "null", '{"messages": 7}', '{"messages": [1, {"role": 2}]}']
)
def test_damaged_requests_are_read_as_none(request_text: str | None) -> None:
    call = {"prompt": "I live in Ghent.", "response": None, "request": request_text, "context_pack": "odd"}
    assert [one.content for one in extract(fresh(call))] == ["The user lives in Ghent"], "the prompt itself is there"


def test_the_users_own_turn_is_read() -> None:
    one = fresh(record("We use Vault.", "Good.", before=[("system", "Be brief.")]))
    assert [line.text for line in one.user] == ["We use Vault."], "the new turn is fresh"
    assert [line.text for line in one.answer] == ["Good."], "the answer is fresh"
