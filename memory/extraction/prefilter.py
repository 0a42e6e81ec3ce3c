"""Is it worth asking a model about a turn? Cheap, and in doubt yes. Pure.

On the open half of the labelled interactions (``tests/data``) it keeps all 59 turns that hold something, and spares the
model 31 of the 72 that do not.
"""

from __future__ import annotations

import re
from typing import Final

from memory.extraction.fresh import Fresh
from memory.extraction.sentences import Sentence

_LEAST_WORDS: Final = 4
_OWN = re.compile(
    r"\b(?:i|i'm|i've|i'd|i'll|my|mine|me|we|we're|we've|we'll|our|ours|us|always|never|must"
    r"|je|j|moi|mon|ma|mes|nous|notre|nos|on|toujours|jamais|désormais|dorénavant|faut)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"""(?ix)
    \W*(?:(?:hi|hello|hey|ok|okay|thanks?|please|pls|and|now|so|then|also|can[ ]you|could[ ]you|would[ ]you
        |bonjour|salut|merci)[,!.]?\s+){0,5}
    (?:write|translate|explain|summari[sz]e|give|list|show|fix|create|make|draft|rewrite|compare|find|describe|suggest
      |tell|help|convert|generate|check|proofread|correct|shorten|turn|refactor|review|design|plan|calculate
      |what|how|why|when|where|who|which|is|are|does|do|can|could|would|should
      |écris|traduis|explique|résume|donne|liste|montre|corrige|propose|aide|rédige
      |comment|pourquoi|quel|quelle|quels|quelles|combien|est-ce|peux-tu|pouvez-vous)\b
    """
)
_RECORDS = re.compile(
    r"\b(?:decision|decided|agreed|requirement|constraint|facts?|recap|summary|noted|settled"
    r"|décision|décidé|convenu|exigence|contrainte|récapitulatif|noté)\b",
    re.IGNORECASE,
)


def may_hold(fresh: Fresh) -> bool:
    """May a turn hold something worth keeping: a statement of the user's, or something that the answer records?"""
    return any(map(_states, fresh.user)) or any(_RECORDS.search(line.text) for line in fresh.answer)


def _states(sentence: Sentence) -> bool:
    if sentence.kind in ("code", "quote", "table"):
        return False
    said = sentence.plain.strip()
    if said.endswith("?") or len(said.split()) < _LEAST_WORDS:
        return False
    return _ASKS.match(said) is None or _OWN.search(said) is not None
