"""Rule-made pairs: a prompt and a change of it that keeps (1) or changes (0) what a right answer is.

Every rule takes a prompt and a random source and gives the changed prompt, or None where it does not apply.
"""

# ruff: noqa: E501  word lists and sentence patterns read best in long lines

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.verifier import words as w

Rule = Callable[[str, random.Random], "str | None"]

_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_STOP = frozenset(
    "the a an of to in on at for and or is are was were be been do does did how what when where who why which can could would should may might will shall i you he she it we they my your"
    " his her its our their me him us them this that these those with from by as if so not no yes have has had there here about into than then some any all more most please hi hello hey"
    " am im i'm it's what's who's don't doesn't isn't can't just really very tell show give explain describe want need know like get got".split()
)


def content_words(text: str) -> list[re.Match[str]]:
    return [m for m in _WORD.finditer(text) if m.group().lower() not in _STOP and len(m.group()) > 2]


def _swap(text: str, match: re.Match[str] | tuple[int, int], new: str) -> str:
    start, end = (match.start(), match.end()) if isinstance(match, re.Match) else match
    old = text[start:end]
    if old[:1].isupper() and not new[:1].isupper():
        new = new[:1].upper() + new[1:]
    return text[:start] + new + text[end:]


def _replace_pair(text: str, pairs: Sequence[tuple[str, str]], rng: random.Random) -> str | None:
    lower, found = text.lower(), []
    for one, other in pairs:
        for old, new in ((one, other), (other, one)):
            for match in re.finditer(rf"(?<![\w-]){re.escape(old)}(?![\w-])", lower):
                found.append((match.start(), match.end(), new))
    if not found:
        return None
    start, end, new = rng.choice(found)
    return _swap(text, (start, end), new)


def _from_list(text: str, names: Sequence[str], rng: random.Random) -> str | None:
    found = [m for m in re.finditer(r"[A-Z][\w']+|[a-z]+", text) if m.group() in names]
    return _swap(text, rng.choice(found), rng.choice([n for n in names if n != found[0].group()])) if found else None


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:] if text[:2] not in ("I ", "I'") and not text[:2].isupper() else text


# ---- rules that keep the answer


def polite(text: str, rng: random.Random) -> str:
    body = text
    if rng.random() < 0.7:
        body = rng.choice(w.PREFIXES) + (_lower_first(body) if rng.random() < 0.6 else body)
        if rng.random() < 0.5:
            body = body[:1].upper() + body[1:]
    if rng.random() < 0.6 or body == text:
        body = (body.rstrip("?. ") if rng.random() < 0.3 else body) + rng.choice(w.SUFFIXES)
    return body


def surface(text: str, rng: random.Random) -> str:
    kind = rng.randrange(6)
    if kind == 0:
        return text.lower()
    if kind == 1:
        return text.rstrip("?.! ")
    if kind == 2:
        return text.upper() if len(text) < 80 else text.lower()
    if kind == 3:
        return text.rstrip("?.! ") + rng.choice(["??", "?!", "...", "!", "."])
    if kind == 4:
        return re.sub(r"[,;:'’]", "", text)
    return text.lower().rstrip("?.! ")


def typo(text: str, rng: random.Random) -> str | None:
    spots = [m for m in content_words(text) if len(m.group()) > 4]
    for match in rng.sample(spots, min(len(spots), rng.choice([1, 1, 1, 2]))):
        word, at = match.group(), rng.randrange(1, len(match.group()) - 1)
        new = rng.choice(
            [
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + word[at + 1 :],
            ]
        )
        text = text.replace(word, new, 1)
    return text if spots else None


def contraction(text: str, rng: random.Random) -> str | None:
    return _replace_pair(text, w.CONTRACTIONS, rng)


def synonym(text: str, rng: random.Random) -> str | None:
    return _replace_pair(text, w.SYNONYMS, rng)


def frame(text: str, rng: random.Random) -> str | None:
    lower = text.lower()
    for group in w.FRAMES:
        for old in sorted(group, key=len, reverse=True):
            if lower.startswith(old + " "):
                new = rng.choice([one for one in group if one != old])
                changed = new + text[len(old) :]
                return changed[:1].upper() + changed[1:] if rng.random() < 0.7 else changed
    return None


def filler(text: str, rng: random.Random) -> str:
    parts = text.split(" ")
    parts.insert(rng.randrange(1, len(parts) + 1), rng.choice(w.FILLERS))
    return " ".join(parts)


def empty_modifier(text: str, rng: random.Random) -> str | None:
    match = re.match(r"(?i)(is|are|does|do|did|was|can|should|will|has|have) (\w+(?: [A-Z]\w+)?) ", text)
    return None if match is None else text[: match.end()] + rng.choice(w.EMPTY_MODIFIERS) + " " + text[match.end() :]


def possessive(text: str, rng: random.Random) -> str | None:
    match = re.search(r"\b([A-Z]\w+)'s (\w{3,})\b", text)
    if match:
        return _swap(text, match, f"the {match[2]} of {match[1]}")
    match = re.search(r"\bthe (\w{3,}) of ([A-Z]\w+)\b", text)
    return _swap(text, match, f"{match[2]}'s {match[1]}") if match else None


def coordinate(text: str, rng: random.Random) -> str | None:
    match = re.search(r"\b([\w-]{3,}) (and|or) ([\w-]{3,})\b", text)
    if match is None or match[1].lower() in _STOP or match[3].lower() in _STOP:
        return None
    return text[: match.start()] + f"{match[3]} {match[2]} {match[1]}" + text[match.end() :]


# ---- rules that change it


def number(text: str, rng: random.Random) -> str | None:
    found = list(re.finditer(r"\d+", text))
    if found:
        match = rng.choice(found)
        value = int(match.group()[:9])
        new = rng.choice(
            [value + rng.randint(1, 9), value * 2 + 1, max(0, value - rng.randint(1, 5)), value + 10, value * 10]
        )
        return None if new == value else _swap(text, match, str(new))
    return _from_list(text, w.NUMBER_WORDS, rng)


def opposite(text: str, rng: random.Random) -> str | None:
    return _replace_pair(text, w.OPPOSITES, rng)


def unit(text: str, rng: random.Random) -> str | None:
    return _replace_pair(text, w.UNITS, rng)


def when(text: str, rng: random.Random) -> str | None:
    for names in (w.MONTHS, w.DAYS):
        changed = _from_list(text, names, rng)
        if changed:
            return changed
    return _replace_pair(
        text,
        [
            ("before", "after"),
            ("today", "tomorrow"),
            ("morning", "evening"),
            ("first", "last"),
            ("since", "until"),
            ("next", "previous"),
            ("during", "after"),
        ],
        rng,
    )


def negate(text: str, rng: random.Random) -> str | None:
    match = re.search(r"(?i)\b(?:is it \w+ )(to) ", text)
    if match:
        return text[: match.start(1)] + "not " + text[match.start(1) :]
    match = re.search(
        r"(?i)\b(how (?:do|can|to|should)(?: i)?|why (?:is|are|do|does|did|was)(?: \w+)?|what happens if i|when should i|people who|things that|person who is|should i|which \w+ (?:is|are|do|does)) ",
        text,
    )
    if match is None:
        return re.sub(r"(?i)\b(not|n't) ", "", text, count=1) if re.search(r"(?i)\bnot ", text) else None
    return text[: match.end()] + "not " + text[match.end() :]


def entity(text: str, rng: random.Random) -> str | None:
    lists = [w.PLACES, w.FIRST_NAMES, w.THINGS, w.NATIONS, w.LANGUAGES, w.ANIMALS, w.BODY, w.JOBS, w.LAST_NAMES]
    rng.shuffle(lists)
    for names in lists:
        changed = _from_list(text, names, rng)
        if changed:
            return changed
    found = list(re.finditer(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]+)*", text))
    if found:
        match = rng.choice(found)
        return _swap(
            text,
            match,
            rng.choice(
                [rng.choice(w.PLACES), rng.choice(w.FIRST_NAMES), rng.choice(w.THINGS), rng.choice(w.LAST_NAMES)]
            ),
        )
    return None


def restrict(text: str, rng: random.Random) -> str:
    end = re.search(r"[?.! ]*$", text)
    at = end.start() if end else len(text)
    return f"{text[:at]} {rng.choice(w.RESTRICTIONS)}{text[at:]}"


def question_word(text: str, rng: random.Random) -> str | None:
    match = re.match(
        r"(?i)(who|when|where|why|how|what)\b(?! (?:many|much|long|often|far|old|to|kind|type|time))", text
    )
    if match is None or len(text.split()) < 4:
        return None
    return _swap(text, match, rng.choice([q for q in w.QUESTION_WORDS if q != match[1].lower()]))


def cut(text: str, rng: random.Random) -> str | None:
    """Without one content word in the middle: another, wider question."""
    spots = content_words(text)
    if len(spots) < 3:
        return None
    match = rng.choice(spots[:-1])
    return re.sub(r"  +", " ", text[: match.start()] + text[match.end() :])


def second_clause(text: str, rng: random.Random) -> str:
    return rng.choice(w.CLAUSES[1:]).format(q=text)


def exchange(text: str, rng: random.Random) -> str | None:
    """Two content words trade places; what stands around "and" or "or" may, so those are left alone."""
    spots = content_words(text)
    if len(spots) < 2 or re.search(r"(?i)\b(?:and|or|between|both|vs)\b", text):
        return None
    first, second = sorted(rng.sample(spots, 2), key=lambda m: m.start())
    if first.group().lower() == second.group().lower() or second.start() - first.end() < 2:
        return None
    return (
        text[: first.start()]
        + second.group()
        + text[first.end() : second.start()]
        + first.group()
        + text[second.end() :]
    )


KEEP: Final[Sequence[tuple[Rule, float]]] = (
    (polite, 3),
    (surface, 2),
    (typo, 2.5),
    (contraction, 1),
    (synonym, 3),
    (frame, 4),
    (filler, 0.7),
    (empty_modifier, 1.5),
    (possessive, 1.5),
    (coordinate, 1.5),
)
CHANGE: Final[Sequence[tuple[Rule, float]]] = (
    (number, 3),
    (opposite, 3),
    (unit, 2),
    (when, 2.5),
    (negate, 1.6),
    (entity, 3),
    (restrict, 0.8),
    (question_word, 1),
    (cut, 1.2),
    (second_clause, 0.4),
    (exchange, 1.0),
)


class Maker:
    """Makes pairs out of prompts of one domain; content words are replaced by others of the same domain.

    Args:
        prompts: where the words of the domain come from.
        rng: the source of all chance.
    """

    def __init__(self, prompts: Sequence[str], rng: random.Random) -> None:
        self._rng = rng
        self._prompts = list(prompts)
        counts: dict[str, int] = {}
        for prompt in prompts:
            for match in content_words(prompt):
                word = match.group()
                if word.islower():
                    counts[word] = counts.get(word, 0) + 1
        self._words = [word for word, n in counts.items() if n >= 3] or list(counts)

    def keep(self, text: str, times: int = 1) -> str | None:
        """The same question in other words; None where no rule applies."""
        return self._apply(KEEP, text, times)

    def change(self, text: str) -> str | None:
        """Another question in nearly the same words."""
        draw = self._rng.random()
        if draw < 0.3 and self._words:
            spots = [m for m in content_words(text) if m.group().islower()]
            if spots:
                match = self._rng.choice(spots)
                new = self._rng.choice(self._words)
                # A word and its plural or an inflection ask the same.
                return _swap(text, match, new) if new[:4] != match.group()[:4] else None
        return self._apply(CHANGE, text, 1)

    def pair(self, text: str) -> tuple[str, str, int] | None:
        """(a, b, same) out of one prompt."""
        rng = self._rng
        draw = rng.random()
        if draw < 0.36:
            kept = self.keep(text, rng.choice([1, 1, 2, 2, 3]))
            return (text, kept, 1) if kept and kept != text else None
        if draw < 0.68:
            changed = self.change(text)
            if changed and rng.random() < 0.45:
                changed = self.keep(changed, rng.choice([1, 1, 2])) or changed
            return (text, changed, 0) if changed and changed.lower() != text.lower() else None
        if draw < 0.86:
            return self.repair(text)
        return self.request(text)

    def repair(self, text: str) -> tuple[str, str, int] | None:
        """Somebody corrects himself in mid-sentence: the correction counts, what it corrects does not."""
        rng = self._rng
        spots = content_words(text)
        if not spots:
            return None
        cue = rng.choice(w.REPAIRS)
        if rng.random() < 0.35:
            # A false start, then the whole question again.
            other = rng.choice(self._prompts)
            start = " ".join(other.split(" ")[: rng.randint(2, 8)]).rstrip("?.,!")
            if rng.random() < 0.5:
                cut_at = rng.choice(spots)
                start = text[: cut_at.start()] + rng.choice(self._words or ["thing"])
            said = f"{start} {cue} {_lower_first(text) if rng.random() < 0.5 else text}"
            if rng.random() < 0.62:
                return text, said, 1
            meant = self.change(text)
            return (meant, said, 0) if meant else None
        match = rng.choice(spots)
        wrong = self.change(match.group()) if rng.random() < 0.3 else None
        wrong = wrong or entity(match.group(), rng) or rng.choice(self._words or ["thing"])
        before, after = text[: match.start()], text[match.end() :]
        tail = after.split(" ", 3)
        if rng.random() < 0.4 and len(tail) > 2:
            # More words are said before the correction comes.
            gap = " ".join(tail[:2])
            said = f"{before}{wrong}{gap} {cue} {match.group()}{after}"
        else:
            said = f"{before}{wrong} {cue} {match.group()}{after}"
        if rng.random() < 0.3:
            said = filler(said, rng)
        if rng.random() < 0.5:
            return text, said, 1
        return before + wrong + after, said, 0

    def request(self, text: str) -> tuple[str, str, int]:
        """The language or form of the answer is asked for."""
        rng = self._rng
        if rng.random() < 0.5:
            one, other = rng.sample(w.LANGUAGES, 2)
            forms = [
                "Answer in {}.",
                "Please reply in {}.",
                "In {}, please.",
                "Write the answer in {}.",
                "Respond in {}.",
                "Use {} for the answer.",
            ]
            same = rng.random() < 0.5
            left = rng.choice(forms).format(one)
            right = rng.choice(forms).format(one if same else other)
            if not same and rng.random() < 0.3:
                return text, f"{text} {right}", 0
        else:
            first, second = rng.sample(w.FORMATS, 2)
            same = rng.random() < 0.5
            left, right = rng.choice(first), rng.choice(first if same else second)
            if not same and rng.random() < 0.3:
                return text, f"{text} {right}", 0
        a, b = f"{text} {left}", (f"{right} {text}" if rng.random() < 0.3 else f"{text} {right}")
        return a, b, int(same)

    def _apply(self, rules: Sequence[tuple[Rule, float]], text: str, times: int) -> str | None:
        rng, done = self._rng, 0
        names, weights = [rule for rule, _ in rules], [weight for _, weight in rules]
        for _ in range(times * 6):
            changed = rng.choices(names, weights)[0](text, rng)
            if changed and changed != text:
                text, done = changed, done + 1
                if done == times:
                    break
        return text if done else None
