"""What is the case around people: their tools, places, households and hours."""

from __future__ import annotations

from typing import Final

from memory.extraction.english.words import PARTS
from memory.extraction.rules import Rule, rules_of

SURROUNDINGS: Final[tuple[Rule, ...]] = rules_of(
    PARTS,
    (
        "switched",
        "knowledge",
        "lasting anywhere",
        r"(?:I'?m|I am|we'?re|we are) (?:on|using|with|back to|back on) [^,.;!?]{1,40} (?:for good"
        r"|permanently|these days|nowadays|only|exclusively|everywhere|full[- ]time|by default)\b",
    ),
    (
        "asked_to_remember",
        "knowledge",
        "lasting",
        r"(?:please |also |and )*(?:remember|keep in mind|bear in mind|don'?t forget|do not forget|make a"
        r" note|note|for the record|for your (?:notes|records|information)|fyi|just so you know|so you know"
        r"|heads[- ]up|for context|some context|for background)(?:(?: that|:|,| -)+| (?=I'?m\b|I am\b|we\b"
        r"|my\b|our\b|the\b)) ?(?!to\b)(?:[\w']+ ){2,12}\S",
    ),
    (
        "asked_to_remember",
        "knowledge",
        "lasting",
        r"(?![^.!?]*\bI'?ll\b)[^.!?]{4,120}?\b(?:remember that|keep (?:that|this) in mind|make a note of"
        r" (?:that|this|it)|note"
        r" that down|write that down for later|put that in my (?:profile|notes|file)|save that for later"
        r"|reuse (?:it|that|this) (?:when|for|every)|that'?s our standard\b)",
    ),
    (
        "our_fact",
        "knowledge",
        "state",
        r"(?:all |both |most |some |each )?(?:of )?our (?!(?:order|parcel|package|delivery|flight|booking"
        r"|reservation|ticket|table|next|question"
        r"|problem|issue|goal|guess)\b)(?:[\w'./&-]+ ){1,5}?(?:is|are|was moved|runs?|lives?|uses?|sits?|has"
        r"|have|comes?|goes|starts?|ends?|opens?|closes?|requires?|speaks?|consists?|only|wants?|prefers?"
        r"|refuses?|takes?|accepts?|lies?|faces?|stays?|meets?|pays?|costs?|supports?|expires?|allows?"
        r"|leaves?|forbids?|prohibits?|prescribes?|includes?|covers?|arrives?|sleeps?|works?|depends?"
        r"|follows?|contains?|counts?|holds?|ships?|delivers?|handles?|manages?|owns?|serves?|expects?|needs?"
        r"|must|requires|don'?t|doesn'?t|do not|does not|never|always)\b",
    ),
    (
        "my_fact",
        "knowledge",
        "state",
        r"my (?:[\w-]+ )?(?:(?:<thing>)(?: \w+)?|(?:\w+ )?<kin_noun>|<people>|boss|manager|team)(?:'s?)?(?: names?)?"
        r" (?:is|are|runs?|lives?|uses?|has|have|starts?|ends?|speaks?|only|works?|faces?|owns?)\b(?! (?:this"
        r"|that|to (?:be|have|know)|been|a (?:problem|question|mess|bit)))",
    ),
    (
        "we_use",
        "knowledge",
        "state",
        r"I <adv>(?:read|do|write|pay|buy|watch|cook|store|keep|play|print) (?:everything|all (?:of )?my|most"
        r" of my|nearly everything|almost everything)\b",
    ),
    (
        "we_use",
        "knowledge",
        "state",
        r"(?:we|everyone here|everybody here) <adv>(?:all )?<used>(?! (?:<this>|up\b|to (?:you|this|that|it"
        r"|know|see|get|make|find)\b))",
    ),
    (
        "we_use",
        "knowledge",
        "state",
        r"I <adv>(?:use|host|run|keep|grow|sample|write|develop|program|code|sign|label|name|format|tag"
        r"|prefix|deploy|cook on|commute|drive|rent|own)(?: (?:everything|all|most|mostly|only|mainly|my"
        r" \w+))* (?!<this>|the\b|to\b|up\b|out\b|into\b|away\b|and\b|an?\b(?! \w+ (?:with|for|on|setup)))\w",
    ),
    (
        "we_are_on",
        "knowledge",
        "state errand",
        r"(?:<were>|everything is|<im>) <adv>(?:on|using(?! the\b| an?\b)|running(?! the\b| an?\b)|hosted"
        r" (?:on|in|by|at)|subject to|under|located in|behind) (?!<this>|an? (?:call|train|bus|plane|break"
        r"|hurry|page|step)|hold|holiday|vacation|(?:page|step|line|chapter|level) \d|my way|the (?:phone|way"
        r"|road|move|page|same|edge|verge|fence|train|bus|right|wrong|latest page)|time|track|fire|pressure"
        r"|stress|attack|leave|board|impression|it\b)\S",
    ),
    (
        "we_are_on",
        "knowledge",
        "state errand",
        r"(?:<were>|<im>) (?:now |currently |both |all )*in (?:(?-i:[A-Z])(?-i:[a-z])[\w-]+|sweden|germany"
        r"|france|the (?:uk|us|netherlands|eu)|canada|belgium|switzerland|spain|italy|austria|norway|denmark"
        r"|finland|ireland|poland|portugal|australia|india|japan|europe|berlin|london|paris|zurich|vienna)\b",
    ),
    (
        "with_us",
        "knowledge",
        "state",
        r"(?:everything|everyone|everybody|all of us) (?:here|in this (?:repo|house|team|project)|on our side"
        r"|we \w+) (?!is (?:fine|ok|good|great|working))\w+|(?:(?:here )?(?:at|in|on) (?:our|my) (?:[\w-]+"
        r" )?(?:company|office|shop|lab|team|school|house|home|clinic|department|place|firm|repo|project"
        r"|codebase|village|street|country|town|organi[sz]ation|practice|church|club|side),? (?:we|the|all"
        r"|every|no|nobody|there|everyone|I|it)|around here,?|(?:over )?here we|with us,?) (?!is\b)\S",
    ),
    (
        "since_then",
        "knowledge",
        "state lasting",
        r"(?:(?:as of|starting|since|with effect from) (?:this|next|last|<date>|the (?:first|new|coming"
        r"|1st))(?: \w+){0,2}?|from (?:this|next|<date>|the)[^.!?,]{0,20}? on(?:wards?)?),? (?:all|every|our"
        r"|we|I|the|only) (?!have\b|had\b|can'?t|get\b|am\b|need|want)\S",
    ),
    (
        "schedule",
        "knowledge",
        "state",
        r"(?!you\b|it\b|this\b|that\b|there\b|he\b|she\b|they\b|people\b|most\b|many\b)(?:[\w'./:-]+,?"
        r" ){2,12}?(?:every (?:day|week|month|year|quarter|morning|evening|night|<date>|second|other|first"
        r"|last|two|three|four|six|\d+)|each (?:day|week|month|year|quarter|morning|evening)|on (?:mon|tues"
        r"|wednes|thurs|fri|satur|sun)days|on (?:weekdays|weekends)|once an? (?:day|week|month|year|quarter)"
        r"|twice an? (?:day|week|month|year)|daily|weekly|fortnightly|monthly|quarterly|(?:mon|tues|wednes"
        r"|thurs|fri|satur|sun)days? (?:to|through|till|until) (?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b",
    ),
    (
        "stack",
        "knowledge",
        "state",
        r"(?:the|our|my) (?:[\w-]+ )?(?:backend|frontend|front[- ]end|back[- ]end|app|database|db|api|website"
        r"|site|server|stack|language|framework|pipeline|cluster|ci|orm|os|editor|client|cms|shop|library"
        r"|monorepo|firmware|model) (?:is|are|runs|uses|sits|lives) (?:all )?(?:written in |built (?:with|on"
        r"|in) |hosted (?:on|at|by) |on |in |behind |an? )?(?-i:[A-Z])[\w.+#-]+",
    ),
    (
        "set_to",
        "knowledge",
        "state",
        r"(?:the|our|my) (?:[\w-]+ ){1,4}(?:is|are) (?:set to|registered (?:to|under|in)|insured|rented"
        r"|leased|limited to|shared with|made of|heated (?:by|with)|powered by|connected to|locked|painted) ",
    ),
    (
        "number",
        "knowledge",
        "",
        r"(?:the|our|my) (?:[\w-]+ )?(?:customer|account|contract|policy|member|membership|order limit|vat"
        r"|tax|serial|licence|license|phone|room|flat|house|registration) (?:number|no\.?|id|code) (?:is|are) ",
    ),
    (
        "hours",
        "knowledge",
        "",
        r"(?:[\w-]+ ){0,2}(?:opening|office|support|working|business|quiet|core|visiting) hours (?:are|:|is)"
        r" ?\S",
    ),
    (
        "with_us",
        "knowledge",
        "state",
        r"(?!put|write|add|see|look|click|come|go\b|what|how|it\b|this|that\b|he\b|she\b|they\b|i\b"
        r"|you\b)(?:[\w'./-]+ ){1,6}?(?:needs?|requires?|goes|go|gets?|costs?|takes?|speaks?|closes?|opens?"
        r"|works?) [^.!?]{2,60} (?:here|for us|with us|at ours|on our side|around here|in this (?:house"
        r"|company|team|school|lab|repo|project))(?=[.!,;]|$)",
    ),
    (
        "owner",
        "knowledge",
        "",
        r"(?-i:[A-Z][a-zà-ÿ]+)(?: (?-i:[A-Z])[\w-]+)? (?:owns|is responsible for|is in charge of|signs off"
        r"|approves|handles|maintains|looks after|leads|is (?:our|my)(?! (?:first|second|last|favou?rite"
        r"|choice|best|only))|takes care of|is the (?:one|person"
        r"|owner|contact|lead))\b",
    ),
    (
        "kept_at",
        "knowledge",
        "state",
        r"(?!he\b|she\b|it\b|they\b|who\b|that\b|people\b|everyone\b|nobody\b|(?-i:(?!The|All|Our|My|Raw|Old"
        r"|New)[A-Z])[a-z]+ lives?\b)(?:the |all |our |my |raw |old |new )?(?:[\w-]+ ){1,4}?(?:lives?|is"
        r" stored|are stored|is hosted|are hosted|is kept|are kept|resides?|is deployed|are deployed|is"
        r" backed up|are backed up) (?:on|in|at|under|behind|to|with|by) ",
    ),
    (
        "place_fact",
        "knowledge",
        "state errand",
        r"(?:the|our|my|this) (?:[\w-]+ )?(?:data ?set|corpus|sample|cohort|study|trial|survey|archive"
        r"|database|repo|codebase|manuscript|team|company|school|collection|cluster|fleet|network|site)"
        r" (?:contains|covers|consists|includes|is written in|runs on|targets|spans|comprises|counts)\b",
    ),
    (
        "place_fact",
        "knowledge",
        "state errand",
        r"(?:the|our|my) (?:(?:back|front|old|main|whole|new|upper|lower|living) ){0,2}(?:house|flat|garden"
        r"|kitchen|roof|building|apartment|room|balcony|office|shop|cellar|basement|attic|terrace|landlord"
        r"|plot|soil|walls?|bathroom|bedroom|garage) (?:is|are|faces|has|have|dates|was built|measures?|pays"
        r"|closes|opens|sits|gets|owns|doesn'?t|does not|won'?t|stays|belongs)\b",
    ),
)
