"""How English asks for a form, and which words tell one question, or language, from another."""

from __future__ import annotations

from typing import Final

from cache.guards.words import stem

FORMS: Final = [
    (name, pattern)
    for name, pattern in (
        ("json", r" json "),
        ("yaml", r" ya?ml "),
        ("xml", r" xml "),
        ("csv", r" csv "),
        ("html", r" html "),
        ("markdown", r" markdown "),
        ("latex", r" latex "),
        (
            "table",
            r" (?:(?:as|in|into|with|using) a(?: \w+)?(?: \w+)? table|table format|tabular|tabulate|as tables?"
            r"|in tables?|table please|with a table in) ",
        ),
        ("bullets", r" (?:bullets?|bullet ?points?|bulleted|bullet pointed) "),
        ("numbered", r" (?:numbered|enumerated) "),
        ("steps", r" (?:step by step|in steps|as steps|steps? at a time) "),
        (
            "sentences",
            r" (?:in|into|to|of|as|with|a|one|single|two|three|four|five|short|using|exactly|full"
            r"|complete) sentences? ",
        ),
        ("paragraphs", r" (?:in|into|to|of|as|a|one|single|two|three|four|five|short) paragraphs? "),
        (
            "words",
            r" (?:in|under|over|than|most|least|about|around|approximately|of|to|exactly|within) (?:\w+ ){0,2}words ",
        ),
        (
            "brief",
            r" (?:brief|briefly|concise|concisely|succinct|succinctly|tersely|short answer|short answers"
            r"|short version|in short|short explanation|short response|short reply|keep it short|tl dr|tldr"
            r"|quick answer|be short) ",
        ),
        (
            "detailed",
            r" (?:detailed (?:answer|explanation|response|reply|description|account|overview|summary|analysis|version"
            r"|guide)|be detailed|in (?:more |great |full )?details?|more detail|in depth|at length|thorough"
            r"|thoroughly|comprehensive|comprehensively|long answer|lengthy|exhaustive|extensively) ",
        ),
        ("summary", r" (?:summary|summari[sz]e[ds]?|summari[sz]ing|sum up|tl dr|tldr) "),
        ("formal", r" (?:formal|formally|professional tone|professionally|academic tone|formal tone|official tone) "),
        ("casual", r" (?:casual|casually|informal|informally|casual tone|slang|colloquial|conversational) "),
        ("funny", r" (?:funny|humorous|humorously|sarcastic|sarcastically|witty|joking|jokingly) "),
        (
            "simple",
            r" (?:(?:like|as if|as though) i (?:am|was|were) (?:five|six|ten|twelve|a)|eli|year old (?:understands?"
            r"|would|can|could)|simple terms|simple words|plain english|plain language|layman|laymans|layperson"
            r"|for (?:dummies|beginners|a beginner|a novice|an expert|a five|a six|a ten|a child|a kid)|(?:explain"
            r"|describe) (?:\w+ )?to a (?:child|kid|beginner|toddler|student|five|layman|layperson|novice|teenager)) ",
        ),
        ("essay", r" essay "),
        ("poem", r" (?:poem|rhyme|verse) "),
        ("haiku", r" haiku "),
        ("sonnet", r" sonnet "),
        ("limerick", r" limerick "),
        ("story", r" (?:as a story|short story|write a story|a story about) "),
        ("email", r" (?:as an email|an email|email format|form of an email|write an email) "),
        ("letter", r" (?:as a letter|a letter to|write a letter|form of a letter) "),
        ("tweet", r" (?:as a tweet|a tweet|tweets) "),
        ("song", r" (?:as a song|write a song|lyrics) "),
        ("speech", r" (?:as a speech|write a speech|a speech) "),
        (
            "code",
            r" (?:pseudocode|source code|show code|write code|code only|only code|with code|as code|code snippet"
            r"|code example) ",
        ),
        ("yes or no", r" (?:yes or no|yes no) "),
        ("examples", r" (?:with examples?|give (?:me |an |some |an? )*examples?|provide examples?|using examples?) "),
        ("diagram", r" (?:diagram|flowchart|chart|graph|ascii art) "),
    )
]
FORM_WORDS: Final = frozenset(
    "json yaml yml xml csv html markdown latex table tables tabular tabulate bullet bullets bulleted bulletpoints"
    " numbered enumerated"
    " step steps sentence sentences paragraph paragraphs words brief briefly concise concisely succinct succinctly"
    " tersely short quick"
    " tldr tl detailed detail details depth length thorough thoroughly comprehensive comprehensively long lengthy"
    " exhaustive extensively"
    " summary summarise summarize summarised summarized summarises summarizes summarising summarizing sum formal"
    " formally professional professionally academic"
    " official casual casually informal informally slang colloquial conversational funny humorous humorously"
    " sarcastic sarcastically witty"
    " joking jokingly like though eli year simple plain layman laymans layperson dummies beginners beginner novice"
    " expert child kid five toddler student teenager"
    " essay poem haiku sonnet limerick rhyme verse story email letter tweet tweets song lyrics speech pseudocode"
    " code yes examples example"
    " diagram flowchart chart graph art if".split()
)
"""Words without which none of the forms is asked for."""
REQUEST_STEMS: Final = frozenset(
    stem(word)
    for word in FORM_WORDS
    | frozenset(
        "answer respond response reply write written present give show return output format formatted use using keep"
        " make provide"
        " explain tone style valid single only object old understand understands language least fewer maximum point"
        " points".split()
    )
)
"""Stems of what asks for a form and not for a thing."""

CODE: Final = frozenset(
    "python javascript typescript kotlin perl haskell scala php sql cobol fortran matlab golang lua clojure erlang"
    " elixir powershell".split()
)
AMBIGUOUS_CODE: Final = frozenset("c r go swift rust ruby bash java dart julia".split())

MODALS: Final = {
    word: kind
    for kind, words in {
        "can": "can could able",
        "may": "may allowed permitted legal",
        "should": "should ought advisable",
        "must": "must need required have-to necessary mandatory",
        "will": "will would",
    }.items()
    for word in words.split()
}
PERSONS: Final = {
    word: kind
    for kind, words in {
        "my": "i my me mine myself we our us",
        "your": "your yours yourself",
        "his": "he his him himself",
        "her": "she her hers herself",
        "their": "they their them theirs",
    }.items()
    for word in words.split()
}

ANSWERS: Final[dict[str, dict[str, str]]] = {
    "who": {"": "who"},
    "whom": {"": "who"},
    "whose": {"": "who"},
    "when": {"": "when"},
    "where": {"": "where"},
    "why": {"": "why"},
    "what": {
        "time": "when",
        "year": "when",
        "date": "when",
        "day": "when",
        "month": "when",
        "century": "when",
        "decade": "when",
        "place": "where",
        "city": "where",
        "country": "where",
        "location": "where",
        "state": "where",
        "person": "who",
        "reason": "why",
        "number": "how many",
        "percentage": "how many",
        "people": "who",
        "": "what",
    },
    "which": {
        "year": "when",
        "date": "when",
        "day": "when",
        "month": "when",
        "century": "when",
        "decade": "when",
        "place": "where",
        "city": "where",
        "country": "where",
        "location": "where",
        "state": "where",
        "person": "who",
        "people": "who",
        "": "what",
    },
    "how": {
        "many": "how many",
        "much": "how many|how long",
        "long": "how long|when",
        "often": "how often",
        "frequently": "how often",
        "old": "how old|when|how long",
        "far": "how far",
        "tall": "how tall|how far",
        "high": "how tall|how far",
        "come": "why",
        "soon": "when|how long",
        "fast": "how fast",
        "large": "how large",
        "big": "how large",
        "": "how",
    },
}
