"""Word lists and forms of English that the rules of ``asked`` are put together from.

Patterns are held as text where others are built from them. All are matched against lower-case text.
"""

from __future__ import annotations

import re
from typing import Final


def any_of(words: str) -> str:
    """A group that matches one of the words or phrases, which are separated by commas."""
    joined = re.sub(r"\s*\n\s*(?=\|)", "", words)
    return "(?:" + "|".join(" ".join(word.split()) for word in joined.split(",") if word.strip()) + ")"


SERVED: Final = any_of(
    """alarms?, timers?, reminders?, lights?, lamps?, thermostat, heating, ac, a/c, air con\\w*, tv, television, oven,
    stove, fan, blinds, garage, volume, speakers?, brightness, vacuum, coffee ?maker, dishwasher, sprinklers?, radio,
    heater, songs?, tracks?, tunes?, music, playlists?, albums?, podcasts?, movie, meetings?, appointments?, calendar,
    pto, vacation, days? off, time off, conference room, event, uber, lyft, taxi, cab, ride, table, reservations?,
    hotel, room, flights?, plane, tickets?, shopping list, grocery list, to-?do list, todo, list, cart, texts?,
    messages?, sms, emails?, voicemail, notification, notes?, mail"""
)
"""What an assistant handles on the asker's behalf: devices, music, lists, dates, rides, bookings, messages."""

DONE_TO: Final = any_of(
    """set, turn, switch, dim, brighten, play, pause, resume, skip, shuffle, stop, start, restart, mute, unmute, raise,
    lower, increase, decrease, crank, adjust, change, make, put, place, add, remove, delete, erase, clear, take, drop,
    cancel, end, book, reserve, schedule, reschedule, arrange, plan, move, send, forward, reply, text, message, email,
    call, dial, phone, ring, get, find, order, buy, purchase, pay, submit, request, create, open, close, lock, unlock,
    confirm, check, verify, wake, remind, snooze, hail, grab, give, tell, let, inform, notify, contact, alert, keep,
    go, download, share, post, save, record, hold, block, freeze, sound, begin, run, bring, launch, deploy, install,
    rename, assign, activate, deactivate, enable, disable, sync, pair, connect, disconnect, update, read, abandon, nix,
    tweet, mark, archive, print, fetch, pick"""
)
"""Verbs an assistant is told to do something with."""

OWNED: Final = any_of(
    """balances?, accounts?, bills?, statements?, transactions?, purchases?, spending, payments?, orders?, packages?,
    parcels?, shipments?, delivery, deliveries, appointments?, calendar, meetings?, schedule, agenda, messages?,
    e-?mails?, inbox, reservations?, bookings?, flights?, gate, boarding, seat, credit, score, rating, limit, salary,
    income, wages?, earnings, pay, paychecks?, payday, raise, points, rewards, miles, benefits, lists?, reminders?,
    to-?dos?, tasks?, location, position, due, name, nickname, vacation, pto, days off, time off, leave, holidays?,
    request, application, claim, refund, tires?, tire pressure, gas, tank, fuel, mileage, battery, car, cards?, visa,
    mastercard, amex, apr, interest, mortgage, loan, rent, insurance, policy, plan, coverage, deductible, premium,
    copay, prescriptions?, results, grades?, savings, checking, money, funds, 401k, investments?, stocks?, portfolio,
    taxes, w-?2, subscription, membership, usage, data, minutes, routing, steps, calories, heart rate, sleep, workout,
    phone, keys, wallet, luggage, bags?, doctor, address, number, birthday, age, playlist, contacts?, notes?, photos?,
    files?, devices?, network, boss, manager, team, class, classes, exam, homework"""
)
"""What only the asker's own records can tell."""

KEPT: Final = any_of(
    """meetings?, appointments?, calendar, agenda, shopping list, grocery list, to-?do list, reminders?, packages?,
    parcel, tires?, tire pressure, gas tank, fuel, fuel level, oil level, vacation days?, sick days?, days? off, pto,
    paid time off, time off, routing number, account balance, bank balance, battery level, inbox, unread, voicemails?"""
)
"""What is the asker's own even where nobody says "my"."""

QUESTION: Final = (
    r"(?:what(?:'s|s| is| are| was| were| will| has| have)?|when(?:'s|s| is| are| was| will| does| did| do)?"
    r"|where(?:'s|s| is| are| was| did)?|which|who(?:'s| is| are)?"
    r"|how (?:much|many|long|high|low|good|far|old|soon|recently|often|big|is|are|was|close)"
    r"|is|are|was|were|has|have|does|do|did|will)"
)
LOOK_UP: Final = (
    r"(?:(?:show|check|list|read|tell|give|display|see|view|find(?: out)?|pull up|look up|look at|look into|look"
    r"|let me know|let me see|know|hear|search|report|track|locate|confirm|calculate|count|review|update|get|describe"
    r"|retrieve|double check)(?: me| us| on| for| to me| out| and see| what| when| where| if| how (?:much|many|long))*)"
)
WISH: Final = (
    r"(?:i(?:'d| would| will|'m)?(?: really| also| just)? (?:want|wanna|need|like|love|trying|have|wish|gotta"
    r"|am trying)(?: to)? (?:know|see|check|hear|find out|look|get|view|learn|figure out|track|have)"
    r"|do you (?:know|have|see|remember|recall)|any idea|i wonder|i was wondering"
    r"|(?:can|could|may) i (?:see|know|hear|get|have|check)|i'm (?:wondering|curious))"
)
ASKS_AFTER: Final = f"(?:{QUESTION}|{LOOK_UP}|{WISH})"
"""How a question after something's state begins."""

LEAD_IN: Final = re.compile(
    r"^(?:\W*(?:unrelated|by the way|btw|one more thing|(?:quick )?question"
    r"|please|pls|hey|hi|hello|ok|okay|now|so|well|actually|um+|uh+|also|then|alright|kindly|just|quick|quickly"
    r"|ai|alexa|siri|google|computer|assistant"
    r"|(?:can|could|would|will|can't|won't) (?:you|u|ya)"
    r"(?: please| kindly| just| be able to| mind| possibly| maybe| go ahead and)*"
    r"|are you able to|you (?:should|need to|can|may|must|have to|could)"
    r"|(?:i|we)(?:'d| would)? (?:want|need|like|wish|require|prefer)(?: for)? (?:you|u) to|i'll need you to"
    r"|i'm going to need you to|go ahead and|go and|be sure to|make sure (?:you|to)|do me a favor and"
    r"|(?:is it possible|would it be possible) (?:for you )?to|it(?:'s| is) time to|let'?s)\b)+\W*"
)
"""Greetings and politeness before what is asked for."""

REQUEST: Final = re.compile(rf"^(?:{ASKS_AFTER}|{DONE_TO}|write|compose|generate|roll|flip|toss|throw|pick)\b|\?$")
"""How a sentence begins or ends that asks for something, greetings and politeness left out."""

HELP: Final = re.compile(
    r"^\W*(?:(?:please |can you |could you |would you |will you |can u |i need |i want |i'd like |i would like )*"
    r"(?:please )?(?:help|assist|aid)(?: me| us)?(?: to| with| in| by)?"
    r"|i need (?:some )?(?:help|assistance)(?: with| in| to)?)\s+(?=\w)"
)

_HOW_TO_START: Final = re.compile(
    r"\W*(?:(?:can|could|may|should|must|shall|might)"
    r" (?:i|we|one|someone|a|an|the|my|it|they|he|she|people)\b|why\b)"
)
_HOW_TO_INSIDE: Final = re.compile(
    r" (?:how (?:do|does|can|could|to|should|would|might|did|must|may|i (?:can|could|should|would|might))\b"
    r"|what (?:should|must|can|could|would|steps|if|happens|are the steps|do i (?:have to|need|do\b)"
    r"|is the (?:best|process|procedure|way|easiest|proper|right)|(?:is|are) (?:a|an|some))\b"
    r"|(?:best|easiest|right|proper|only|fastest|quickest) (?:way|method|place|time)\b"
    r"|is (?:there (?:a|any) (?:way|chance|possibility)"
    r"|it (?:possible|ok|okay|safe|legal|normal|good|bad|wise|worth|better|true))\b"
    r"|(?:instructions|steps|procedure|process|guide me|walk me through|teach me|tips|advice|tutorial)\b"
    r"|why (?:is|are|do|does|did|was|were|can't|won't|isn't)\b"
    r"|where (?:(?:can|could|do|should|would|might) (?:i|we|you|one)|to)\b|who (?:can|do|should) i\b"
    r"|which (?:is|are) (?:a|an|some)\b|i (?:don'?t|do not) know (?:how|what|where)\b)"
)


def asks_how(text: str) -> bool:
    """Is it a question for instructions, reasons or leave? Its answer is the same for everybody."""
    return _HOW_TO_START.match(text) is not None or _HOW_TO_INSIDE.search(f" {text}") is not None


HELP_WANTED: Final = re.compile(
    r"\b(?:help\w*|assist\w*|support\w*|problems?|issues?|trouble|errors?|information|info|question|could i get"
    r"|don'?t know|do not know|not know)\b"
)
"""Help or information is asked for, which instructions give."""

TEXT_WORK: Final = re.compile(
    r"^\W*(?:summari[sz]e|translate|proof-?read|review|rewrite|re-?phrase|paraphrase|explain"
    r"|analy[sz]e|classify|extract"
    r"|fix|correct|edit|improve|refactor|debug|shorten|critique|annotate|grade|implement|optimi[sz]e|describe|define"
    r"|compare|discuss|draft|sort|let'?s (?:talk|discuss)|order (?:these|the following)|turn (?:this"
    r"|these|the following)"
    r"|read (?:this|the following)|(?:make|create|build) (?:me )?an? (?:\w+ )?(?:table|list of|chart"
    r"|outline|summary|plan"
    r"|comparison|diagram|lesson)|write (?:an?|some|the|me an?|me some) (?:\w+ ){0,3}(?:function"
    r"|script|program|query|tests?|class"
    r"|code|regex|essay|article|paragraph|letter|email|method|module|loop|macro|formula|story|poem|summary|report|blog"
    r"|application|app))\b"
)
"""Work on a text or on code, which the prompt itself holds or describes."""

CODE: Final = re.compile(
    r"\b(?:in|with|using|for) (?:python|java|javascript|typescript|rust|go(?:lang)?|c|c\+\+|c#|ruby"
    r"|php|swift|kotlin|scala|bash|sql"
    r"|html|css|r|matlab|excel|vs ?code|vim|emacs|git|docker|kubernetes|linux|windows|react|django"
    r"|node(?:\.?js)?|pandas)\b"
    r"|\b(?:cron job|regex|stack trace|unit test|npm|pip|git (?:branch|repo\w*|commit))\b"
)
"""What is told of a program or a tool is not told to the assistant."""

FOR_ALL: Final = re.compile(
    r"\b(?:pin|passcode|password|virtual|disposable|spare|physical|activat\w+|verif\w+|identity"
    r"|source|stolen|lost|steal"
    r"|stole|top(?:ping)?[- ]?(?:up|off)\w*|i need to do|needed to|need to do|my child|additional|second|extra cards?"
    r"|new card|how (?:can|do|to|should)|process|policy|allowed|required?|accept(?:ed)? (?:payment|card)s?|options?"
    r"|types?|kinds?|information about|deletion|removal|cancel+ation|in (?:which|what) cases?|have problems?|closure)\b"
)
"""Words of questions about a service rather than about the asker's own records, although they may say "my"."""


def without_lead_in(sentence: str) -> str:
    """The sentence after greetings and politeness."""
    return LEAD_IN.sub("", sentence)
