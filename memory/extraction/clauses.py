"""Where clauses begin in a sentence, and where its question begins. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_BOUNDARY = re.compile(
    r"[,;:(–—]\s*|\s-{1,2}\s+|\s+(?:and|but|so|because|since|cause|cuz|as|though|although|while|btw"
    r"|that|or|et|mais|donc"
    r"|car|parce\s+que|puisque|que|alors)\s+|\bqu'|\.{2,}\s*",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:(?:and|but|so|also|well|ok(?:ay)?|btw|by\s+the\s+way|fyi|just|anyways?|honestly|actually"
    r"|basically|oh|ah|hey|hi"
    r"|hello|thanks|thank\s+you|yes|yeah|yep|yup|no|nope|nah|sorry|plus|besides|however|for\s+(?:context|reference|the"
    r"\s+record|background|info)|because|though|although|quick\s+(?:note|one)|note|heads\s+up|reminder|in\s+general|in"
    r"\s+fact|to\s+be\s+honest|tbh|sadly|unfortunately|luckily|fortunately|the\s+thing\s+is|you\s+see|as\s+you\s+know"
    r"|as\s+i\s+said|like\s+i\s+said|one\s+(?:small\s+|more\s+|last\s+)?(?:thing|note)"
    r"|a\s+bit\s+of\s+context|that\s+said"
    r"|right|great|good|perfect|cool|nice|ps|p\.s\.|then|et|mais|donc|alors|bon|ben|bah|eh\s+bien"
    r"|au\s+fait|en\s+fait|sinon"
    r"|merci|bonjour|salut|coucou|oui|non|juste|petite\s+précision|pour\s+info|à\s+savoir|sachez|sache"
    r"|je\s+précise|note"
    r"|du\s+coup|par\s+contre|de\s+plus|aussi|d'ailleurs|désolée?|pardon)\b[\s,:!.–-]*)*",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:(?:and|but|so|then|also|ok(?:ay)?|anyway|now|just|please|et|mais|donc|alors|du\s+coup|or|ou)[\s,]+)*"
    r"(?:who|what|what's|whats|which|when|where|why|how|hows|whose|is|are|was|were|do|does|did|can|could|would|will"
    r"|should|shall|may|might|have|has|any|anyone|anything|isn't|aren't|don't\s+you|doesn't|can't"
    r"|couldn't|wouldn't|ideas"
    r"|thoughts|suggestions|recommend|if\s+(?:so|you|i|we)|mind|wanna|got|in\s+which|for\s+how"
    r"|qui|que|quoi|quel(?:le)?s?|quand|où|pourquoi|comment|combien|est-ce|qu'est|tu\s+(?:peux|pourrais"
    r"|sais|as|me)|vous"
    r"\s+(?:pouvez|pourriez|avez|auriez)|peux-tu|pouvez-vous|pourriez|pourrais|ça\s+(?:te|vous|suffit|marche|dure|va)"
    r"|faut-il|dois-je|doit-on|y\s+a-t-il|as-tu|avez-vous|une\s+idée|des\s+idées|c'est\s+(?:quoi|quand"
    r"|possible|bon))\b",
    re.IGNORECASE,
)
_ASKS_PLAINLY = re.compile(
    r"(?:(?:and|but|so|then|also|ok(?:ay)?|anyway|hi|hello|hey|btw|um+|et|mais|donc|alors|du\s+coup)[\s,]+)*"
    r"(?:(?:what|which|whose)(?:'?s|\s+\w+)?\s+(?:is|are|was|were|do|does|did|can|could|would|will"
    r"|should|has|have|the|a|my|our)\b"
    r"|how\s+(?:do|does|did|can|could|would|should|to|is|are|much|many|long|often|far|old|big|come)\b"
    r"|(?:why|where|when|who)\s+(?:is|are|was|were|do|does|did|can|could|would|will|should|has|have"
    r"|don't|doesn't|isn't)\b"
    r"|(?:can|could|would|will|should|may|shall)\s+(?:i|you|we|u|somebody|someone|it|they)\b"
    r"|(?:do|does|did|have|has)\s+(?:i|you|we|they|it|he|she|u|anyone)\b|(?:is|are)\s+(?:there|it|this"
    r"|that|you|they|my|our)\b"
    r"|any\s+(?:idea|ideas|tips|advice|suggestions?|recommendations?|thoughts)\b|wh?ats\s"
    r"|(?:qu'est-ce|est-ce\s+que|pourquoi|combien|comment)\b|(?:quel(?:le)?s?)\s+(?:est|sont"
    r"|\w+\s+(?:est|sont))\b|c'est\s+quoi)",
    re.IGNORECASE,
)
_PAUSE = re.compile(r"[,;:]\s|\s-{1,2}\s|[–—]")
MOST_CLAUSES: Final = 40
"""Clauses of one sentence that are looked at."""


def clauses(plain: str) -> Iterator[int]:
    """Where each clause begins, behind "and", "by the way" and the like."""
    seen = -1
    starts = [0, *(found.end() for found in _BOUNDARY.finditer(plain))]
    for start in starts[:MOST_CLAUSES]:
        lead = _LEAD.match(plain, start)
        for begin in (start, lead.end() if lead else start):
            if begin > seen and begin < len(plain):
                seen = begin
                yield begin


def statement_end(plain: str) -> int:
    """How much of a sentence states something: 0 where all of it asks; all of it where it is no question."""
    if not plain.rstrip("\"'»”)*_ ").endswith("?"):
        return _before_question(plain)
    if _ASKS.match(plain):
        return 0
    for found in _BOUNDARY.finditer(plain):
        if _ASKS.match(plain, found.end()) or _ASKS.match(plain, found.start() + 1):
            return found.start()
    return 0


def _before_question(plain: str) -> int:
    """The same for a sentence without a question mark, which many leave out."""
    if _ASKS_PLAINLY.match(plain):
        return 0
    for found in _BOUNDARY.finditer(plain):
        if _ASKS_PLAINLY.match(plain, found.end()):
            return found.start()
    return len(plain)


def clause_end(plain: str, start: int) -> int:
    """Where the comma, semicolon or colon after a place stands; the end where there is none."""
    found = _PAUSE.search(plain, start)
    return found.start() if found else len(plain)
