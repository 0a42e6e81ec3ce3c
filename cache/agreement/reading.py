"""What an answer says, taken out of its wire format: tool calls, JSON, code and plain text. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from cache.answers import text_of

_FENCE: Final = re.compile(
    r"^[ \t]*(```|~~~)[ \t]*([\w+#-]*)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_INLINE: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK: Final = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
_RULE_LINE: Final = re.compile(r"^[ \t|:=*_-]{3,}$", re.MULTILINE)
_BULLET: Final = re.compile(r"^[ \t]*(?:[-*+•–]|\(?\d{1,2}[.)]|#{1,6}|>)[ \t]+", re.MULTILINE)
_EMPHASIS: Final = re.compile(r"(?<![\w*])(\*{1,3}|_{1,3})(?=\S)(.+?)(?<=\S)\1(?![\w*])|\*\*")
_DASHES: Final = str.maketrans(
    {"–": "-", "—": " - ", "‐": "-", "‑": "-", "−": "-", "’": "'", "‘": "'", "“": '"', "”": '"'}
)
# Said around an answer, whatever it says.
_FILLER: Final = re.compile(
    r"(?:sure|certainly|of course|absolutely|great question|good question|happy to help|glad to help|hope this helps"
    r"|i hope|let me know|feel free|if you have any|if you need|here(?:'s| is| are)\b.*:$|you can use [^.]{0,40}:$"
    r"|use [^.]{0,40}:$|run:?$|n'hésitez pas|bien sûr\b)",
    re.IGNORECASE,
)
_DECLINES: Final = re.compile(
    r"\b(?:i|we)(?:'m| am|'re| are)? (?:(?:really|truly|very|so|afraid i) )?"
    r"(?:can't|cannot|can not|could not|couldn't|won't|unable to|not able to|not allowed to|don't have|do not have"
    r"|don't see|do not see|don't know|do not know|must decline)\b"
    r"|\bas an ai\b|\bsomething went wrong\b|\btry again later\b|^\W*(?:internal )?(?:server )?error\b"
    r"|\bje (?:ne |n')(?:peux|suis|sais|dispose|vois)(?: \w+)? pas\b|\bune erreur (?:est survenue|s'est produite)\b",
    re.IGNORECASE | re.MULTILINE,
)
_OPENING: Final = 160
"""Characters in which a refusal or an error says that it is one."""
_SENTENCE_END: Final = re.compile(r"(?<=[.!?:;])[\"')»]*\s+(?=[^a-z\s])|\n+")
_WORD: Final = re.compile(r"[^\W_]+(?:['.,:/-][^\W_]+)*")


@dataclass(frozen=True)
class Said:
    """What the first choice of an answer says."""

    calls: tuple[tuple[str, str], ...]
    """Tool calls as (name, canonical JSON of the arguments), sorted: parallel calls have no order."""
    refused: bool
    """Did the provider itself mark it as a refusal?"""
    text: str

    @cached_property
    def blocks(self) -> list[tuple[str, str]]:
        """Fenced code as (language, code)."""
        return [(language.lower(), code) for _, language, code in _FENCE.findall(self.text)]

    @cached_property
    def spans(self) -> list[str]:
        """Code between backticks within the text."""
        return _INLINE.findall(_FENCE.sub("\n", self.text))

    @cached_property
    def json(self) -> Any:
        """The object or array that the whole text is, in a fence or bare; None for any other text."""
        text = self.text.strip()
        if len(self.blocks) == 1 and not _FENCE.sub("", text).strip():
            text = self.blocks[0][1].strip()
        if text[:1] not in ("{", "["):
            return None
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict | list) else None

    @cached_property
    def plain(self) -> str:
        """The text without Markdown; of fenced code, single lines only."""
        return plain(_FENCE.sub(_single_line, self.text))

    @cached_property
    def sentences(self) -> list[str]:
        """Sentences and list items, without what only introduces or closes the answer."""
        found = [part.strip() for part in _SENTENCE_END.split(self.plain)]
        kept = [part for part in found if _WORD.search(part) and not _FILLER.match(part)]
        return kept or [part for part in found if part]

    @cached_property
    def declines(self) -> bool:
        """Does it refuse, or report an error, in place of an answer?"""
        return self.refused or bool(_DECLINES.search(plain(self.text)[:_OPENING]))

    @property
    def breaks_off(self) -> bool:
        """Does the text end in the middle of a sentence, a code block or a JSON value?"""
        text = self.text.rstrip()
        if text.count("```") % 2 or (text[:1] in ("{", "[") and self.json is None):
            return True
        return bool(text) and (text[-1].isalnum() or text[-1] in ",;-")


def read(answer: Mapping[str, Any]) -> Said:
    """The first choice of a chat completion."""
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, Mapping) else None
    message = message if isinstance(message, Mapping) else {}
    refused = bool(message.get("refusal")) and not message.get("content")
    return Said(tuple(sorted(_calls(message))), refused, text_of(answer))


def _single_line(fence: re.Match[str]) -> str:
    code = fence.group(3).strip()
    return "\n" if "\n" in code else f"\n{code}\n"


def plain(text: str) -> str:
    """Without Markdown marks, list numbers and typographic variants; a table's cells become phrases."""
    text = unicodedata.normalize("NFKC", text).translate(_DASHES)
    text = _RULE_LINE.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _BULLET.sub("", text)
    text = _EMPHASIS.sub(lambda found: found.group(2) or "", text)
    text = text.replace("`", "")
    text = re.sub(r"[ \t]*\|[ \t]*", " , ", text) if "|" in text else text
    return re.sub(r"[ \t]+", " ", re.sub(r"(?m)^[ ,]+|[ ,]+$", "", text)).strip()


def normal(text: str) -> str:
    """Words and signs that count when two texts are held to be equal: no Markdown, case or closing full stop."""
    return " ".join(plain(text).casefold().split()).rstrip(" .!")


def canonical(value: Any) -> str:
    """JSON with sorted keys, where 25 and 25.0 are one number."""

    def level(item: Any) -> Any:
        if isinstance(item, float) and item.is_integer():
            return int(item)
        if isinstance(item, dict):
            return {key: level(inner) for key, inner in item.items()}
        return [level(inner) for inner in item] if isinstance(item, list) else item

    return json.dumps(level(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _calls(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = message.get("tool_calls")
    functions = [call.get("function") for call in found if isinstance(call, Mapping)] if isinstance(found, list) else []
    functions += [message.get("function_call")]
    return [
        (str(function.get("name")), _arguments(function.get("arguments")))
        for function in functions
        if isinstance(function, Mapping)
    ]


def _arguments(given: Any) -> str:
    if not isinstance(given, str):
        return canonical(given)
    try:
        return canonical(json.loads(given or "{}"))
    except (ValueError, RecursionError):
        return given
