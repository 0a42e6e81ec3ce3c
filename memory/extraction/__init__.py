"""Candidates for memory, read by rules from what is new in an interaction.

    candidates = admit(extract(fresh(record)), memories.active(namespace, project))

Plain Python without IO: what is found is stored elsewhere, and trusted only once a person promoted it.
"""

from memory.extraction.candidates import EXTRACTOR, MOST, admit, extract
from memory.extraction.fresh import Fresh, fresh

__all__ = ["EXTRACTOR", "MOST", "Fresh", "admit", "extract", "fresh"]
