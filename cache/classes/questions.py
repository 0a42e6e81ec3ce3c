"""Signs that an answer rests on the asker's own records, on the time, or on chance; and of creative requests."""

from __future__ import annotations

import re
from typing import Final

from cache.classes.lexicon import ASKS_AFTER, KEPT, OWNED, any_of
from cache.classes.sign import sign

_MINE = r"\b(?:my|mine|our)\b(?! (?:child|son|daughter|kid|wife|husband|\w*friend|mom|dad|dog|cat|life))"
_ADVERB = r"(?:still |already |currently |ever |even |last |just |really |recently |get |gotten |been )?"
_DID = "spend|got|used?|take|taken|buy|bought|put|ask|set|request|requested|order|pay|paid"
_MONEY_OBJECT = any_of(
    """accounts?, cards?, payments?, transfers?, orders?, transactions?, purchases?, deposits?, withdrawals?,
    applications?, claims?, refunds?, flights?, cheques?, checks?, packages?, subscription"""
)
_TROUBLE = any_of(
    """declined?, declining, blocked, frozen, freeze, rejected, reject, on hold, a hold, locked, pending, failed,
    accepted, denied, (?:over)?charged, closed, suspended, reverted, missing, arrived, approved, processed, delayed,
    delivered, received, credited"""
)

OWN_DATA: Final = (
    sign(
        "mine",
        "own-data",
        rf"^{ASKS_AFTER}\b.{{0,70}}?{_MINE}(?: \S+){{0,3}}? {OWNED}\b",
        rf"^{ASKS_AFTER}\b.{{0,40}}?\b(?:do|did|have|will) i {_ADVERB}"
        rf"(?:have(?! to)|owe|earn(?! money)|make(?= (?:per|a|an|each|every|in)\b)|get paid|own|took|left|go"
        rf"|accrued?|saved?|last|{_DID})\b",
        rf"^(?:do|did|have|was) i {_ADVERB}(?:have (?:any|a|an|enough|the|plans|meetings|\d"
        rf"|\w+ (?:left|on|in|for|with|scheduled|today|tomorrow))|owe|earn|get paid|miss|approved|remember|{_DID})\b",
        r"\bhow (?:much|many|long)\b.{0,30}\b(?:i have|i've|have i|do i have|did i|i had) ?"
        r"(?:left|remaining|used|taken|earned|accrued|saved|spent)?\b(?! to)",
        r"\bi (?:have left|have remaining|owe)\b|\b(?:status|update) (?:of|on|for) (?:my|the|our|\w+ \w*\d)",
        r"\bmy (?:current )?(?:location|balance|credit score|credit limit|schedule|calendar|reminders|bank balance"
        r"|account balance)\b(?! sheet)|\bwho am i\b",
        core=True,
        longest=160,
        needs="my mine our i ive status update",
    ),
    sign(
        "kept",
        "own-data",
        rf"^(?:{ASKS_AFTER}|any|anything|what's)\b.{{0,60}}\b(?:the|any|next|a|on|in|scheduled|today'?s|tomorrow'?s"
        rf"|many|much|me)\b.{{0,15}}\b{KEPT}\b",
        r"\b(?:how much|how many|what) .{0,20}\b(?:am i|i am|i'm|do i|i)"
        r" (?:making|earning|make|earn|paid|owe|bring home|have left)\b(?! money (?:online|with|from|by|on))",
        rf"^(?:my|our) {OWNED}\b.{{0,40}}\b(?:is what|please|balance|status|info)\b",
        rf"^(?:am i|is my|are my|was my|has my|did my|have my|does my|will my)\b.{{0,40}}\b{OWNED}\b",
        core=True,
        needs="meeting meetings appointment appointments calendar agenda list reminder reminders package packages"
        " parcel tire tires tank fuel level day days pto off number balance inbox unread voicemail voicemails"
        " my our i im",
    ),
    sign(
        "how-much",
        "own-data",
        r"\bhow (?:much|many|long)\b.{0,50}\b(?:i|i've|my)\b.{0,25}\b(?:left|remaining|used|taken|earned?|accrued|saved"
        r"|spent|have|got|owe|make|making|get paid|so far|available)\b(?! to)",
        r"\bhow long (?:has it been )?since (?:i|my|the last)\b|\bwhen was my last\b"
        r"|\b(?:when|what day|what date|last time)\b.{0,25}\b(?:i|my)\b.{0,25}\blast\b|\bwhen was the last time i\b",
        needs="i my ive since last",
    ),
    sign(
        "here",
        "own-data",
        r"\b(?:near|nearest to|close to|closest to|around) (?:me|here|us|by|my (?:location|place|house|area))\b",
        r"\bnearby\b|\b(?:in|from) my (?:area|town|city|neighbou?rhood)\b|\b(?:the )?(?:nearest|closest)\b"
        r"|\bgps (?:coordinates|location|position)\b",
        r"\bwhat (?:city|town|state|street|country|location|place|address|area) (?:am i|are we|is this|i am|is it)\b",
        r"\bwhere (?:i am|we are|i'm|am i|are we)\b|\bi(?:'m| am) (?:currently )?(?:in|at) what\b",
        r"\b(?:my|current|present|this) (?:current |exact |present )?(?:location|whereabouts|coordinates|position)\b",
        needs="near nearest close closest around nearby area town city neighborhood neighbourhood gps where what"
        " location whereabouts coordinates position",
    ),
    sign(
        "trouble",
        "own-data",
        rf"\b(?:my|our|a|the) (?:\S+ ){{0,3}}?{_MONEY_OBJECT}\b(?: \S+){{0,6}}? {_TROUBLE}\b",
        r"\b(?:hold|block|freeze) on my\b|\b(?:declin\w+|reject\w+|block\w+|froze|freez\w+|locked?|den(?:y|ied)"
        r"|charged?) my\b|\bi (?:was|got|have been|am being|'ve been) (?:double |over)?charged\b",
        always=True,
    ),
)

VOLATILE: Final = (
    sign(
        "now",
        "volatile",
        r"\bwhat(?:'s|s| is)? (?:the )?(?:current )?(?:time|date|day)(?: is it| (?:right )?now| today| in\b|\W*$)",
        r"\bwhat (?:time|day|date|year|month) (?:is it|is today|it is|will it be|was it|is tomorrow)\b",
        r"\b(?:the|current|exact|local) time\b(?: (?:in|at|now|right now|please)\b|\W*$)|\bwhat time\b.{0,12}\bnow\b",
        r"\btoday'?s (?:date|weather|news|headlines|forecast|schedule|score|price|special|rate|horoscope)"
        r"|\b(?:weather|forecast|temperature outside)\b"
        r"|\b(?:is|will) it (?:be |going to )?(?:rain|snow|sunny|cold|hot|warm|windy|cloudy|raining|snowing)",
        r"\b(?:latest|breaking|current|recent|today'?s|local) (?:\w+ )?"
        r"(?:news|headlines|scores?|prices?|rates?|status|events)\b|\bheadlines\b|\bin the news\b"
        r"|\bnews (?:on|about|today|from)\b|\b(?:stock|share|gas|bitcoin|oil|gold) prices?\b|\bexchange rate\b"
        r"|\bhow is the traffic\b|\btraffic (?:now|today|like|on the way|to (?:work|the))\b",
        r"\b(?:right now|at the moment|tonight|this (?:morning|afternoon|evening|week|weekend))\b",
        r"\bcurrent (?:time|date|price|weather|temperature|rate|president|prime minister|ceo|champion|mayor|governor"
        r"|song)\b|\b(?:score|winning|playing)\b.{0,20}\b(?:game|match)\b",
        r"\bwhat(?:'s|s| is)? (?:this |the |that |currently )?(?:song|playing|tune|track)\b"
        r"|\b(?:song|track|tune|music)\b.{0,20}\b(?:is (?:this|playing|on|currently)|playing)\b"
        r"|\bwho (?:sings|is singing|sang) (?:this|that)\b",
        r"\bdate (?:today|tomorrow|is it|will it)\b|\bhow (?:is|are) .{2,30} doing today\b",
    ),
    sign(
        "open-now",
        "volatile",
        r"\bflights? (?:from|to|out of|into|leaving|for|departing)\b|\bvacanc(?:y|ies)\b",
        r"\b(?:flights?|hotels?|tables?|rooms?|seats?|tickets?|appointments?|reservations?)\b.{0,40}"
        r"\b(?:available|availability|free|open|left)\b",
        r"\bavailab(?:le|ility)\b.{0,40}"
        r"\b(?:flights?|hotels?|tables?|rooms?|seats?|tickets?|appointments?|reservations?|today|tonight|tomorrow)\b",
        r"\btravel (?:alerts?|advisor(?:y|ies)|warnings?|ban)\b"
        r"|\bsafe (?:to (?:go|travel|visit|fly)|for (?:travel|tourists))\b",
        r"\b(?:which|any|good|best|cheap|cheapest|find|show)\b.{0,15}\bhotels?\b",
        r"\bdate\b.{0,12}\b(?:today|tomorrow|please|now)\b|\b(?:today|tomorrow|yesterday)'?s (?:date|month|day)\b"
        r"|\bwhat(?:'s| is) today\b|^\W*(?:the )?(?:date|time)(?: please| now)?\W*$|\bwhat (?:hour|minute)\b"
        r"|\bo'?clock is it\b|\b(?:is|are) .{2,30} (?:open|closed)\b.{0,12}"
        r"\b(?:now|today|tonight|tomorrow|yet|still)\b",
        r"\bwho(?:'s| is) (?:at|in|calling|winning|playing|leading)\b"
        r"|\b(?:title|name|artist|singer) (?:of|for) (?:this\b|the (?:current )?song\W*$)"
        r"|\b(?:song|artist|band|tune|singer) (?:is (?:this|it|on|playing)|are we|am i|i'm|we're)\b"
        r"|\bwhats? .{0,10}\b(?:clock|time) (?:say|now|right now)\b|\btime in \w+\W*$",
        needs="flight flights vacancy vacancies available availability free open left travel safe hotel hotels date"
        " today todays tomorrow tomorrows yesterdays time hour minute oclock closed who whos song title name artist"
        " singer band tune clock",
    ),
)

RANDOM: Final = (
    sign(
        "draw",
        "random",
        r"\b(?:roll|throw|toss|flip|cast)\w*\b.{0,30}\b(?:die|dice|coins?|d\d+|quarter|penny)\b"
        r"|\b(?:coin|dice) (?:flip|toss|roll)\b|\bheads or tails\b|"
        r"\b(?:a|any|some|pick|choose|give me|generate) random\b"
        r"|\brandomly (?:pick|choose|select)\b|^\W*random\b|\bsurprise me\b",
        r"\b(?:pick|choose|think of|guess) (?:a|any|me a) (?:number|card|color)\b"
        r"|\b(?:generate|create|make|give me)\b.{0,30}\b(?:password|passphrase|uuid|guid)\b",
        r"\banother (?:joke|fact|story|riddle|quote)\b|^\W*(?:another one|one more|give me another(?: one)?)\W*$",
        r"\b(?:a|another|any|some|good|funny|best|funniest|more|me|hear|know|tell) (?:\w+ ){0,2}jokes?\b"
        r"|\b(?:fun|interesting|random|cool|weird|neat|useless) (?:\w+ )?(?:facts?|trivia|thing)\b"
        r"|\btell me (?:a|an|another|some) (?:\w+ )?(?:facts?|trivia|riddle)\b",
        r"\bsomething (?:interesting|funny|fun|cool|new|random|weird)\b|\bmake me laugh\b|\btrivia\b",
        longest=300,
        needs="die dice coin coins quarter penny heads random randomly surprise number card color password passphrase"
        " uuid guid another one joke jokes fact facts trivia thing riddle something laugh d4 d6 d8 d10 d12 d20",
    ),
)

CREATIVE: Final = re.compile(
    r"\b(?:write|compose|create|invent|make up|tell)\b(?: me| us)?.{0,20}\b(?:poem|haiku|sonnet|limerick|story|tale"
    r"|song|lyrics|rap|joke|riddle|slogan|tagline|novel|script|dialogue)\b|\bbrainstorm\b",
    re.IGNORECASE,
)
