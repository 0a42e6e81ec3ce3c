"""Signs that the assistant is told to do something, or told what means something only here."""

from __future__ import annotations

import re
from typing import Final

from cache.classes.lexicon import DONE_TO, SERVED, any_of
from cache.classes.sign import sign

_SERVED_WORDS = """
    alarm alarms timer timers reminder reminders light lights lamp lamps thermostat heating ac a air tv television oven
    stove fan blinds garage volume speaker speakers brightness vacuum coffee coffeemaker dishwasher sprinkler sprinklers
    radio heater song songs track tracks tune tunes music playlist playlists album albums podcast podcasts movie meeting
    meetings appointment appointments calendar pto vacation day days time conference event uber lyft taxi cab ride table
    reservation reservations hotel room flight flights plane ticket tickets list todo cart text texts message messages
    sms email emails voicemail notification note notes mail
"""
_THING = rf"\b{SERVED}\b"

ACTION: Final = (
    sign(
        "told-thing",
        "action",
        rf"^{DONE_TO}\b.{{0,70}}?{_THING}",
        core=True,
        needs=_SERVED_WORDS,
    ),
    sign(
        "told",
        "action",
        r"^(?:remind me|wake me|play\b(?! (?:a|the|an|two|different) (?:role|part|different))|pause|skip|mute|unmute"
        r"|snooze|resume|shuffle|next song|volume|louder|speak|talk|slow down|speed up"
        r"|turn (?:it |that |this |the .{1,30} )?(?:on|off|up|down)|call me|call (?:my|mom|dad|\w+ (?:back|now|for))"
        r"|text\b|dial|message \w+|email \w+ (?:that|about|to)|(?:send|transfer|wire|move) .{0,40}(?:to|from)\b"
        r"|(?:send|transfer|wire|move|pay) .{0,20}(?:\$|\d|money|dollars|euros)|pay (?:my|the|off|for|\w+ back|\w+'s)"
        r"|book (?:a|an|me|my|us|the)|reserve\b|schedule\b|order (?:a|an|me|some|more|another|the|us|my|\d)"
        r"|buy (?:a|an|me|some|more|another|the|us)|cancel (?:my|the|that|this|it)"
        r"|stop (?:that|this|it|doing|playing|talking)|delete (?:my|all|the|that|this)|start recording|repeat\b"
        r"|say (?:that|it) again|restart\b|reboot|deploy\b|lock\b|unlock\b|put .{1,60}\bon (?:my|the)\b"
        r"|add .{1,60}\b(?:to|on) (?:my|the|our)\b|(?:remove|take|delete|drop) .{1,60}\b(?:from|off|of) (?:my|the)\b"
        r"|change (?:your|my) (?:name|language|accent|volume|speed|voice)|from now on|reply to"
        r"|forward (?:this|that|the)|tell (?:my|mom|dad|the bank|them|him|her)\b|let my \w+ know|notify|inform my"
        r"|contact my|find my (?:phone|cell)|freeze\b|block my|refer to me|your (?:new )?name (?:is|will|should))",
        core=True,
    ),
    sign(
        "told-somebody",
        "action",
        r"^(?:tell|inform|notify|alert|contact|let|ask|text|ping|message|email|call|warn|remind) (?:my |the )?"
        r"(?!me\b|us\b|i\b|you\b|if\b|about\b)[a-z']+ (?:that|know|i|he|she|we|they|to|about|i'm|i'll)\b",
        core=True,
    ),
    sign(
        "wanted",
        "action",
        r"\bi(?:'d| would| will|'ll|'m| am)?(?: really| also| just)?"
        r" (?:need(?:ing)?|wan(?:t|na)|like|love|gotta|require|have|gonna|going to need)(?: to)?\b"
        rf"(?: have| get| hear| listen to| see)?.{{0,60}}?{_THING}",
        needs=_SERVED_WORDS,
    ),
    sign(
        "to-be-done",
        "action",
        rf"{_THING}.{{0,40}}\b(?:should|needs? to|must|has to|have to|is to|ought to|has got to)(?: now)? be\b",
        rf"{_THING} (?:on|off|up|down)\b\W*(?:please|now)?\W*$",
        rf"\bi (?:don'?t|no longer|do not|won'?t) (?:need|want|require)\b.{{0,40}}{_THING}",
        rf"\b(?:have|get|got|getting) (?:the |my |a |an |some |your )?.{{0,20}}{_THING}.{{0,15}}"
        r"\b(?:turned|set|sent|booked|increased|decreased|lowered|raised|scheduled|made|added|paid|ordered)\b",
        needs=_SERVED_WORDS,
    ),
    sign(
        "may-i-have",
        "action",
        r"^\W*(?:can|could|may|might) (?:i|we) (?:please |just )?"
        rf"(?:get|have|hear|book|reserve|hail|order|listen|put|take|add|see|make|schedule)\b.{{0,60}}{_THING}",
        always=True,
        needs=_SERVED_WORDS,
    ),
    sign(
        "pay",
        "action",
        r"\b(?:pay(?:ing)?|make a payment|payment)\b.{0,40}\b(?:bills?|rent|loan|mortgage|insurance|utilities"
        r"|tuition)\b",
        r"\b(?:bill|rent)\b.{0,20}\b(?:paid|payment)\b",
        needs="pay paying payment paid",
    ),
    sign(
        "lost-thing",
        "action",
        r"\b(?:find|locate|where|lost|misplaced|can't find|ring)\b.{0,20}\bmy (?:\w+ )?(?:cell ?phone|phone|cell|iphone"
        r"|android|keys|remote|tablet|watch)\b(?!.{0,60}(?:app|account|card|money|stolen))",
        needs="my",
    ),
    sign(
        "name",
        "action",
        r"\b(?:i(?:'ll| will| want to|'d like to| would like to|'m going to|'m)?|let me|can i)"
        r" (?:call|calling|name|rename|refer to) you\b",
        r"\b(?:your|my) (?:new |ai )?name (?:is (?!what)|will|should|shall|to be|to|from)\b",
        r"\b(?:change|switch|make|set|want) (?:your|my|the ai'?s?) (?:\w+ )?name\b|\brename (?:you|yourself)\b",
        r"^(?:you (?:can|may|should|must|could) )?(?:just |please )?(?:call|address|refer to|start calling)"
        r" (?:me|yourself)\b|^the name is\b|\bwhat(?:'s|s| is)? my name\b",
        r"\b(?:what|how) (?:do|did|would|will|are|should|can) you (?:want to |like to |going to )?"
        r"(?:call|refer to|address) me\b|\bname .{0,25}\b(?:for|of|call|know) me\b|\byou call me\b"
        r"|\bmy (?:user ?)?name\b.{0,15}\?|^is my name\b",
        always=True,
        needs="call calling name rename refer address",
    ),
    sign(
        "talk",
        "action",
        r"\bi (?:didn'?t|did not|couldn'?t|could not) (?:quite |really )?(?:hear|catch|understand|get)"
        r"(?: (?:you|that|it|what you said|the last .{0,20}))?(?:[,.!]|\s*$)",
        r"\b(?:missed|hear|catch) (?:that|what you)\b|\bwhat (?:was that|did you say|was said)\b"
        r"|\bwhat you(?:'ve| have)?(?: just)? said\b|\b(?:be|keep) (?:quiet|silent)\b"
        r"|^(?:shut (?:up|it)|hush|silence)\b"
        r"|\b(?:stop|quit) (?:talking|speaking|everything|doing)\b",
        r"^(?:speak|talk|go|slow|speed)\b.{0,25}\b(?:faster|slower|slowly|louder|quicker|quickly|down|up|softer"
        r"|quieter|clearly)\b|\byour (?:speech|speaking|talking|voice|volume|speed|rate)\b",
        r"\b(?:talk|talking|speak|speaking) (?:too |so |more |a bit |a little )?"
        r"(?:fast|slow|faster|slower|slowly|quickly|loud|louder|quieter)\b",
        r"\b(?:i (?:can'?t|cannot) (?:decide|say|tell)|no clue|hell if i know|it depends|could be either"
        r"|either (?:one|way|of them)|i (?:really |just |honestly )?(?:don'?t|do not) (?:really )?know)\W*$",
        r"\b(?:say|ask|tell|hear|know|go over|do|repeat)\b.{0,20}\bagain\b\W*(?:please)?\W*$|^again\b",
        r"\b(?:repeat|say|restate|rephrase|reiterate)\b.{0,12}\b(?:that|it|yourself|this|what you|your|the last)\b",
        r"\b(?:cancel|stop|forget|abort|end|undo|ignore|quit|drop) (?:that|this|it|what (?:you|i)|doing"
        r"|the (?:process|task|last|previous|current|action|request|command|operation|mission))\b|\bone more time\b",
        longest=80,
        needs="hear catch understand missed said say quiet silent shut hush silence stop quit speak talk go slow speed"
        " speech"
        " speaking talking voice volume rate decide tell clue depends either again repeat restate rephrase reiterate"
        " cancel forget abort end undo ignore drop time know that didnt couldnt",
    ),
)

_SAID = any_of(
    """yes, yeah, yep, yup, ya, yea, sure, ok, okay, no, nope, nah, not really, maybe, perhaps, possibly, affirmative,
    negative, correct, right, exactly, absolutely, definitely, certainly, indeed, of course, true, false, fine, great,
    agreed, stop, cancel, quit, abort, enough, continue, go on, next, again, never ?mind,
    forget (?:it|that|about it), scratch that, undo, pardon, huh, come again, repeat, say again, please,
    sounds good, do it, go ahead, either, neither, both, whatever, no idea, not sure, the (?:other|first|second) one,
    i(?:'m| am)? (?:really |just |honestly |truly )?(?:don'?t know|do not know|not sure|unsure|not certain
    |have no idea|haven'?t a clue|can'?t say|agree|disagree|think so|guess so|guess|suppose so|believe so|think not),
    that(?:'s| is| sounds| would be| works)? (?:right|correct|true|fine|good|great|it|works|all|enough|wrong|false
    |not right|not it|not true|incorrect|perfect|okay|ok), it is, it isn'?t, it could be, i do, i don'?t, i did,
    i will"""
)
REPLY: Final = re.compile(rf"^\W*(?:{_SAID}\b\W*){{1,4}}$")
"""A whole text that means something only after the turn before it."""
