"""What a user's words say of success."""

from __future__ import annotations

import pytest

from memory.sessions.signals import Phrases, hands_over, signal_of

SAID = {
    "solved": """that solved it|Thanks, that fixed it!|It works now|works again, thank you|Problem solved.
        |no, it works now|the error is gone|It didn't work at first but now it works|that did the trick
        |Yes, it's working again
        |I can print again|no more errors|that worked|It is fixed now|all good now|The build passes now
        |ça marche maintenant, merci|c'est réglé|ça a marché|Es funktioniert jetzt wieder|Das hat geholfen
        |das Problem ist gelöst|Vielen Dank, jetzt geht es|ya funciona|Problema resuelto, gracias|se solucionó""",
    "failed": """that did not fix it|not solved|It still doesn't work|That didn't help, thanks|same error|no luck
        |thanks, but that did not fix it|It works now, thanks. But the second printer still doesn't print.
        |it isn't fixed|The problem is not resolved|it hasn't been resolved yet
        |that didn't do the trick|nothing changed
        |ça ne marche pas|toujours le même problème|es funktioniert nicht|das hat nicht geholfen
        |no funciona|sigue igual""",
    "escalate": """I want to talk to a human|Can I speak to a real person?|please escalate this|I opened a ticket
        |open a ticket please|connect me to an agent|It still doesn't work. Get me a human.|I need a technician
        |Je veux parler à un conseiller|Ich möchte mit einem Menschen sprechen|quiero hablar con un agente""",
    "pleased": """Thanks!|thank you so much|great, thanks|No, that's all. Thank you.|That's everything, bye|merci
        |Danke schön|gracias|Perfect.|Thanks for your help. That is all I need for now.|That works for me.
        |No, not right now. Thanks.|You have been a great help.""",
    None: """how can this be solved?|is it fixed?|Thanks, how do I do it again?|I hope that fixes it
        |Thanks, I'll try that
        |2|the cable|I don't want to talk to a human|what is escalation?|Will this be fixed soon?|It worked yesterday
        |I am in need of a new one
        |if it works I will tell you|no need to open a ticket|Did you open a ticket?|once it is solved I will pay""",
}
CASES = [(signal, said.strip()) for signal, listed in SAID.items() for said in listed.split("|")]


@pytest.mark.parametrize(("signal", "said"), CASES, ids=[said for _, said in CASES])
def test_words_say_it(signal, said):
    assert signal_of(said) == signal, said


def test_configured_phrases_count_beside_the_built_in_ones():
    phrases = Phrases(resolved=("tutto a posto",), escalated=("chiama il capo",))
    assert signal_of("Tutto a posto!", phrases) == "solved", "a word of success"
    assert signal_of("This is not tutto a posto", phrases) == "failed", "unless it is denied"
    assert signal_of("Chiama il capo", phrases) == "escalate", "a wish for a person"
    assert signal_of("That fixed it", phrases) == "solved", "the built-in ones still hold"


def test_an_answer_that_hands_over_is_known():
    assert hands_over("I have opened a ticket for you, number 12."), "a case"
    assert hands_over("I am connecting you to a colleague."), "a person"
    assert not hands_over("You can open a ticket in the portal."), "a way that is only named"
