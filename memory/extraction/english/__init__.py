"""What people say of themselves and their undertakings in English."""

from typing import Final

from memory.extraction.english.instructions import INSTRUCTIONS
from memory.extraction.english.people import PEOPLE
from memory.extraction.english.surroundings import SURROUNDINGS
from memory.extraction.english.undertakings import UNDERTAKINGS
from memory.extraction.rules import Rule

ENGLISH: Final[tuple[Rule, ...]] = (*PEOPLE, *INSTRUCTIONS, *UNDERTAKINGS, *SURROUNDINGS)
"""In the order in which they are tried."""
