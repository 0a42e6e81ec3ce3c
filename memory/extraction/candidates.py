"""From findings to candidates: limits, one per text, and none that an active memory already says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from memory.extraction.finding import Finding
from memory.extraction.fresh import Fresh
from memory.extraction.headings import headings
from memory.extraction.lasting import weighed
from memory.extraction.records import records
from memory.extraction.restated import words
from memory.extraction.setting import own_words
from memory.extraction.statements import answer_statements, user_statements
from memory.memories.memory import LEAST_CHARS, MOST_CHARS, Candidate, Memory, clean, content_key
from store.embedder import EmbedderSource, no_embedder

EXTRACTOR: Final = "rules/2"
"""Name and version of these rules; batch extraction runs again where it changed."""
MOST: Final = 50
"""Candidates of one pass, to protect who reviews them."""
CONFIDENCE: Final = 0.5

_TRAILING = " \t\n.,;:!?…-–—*_"
_PREFIXES = (
    "the user prefers ",
    "the user says: ",
    "decided to ",
    "the requirement is that ",
    "the requirement is ",
    "the user ",
)
_NEARLY = 0.7
"""Share of a candidate's words that a memory within it has to cover to say the same."""


def extract(fresh: Fresh, embedder: EmbedderSource = no_embedder) -> list[Candidate]:
    """Candidates in the order in which they were said, the user's first; at most 50.

    Args:
        embedder: the loaded embedder; with the default one, the user's sentences are weighed besides.
    """
    found: dict[tuple[str, str, str], Candidate] = {}
    for finding in weighed(fresh, _findings(fresh), embedder):
        content = tidy(finding.content)
        if LEAST_CHARS <= len(content) <= MOST_CHARS and _is_new(finding, content, fresh):
            key = (finding.memory_type, content_key(content), finding.rule)
            candidate = Candidate(
                finding.memory_type, content, finding.rule, finding.role, finding.start, finding.end, CONFIDENCE
            )
            found.setdefault(key, candidate)
        if len(found) == MOST:
            break
    return list(found.values())


def admit(candidates: Iterable[Candidate], existing: Iterable[Memory], project: str | None = None) -> list[Candidate]:
    """The candidates that say something new: one per type, text and rule, and not what an active memory says.

    Args:
        existing: memories of the candidates' project.
        project: where given, memories of other projects are passed over.
    """
    told: dict[str, list[list[str]]] = {}
    for memory in existing:
        if memory.status == "active" and project in (None, memory.project):
            told.setdefault(memory.memory_type, []).append(words(core(memory.content)))
    kept: dict[tuple[str, str, str], Candidate] = {}
    for candidate in candidates:
        said = words(core(candidate.content))
        if not any(_says(memory, said) for memory in told.get(candidate.memory_type, ())):
            kept.setdefault((candidate.memory_type, content_key(candidate.content), candidate.rule), candidate)
    return list(kept.values())[:MOST]


def tidy(text: str) -> str:
    """As a person may see it: whitespace collapsed, no punctuation at the end, no marks of emphasis around it."""
    return clean(text).replace("**", "").strip("*_ \t").rstrip(_TRAILING)


def _findings(fresh: Fresh) -> Iterator[Finding]:
    yield from headings(own_words(fresh), "user", fresh)
    yield from user_statements(fresh)
    yield from headings(fresh.answer, "assistant", fresh)
    yield from records(fresh.answer, fresh)
    yield from answer_statements(fresh)


def _is_new(finding: Finding, content: str, fresh: Fresh) -> bool:
    """Was the statement itself, without what stands around it, not in the prompt before?"""
    own = fresh.prompt[finding.start : finding.end] if finding.role == "user" else core(content)
    return fresh.is_new(own, finding.role)


def core(content: str) -> str:
    """A statement without the words that the rules put before it."""
    text = clean(content)
    folded = text.casefold()
    return next((text[len(prefix) :] for prefix in _PREFIXES if folded.startswith(prefix)), text)


def _says(memory: list[str], said: list[str]) -> bool:
    """Does the one hold the other? What a candidate adds to a memory within it must be little."""
    return _holds(memory, said) or (len(memory) >= _NEARLY * len(said) and _holds(said, memory))


def _holds(longer: list[str], shorter: list[str]) -> bool:
    return bool(shorter) and f" {' '.join(shorter)} " in f" {' '.join(longer)} "
