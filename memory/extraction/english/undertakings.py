"""What people have decided, what has to be, what it may cost and when it is due."""

from __future__ import annotations

from typing import Final

from memory.extraction.english.words import PARTS
from memory.extraction.rules import Rule, rules_of

UNDERTAKINGS: Final[tuple[Rule, ...]] = rules_of(
    PARTS,
    (
        "settled",
        "project",
        "anywhere",
        r"(?:we|I|our \w+|the (?:team|board|committee|group|family|council|funder|client)|my (?:wife|husband"
        r"|partner|team|boss) and I|(?-i:[A-Z])\w+ and I|we all|both of us)(?:'?ve| have| has| had)? (?:just "
        r"|also |finally |now |recently |all |both |already |since |officially |unanimously |eventually"
        r" )*<chose>(?! to (?:call|write|ask|contact|check|see|get|look|come|try)\b)(?! (?:<this>|in\b|house"
        r"|that up|me\b|off\b|it\b|is\b|was\b|are\b|has\b|seems\b|before\b|earlier\b|yes\b|already\b|now\b"
        r"|just\b|I no\b|yesterday$|from (?:my|the|your|a list|among)\b|(?:an? |the )?(?:\w+ )?wrong\b"
        r"|[^.!?]{0,40}\bby (?:mistake|accident)))",
    ),
    (
        "settled",
        "project",
        "lasting",
        r"[^.!?]{3,140}?\b(?:(?:that|which|it|this)(?:'s| is| was| much is| part is| bit is) (?:all |now "
        r"|already )?(?:agreed|settled|decided|final|non-negotiable)\b(?! (?:yet|by))|is (?:agreed|settled"
        r"|final|non-negotiable|set in stone)\b(?! (?:yet|by)))",
    ),
    (
        "settled",
        "project",
        "",
        r"(?:agreed|settled|opted) (?:that|on|for) (?!<this>)\S",
    ),
    (
        "settled",
        "project",
        "lasting",
        r"(?:we|the (?:team|board|committee))(?: all)? (?:talked (?:it|that|this) (?:over|through)|discussed"
        r" (?:it|that|this)|met|had a (?:meeting|call|vote))[^.!?:]{0,60}: \S",
    ),
    (
        "settled",
        "project",
        "",
        r"(?:it (?:was|has been|is) (?:agreed|decided|settled)|the decision (?:is|was|has been made)|(?:the"
        r"|our) (?:final )?(?:decision|choice|plan|agreement) is)(?: that| to|:)* \S",
    ),
    (
        "settled",
        "project",
        "errand",
        r"<were> (?:now |definitely |just )*(?:keeping|sticking with|staying with|going with|taking|cutting"
        r"|dropping|leaving out|doing without) (?!<this> ?(?:[,.]|$)|care|a break|turns|notes)\S",
    ),
    (
        "settled",
        "project",
        "lasting",
        r"(?:(?:the|a|an|our|one) )?(?:(?:final|new|last|house|official|unanimous) ){1,2}(?:answer|decision|word"
        r"|rule|policy|verdict|plan|version of the plan)\b(?: [^.!?:]{1,40})?: \S",
    ),
    (
        "undertaking",
        "project",
        "errand",
        r"(?:<were>|<im>) (?:currently |now |also |in the middle of |busy |just |finally )*(?:re-?doing"
        r"|re-?building|renovating|launching|planning (?:an? (?!trip|visit|vacation|holiday)|our |my )"
        r"|organi[sz]ing (?:an? |our |my )"
        r"|migrating|rewriting (?:our |the |my )|moving (?:to |from |house|everything|our |the )|building"
        r" (?:an? |our |my )|developing (?:an? |our |my )|setting up (?:an? |our |my )|opening (?:an? |our "
        r"|my )|expecting (?:an? |our |twins)|getting (?:an? |our )(?:\w+ )?(?:puppy|dog|cat|kitten|baby"
        r"|house|car|van|heat pump)|getting married|writing (?:my |a (?:book|novel|thesis|grant|paper"
        r"|review))|training for|studying (?:for|\w+ at)|learning \w+|saving (?:up )?for|starting (?:an? |my "
        r"|our )|converting (?:our |the |my )|porting|selling (?:our |the |my )|phasing out|dropping"
        r"|switching)\b(?! (?:<this>))",
    ),
    (
        "constraint",
        "project",
        "",
        r"(?:our|all|every|each|any|no|nothing|nobody|no one|everything|everyone|anything|both) (?:[\w'./-]+"
        r" ){0,8}?<must>(?! (?:be (?:a|something|some)\b|wrong))",
    ),
    (
        "constraint",
        "project",
        "errand",
        r"(?:the|my) (?!(?:text|answers?|reply|message|mail|email|poem|summary|output|code|function|result"
        r"|sentences?|words?|essay|story|title|letter|response|user|player|reader|password|file|script|query"
        r"|variables?|keys?|values?|fields?|strings?|lists?|columns?|rows?|names?|king|standard|rules?|law"
        r"|docs)\b)(?:(?!says|said|states)[\w'./-]+ ){1,4}?(?:cannot|may not|may only|can only|mustn'?t|must"
        r" not|must never|(?:is|are) (?:not allowed|forbidden|mandatory|capped|limited to|restricted to"
        r"|read-only|off[- ]limits|non-negotiable))\b(?! (?:be (?:a|something|some)\b|wrong))",
    ),
    (
        "constraint",
        "project",
        "errand",
        r"(?:the|my) (?!(?:text|answers|sentences|words|users|players|readers|variables|keys|values|fields"
        r"|strings|lists|columns|rows|names|rules|questions)\b)(?:[\w-]+ ){0,2}?(?:[\w-]{3,}s) (?:must|have"
        r" to|need to) (?:be|stay|have|go|come|include|contain|fit|use|support|run)\b",
    ),
    (
        "constraint",
        "project",
        "errand",
        r"(?!in\b|it\b|this|that|you|he\b|she\b|they|which|who|there|what|one\b|we\b|i\b|text"
        r"|answers?\b)(?:[\w'./-]+ ){1,4}?(?:may not|must not|must never|mustn'?t|may only|must always|must"
        r" only)\b",
    ),
    (
        "constraint",
        "project",
        "",
        r"(?:it'?s|it is|this is|there'?s|we have) an? (?:[\w-]+ ){0,2}(?:requirement|constraint|rule"
        r"|must)(?: that|:| here that| for us that) \S",
    ),
    (
        "constraint",
        "project",
        "",
        r"we (?:can'?t|cannot) have (?:an|any)",
    ),
    (
        "constraint",
        "project",
        "",
        r"we (?:must|are required to|have to (?:comply|support|stay|keep|use|follow|be)|are (?:not|only)"
        r" allowed|aren'?t allowed|can only|may (?:not|only)|cannot (?:use|store|exceed|change|share|send"
        r"|host|spend|ship|leave|take|accept|move)|can'?t (?:use|store|exceed|change|share|send|host|spend"
        r"|ship|leave|take|accept|move)|mustn'?t|need (?:to (?:comply|support|stay|keep|be)|[^.!?,]{1,50}"
        r" (?:at least|every|by <date>|per)\b))",
    ),
    (
        "constraint",
        "project",
        "",
        r"(?:nobody|no one|no-one|only \w+)(?: else)? (?:is allowed|may|can|merges|touches|has access|should"
        r"|gets to|is permitted|but \w+)\b",
    ),
    (
        "constraint",
        "project",
        "",
        r"(?:\S+ ){0,6}?(?:is|are) (?:read-only|not allowed|off[- ]limits|forbidden|a hard (?:limit"
        r"|requirement)|a must|non-negotiable|out of the question|not an option)\b",
    ),
    (
        "constraint",
        "project",
        "",
        r"I (?:cannot|can'?t|can not) (?:eat|drink|drive|walk (?:far|well|more)|climb|wear|stand|lift|sit"
        r"|digest|smell|swim|spend more|work (?:before|after|on|at)|do (?:mornings|evenings|weekends|stairs"
        r"|<date>)|take (?:calls|ibuprofen|aspirin|penicillin))\b(?! (?:<this>|anything about))",
    ),
    (
        "constraint",
        "project",
        "",
        r"I can only (?:eat|have|drink|drive|work|take|wear|use|spend|do|meet|sit|travel|come)\b(?! (?:<this>"
        r"|an?\b))",
    ),
    (
        "wanted_by",
        "project",
        "",
        r"(?:<people>|the (?:funder|client|landlord|board|law|regulator|auditors?|school|insurer|bank|council"
        r"|journal|publisher|customer|contract|lease|licence|license|policy|guidelines?|insurance|warranty"
        r"|reviewers?|legal|compliance|department|boss|management|town|city|association)) (?:wants?|requires?"
        r"|demands?|insists?|says no|asks for|expects?|forbids?|refuses?|prohibits?|prefers?|approved|allowed"
        r"|refused|rejected|confirmed|only (?:accepts?|takes?|allows?)|won'?t (?:allow|accept|let)"
        r"|does(?:n'?t| not) (?:allow|accept|want))\b(?! (?:me|us|to know|<this>))",
    ),
    (
        "budget",
        "project",
        "lasting",
        r"(?:(?:the|our|my|a) (?:[\w-]+ )?budget (?:is|of|was|has been|for)(?! (?:moderate|not|too)\b)"
        r"|budget:? (?:is |max |of )?[€$£\d]|(?:I|we) can spend (?:up to |at most )?[€$£\d]|we have (?:a"
        r" budget of )?[€$£]\d|(?:I|we) have (?:a budget of )?\d[\d.,]*k? (?:euros?|dollars?|pounds?|francs?))",
    ),
    (
        "date",
        "project",
        "lasting",
        r"(?:the|our|my) (?:[\w-]+ ){0,3}?(?:deadline|due date|launch|release|go-live|kick-?off|submission"
        r"|exams?|wedding|move|hearing|surgery|operation|defen[cs]e|handover|presentation|conference|audit"
        r"|opening|interview|marathon|concert|term|semester|lease|contract|visa|freeze|code freeze|sprint"
        r"|cut-?off|inspection|review|school trip|holiday|demo|pilot|migration) (?:is|are|falls|ends?|starts?"
        r"|begins?|expires?|runs?|will be|was moved|has been moved|got moved|is due|for"
        r"|of)[^.!?]{0,40}?(?:<date>|\d)",
    ),
    (
        "date",
        "project",
        "lasting",
        r"(?:we|I) (?:finally )?(?:launch|ship|go live|move(?: in| out| house)?|open|close|start|submit"
        r"|present|deliver|fly|leave|get married|graduate|release|freeze|hand over|are getting married|am"
        r" getting married|are moving)\b[^.!?,]{0,40}? (?:on|in|by|before|from|until) <date>",
    ),
    (
        "date",
        "project",
        "lasting",
        r"[^.!?,]{0,40}?\b(?:gave|gives?|given) us (?:until|till) <date>|(?:we|I)(?:'ve| have)?(?: got)?"
        r" (?:have )?(?:until|till) <date>|we have to (?:be|have) [^.!?,]{1,40} by <date>",
    ),
    (
        "date",
        "project",
        "lasting",
        r"(?:it|that|this|the \w+|everything|the \w+ \w+) (?:is|'s|are) due (?:on|by|at|in|before)? ?<date>",
    ),
    (
        "event",
        "episodic",
        "lasting",
        r"(?:(?:we|I) (?:finally |just |recently |actually )*|(?:finally|just|recently) )(?:signed|bought"
        r" (?:an? |our |the )(?:\w+ )?(?:house|flat|car|van|farm|boat|apartment|bike|piano)|sold|got"
        r" (?:married|engaged|divorced|promoted|a (?:puppy|dog|cat|kitten))|adopted|graduated|moved (?:to"
        r" (?-i:[A-Z])|in\b|out\b|house)|launched|retired|had (?:a baby|surgery|an operation|a stroke|twins"
        r"|our first)|broke my|(?:was|'?ve been|have been) diagnosed|were married|lost my job|passed my"
        r"|defended my|ran (?:my|a)"
        r" (?:first )?(?:half )?marathon|finished (?:my|the) (?:thesis|degree|book))\b",
    ),
    (
        "event",
        "episodic",
        "lasting",
        r"on (?:the )?(?:\d{1,2}(?:st|nd|rd|th)?(?: of)? (?:jan(?:uary)?\b|feb(?:ruary)?\b|march\b"
        r"|apr(?:il)?\b|may\b|june?\b|july?\b|aug(?:ust)?\b|sept?(?:ember)?\b|oct(?:ober)?\b|nov(?:ember)?\b"
        r"|dec(?:ember)?\b)|(?:jan(?:uary)?\b|feb(?:ruary)?\b|march\b|apr(?:il)?\b|may\b|june?\b|july?\b"
        r"|aug(?:ust)?\b|sept?(?:ember)?\b|oct(?:ober)?\b|nov(?:ember)?\b|dec(?:ember)?\b) \d{1,2}(?:st|nd|rd"
        r"|th)?)(?:,? 20\d\d)?,? (?:the|our|we|my|I) (?:[\w-]+ ){0,6}?(?!will|is\b|are\b)(?:\w+ed|went|broke"
        r"|lost|fell|ran|made|began|sent|won|left|met)\b",
    ),
)
