"""What people say for good is kept, and what only looks like it is not: own sentences, not those of the labels."""

from __future__ import annotations

import pytest

from tests.memory.extraction.support import contents, found

KEPT = [
    (
        "I'm allergic to penicillin, what can I take instead?",
        "health",
        "identity",
        "The user is allergic to penicillin",
    ),
    ("My daughter is lactose intolerant.", "health", "identity", "The user's daughter is lactose intolerant"),
    ("I've got ADHD.", "health", "identity", "The user has ADHD"),
    ("My wife can't eat gluten.", "diet", "identity", "The user's wife can't eat gluten"),
    ("I work as a paramedic, mostly night shifts.", "occupation", "identity", "The user works as a paramedic"),
    (
        "I live in a small village near Lugano.",
        "occupation",
        "identity",
        "The user lives in a small village near Lugano",
    ),
    ("I teach year 5 in Leeds.", "occupation", "identity", "The user teaches year 5 in Leeds"),
    ("I'm the treasurer of the rowing club.", "role", "identity", "The user is the treasurer of the rowing club"),
    ("I'm not a native speaker, so simple words please.", "job", "identity", "The user is not a native speaker"),
    ("I've been teaching maths for twelve years.", "experience", "identity", "teaching maths for twelve years"),
    ("My name is Benedikt.", "name", "identity", "The user's name is Benedikt"),
    ("please call me Jo", "name", "adaptation", "call me Jo"),
    ("I have two cats and a toddler.", "household", "identity", "The user has two cats and a toddler"),
    ("We never deploy on Fridays.", "habit", "preference", "We never deploy on Fridays"),
    ("I don't own a car.", "refusal", "preference", "The user does not own a car"),
    ("I hate cilantro.", "taste", "preference", "The user hates cilantro"),
    ("From now on use ISO dates.", "standing", "adaptation", "From now on use ISO dates"),
    ("never use emojis in your answers please", "standing", "adaptation", "never use emojis in your answers please"),
    ("Whenever I ask for a recipe, use grams.", "standing", "adaptation", "Whenever I ask for a recipe, use grams"),
    ("Please stop apologising in every reply.", "standing", "adaptation", "Please stop apologising in every reply"),
    ("For all future reports, put the summary on top.", "standing", "adaptation", "For all future reports"),
    ("Don't ever suggest paid tools to me.", "standing", "adaptation", "Don't ever suggest paid tools to me"),
    ("Keep in mind that my oven has no grill.", "asked_to_remember", "knowledge", "my oven has no grill"),
    ("We agreed on PostgreSQL 16 in yesterday's meeting.", "settled", "project", "We agreed on PostgreSQL 16"),
    ("We've decided against Kubernetes.", "settled", "project", "We've decided against Kubernetes"),
    ("ok so after the call we settled on larch. draft it", "settled", "project", "we settled on larch"),
    ("The final decision is to rent, not buy.", "settled", "project", "The final decision is to rent, not buy"),
    ("Our budget is 12,000 euros.", "budget", "project", "Our budget is 12,000 euros"),
    ("The deadline for the grant is 14 March.", "date", "project", "The deadline for the grant is 14 March"),
    ("Customer data may not leave Switzerland.", "constraint", "project", "Customer data may not leave Switzerland"),
    ("All reports must be signed by two people.", "constraint", "project", "All reports must be signed by two people"),
    (
        "Nobody is allowed to merge without review.",
        "constraint",
        "project",
        "Nobody is allowed to merge without review",
    ),
    ("My supervisor insists on APA style.", "wanted_by", "project", "The user's supervisor insists on APA style"),
    ("I broke my wrist in March.", "event", "episodic", "I broke my wrist in March"),
    ("Our API gateway runs on port 8443.", "our_fact", "knowledge", "Our API gateway runs on port 8443"),
    ("My dog is called Pepper.", "my_fact", "knowledge", "The user's dog is called Pepper"),
    ("We use Terraform for everything, so what next?", "we_use", "knowledge", "We use Terraform for everything"),
    ("btw I'm on Debian 12, not Ubuntu.", "we_are_on", "knowledge", "The user is on Debian 12, not Ubuntu"),
    ("In our codebase we use snake_case.", "with_us", "knowledge", "In our codebase we use snake_case"),
    ("Marta is responsible for billing.", "owner", "knowledge", "Marta is responsible for billing"),
    ("The kitchen has an induction hob.", "place_fact", "knowledge", "The kitchen has an induction hob"),
    ("the staging database gets wiped every Sunday", "schedule", "knowledge", "gets wiped every Sunday"),
]

LEFT = [
    # Questions, with and without a mark.
    "Is it true that I should always use HTTPS?",
    "what do you do if your team never tests",
    "Can I always return shoes?",
    "who owns the copyright then",
    "can we always assume normality?",
    # Hypotheses and hedges.
    "If we use Kafka, our ops team must learn it.",
    "Suppose I'm allergic to nuts, what could I eat?",
    "Let's say our budget is 500 euros.",
    "Maybe we'll go with Vue.",
    "I think we should use Redis.",
    "We're considering moving to Hetzner.",
    "not sure if my son is allergic or not",
    # Wishes for this task, passing states.
    "Please use Python for this one.",
    "Make it shorter, and no emoji this time.",
    "I need the report by noon.",
    "I'm tired today.",
    "I'm in a meeting right now.",
    "Our website is down!",
    "Our flight is delayed.",
    "My code doesn't work.",
    "I'm on page 12.",
    "For this recipe I can't use butter.",
    "my deadline is in 2 hours, hurry",
    # Complaints and reports of problems.
    "I always get this error when I start the app.",
    "I never got a reply.",
    "Every time I open the app it crashes.",
    "Whenever I run npm install I get a warning.",
    "I've been waiting for two weeks.",
    # Jokes, sarcasm, taken back.
    "oh great, I just LOVE waiting, my absolute favourite thing",
    "I'm vegan - just kidding.",
    "I prefer tea. Actually no, forget that.",
    "We use Vault. Scratch that, wrong client.",
    "lol my cat always knows when it's Monday",
    # Quoted, translated, corrected, pasted.
    'What does "we decided to leave" mean?',
    "Translate into French: I always take the bus.",
    'Proofread this: "We never deploy on Fridays."',
    "Summarise the following:\n\nOur company was founded in 1990. We never compromise.",
    "Here's my essay: I live in a small town. My father is a baker.",
    "We never met before. Our school is old. Please check my grammar.",
    "> I live in Porto.\nIs that quote right?",
    "```\n# we always use tabs\n```",
    "[12:00:01] WARN config: we always use defaults",
    "The docs say: Clients must always send a token.",
    # Other people, invented people, rules of the world.
    "He says he prefers tea.",
    "She lives in Oslo.",
    "My old boss used to say he never sleeps.",
    "In the novel, our narrator lives in a cellar.",
    "Pretend you are my boss. I never say please.",
    "Write a poem: I live in the sea, I never sleep.",
    "In Java, all methods must belong to a class.",
    "The variable must be lowercase.",
    "I used to live in Rome.",
    "Tell my landlord that our heating must be fixed.",
    # Small talk.
    "I love it, thanks!",
    "I like the second version better.",
    "never heard of it",
    "Always a pleasure!",
    "I have a question about taxes.",
    "I'm a big fan of your work",
    "Remind me tomorrow to call the vet, and remember to be nice.",
]


@pytest.mark.parametrize(("prompt", "rule", "memory_type", "said"), KEPT)
def test_lasting_statements_are_kept(prompt: str, rule: str, memory_type: str, said: str) -> None:
    candidates = found(prompt)
    assert [one.rule for one in candidates] == [rule], "not found, or by another rule"
    assert candidates[0].memory_type == memory_type, "another type"
    assert said in candidates[0].content, "the text is another"
    assert candidates[0].role == "user", "the user said it"


@pytest.mark.parametrize("prompt", LEFT)
def test_what_only_looks_lasting_is_left(prompt: str) -> None:
    assert contents(prompt) == [], "this is no memory"


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("we're on the Basic plan so what should I do", "We're on the Basic plan"),
        ("My son is deaf, which remote has captions?", "The user's son is deaf"),
    ],
)
def test_a_question_behind_a_statement_is_cut_off(prompt: str, said: str) -> None:
    assert [text.casefold() for text in contents(prompt)] == [said.casefold()], "the question is in it, or nothing is"


def test_a_correction_takes_what_goes_on_from_it() -> None:
    before = [("user", "Plan for 20 guests"), ("assistant", "Planned for 20.")]
    prompt = "sorry, my mistake, it's 26 guests. The hall is the small one. Can you redo it?"
    (one,) = found(prompt, before=before)
    assert one.rule == "correction", "another rule"
    assert one.content == "it's 26 guests. The hall is the small one", "not the corrected fact"


def test_a_list_of_requirements_is_kept_item_by_item() -> None:
    prompt = "Please plan it. Our requirements:\n- two exits at least\n- a ramp at the door\n\nThanks"
    assert contents(prompt) == ["two exits at least", "a ramp at the door"], "not the items"


def test_role_play_in_an_earlier_turn_holds_for_the_next() -> None:
    before = [("user", "Let's role-play: you are the clerk"), ("assistant", "Next, please.")]
    assert contents("I live at 9 Elm Street and I never pay.", before=before) == [], "a part was taken for the person"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("**Confirmed:** twelve seats on 3 May", "twelve seats on 3 May"),
        ("As agreed, the barn is painted red.", "As agreed, the barn is painted red"),
        ("**Roof, decided**\n\n- Slate, not tin", "Slate, not tin"),
    ],
)
def test_what_an_answer_records_is_kept(answer: str, said: str) -> None:
    (one,) = found("write it down for us", answer)
    assert (one.rule, one.role, one.content) == ("recorded", "assistant", said), "the record was passed over"


@pytest.mark.parametrize(
    "answer",
    [
        "You should always use clean brushes. Never paint in the rain.",
        "I will always check twice from now on.",
        "Many people prefer slate. We always recommend tin.",
        "Our barns must be painted every year.",
    ],
)
def test_advice_of_an_answer_is_left(answer: str) -> None:
    assert contents("how do I paint a barn", answer) == [], "advice was taken for a memory"
