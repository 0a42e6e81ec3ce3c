"""Words that the rules put into prompts: names, places, opposites, synonyms and phrases, all written for this."""

# ruff: noqa: E501  word lists and sentence patterns read best in long lines

from __future__ import annotations

from typing import Final


def _list(text: str) -> list[str]:
    return [item.strip() for item in text.replace("\n", ",").split(",") if item.strip()]


def _pairs(text: str) -> list[tuple[str, str]]:
    return [tuple(item.split("/")) for item in _list(text)]  # type: ignore[misc]


FIRST_NAMES: Final = _list(
    "Anna, Omar, Lucy, Victor, Elena, Tariq, Grace, Hugo, Mei, Dmitri, Sofia, Liam, Nadia, Peter, Ines, Raj, Karen, Ahmed, Julia, Felix,"
    "Maya, Boris, Clara, Diego, Emma, Farid, Greta, Henry, Irene, Jonas, Kofi, Laura, Marco, Nora, Oscar, Paula, Quinn, Rosa, Samir, Tina,"
    "Uma, Vera, Walter, Xavier, Yara, Zoe, Alan, Betty, Carl, Donna, Ethan, Fiona, Gavin, Helen, Ivan, Joan, Kyle, Linda, Mark, Nancy"
)
LAST_NAMES: Final = _list(
    "Novak, Silva, Larsen, Okafor, Brandt, Moreau, Patel, Kowalski, Romero, Tanaka, Fischer, Weber, Rossi, Dubois, Hansen, Murphy, Clarke,"
    "Walsh, Bauer, Keller, Marsh, Stone, Fletcher, Barnes, Hughes, Porter, Cole, Grant, Hayes, Reid"
)
PLACES: Final = _list(
    "France, Germany, Japan, Brazil, Canada, Norway, Kenya, India, Mexico, Spain, Italy, Egypt, Peru, Chile, Poland, Greece, Turkey, Vietnam,"
    "Australia, Nigeria, London, Paris, Tokyo, Berlin, Madrid, Rome, Cairo, Lima, Oslo, Dublin, Boston, Chicago, Texas, California, Seattle,"
    "Toronto, Sydney, Mumbai, Seoul, Lisbon, Vienna, Prague, Warsaw, Athens, Nairobi, Florida, Ohio, Scotland, Ireland, Portugal, Sweden"
)
THINGS: Final = _list(
    "Python, Java, Rust, Excel, Word, Windows, Linux, Android, iPhone, Gmail, Outlook, Slack, Docker, Postgres, Redis, Chrome, Firefox, PayPal,"
    "Visa, Amazon, Netflix, Spotify, Google, Microsoft, Apple, Tesla, Toyota, Samsung, Honda, Nike, Photoshop, Zoom, Teams, GitHub, WhatsApp"
)
NATIONS: Final = _list(
    "French, German, Japanese, Spanish, Italian, Chinese, Indian, Russian, Greek, Turkish, Polish, Dutch, Swedish, Korean, Arabic, Mexican,"
    "English, American, British, Portuguese, Vietnamese, Thai, Brazilian, Irish"
)
LANGUAGES: Final = _list(
    "French, German, Spanish, Italian, Dutch, Polish, Japanese, Chinese, Russian, Arabic, English, Hindi, Turkish, Greek"
)
ANIMALS: Final = _list(
    "cat, dog, horse, rabbit, parrot, hamster, goat, cow, pig, turtle, snake, duck, sheep, goldfish, donkey, ferret, hen"
)
BODY: Final = _list(
    "knee, elbow, ankle, wrist, shoulder, back, neck, thumb, toe, hip, heel, jaw, ear, nose, eye, foot, hand, finger, chest"
)
JOBS: Final = _list(
    "nurse, teacher, pilot, lawyer, chef, plumber, painter, singer, farmer, banker, engineer, writer, dentist, driver, baker, actor, judge,"
    "editor, tailor, soldier, designer, surgeon, librarian, carpenter, journalist, translator, accountant, coach, guide, waiter"
)
TRAITS: Final = _list(
    "honest, kind, brave, famous, rich, tall, young, busy, clever, lazy, polite, quiet, strict, shy, wise, generous, modest, loyal, strong,"
    "careful, reliable, nervous, cheerful, stubborn, religious, wealthy, popular, independent, ambitious, qualified"
)
MODIFIERS: Final = _list(
    "good, famous, local, young, retired, trained, former, licensed, talented, wealthy, certified, senior, typical, great, foreign, real"
)
EMPTY_MODIFIERS: Final = _list(
    "really, truly, actually, indeed, in fact, genuinely, honestly, basically, just, by any chance"
)
VERBS: Final = [
    tuple(v.split("/"))
    for v in _list(
        "help/helped/helping, trust/trusted/trusting, teach/taught/teaching, hire/hired/hiring, blame/blamed/blaming, follow/followed/following,"
        "pay/paid/paying, call/called/calling, love/loved/loving, hate/hated/hating, beat/beaten/beating, sue/sued/suing, visit/visited/visiting,"
        "train/trained/training, rescue/rescued/rescuing, invite/invited/inviting, admire/admired/admiring, ignore/ignored/ignoring,"
        "respect/respected/respecting, replace/replaced/replacing, support/supported/supporting, defend/defended/defending, warn/warned/warning,"
        "miss/missed/missing, recognise/recognised/recognising, attack/attacked/attacking, accuse/accused/accusing, fire/fired/firing"
    )
]
SYMMETRIC: Final = _list(
    "married to, related to, a friend of, a neighbour of, a colleague of, engaged to, a cousin of, different from, a classmate of, dating, close to, a twin of, the same age as"
)
DIRECTED: Final = _list(
    "older than, taller than, richer than, the parent of, the boss of, in love with, the teacher of, loyal to, afraid of, jealous of, angry at,"
    "in charge of, the owner of, stronger than, faster than, indebted to, the employer of, lying to, hiding from, proud of, cheaper than, heavier than"
)
ACTIVITIES: Final = [
    tuple(v.split("/"))
    for v in _list(
        "eat/eating, sleep/sleeping, exercise/exercising, drink coffee/drinking coffee, shower/showering, swim/swimming, study/studying, drive/driving,"
        "travel/travelling, pray/praying, smoke/smoking, take aspirin/taking aspirin, stretch/stretching, move house/moving house, sign a contract/signing a contract,"
        "paint the wall/painting the wall, wash the car/washing the car, feed the baby/feeding the baby, restart the server/restarting the server,"
        "update the driver/updating the driver, back up the data/backing up the data, file taxes/filing taxes, change the oil/changing the oil"
    )
]
ADJUDGED: Final = _list(
    "safe, dangerous, legal, illegal, normal, healthy, rude, necessary, possible, wise, common, acceptable, risky, expensive, useful, harmful"
)
SUPERLATIVES: Final = _list(
    "best, worst, richest, tallest, oldest, youngest, fastest, smartest, most famous, strongest, funniest, most influential"
)

OPPOSITES: Final = _pairs(
    "enable/disable, on/off, before/after, open/close, start/stop, increase/decrease, raise/lower, more/less, most/least, best/worst, good/bad,"
    "buy/sell, lend/borrow, send/receive, import/export, upload/download, install/uninstall, add/remove, create/delete, activate/deactivate,"
    "block/unblock, lock/unlock, connect/disconnect, subscribe/unsubscribe, accept/reject, allow/forbid, win/lose, gain/lose, push/pull,"
    "maximum/minimum, first/last, highest/lowest, largest/smallest, longest/shortest, oldest/newest, cheapest/most expensive, fastest/slowest,"
    "hot/cold, dry/wet, empty/full, early/late, fast/slow, heavy/light, hard/soft, easy/difficult, cheap/expensive, legal/illegal, safe/dangerous,"
    "healthy/unhealthy, married/single, public/private, inside/outside, above/below, over/under, left/right, north/south, east/west, arrive/leave,"
    "arrival/departure, deposit/withdraw, deposit/withdrawal, debit/credit, hire/fire, save/spend, profit/loss, advantages/disadvantages, pros/cons,"
    "strengths/weaknesses, benefits/risks, encrypt/decrypt, compress/extract, show/hide, freeze/thaw, love/hate, with/without, include/exclude,"
    "ascending/descending, old/new, young/old, rich/poor, strong/weak, long/short, big/small, up/down, top/bottom, front/back, male/female,"
    "mother/father, brother/sister, king/queen, husband/wife, cause/prevent, remember/forget, always/never, all/none, everyone/nobody, incoming/outgoing,"
    "approve/decline, approved/declined, register/cancel, join/leave, mute/unmute, attach/detach, expand/collapse, encourage/discourage,"
    "gained/lost, sent/received, bought/sold, active/passive, positive/negative, true/false, optimistic/pessimistic, patient/impatient, possible/impossible"
)
SYNONYMS: Final = _pairs(
    "buy/purchase, fix/repair, begin/start, help/assist, big/large, quick/fast, get/obtain, need/require, show/display, end/finish, choose/pick,"
    "error/mistake, car/automobile, film/movie, ill/sick, phone/telephone, photo/picture, shop/store, doctor/physician, lawyer/attorney, road/street,"
    "reply/answer, allowed/permitted, nearly/almost, often/frequently, maybe/perhaps, rich/wealthy, happy/glad, smart/clever, difficult/hard,"
    "easy/simple, cheap/inexpensive, kids/children, job/occupation, salary/pay, gift/present, trip/journey, angry/mad, important/significant,"
    "main/primary, best way/ideal way, cancel/call off, delete/erase, change/modify, modify/alter, verify/confirm, build/construct, use/utilize,"
    "find/locate, make/create, explain/describe, reason/cause, method/way, fee/charge, lost/misplaced, broken/damaged, funds/money, topping up/adding money to,"
    "recipient/payee, wrong/incorrect, entire/whole, remain/stay, large/huge, huge/enormous, dad/father, mom/mother, tell me/let me know, vacation/holiday"
)
UNITS: Final = _pairs(
    "miles/kilometers, feet/meters, inches/centimeters, pounds/kilograms, ounces/grams, gallons/liters, fahrenheit/celsius, dollars/euros, hours/minutes,"
    "days/weeks, months/years, cups/tablespoons, bytes/bits, megabytes/gigabytes, km/miles, kg/lbs, mph/kph, seconds/milliseconds, acres/hectares,"
    "pints/litres, watts/volts, quarts/liters, yards/metres, euro/dollar, usd/eur, pounds/dollars, days/months, weeks/hours"
)
MONTHS: Final = _list(
    "January, February, March, April, May, June, July, August, September, October, November, December"
)
DAYS: Final = _list("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")
NUMBER_WORDS: Final = _list(
    "two, three, four, five, six, seven, eight, nine, ten, twelve, fifteen, twenty, thirty, fifty"
)
RESTRICTIONS: Final = _list(
    "for children, for beginners, in winter, without internet, on a budget, for a business account, for seniors, at night, in the US, abroad,"
    "for vegetarians, during pregnancy, on weekends, by phone, as a student, for cats, in space, without a password, from abroad, for free,"
    "on my phone, with a credit card, in ancient Rome, in the 19th century, before surgery, under water, on mobile, for teenagers, in Europe"
)
FORMATS: Final = [
    ["Answer as a bullet list.", "Use bullet points, please.", "Give it as a bulleted list."],
    ["Put it in a table.", "Format the answer as a table.", "As a table, please."],
    ["Answer in JSON.", "Return JSON only.", "Reply as a JSON object."],
    ["Keep it to one sentence.", "In one sentence please.", "Answer in a single sentence."],
    ["Answer in detail.", "Be detailed, please.", "Give a long, detailed answer."],
    ["Explain it to a five-year-old.", "Explain as if I were five.", "Explain like I'm 5."],
    ["Answer step by step.", "Show it as numbered steps.", "List the steps with numbers."],
    ["Write it as an email.", "In the form of an email, please."],
    ["In fewer than 50 words.", "Use under fifty words."],
    ["Use a formal tone.", "Keep the tone formal."],
    ["Keep the tone casual.", "Use a casual tone."],
    ["Just yes or no.", "Answer only yes or no."],
    ["Give me three examples.", "With three examples, please."],
    ["Show code in Python.", "Use Python for the code."],
    ["Show code in Java.", "Use Java for the code."],
]
PREFIXES: Final = [
    "please ",
    "hi, ",
    "hello! ",
    "hey there, ",
    "hi there ",
    "good morning, ",
    "quick question: ",
    "sorry to bother you, ",
    "I was wondering, ",
    "excuse me, ",
    "ok so ",
    "so ",
    "hello I have a question. ",
    "can you help me? ",
    "I need some help. ",
    "could you please answer this: ",
    "question: ",
    "kindly ",
    "umm, ",
    "dear assistant, ",
    "dumb question but ",
    "a question for you: ",
    "maybe you know this: ",
    "hey ",
    "yo, ",
    "well, ",
    "greetings. ",
    "I'd like to know: ",
    "just curious, ",
    "tell me please, ",
]
SUFFIXES: Final = [
    " please",
    " thanks",
    " Thank you!",
    ", thanks in advance",
    " Thanks a lot.",
    " Could you help?",
    " Any help is appreciated.",
    " cheers",
    " I would appreciate it.",
    " plz",
    " pls",
    " Let me know.",
    " I'm not sure.",
    " thx",
    " Please help me with this.",
    " Many thanks for your time.",
    " asap",
    " if you don't mind",
    " Do you know?",
    " I am curious.",
    " Please advise.",
]
REPAIRS: Final = [
    "no",
    "or no",
    "no wait",
    "no sorry",
    "sorry",
    "I mean",
    "er I mean",
    "uh no",
    "or rather",
    "rather",
    "make that",
    "actually",
    "scratch that",
    "oops",
    "no make that",
    "um no",
    "er",
    "wait no",
    "sorry I meant",
    "well actually",
    "or actually",
    "no I meant",
    "hold on",
    "I'm sorry",
]
FILLERS: Final = ["um", "uh", "er", "like", "you know", "I mean", "hmm"]
CONTRACTIONS: Final = [
    ("what is", "what's"),
    ("who is", "who's"),
    ("where is", "where's"),
    ("how is", "how's"),
    ("it is", "it's"),
    ("i am", "I'm"),
    ("do not", "don't"),
    ("does not", "doesn't"),
    ("can not", "can't"),
    ("cannot", "can't"),
    ("is not", "isn't"),
    ("are not", "aren't"),
    ("did not", "didn't"),
    ("i have", "I've"),
    ("i would", "I'd"),
    ("will not", "won't"),
    ("that is", "that's"),
]
FRAMES: Final = [  # first pattern (after which a verb phrase stands), and the ways to say the same
    (
        [
            "how do i",
            "how can i",
            "how could i",
            "how would i",
            "how should i",
            "how to",
            "what's the best way to",
            "what is the way to",
            "what do i need to do to",
            "can you tell me how to",
            "i want to know how to",
            "please explain how to",
            "tell me how to",
            "i don't know how to",
            "i need to know how to",
            "show me how to",
            "what steps do i take to",
            "what should i do to",
            "is there a way to",
            "could you explain how i can",
            "i'd like to know how to",
            "do you know how i can",
            "help me understand how to",
            "i am trying to",
            "i need help to",
            "i would like to",
        ]
    ),
    (
        [
            "what is",
            "what's",
            "tell me what",
            "can you explain what",
            "i want to know what",
            "do you know what",
            "could you tell me what",
            "i'd like to know what",
        ]
    ),
    (
        [
            "tell me about",
            "what can you tell me about",
            "i want to know about",
            "give me information about",
            "i'd like to learn about",
            "can you tell me about",
            "explain",
            "describe",
            "give me details on",
        ]
    ),
    (
        [
            "can i",
            "may i",
            "am i able to",
            "is it possible to",
            "am i allowed to",
            "could i",
            "is it possible for me to",
            "would i be able to",
        ]
    ),
    (["why did", "what is the reason that", "what made it that", "how come"]),
    (
        [
            "where can i",
            "where do i",
            "where could i",
            "in which place can i",
            "where should i go to",
            "what is the place to",
            "where would i",
        ]
    ),
    (
        [
            "how long does it take to",
            "how much time does it take to",
            "how much time is needed to",
            "what time does it take to",
        ]
    ),
]
QUESTION_WORDS: Final = _list("who, when, where, why, how, what")
CLAUSES: Final = [
    "{q}",
    "{q} And how much does it cost?",
    "{q} Also, who invented it?",
    "{q} Which is the oldest one?",
    "{q} If so, since when?",
    "{q} What are the risks?",
    "{q} Compare it with the alternatives.",
]
