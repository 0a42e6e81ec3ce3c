"""What people say of themselves and their undertakings in French."""

import re
from typing import Final

from memory.extraction.french.people import PEOPLE
from memory.extraction.french.undertakings import UNDERTAKINGS
from memory.extraction.rules import Rule

FRENCH: Final[tuple[Rule, ...]] = (*PEOPLE, *UNDERTAKINGS)
"""In the order in which they are tried."""

SELF_CORRECTED: Final = re.compile(
    r"j'ai (?:inversé|confondu|mal lu|fait une (?:erreur|faute))|j'avais (?:mal lu|confondu|oublié|dit)"
    r"|je me suis trompée?|je voulais dire|erreur de ma part|au temps pour moi|autant pour moi|^non,? pardon"
    r"|^pardon,|vérification faite|après vérification|j'ai vérifié",
    re.IGNORECASE,
)
