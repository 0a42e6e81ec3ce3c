"""Interactions as they are logged where redaction is on."""

from __future__ import annotations

import json

from memory.interactions import Interaction
from memory.redacted import redacted
from memory.redaction import build_redactor

MAIL = "ada@quill.example"
REDACT = build_redactor("rules")


def test_every_text_is_redacted_and_the_request_stays_json():
    request = {"model": "m", "messages": [{"role": "user", "content": f'write "now"\nto {MAIL}'}], "n": 1, "x": None}
    clean = redacted(
        Interaction(
            prompt=f"to {MAIL}",
            response=f"done: {MAIL}",
            response_summary=f"done: {MAIL}",
            error=f"no {MAIL}",
            request=json.dumps(request),
            metadata={"feedback": [{"comment": MAIL}], "score": 0.5},
            context_pack={"text": MAIL},
            session_id="s",
        ),
        REDACT,
    )
    assert (clean.prompt, clean.response, clean.error) == ("to [email]", "done: [email]", "no [email]")
    assert clean.response_summary == "done: [email]"
    request["messages"][0]["content"] = 'write "now"\nto [email]'
    assert json.loads(clean.request) == request, "the same body, without the address"
    assert clean.metadata == {"feedback": [{"comment": "[email]"}], "score": 0.5}
    assert clean.context_pack == {"text": "[email]"}
    assert clean.session_id == "s", "what names it stays"


def test_arguments_of_tools_are_read_as_text():
    arguments = json.dumps({"to": MAIL})
    call = {"function": {"name": "send", "arguments": arguments}}
    clean = redacted(Interaction(prompt="x", request=json.dumps({"messages": [{"tool_calls": [call]}]})), REDACT)
    kept = json.loads(clean.request)["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(kept) == {"to": "[email]"}, "JSON within JSON stays JSON"


def test_what_holds_nothing_stays_byte_for_byte():
    raw = '{"model" : "m",  "messages":[{"content":"caf\\u00e9"}]}'
    made = Interaction(prompt="café", request=raw)
    assert redacted(made, REDACT).request == raw
    assert redacted(made, REDACT) == made


def test_a_request_that_is_no_json_is_redacted_as_text():
    assert redacted(Interaction(prompt="x", request=f"{{ {MAIL}"), REDACT).request == "{ [email]"


def test_images_are_left_alone_and_texts_are_redacted_once():
    asked = []

    def note(text):
        asked.append(text)
        return text

    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    redacted(Interaction(prompt="look", request=json.dumps({"messages": [{"content": parts}]})), note)
    assert asked.count("look") == 1, "as prompt and in the request"
    assert not any(text.startswith("data:") for text in asked)
