"""Slack: text that is shown as it is, and calls nobody."""

from __future__ import annotations

import pytest

from proxy.notifying.slack import escaped

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<!channel> <@U1> <http://x|y>", "&lt;!channel&gt; &lt;@\u200bU1&gt; &lt;http://x|y&gt;"),
        ("@channel @here", "@\u200bchannel @\u200bhere"),
        ("5 @ 3", "5 @ 3"),
    ],
)
def test_no_text_becomes_a_mention_or_a_link(text, shown):
    assert escaped(text) == shown, "it is shown as it stands"


async def test_a_message_is_one_text(notifying, hook):
    told = notifying(slack={"url": hook.url})
    told.tell(title="Router <down>\n@channel & all")
    await told.send("slack")
    (body,) = hook.json
    headline, where = body["text"].split("\n")
    assert headline == "To be reviewed: Router &lt;down&gt; @\u200bchannel &amp; all", "one line of it, escaped"
    assert where == "default · /proposals/pro_1", "and where there is more"
    assert body["link_names"] is False, "names are not made into mentions"
    assert hook.headers[0]["x-reprise-notification-id"] == told.parts.inbox.list()[0].id, "with its id"
