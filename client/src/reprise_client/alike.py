"""May the result for one input stand for another that an embedder finds similar?

Embedders find many inputs similar that must not share a result: "convert euros to dollars" and "convert dollars to
euros" (cosine 0.99), "turn left" and "turn right" (0.96), ``chmod u+x`` and ``chmod u-x`` (0.97), ``ls -a`` and
``ls -A`` (1.0). So beside the cosine two inputs must agree here.
"""

from __future__ import annotations

import re

_PLAIN = re.compile(r"([^\W\d_]{2,}(?:['’][^\W\d_]+)*),?")
_SMALL = frozenset({"the", "an", "please", "kindly"})
_QUOTES = re.compile("[\"'`“”„«»]")
_BLANKS = re.compile("[ \t]+")


def same_details(one: str, other: str) -> bool:
    """Do two inputs differ in trifles alone?

    Trifles are: blanks, commas behind words, the punctuation that ends the text, the case of its first word, and, in a
    text of plain words, "the", "an", "please" and "kindly". Everything else must be equal, to the letter and in its
    order: words, numbers, paths, flags, identifiers, names, line breaks, and anything at all where there are quotes.
    """
    return _details(one) == _details(other)


def _details(text: str) -> list[str]:
    text = text.strip(" \t")
    if _QUOTES.search(text.replace("n't", "").replace("n’t", "")):
        return [text]
    tokens = _BLANKS.split(text.rstrip(".?!…"))
    tokens[0] = tokens[0][:1].lower() + tokens[0][1:]
    plain = [_plain(token) for token in tokens]
    if all(plain):
        return [word for word in plain if word and word not in _SMALL]
    return [word or token for word, token in zip(plain, tokens, strict=True)]


def _plain(token: str) -> str | None:
    """A word of small letters, without a comma behind it; None of anything else."""
    found = _PLAIN.fullmatch(token)
    return found[1] if found is not None and found[1].islower() else None
