"""In which language a text is written, as far as scripts and a few words of each tell."""

from __future__ import annotations

import re
from typing import Final

from cache.guards.analysis import Analysis, once
from cache.guards.pair import Finding, Pair

SCRIPTS: Final = {
    "cyrillic": "\u0400-\u052f", "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "arabic": "\u0600-\u06ff\u0750-\u077f", "hebrew": "\u0590-\u05ff",
    "devanagari": "\u0900-\u097f", "bengali": "\u0980-\u09ff", "tamil": "\u0b80-\u0bff", "telugu": "\u0c00-\u0c7f",
    "thai": "\u0e00-\u0e7f", "georgian": "\u10a0-\u10ff", "armenian": "\u0530-\u058f",
    "hangul": "\uac00-\ud7af\u1100-\u11ff", "kana": "\u3040-\u30ff", "han": "\u4e00-\u9fff\u3400-\u4dbf",
}  # fmt: skip

ENGLISH: Final = frozenset(
    "the of and to is was are were what which who how why when where did does do can in for with this that it you my"
    " your i be or not have has".split()
)
_SHARED: Final = frozenset(
    "de do to in is are me we no so was die war am man on at per come non chi not an el la le den has hay son un al"
    " des van te si an het".split()
)
FOREIGN: Final = {
    name: frozenset(word for word in words.split() if len(word) > 1) - ENGLISH - _SHARED
    for name, words in {
        "Spanish": "el la los las un una que qué de del es son fue en por para con cuál cuáles cómo cuándo dónde"
        " quién quiénes cuántos cuántas su se y al más hay como está mi tu puedo",
        "Portuguese": "o os as um uma que de do da dos das é são foi em no na por para com qual quais como quando onde"
        " quem quantos quantas seu sua se e ao mais não eu meu minha posso",
        "French": "le la les un une des du de que qu' qu est sont était en dans pour par avec quel quelle quels"
        " quelles comment quand où qui combien son sa se et au aux plus pas je mon ma il elle ce cette"
        " pourquoi ne",
        "German": "der die das den dem des ein eine einen einer eines und ist sind war waren wie was wer wo wann"
        " warum welche welcher welches wurde von zu mit für auf im nicht ich mein meine sich aus bei"
        " wird wurden viele",
        "Italian": "il lo la gli le un una che di del della dei delle è sono era in per con quale quali come quando"
        " dove chi quanti quante suo si e al più non io mio mia posso nel nella cosa",
        "Dutch": "de het een en is zijn was wie wat waar wanneer waarom welke hoe van voor met op niet ik mijn"
        " aan bij wordt werd naar te",
        "Romanian": "care ce cum când unde cine cât câte câți este sunt era în din pe cu pentru la de și mai nu un o"
        " al ale lui fost a au",
        "Turkish": "ne kim nerede nasıl neden hangi kaç ve bir bu için ile mi mı var değil kadar olarak",
        "Vietnamese": "là của và những các một có không được người trong cho gì nào đã ở năm tại bao nhiêu khi với ai"
        " đâu",
        "Polish": "co kto gdzie kiedy dlaczego jak jaki jaka jakie czy w na z do się nie i jest są był była ile"
        " który która",
        "Swedish": "och är var vad vem när varför hur vilken vilket vilka en ett som på för med inte jag av till"
        " den det",
        "Indonesian": "apa siapa di mana kapan mengapa bagaimana berapa yang dan dari untuk dengan adalah tidak saya"
        " ini itu",
    }.items()
}

_SCRIPT = {name: re.compile(f"[{span}]") for name, span in SCRIPTS.items()}
_ANY_FOREIGN: frozenset[str] = frozenset().union(*FOREIGN.values())


def language(pair: Pair) -> Finding | None:
    """The texts are in different languages or scripts: an answer is expected in the asker's own."""
    new, stored = _language(pair.new), _language(pair.stored)
    if {new, stored} & SCRIPTS.keys():
        new, stored = new or _latin(pair.new), stored or _latin(pair.stored)
    if not new or not stored or new == stored:
        return None
    return Finding(tuple(sorted((new, stored))), sure=True)


def _latin(text: Analysis) -> str | None:
    return "latin" if sum(map(len, text.words)) > 2 else None


@once
def _language(text: Analysis) -> str | None:
    """The script where it is not Latin; else English or another language, where its words tell; None where not."""
    written = text.text
    if not written.isascii():
        letters = sum(character.isalpha() for character in written)
        counts = {name: len(pattern.findall(written)) for name, pattern in _SCRIPT.items()}
        if counts["kana"]:
            counts["kana"] += counts.pop("han")
        best = max(counts, key=lambda name: counts[name])
        if letters and 2 * counts[best] > letters:
            return best
    words = text.said
    english = len(words & ENGLISH)
    if not words & _ANY_FOREIGN:
        return "English" if english >= 2 else None
    scores = {name: len(words & own) for name, own in FOREIGN.items()}
    foreign = max(scores, key=lambda name: scores[name])
    if scores[foreign] >= 2 and scores[foreign] > english:
        return foreign
    if scores[foreign] and not english and any(len(word) > 3 for word in words & FOREIGN[foreign]):
        return foreign
    return "English" if english >= 2 and english > scores[foreign] else None
