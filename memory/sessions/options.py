"""Options that an answer offers: a list to choose from, or "A, B or C?". Pure.

A numbered list is as often a recipe as a choice. It is a choice where words about choosing, or a question that the
items
answer, stand right before or behind it; steps to be done one after the other are not (``is_recipe``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memory.sessions.session import Option
from memory.sessions.wording import CODE, folded, sentences, words

MOST_OPTIONS: Final = 20
LABEL_CHARS: Final = 120
INLINE_WORDS: Final = 6
"""Words of an option within a sentence at most."""

_ITEM = re.compile(
    r"^(?P<indent>[ \t]*)(?:>[ \t]?)*(?:[-*+•–][ \t]+)??(?:(?:\*\*|__)(?=[\d(\[a-zA-Z][\d.):\] \t]))?"
    r"(?:(?P<number>\d{1,2})(?:[.):]|[ \t]*[-–—](?=[ \t]))|\((?P<bracketed>\d{1,2}|[a-zA-Z])\)|\[(?P<square>\d{1,2}"
    r"|[a-zA-Z])\]"
    r"|(?P<letter>[a-zA-Z])[.)](?=[ \t*_])|(?:option|choix|opción|opcion)[ \t]+(?P<named>\d{1,2}"
    r"|[a-zA-Z])[ \t]*[.:)–—-]"
    r"|(?P<keycap>\d)\ufe0f?\u20e3|(?P<bullet>[-*+•–▪◦‣])(?=[ \t])|(?P<bold>(?=\*\*[^*\n]{1,120}\*\*)))"
    r"[ \t]*(?P<text>\S.*)$",
    re.IGNORECASE,
)
_BOLD = re.compile(r"^(?:\*\*|__)(?P<label>[^*_\n]{1,120}?)[:.]?(?:\*\*|__)[:.]?")
_TAIL = re.compile(r"(?:\s+[-–—]\s+|:\s+|\s+\().*$", re.DOTALL)
_MARKS = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")

_CHOOSING = re.compile(
    r"\b(?:which|choose|choice|choices|pick|select|options?|prefer|either|one of|reply with|answer with|respond with"
    r"|type the number|the number|the letter|let me know (?:which|what)|tell me (?:which|what)|would you like"
    r"|do you want|want me to|should i|shall i|what kind|what type|what sort|apply|applies|best describes"
    r"|sounds? (?:most )?like|two ways|three ways|ways forward|"
    r"lequel|laquelle|lesquels|lesquelles|quel|quelle|choisissez|choisis|choix|préférez|préfères|souhaitez|voulez"
    r"|welche|welcher|welches|welchen|wähle|wählen|auswahl|möchten sie|möchtest du|bevorzugen|optionen"
    r"|cuál|cual|cuáles|elige|elija|escoge|escoja|seleccione|selecciona|opción|opciones|prefiere|prefieres|quieres"
    r"|desea)\b",
    re.IGNORECASE,
)
_SURELY = re.compile(
    r"\b(?:which (?:one|of)|choose|pick|select|options?|prefer|reply with|lequel|laquelle|choisissez|welche[rsn]?"
    r"|wählen"
    r"|cuál|elija|elige|escoge|seleccione)\b",
    re.IGNORECASE,
)
_DOING = re.compile(
    r"\b(?:steps?|follow(?:ing steps)?|try (?:the|these|this)|do the following|instructions|here(?:'s| is) how|how to"
    r"|in (?:this )?order|one by one|étapes?|suivez|essayez|schritte?|folgen sie|versuchen sie|pasos?|siga|sigue|pruebe"
    r"|prueba)\b",
    re.IGNORECASE,
)
_DONE_YET = re.compile(
    r"\b(?:did|does|do|has|have|is|are|can you|could you|once|after|when|ob|ça marche|funktioniert|funciona)\b.*\b"
    r"(?:help|helped|work|works|worked|working|fix|fixed|solve|solved|resolve|resolved|succeed|marche|fonctionne"
    r"|funktioniert|geholfen|gelöst|funciona|funcionó|ayudó)\b",
    re.IGNORECASE,
)
IMPERATIVES: Final = frozenset(
    """accept adjust apply archive assign attach block cancel commit decrease define deploy detach downgrade drop
    eject empty
    enlarge extend fill fix free give grant increase issue keep kill limit lock lower merge migrate mount pause pin
    provide
    purge raise rebuild redeploy refresh register release reorder repair report request resend resize resync revert
    review
    revoke roll rotate schedule shorten stop swap sync terminate trim truncate trust unblock unlock unmount upgrade wipe
    add allow answer apply ask boot browse call change check choose clean clear click close configure confirm connect
    copy create delete disable disconnect download drag edit enable ensure enter execute exit expand export find flush
    follow force go hold import insert install launch locate log look make map mark move navigate open paste ping plug
    point power press print pull push put read reboot reconnect recreate reinstall reload remove rename repeat replace
    reset restart restore resume retry return right-click roll run save scan scroll search select send set share show
    shut sign start stop submit switch take tap test toggle try turn type undo uninstall unplug update upgrade upload
    uncheck use verify view visit wait write then first next finally now
    ajoutez allez appuyez attendez branchez choisissez cliquez connectez copiez créez débranchez désactivez désinstallez
    entrez essayez exécutez fermez installez lancez ouvrez redémarrez relancez saisissez sélectionnez supprimez
    téléchargez tapez vérifiez videz
    aktivieren deinstallieren drücken geben gehen installieren klicken öffnen prüfen schalten schließen starten
    trennen verbinden wählen warten ziehen
    abra abre añada busque cierre conecte copie descargue desconecte desinstale ejecute elija escriba espere haga haz
    inicie instale introduzca pulse reinicie seleccione vaya verifique""".split()
)
_LEADS = re.compile(
    r"^.*?(?:\b(?:(?:how|what) about|is|are|was|were|do|does|did|would|should|shall|can|could|will|have|has|which"
    r"|what|who|where|est-ce|"
    r"c'est|voulez-vous|préférez-vous|utilisez-vous|ist|sind|haben|möchten|benutzen|nutzen|es|son|usa|usas|prefiere|"
    r"prefieres|quiere|quieres)\b[ \t]+)"
    r"(?:(?:it|this|that|there|you|we|i|they|he|she|es|das|sie|du|your|the (?:problem|issue|error|device"
    r"|message))\b[ \t]+)?"
    r"(?:(?:be|interested|rather|currently|now|mean|meaning|want|prefer|like|use|using|have|see|seeing|running|on"
    r"|need|looking at"
    r"|looking for"
    r"|talking about|connected to|connecting to|connecting|getting|with)\b[ \t]+)*(?:(?:to|by|via|with|through|on"
    r"|for)\b[ \t]+)?",
    re.IGNORECASE,
)
_OR = re.compile(r"(?:\s*[,;]\s*(?:or|ou|oder|o|bien)\s+|\s+(?:or|ou|oder|o)\s+)", re.IGNORECASE)
_LAST_OR = re.compile(r"[\s,;]+(?:or|ou|oder|o)$", re.IGNORECASE)
_INLINE_MARK = re.compile(r"(?:(?<=\s)|(?<=^)|\()(?P<mark>[a-hA-H]|\d{1,2})\)\s+")
_COMMA = re.compile(r"\s*[,;]\s*")
_TO = re.compile(r"^to\s+", re.IGNORECASE)
_ARTICLE = re.compile(
    r"^(?:an?|the|some|un|une|le|la|les|l'|der|die|das|ein|eine|einen|el|los|las|una)\s+", re.IGNORECASE
)
_NO_OPTION = frozenset(
    "not no something else another other similar so more less anything elsewhere both neither non pas nicht"
    " etwas".split()
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list within an answer."""

    options: tuple[Option, ...]
    items: tuple[str, ...]
    """Each item's whole text."""
    numbered: bool
    before: str
    """The sentence that leads to it."""
    after: str
    """All that follows it."""


def offered(answer: str) -> tuple[Option, ...]:
    """What an answer offers to choose from; nothing where it offers no choice, or only one thing."""
    text = CODE.sub("\n", answer)
    for listed in reversed(lists(text)):
        if _is_choice(listed):
            return listed.options
    return _inline(text)


def is_recipe(answer: str) -> bool:
    """Does an answer list things to do one after the other?"""
    return any(_is_doing(listed) and not _is_choice(listed) for listed in lists(CODE.sub("\n", answer)))


def lists(text: str) -> list[Listed]:
    """The outermost lists of a text of at least two items, in order."""
    lines = text.splitlines()
    found: list[Listed] = []
    at = 0
    while at < len(lines):
        first = _ITEM.match(lines[at])
        if first is None:
            at += 1
            continue
        items, end = _items(lines, at)
        if 2 <= len(items) <= MOST_OPTIONS:
            before = sentences("\n".join(lines[:at]))
            found.append(
                Listed(
                    options=tuple(
                        Option(mark or str(place), label_of(text)) for place, (mark, text) in enumerate(items, 1)
                    ),
                    items=tuple(text for _, text in items),
                    numbered=bool(first["number"]),
                    before=before[-1] if before else "",
                    after="\n".join(lines[end:]).strip(),
                )
            )
        at = end
    return [one for one in found if all(option.label for option in one.options)]


def label_of(item: str) -> str:
    """What an item is called: its bold beginning, or its words up to a dash or a colon."""
    text = _LINK.sub(r"\1", item.strip())
    bold = _BOLD.match(text)
    if bold:
        found = bold["label"]
    else:
        whole = _MARKS.sub("", text)
        cut = _TAIL.sub("", whole)
        found = cut if words(cut) else whole
    label = " ".join(_MARKS.sub("", found).split()).rstrip(" .,;:")
    # "3?" and "C#" are names with their marks; a question as an option keeps its mark, too.
    return label if len(label) <= LABEL_CHARS else label[: LABEL_CHARS - 1].rstrip() + "…"


def _items(lines: Sequence[str], at: int) -> tuple[list[tuple[str, str]], int]:
    """(mark, text) of a list's own items, and the line after it. What is indented more belongs to its item."""
    first = _ITEM.match(lines[at])
    assert first is not None
    indent, style = len(first["indent"].expandtabs(4)), _style(first)
    items: list[tuple[str, str]] = []
    blank = False
    while at < len(lines):
        line = lines[at]
        match = _ITEM.match(line)
        deep = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        if not line.strip():
            blank = True
        elif match and _style(match) == style and deep <= indent + 1:
            items.append((_mark(match), match["text"].strip()))
            blank = False
        elif not items or (deep <= indent and (blank or not match)):
            break
        at += 1
    return items, at


def _style(match: re.Match[str]) -> str:
    for name in ("number", "bracketed", "square", "letter", "named", "keycap"):
        if match[name]:
            return name + ("" if match[name].isdigit() else "a")
    return "bullet"


def _mark(match: re.Match[str]) -> str:
    found = next(
        (match[name] for name in ("number", "bracketed", "square", "letter", "named", "keycap") if match[name]), ""
    )
    return str(int(found)) if found.isdigit() else found.lower()


def _is_choice(listed: Listed) -> bool:
    behind = sentences(listed.after)
    nearby = behind[:2] if behind else []
    if any(_asks_to_choose(sentence) for sentence in nearby):
        return True
    before = listed.before
    if _CHOOSING.search(before):
        return bool(_SURELY.search(before)) or not (_DOING.search(before) and _is_doing(listed))
    # A question that the items answer; one that asks for things to be done leads to a recipe.
    asks = before.rstrip(" *_:").endswith("?")
    return asks and not _DOING.search(before) and not (listed.numbered and _is_doing(listed))


def _asks_to_choose(sentence: str) -> bool:
    if _DONE_YET.search(sentence) and not re.search(
        r"\bwhich|\boptions?\b|\bnumber\b|\bletter\b", sentence, re.IGNORECASE
    ):
        return False
    return bool(_CHOOSING.search(sentence)) and not _DOING.search(sentence)


def _is_doing(listed: Listed) -> bool:
    """Are most items things to do?"""
    doing = sum(_is_imperative(item) for item in listed.items)
    return doing * 2 > len(listed.items)


def _is_imperative(item: str) -> bool:
    # "right-click" is one word here.
    found = folded(_MARKS.sub("", item)).replace("right-click", "click").split()
    return bool(found) and found[0].strip(",.:;") in IMPERATIVES


def _inline(text: str) -> tuple[Option, ...]:
    """Options within the last question: "Is it a laser printer, an inkjet or a label printer?"."""
    for sentence in reversed(sentences(text)[-3:]):
        if sentence.rstrip(" *_").endswith("?"):
            return _in_question(_MARKS.sub("", sentence).rstrip(" *_?"))
    return ()


def _in_question(question: str) -> tuple[Option, ...]:
    marks = list(_INLINE_MARK.finditer(question))
    if len(marks) > 1:
        ends = [mark.start() for mark in marks[1:]] + [len(question)]
        texts = [
            _LAST_OR.sub("", question[mark.end() : end].strip(" ,;")) for mark, end in zip(marks, ends, strict=True)
        ]
        marked = tuple(
            Option(mark["mark"].lower(), label_of(text)) for mark, text in zip(marks, texts, strict=True) if text
        )
        return marked if len(marked) == len(marks) and all(_is_label(one.label) for one in marked) else ()
    before, colon, behind = question.rpartition(":")
    # "47 Meters Down: Uncaged" is a name: what leads to options is written small.
    led = bool(colon) and not before.split()[-1][:1].isupper()
    asked = behind if led else question
    pieces = _OR.split(asked)
    if len(pieces) != 2:
        return ()
    *listed, last = [*_COMMA.split(pieces[0]), pieces[1]]
    if not led:
        if len(listed) > 1 and not _leads(listed[0]):
            # "For this, do you want A, B or C?": what stands before the question's own words is none.
            starts = next((at for at, piece in enumerate(listed) if _leads(piece)), 0)
            listed = listed[starts:]
        listed[0] = _LEADS.sub("", listed[0], count=1)
    labels = [_ARTICLE.sub("", _TO.sub("", piece.strip())).strip() for piece in (*listed, last)]
    if not all(_is_label(label) for label in labels) or len({folded(label) for label in labels}) < len(labels):
        return ()
    return tuple(Option(str(place), label) for place, label in enumerate(labels, 1))


def _leads(piece: str) -> bool:
    return _LEADS.match(piece) is not None


def _is_label(label: str) -> bool:
    found = words(label)
    return 0 < len(found) <= INLINE_WORDS and found[0] not in _NO_OPTION
