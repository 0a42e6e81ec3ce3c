"""How people want to be answered and written for, beyond the task at hand."""

from __future__ import annotations

from typing import Final

from memory.extraction.english.words import PARTS
from memory.extraction.rules import Rule, rules_of

INSTRUCTIONS: Final[tuple[Rule, ...]] = rules_of(
    PARTS,
    (
        "name",
        "adaptation",
        "lasting",
        r"(?:please )?(?:address me (?:as|with|by)|(?:write|talk|speak|reply|answer)(?: to)? me in) \S",
    ),
    (
        "name",
        "adaptation",
        "lasting",
        r"(?:please |you can |just |you may )*call me (?!back|at|on|if|when|later|tomorrow|today|asap|again"
        r"|a\b|an\b|in\b|before|after|now|crazy|old|anytime|any|immediately|as soon)\w+",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"(?:and |but |so )?(?:(?:please |pls |kindly )(?:always|never) (?:ever )?(?!mind)\w+|(?:always"
        r"|never) (?:ever )?<ordered>)",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"[^.!?]{0,120}?\b(?:from now on|from here on(?: out| in)?|going forward|moving forward|henceforth"
        r"|until further notice|in (?:all|any|every) (?:of )?(?:your |my |our )?(?:future )?<answer>|for all"
        r" (?:the )?future \w+|for (?:any|every|all)thing (?:you|I|we)(?: ever)? \w+|in every (?:single"
        r" )?<answer>|every time you \w+|whenever you \w+|each time you \w+)",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"[^.!?]{0,80}?\b(?:whenever|every time|each time|any time|anytime|when|if) (?:I|we|you) (?:ever"
        r" )?(?:explain|answer|reply|suggest|show|ask|say|write|send|paste|give|request|post|share|mention"
        r"|want)\b[^.!?]{0,80}?(?:,| then| just| please)? ?(?:just|please|always|never|only|use|give|answer"
        r"|reply|assume|skip|keep|show|tell|write|respond|don'?t|do not|add|include|you should|you must|you"
        r" can|it should|put|start|stick|make)\b",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"[^.!?]{0,60}?\b(?:whenever|every time|if|when) (?:it'?s|it is|you|they|he|she) [^.!?]{1,60}?(?:,|"
        r" )(?:it has to|it must|always|never|should always be|has to be|must be)\b",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"(?:in (?:the )?future|next times?|for next time|for the future|for future reference),? (?:please "
        r"|just |always |never |do(?:n'?t| not) |avoid |use |write |keep |give |skip |put |make sure |could"
        r" you |can you )",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"(?:please )?(?:don'?t|do not|never|no need to|stop|quit) (?:ever )?(?:(?:call|ring|phone|text|email"
        r"|mail|contact|visit)(?:ing)? (?:me|us)\b(?! back|until|before|today|tomorrow)|using \w|adding \w"
        r"|apologi[sz]ing|saying \w|starting \w|calling \w|ending \w|putting \w|suggesting \w|recommending \w"
        r"|giving me|sending me|repeating|explaining|writing \w)",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"(?:please )?(?:(?:don'?t|do not) ever \w+|no (?:more )?[\w-]+(?: [\w-]+){0,3},? (?:ever|anywhere|at"
        r" all|for me|in (?:any|every)thing)\b)",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"(?!.*\b(?:used to|we|they)\b)(?:please |pls |do |don'?t |use |keep |write |give |make |put |skip "
        r"|no |only |reply |answer |avoid |I want |I need |\S+ or |spaces |tabs |\S+ please"
        r" )[^.!?]{0,100}?(?:\balways\b(?! been)|\bevery time\b|\bat all times\b|\bby default\b|\bany ?more\b"
        r"|\bever again\b|\bin (?:general|future)\b|\bas a rule\b)",
    ),
    (
        "wanted_form",
        "adaptation",
        "",
        r"I (?:want|need|like|expect) (?:all |every |your |my )(?:of )?(?:your )?<answer>\b",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"(?:please )?(?:don'?t|do not|never) (?:suggest|recommend|propose|offer|include|give me|send me|show"
        r" me) (?:me )?(?:anything|any|stuff|things|recipes|dishes|books|tools|songs|films|places) (?:with"
        r"|from|that|by|containing|like|about|on|in|which|of)\b",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"(?:there'?s |there is )?no need to (?:explain|apologi[sz]e|repeat|introduce|thank|add|mention|ask"
        r"|greet|define|be (?:polite|formal))",
    ),
)
