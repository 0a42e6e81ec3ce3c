"""Who does what to whom: the same words in other places may ask another thing."""

from __future__ import annotations

import itertools
from collections import Counter

from cache.guards.analysis import Analysis, once
from cache.guards.lexicon import IRREGULAR, STOPWORDS
from cache.guards.pair import Finding, Pair
from cache.guards.values import number_sequence
from cache.guards.words import stem

_DIRECTED = frozenset(
    "from to into onto than by minus over against towards toward for without before after under above below divided"
    " in on at of".split()
)
_CROSSED = frozenset("from to into onto than minus over against before after above below under".split())
"""Those of which it is sure that what they govern cannot be said in another place."""
_ORDER_FREE = frozenset(
    "and or plus versus vs married related dating engaged close connected linked friend friends cousin cousins"
    " sibling siblings"
    " twin twins neighbor neighbors neighbour neighbours colleague colleagues partner partners similar same equal"
    " different difference differences"
    " compare comparing comparison between both together acquainted nearby near next adjacent identical apart distance"
    " allied talking speaking meeting compatible classmate classmates roommates divorced acquaintance acquaintances"
    " acquainted rival rivals allies sister brother relative relatives".split()
)
_PARTICIPLES = frozenset(
    {*IRREGULAR, *IRREGULAR.values(), *"hit hurt put cut set read let cost spread cast bet shut split quit rid".split()}
)
_BE = frozenset("is are was were be been being am get gets got".split())
_ARTICLES = frozenset("the a an my your his her our their this that these those its".split())


def order(pair: Pair) -> Finding | None:
    """The same words, or the same numbers, in another order may ask another thing: A to B is not B to A."""
    if pair.new.words == pair.stored.words and not pair.new.has_figures:
        return None
    new, stored = _figures(pair.new), _figures(pair.stored)
    if new != stored and Counter(new) == Counter(stored):
        return Finding(tuple(new), sure=not _order_free(pair))
    if pair.new.words == pair.stored.words or Counter(pair.new.content) != Counter(pair.stored.content):
        return None
    moved = tuple(one for one, other in zip(_ordered(pair.new), _ordered(pair.stored), strict=False) if one != other)
    if not moved:
        return None
    permuted = Counter(map(stem, pair.new.words)) == Counter(map(stem, pair.stored.words))
    return Finding(moved, sure=permuted and not pair.unclear and not _order_free(pair) and not _turned(pair))


def roles(pair: Pair) -> Finding | None:
    """The one who acts in one text is acted upon in the other; active and passive are told apart."""
    for passive, other in ((pair.new, pair.stored), (pair.stored, pair.new)):
        found = _swapped_voice(passive, other)
        if found:
            return Finding(found, sure=not pair.unclear and not _order_free(pair))
    found = _swapped_persons(pair)
    if found:
        return Finding(found, sure=not pair.unclear)
    word, found = _swapped_objects(pair)
    if not found:
        return None
    # "Is Ann older than Ben" and "is Ben younger than Ann" are one question.
    return Finding(
        found,
        sure=word in _CROSSED
        and not pair.opposed
        and not pair.unclear
        and pair.closeness() >= 0.9
        and not _order_free(pair),
    )


def _order_free(pair: Pair) -> bool:
    return bool(_ORDER_FREE & pair.new.said) or bool(_ORDER_FREE & pair.stored.said)


@once
def _ordered(text: Analysis) -> list[str]:
    """Content stems in order, but for what may stand anywhere: an adverb, and the word behind "how" or "which"."""
    words = text.words
    free = {words[i + 1] for i in range(len(words) - 1) if words[i] in ("how", "what", "which")}
    return [stem(w) for w in words if w not in STOPWORDS and w not in free and not w.endswith("ly")]


def _turned(pair: Pair) -> bool:
    """Is one word order the other's turned round a corner ("my card is where" for "where is my card")?"""
    new, stored = pair.new.words, pair.stored.words
    return any(new[i:] + new[:i] == stored for i in range(1, len(new)))


@once
def _figures(text: Analysis) -> list[str]:
    return number_sequence(text.standing) if text.has_figures else []


@once
def _objects(text: Analysis) -> dict[str, frozenset[str]]:
    """Each directed preposition and the stems that it governs, up to the next function word."""
    found: dict[str, set[str]] = {}
    words = text.words
    for i, word in enumerate(words):
        if word not in _DIRECTED:
            continue
        governed: set[str] = set()
        for later in words[i + 1 :]:
            if later in _ARTICLES and not governed:
                continue
            if later in STOPWORDS or later in _DIRECTED:
                break
            governed.add(stem(later))
        if governed:
            found.setdefault(word, set()).update(governed)
    return {word: frozenset(stems) for word, stems in found.items()}


def _swapped_persons(pair: Pair) -> tuple[str, ...]:
    """Do I act in one text and am acted upon in the other: "I owe my friend" and "my friend owes me"?"""
    if Counter(pair.new.content) != Counter(pair.stored.content):
        return ()
    for one, other in ((pair.new, pair.stored), (pair.stored, pair.new)):
        shared = (_done_by_me(one) - _done_by_me(other)) & (_done_to_me(other) - _done_to_me(one)) & set(one.content)
        if shared:
            return ("i", "me", *sorted(shared))
    return ()


@once
def _done_by_me(text: Analysis) -> frozenset[str]:
    return frozenset(stem(after) for word, after in itertools.pairwise(text.words) if word == "i")


@once
def _done_to_me(text: Analysis) -> frozenset[str]:
    return frozenset(stem(word) for word, after in itertools.pairwise(text.words) if after == "me")


def _swapped_objects(pair: Pair) -> tuple[str, tuple[str, ...]]:
    """Does a preposition govern in each text what stands elsewhere in the other?"""
    new, stored = _objects(pair.new), _objects(pair.stored)
    for word in new.keys() & stored.keys():
        one, other = new[word], stored[word]
        if one & other or not one <= pair.stored.stems or not other <= pair.new.stems:
            continue
        # Governed by another preposition there: "by bus to town" and "to town by bus" say the same.
        if any(one & stems for p, stems in stored.items() if p != word and p in new and new[p] & one):
            continue
        return word, tuple(sorted(one | other))
    return "", ()


@once
def _passive(text: Analysis) -> tuple[str, str, str] | None:
    """(agent, verb, patient) of the first passive with its agent, as stems: "is A seen by B"."""
    words = text.words
    for i, word in enumerate(words):
        if word != "by" or i < 2 or i + 1 >= len(words):
            continue
        verb = words[i - 1]
        be = next((j for j in range(i - 2, max(-1, i - 6), -1) if words[j] in _BE), None)
        agent = next((w for w in words[i + 1 :] if w not in _ARTICLES), "")
        if be is None or not agent or not (verb in _PARTICIPLES or verb.endswith(("ed", "en"))):
            continue
        patient = next((w for w in reversed(words[: i - 1]) if w not in STOPWORDS), "")
        if patient:
            return stem(agent), stem(verb), stem(patient)
    return None


def _swapped_voice(passive: Analysis, other: Analysis) -> tuple[str, ...]:
    """Does the other text, in the active voice, let the patient do it to the agent?"""
    found = _passive(passive)
    if found is None or _passive(other) is not None:
        return ()
    agent, verb, patient = found
    stems = [stem(word) for word in other.words]
    if verb not in stems or agent not in stems or patient not in stems:
        return ()
    at = stems.index(verb)
    return (agent, verb, patient) if patient in stems[:at] and agent in stems[at + 1 :] else ()
