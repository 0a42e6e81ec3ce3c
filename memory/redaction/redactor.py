"""Replaces what was found in a text by its kind in square brackets."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from memory.memories.memory import INVISIBLE
from memory.redaction.credentials import find_credentials
from memory.redaction.finding import KINDS, Finding
from memory.redaction.keys import find_keys
from memory.redaction.personal import find_personal

SECRET: Final = "secret"

_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")
_ROUNDS: Final = 4
_TELLING: Final = 6
"""Characters of a secret that is looked for elsewhere, too."""
_MOST_KNOWN: Final = 100

Finds = Callable[[str], Iterable[Finding]]


class RedactionError(RuntimeError):
    """A configured engine cannot be used."""


def find_secrets(text: str) -> Iterator[Finding]:
    """Secrets in a text; they may overlap."""
    for find in (find_keys, find_credentials):
        for start, end in find(text):
            yield Finding(SECRET, start, end)


class Redactor:
    """Finds secrets and personal data, and takes them out. May be called from any thread.

    Args:
        finds: each finds what it knows; where findings overlap, secrets come first, then the longer one.
    """

    def __init__(self, finds: Sequence[Finds] = (find_secrets, find_personal)) -> None:
        self._finds = finds

    def __call__(self, text: str) -> str:
        """The text with ``[email]``, ``[phone]``, ``[secret]`` and the like in place of what was found.

        Done again, it changes nothing.
        """
        for _ in range(_ROUNDS):
            found = self.find(text)
            if not found:
                break
            text = _replaced(text, found)
        return text

    def of_one(self, texts: Sequence[str]) -> list[str]:
        """Texts of one conversation, each without what was found in any: a secret told once is gone from all."""
        return [self(_replaced(text, found)) for text, found in zip(texts, self.find_all(texts), strict=True)]

    def find(self, text: str) -> list[Finding]:
        """What is found, in order, without overlaps; offsets refer to the text as given."""
        return self.find_all((text,))[0]

    def find_all(self, texts: Sequence[str]) -> list[list[Finding]]:
        """What is found in each of several texts of one conversation.

        A password that one of them tells is one wherever it stands, in each of them.
        """
        seen = [_visible(text) for text in texts]
        found = [[finding for find in self._finds for finding in find(visible)] for visible, _ in seen]
        secrets = (
            visible[one.start : one.end]
            for (visible, _), ones in zip(seen, found, strict=True)
            for one in ones
            if one.kind == SECRET
        )
        known = _again(set(secrets))
        return [
            _placed(visible, offsets, [*ones, *(known(visible) if known else ())])
            for (visible, offsets), ones in zip(seen, found, strict=True)
        ]


def build_redactor(engine: str = "rules") -> Redactor:
    """The redactor of a configured engine.

    Raises:
        RedactionError: the engine is not installed here.
    """
    if engine == "rules":
        return Redactor()
    if engine == "presidio":
        return Redactor((find_secrets, find_personal, _presidio()))
    raise RedactionError(f"There is no redaction engine {engine!r}: rules and presidio are.")


def _presidio() -> Finds:
    # Here, so that nothing of it is touched where the configuration does not ask for it.
    from memory.redaction.presidio import NotInstalled, build_finder

    try:
        return build_finder()
    except NotInstalled as error:
        raise RedactionError(f"memory.redaction.engine is presidio: {error}") from error


def _visible(text: str) -> tuple[str, list[int] | None]:
    """The text without characters that nobody sees, and where each of the rest stood; None where all stand there."""
    if text.isascii() or INVISIBLE.search(text) is None:
        return text, None
    offsets: list[int] = []
    at = 0
    for match in INVISIBLE.finditer(text):
        offsets.extend(range(at, match.start()))
        at = match.end()
    offsets.extend(range(at, len(text)))
    return INVISIBLE.sub("", text), offsets


def _placed(seen: str, offsets: Sequence[int] | None, found: Sequence[Finding]) -> list[Finding]:
    """Findings without overlaps, where they stand in the text with all its characters."""
    if not found:
        return []
    taken = _apart(found, [match.span() for match in _PLACEHOLDER.finditer(seen)])
    if offsets is None:
        return taken
    return [Finding(kind, offsets[start], offsets[end - 1] + 1) for kind, start, end in taken]


def _again(values: Iterable[str]) -> Finds | None:
    """Finds secrets that are known to be some, wherever they stand; words that are words like others are left out."""
    telling = sorted(value for value in values if len(value) >= _TELLING and not value.isalpha())[:_MOST_KNOWN]
    if not telling:
        return None
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, telling))})(?!\w)")
    return lambda text: (Finding(SECRET, *match.span()) for match in pattern.finditer(text))


def _apart(found: Iterable[Finding], standing: Sequence[tuple[int, int]]) -> list[Finding]:
    """Findings that overlap neither each other nor a placeholder that stands there already."""
    found = list(found)
    secrets = _joined(sorted(one for one in found if one.kind == SECRET))
    others = sorted((one for one in found if one.kind != SECRET), key=lambda one: one.start - one.end)
    taken: list[Finding] = []
    blocked = [Finding("", start, end) for start, end in standing]
    for finding in (*secrets, *others):
        if _is_free(finding, blocked):
            bisect.insort(blocked, finding, key=_start)
            bisect.insort(taken, finding, key=_start)
    return taken


def _joined(found: Iterable[Finding]) -> list[Finding]:
    """Findings of one kind, in order; those that overlap are made one."""
    joined: list[Finding] = []
    for one in found:
        if joined and one.start < joined[-1].end:
            joined[-1] = joined[-1]._replace(end=max(one.end, joined[-1].end))
        else:
            joined.append(one)
    return joined


def _is_free(finding: Finding, blocked: Sequence[Finding]) -> bool:
    at = bisect.bisect_left(blocked, finding.end, key=_start)
    return at == 0 or blocked[at - 1].end <= finding.start


def _start(finding: Finding) -> int:
    return finding.start


def _replaced(text: str, found: Sequence[Finding]) -> str:
    pieces: list[str] = []
    at = 0
    for kind, start, end in found:
        pieces += (text[at:start], f"[{kind}]")
        at = end
    return "".join([*pieces, text[at:]])
