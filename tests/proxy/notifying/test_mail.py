"""E-mail through a real server: headers that nothing gets into, logins, encryption, refusals."""

from __future__ import annotations

import ssl

import pytest
import trustme

from proxy.config.flows import EmailSettings
from proxy.notifying.channel import Undelivered
from proxy.notifying.mail import Email
from proxy.notifying.message import Message
from tests.memory.notifications.test_inbox import NOW
from tests.proxy.notifying.receivers import Mailbox

pytestmark = pytest.mark.anyio

# The mail server's own, for a login over a plain line.
PLAIN_LOGIN = pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
SENDER, TEAM = "Reprise <reprise@example.com>", ["team@example.com", "lead@example.com"]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def served_tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def settings(mailbox, **given):
    place = {"host": "127.0.0.1", "port": mailbox.port, "sender": SENDER, "to": TEAM}
    return EmailSettings.model_validate({**place, "security": "none", **given})


def message(title="Printer offline", **given):
    details = {"proposal_type": "new_flow", "sessions": ["a", "b"]}
    object_ = {"type": "proposal", "id": "pro_1"}
    fields = {
        "event": "proposal.pending",
        "namespace": "default",
        "at": "2027-01-15T08:00:00Z",
        "link": "/proposals/pro_1",
    }
    return Message(**{"id": "ntf_1", "object": object_, "title": title, "details": details, **fields, **given})


async def send(given, tls=None, told=None):
    return await Email(given, tls, lambda: NOW).send(told or message())


async def refused(given, tls=None):
    with pytest.raises(Undelivered) as caught:
        await send(given, tls)
    return caught.value


async def test_a_mail_tells_it_in_plain_text(mailbox):
    assert await send(settings(mailbox), told=message("Drucker überhitzt – 日本")) is None, (
        "nothing else is to be known"
    )
    (mail,) = mailbox.mails
    assert mail["subject"] == "[Reprise] To be reviewed: Drucker überhitzt – 日本", "the subject, in UTF-8"
    assert mail["from"] == SENDER, "from whom it is configured"
    assert mail["to"] == ", ".join(TEAM), "to whom"
    assert mailbox.to == [TEAM], "and they get it"
    assert mail["message-id"] == "<ntf_1@example.com>", "the same however often it is sent"
    assert mail["x-reprise-notification-id"] == "ntf_1", "with the id that the other channels bear"
    assert mail["auto-submitted"] == "auto-generated", "so that nobody's absence answers"
    text = mail.get_content()
    assert "To be reviewed: Drucker überhitzt – 日本" in text, "what happened"
    assert "more: /proposals/pro_1" in text, "and where there is more"
    assert "sessions: a, b" in text, "with its facts"
    assert mailbox.raw[0].isascii(), "and every server on the way can pass it on"


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x85", "\0"])
async def test_no_title_becomes_a_header(mailbox, break_):
    await send(settings(mailbox), told=message(f"Down{break_}Bcc: eve@example.com{break_}{break_}Buy now"))
    (mail,) = mailbox.mails
    assert mail["bcc"] is None, "the line break is none any more"
    assert mail["subject"] == "[Reprise] To be reviewed: Down Bcc: eve@example.com Buy now", "all of it is the subject"
    assert mailbox.to == [TEAM], "and nobody else gets it"


async def test_a_line_of_a_dot_does_not_end_a_mail(mailbox):
    await send(settings(mailbox), told=message(details={"reason": "."}, title="."))
    assert "reason: ." in mailbox.mails[0].get_content(), "it is read to its end"


@PLAIN_LOGIN
async def test_a_login_that_fits_is_let_in():
    with Mailbox(login=("reprise", "pässword")) as mailbox:
        await send(settings(mailbox, username="reprise", password="pässword"))
        assert len(mailbox.mails) == 1, "it is taken"


@PLAIN_LOGIN
async def test_a_wrong_password_is_final():
    with Mailbox(login=("reprise", "right")) as mailbox:
        error = await refused(settings(mailbox, username="reprise", password="wrong"))
    assert error.final, "the same would be refused again"
    assert error.reason == "SMTP 535", "and the code tells why, without the server's words"


async def test_starttls_is_used_and_the_certificate_checked(served_tls, trusting):
    with Mailbox(tls=served_tls, login=("reprise", "secret")) as mailbox:
        given = settings(mailbox, security="starttls", username="reprise", password="secret")
        await send(given, trusting)
        assert len(mailbox.mails) == 1, "encrypted, then logged in"
        error = await refused(given)
        assert len(mailbox.mails) == 1, "a certificate that nobody vouches for is not trusted"
    assert not error.final, "the operator may mend that meanwhile"


async def test_where_starttls_is_asked_for_nothing_goes_out_without(mailbox):
    error = await refused(settings(mailbox, security="starttls"))
    assert mailbox.mails == [], "no plain mail in its stead"
    assert error.reason, "and it says so"


async def test_tls_from_the_first_byte(served_tls, trusting):
    with Mailbox(tls=served_tls, sealed=True) as mailbox:
        await send(settings(mailbox, security="tls"), trusting)
        assert len(mailbox.mails) == 1, "it is taken"


@pytest.mark.parametrize(("answer", "final"), [("451 later", False), ("554 never", True)])
async def test_a_refusal_is_final_where_the_server_says_so(mailbox, answer, final):
    mailbox.answers = [answer]
    error = await refused(settings(mailbox))
    assert error.final is final, "400s pass, 500s do not"
    assert error.reason == f"SMTP {answer[:3]}", "the code alone: a server's words may quote anything"


async def test_one_recipient_that_is_refused_does_not_keep_it_from_the_others(mailbox):
    mailbox.refused = {TEAM[0]}
    assert await send(settings(mailbox)) == "1 of 2 recipients refused", "that is to be known"
    assert mailbox.to == [[TEAM[1]]], "the other has it"


async def test_all_recipients_refused_is_a_failure(mailbox):
    mailbox.refused = set(TEAM)
    error = await refused(settings(mailbox))
    assert error.reason == "all recipients refused", "no addresses among the words"
    assert error.final, "and trying again would not help"


async def test_a_server_that_is_not_there_is_tried_again():
    with Mailbox() as gone:
        given = settings(gone)
    assert not (await refused(given)).final, "it may come back"


async def test_through_the_courier_a_mail_is_tried_again(notifying, mailbox, clock):
    told = notifying(email=settings(mailbox).model_dump())
    mailbox.answers = ["451 later", "451 later"]
    told.tell()
    for wait in (0, 30, 120):
        clock.now += wait
        await told.send("email")
    assert told.way("email")["state"] == "delivered", "with the third try"
    assert mailbox.mails[0]["message-id"] == f"<{told.parts.inbox.list()[0].id}@example.com>", "under its own id"
