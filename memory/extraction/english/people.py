"""Who people are, what they like and what they do as a habit."""

from __future__ import annotations

from typing import Final

from memory.extraction.english.words import PARTS
from memory.extraction.rules import Rule, rules_of

PEOPLE: Final[tuple[Rule, ...]] = rules_of(
    PARTS,
    (
        "health",
        "identity",
        "",
        r"(?:<im>|<were>|<kin> <be>|I <be>) <health>(?! to (?:bugs|this|mondays|meetings|work)\b)",
    ),
    (
        "health",
        "identity",
        "",
        r"(?:<ive>|<wehave>|<kin> ha[sd](?: got)?|I suffer from|<kin> suffers from) (?:an? )?(?!to\b)<ailment>",
    ),
    (
        "diet",
        "identity",
        "",
        r"(?:I|we|<kin>) (?:don'?t|doesn'?t|do not|does not|can'?t|cannot|never|no longer|only) <adv>(?:eats?"
        r"|drinks?|smokes?|speaks?|drives?|do(?:es)? stairs|reads?|swims?|tolerates?|digests?|stands?)(?!"
        r" (?:<this>|to))",
    ),
    (
        "job",
        "identity",
        "",
        r"<im> <adv>(?:an? |the |one of )?(?!bit|little)(?:(?!\w+ing\b|in\b|for\b|not\b|on\b|at\b|with\b"
        r"|under\b|sure\b|so\b|very\b|too\b)[\w/&'-]+ ){0,4}?<job>(?! of (?:the )?(?:opinion|view))",
    ),
    (
        "job",
        "identity",
        "",
        r"<im> not (?:an? |the |very |really |that )?(?:[\w-]+ ){0,2}?(?:<job>|technical|expert|good at|great"
        r" at|fluent)\b",
    ),
    (
        "origin",
        "identity",
        "",
        r"(?:<im>|<were>) <adv>(?:originally )?(?:from|based (?:in|on|near|out of)|located in|native to)"
        r" (?!<this>|home|work)\w",
    ),
    (
        "age",
        "identity",
        "",
        r"(?:<im>|<kin> <be>|she'?s|he'?s) (?:almost |nearly |about |turning )?(?:\d{1,2}(?: years old| yo\b|"
        r" y/o|\b(?=[,.]|$| and\b))|\d'\d|\d[.,]\d\d ?m\b|1\d\d ?cm)",
    ),
    (
        "age",
        "identity",
        "",
        r"(?:my|our|the) (?:kids|children|twins|boys|girls|sons?|daughters?) (?:is|are) (?:<number>)\b",
    ),
    (
        "role",
        "identity",
        "",
        r"<im> the (?!one\b|only one|same|first|middle|\w+ing\b)(?:[\w-]+ ){1,3}(?:of|at|for|in) (?:the|our|a"
        r"|my|this|(?-i:[A-Z]))",
    ),
    (
        "role",
        "identity",
        "",
        r"<im> (?:doing|finishing|starting|pursuing) (?:my|an?) (?:[\w-]+ )?(?:residency|ph\.?d|degree"
        r"|master'?s?|bachelor'?s?|apprenticeship|internship|training|doctorate|traineeship)",
    ),
    (
        "name",
        "identity",
        "lasting",
        r"(?:my (?:full |first |last )?name(?:'s| is)|my pronouns are|I go by|I was born (?:in|on)|I grew up"
        r"|I come from) \S",
    ),
    (
        "occupation",
        "identity",
        "",
        r"(?:I|<kin>|my (?:team|company|employer)) <adv>(?:works? (?:as|at|for|in|nights|from home|remotely"
        r"|part[- ]time|full[- ]time|shifts|with (?!<this>)|on (?!<this>|an? |the )|weekends|mornings"
        r"|evenings|<number>)|lives? (?:in|near|with|alone|on|at|by)|teach(?:es)? (?!<this>)|stud(?:y|ies)"
        r" (?!<this>)|maintains? |volunteers? |commutes? |majors? in|specialis[ez]s? in|run (?:an? |my own "
        r"|our )|manage (?:an? |the |<number> )|lead (?:an? |the )|own (?:an? |<number> )|coach (?!<this>)"
        r"|play (?:the |in an? )|speak \w+|drive an? )",
    ),
    (
        "experience",
        "identity",
        "lasting",
        r"(?:I'?ve|I have|we'?ve|we have) (?:been (?!wait|try|hav|gett|experienc|look|star|call|strugg|putt"
        r"|search|ask)\w+(?:ing|ed)?|worked|lived|used|taught|had|owned|played|done)[^.!?]{0,60}? (?:for"
        r"|since) (?:(?:over|about|almost|more than|nearly|the last|the past) )?(?:<number> (?:\w+ )?(?:years"
        r"|decades)|years|decades|ages|(?:19|20)\d\d|school|college|I was)",
    ),
    (
        "new_role",
        "identity",
        "lasting",
        r"I(?:'?ve)? (?:just |recently )?(?:took over as|taken over as|joined|became|was promoted|got"
        r" promoted|started (?:as|at|working (?:as|at|for))|got a (?:new )?job|retired) ",
    ),
    (
        "household",
        "identity",
        "",
        r"(?:<ive>|<wehave>|<kin> and I have|there are) (?:an? |<number> )(?:[\w-]+ ){0,3}?<household>\b",
    ),
    (
        "household",
        "identity",
        "",
        r"(?:<were>|<im>) an? (?:(?:small|large|big|tiny|young|non-?profit|two-person|three-person|family)"
        r" )*(?:family|household|team|company|start-?up|couple|charity|agency|non-?profit|shop|school|clinic"
        r"|lab|studio|co-?op|bakery|restaurant|firm|business)\b",
    ),
    (
        "habit",
        "preference",
        "",
        r"(?:I|we) <adv>(?:always|never|usually|normally|typically|generally|rarely|only ever|tend to|mostly"
        r"|hardly ever) <adv>(?!<dull>|\w+ed\b|'|quite)\w+ \S",
    ),
    (
        "habit",
        "preference",
        "",
        r"(?:I|we) only (?:have|own|eat|drink|speak|work|use|take|accept|cook|buy|read|write|watch|ship|sell"
        r"|do)\b(?! (?:<this>|(?:<number>|an?|a few) (?:\w+ )?(?:minutes?|hours?|seconds?|questions?|days?"
        r"|left|problem|chance|other|more|one)\b))",
    ),
    (
        "habit",
        "identity",
        "lasting",
        r"(?:I|we) (?:quit|gave up|stopped|haven'?t|have not) (?:smoking|drinking|eating|meat|alcohol|sugar"
        r"|coffee|dairy|gluten|(?:touched|eaten|drunk|smoked|had|owned|used)\b[^.!?,]{1,40} (?:since|in years"
        r"|for years|in ages|for ages))\b",
    ),
    (
        "diet",
        "identity",
        "lasting",
        r"no (?:meat|fish|pork|beef|dairy|gluten|alcohol|nuts?|peanuts?|sugar|eggs?|lactose|seafood|shellfish"
        r"|onions?|garlic|caffeine|coffee|mushrooms?|spicy food)\b(?: or \w+)?,? (?:for (?:me|us)|obviously"
        r"|ever|of course|in (?:this|our|my) house|at (?:ours|mine)|since|as (?:I'?m|we'?re)|because)",
    ),
    (
        "refusal",
        "preference",
        "",
        r"(?:I|we) (?:don'?t|do not|won'?t|will not|refuse to|no longer|do never) <adv>(?:ever )?(?:use|take"
        r"|accept|allow|ship|deploy|merge|offer|sell|eat|drink|do(?! (?:<this>|know|anything))|store|support"
        r"|work (?:on|with|at|before|after)|like (?!<this>|to)|want (?:any|to be)|buy|wear|watch|fly"
        r"|apologi[sz]e|touch|deal with|open on|own|answer|print)\b(?! (?:<this>|my (?:\w+ )?account|the"
        r" (?:\w+ )?account))",
    ),
    (
        "taste",
        "preference",
        "errand",
        r"(?:I|we) <adv>(?:absolutely |truly |actually )?(?:love|like|hate|dislike|adore|detest|enjoy|can'?t"
        r" stand|cannot stand|loathe|am not a fan of|am a (?:big |huge )?fan of|am (?:really )?into|am not"
        r" into)(?: to\b(?! (?:see|know|hear|get|have|book|go|buy|make|be|thank|search|find|watch|listen"
        r"|check|visit|stay|play)))? (?!<this>|the\b|how|what|when|if|for|any|an?\b|to\b|all|its?\b|hear|see"
        r"|some)\w",
    ),
    (
        "taste",
        "preference",
        "lasting",
        r"(?:my|our) (?:all-time )?(?:favou?rite|go-to|preferred|least favou?rite)\b(?! (?:part|bit|line"
        r"|passage|scene|one) (?:of|in|is))[^.!?]{1,40}? (?:is|are"
        r"|has always been)\b",
    ),
    (
        "switched",
        "preference",
        "lasting",
        r"(?:ever since|since then|these days|nowadays),? (?:then,? )?(?:I|we) (?:only |always |just"
        r" )?(?!have|had|can'?t|get|got|keep|am)\w+",
    ),
    (
        "standing",
        "preference",
        "lasting",
        r"[^.!?]{0,80}?(?:\bplease,? always\b|\balways,? please\b|, always(?=[,.!]|$))",
    ),
    (
        "reach_me",
        "preference",
        "lasting",
        r"(?:(?:you can |please |best to |it'?s best to )?(?:reach|contact|email|text|call|message) me"
        r" (?:only |best )?(?:by|via|at|on|through|under)(?! (?:once|least|all|this number))|(?:email|text"
        r"|phone|mail|sms|post) is the only\b|I can only be reached)",
    ),
    (
        "standing",
        "preference",
        "",
        r"(?!thanks|thank|sorry|better|now\b|it'?s|that'?s|i\b|we\b|you\b|and\b|but\b)(?:[\w-]+ ){0,3}[\w-]+,"
        r" (?:never|always) (?!mind|again|a\b|the\b|been|had|had|is|was)[\w-]+(?: [\w-]+){0,4}[.!]?$",
    ),
    (
        "present_habit",
        "preference",
        "state errand",
        r"(?:I|we) <adv><habitual> (?!<this>|if|when|how|what|not\b|to (?:you|this|that)\b)\S",
    ),
)
