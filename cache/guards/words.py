"""Single words: what one counts as, and its stem."""

from __future__ import annotations

from functools import lru_cache

from cache.guards.lexicon import CONTRACTIONS, IRREGULAR, IS_AFTER


@lru_cache(maxsize=16384)
def parts(written: str) -> tuple[str, ...]:
    """A word as it counts: small, "don't" as "do not", "what's" as "what is", "France's" as "france"."""
    word = written.lower().replace("’", "'")
    if word in CONTRACTIONS:
        return CONTRACTIONS[word]
    if "'" not in word:
        return (word,)
    if word.endswith("n't"):
        return word[:-3], "not"
    base, _, ending = word.rpartition("'")
    if ending == "s":
        return (base, "is") if base in IS_AFTER else (base,)
    meant = {"m": "am", "re": "are", "ve": "have", "ll": "will", "d": "would"}.get(ending)
    return (base, meant) if meant else (base + ending,)


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A word without its inflection, roughly: what counts is that forms of one word meet."""
    if word in IRREGULAR:
        word = IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "sl":
                word = word[:-1]
            break
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    if len(word) > 3 and word.endswith("i"):
        word = word[:-1] + "y"
    return word
