"""Does a turn begin by objecting to the answer before it? In French, German and Spanish. Pure, and shy.

English is read by the cache, which weighs what a turn says of a stored answer. What is not understood objects to
nothing; who declines an offer, gives thanks or asks whether it is right objects to nothing either.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

OPENING: Final = 200
"""Characters of a turn that are read: who objects does it at once."""

_END = r"\s*(?:$|[.,!;:–—-])"
_BEGINNINGS = (
    r"^(?:(?:euh|hum|ah|oh|bah|ben|bon|mais|desolee?|pardon|attends?|attendez|malheureusement|en fait|je crois que"
    r"|je pense que|merci|aeh|ah|oh|hm+|moment|warte|warten sie|sorry|tut mir leid|leider|entschuldigung|aber|also|doch"
    r"|ich glaube|ich denke|danke|eh|ay|pues|perdona|perdon|perdone|disculpa|disculpe|espera|espere|lo siento|pero"
    r"|creo que|gracias|en realidad)\b[\s,.!;:–—-]*)*"
)
_FRENCH = (
    r"(?:non[\s,.!]*)?(?:"
    r"c'est (?:(?:completement|totalement|tout a fait|toujours|encore) )*"
    r"(?:faux|inexact|errone|incorrect|n'importe quoi"
    r"|une erreur|pas (?:(?:du tout|tout a fait|vraiment) )?(?:ca|cela|correct|juste|exact|vrai|bon|la bonne|ce que))\b"
    r"|(?:ce|ca|cela) n'est (?:toujours )?pas (?:(?:du tout|tout a fait|vraiment) )?"
    r"(?:ca|cela|correct|juste|exact|vrai|bon|la bonne|ce que)\b"
    r"|(?:ta|votre|la|cette) (?:reponse|solution|traduction|explication|date|version)"
    r" (?:est (?:fausse|inexacte|erronee|incorrecte|mauvaise)|n'est pas (?:bonne|juste|correcte|exacte))\b"
    r"|(?:tu te trompes?|vous vous trompez|tu t'es trompee?|vous vous etes trompee?s?|(?:tu as|vous avez) tort)\b"
    r"|(?:ca|cela) (?:ne )?(?:marche|fonctionne|compile|repond|aide|sert) (?:toujours )?(?:pas|a rien)\b"
    r"|je (?:n')?(?:ai|avais) pas (?:demande|dit|parle)\b|ce n'etait pas (?:ma|la) question\b"
    r"|je (?:voulais dire|parlais de|demandais)\b"
    rf"|(?:faux|inexact|incorrect|mauvaise reponse|pas (?:du tout|exactement|correct|exact|vrai)){_END})"
    r"|non[\s,]+(?:c'est|ce sont|il (?:faut|y a|est)|elle est|plutot|je voulais|je parle)\b"
)
_GERMAN = (
    r"(?:nein[\s,.!]*)?(?:"
    r"(?:das|dies|es) (?:ist|war|sind|waren) (?:(?:so|leider|doch|ja|aber|immer noch|einfach|vollig|komplett|ganz) )*"
    r"(?:falsch|inkorrekt|veraltet|unsinn|quatsch|nicht (?:(?:ganz|wirklich) )?(?:richtig|korrekt|wahr|das,? was))\b"
    r"|(?:das )?stimmt (?:(?:so|leider|doch|ja|aber|gar|uberhaupt|immer noch) )*nicht\b"
    r"|(?:deine|ihre|die|diese) (?:antwort|losung|ubersetzung|erklarung|rechnung|zahl|angabe)"
    r" (?:ist|war|stimmt) (?:(?:so|leider|aber|immer noch) )*(?:falsch|nicht|veraltet)\b"
    r"|(?:da )?(?:liegst du|liegen sie|du liegst|sie liegen) (?:(?:hier|leider|da) )*falsch\b"
    r"|(?:du irrst dich|sie irren sich|du hast unrecht|sie haben unrecht|da irrst du)\b"
    r"|(?:das|es) (?:funktioniert|geht|klappt|lauft|kompiliert|hilft) (?:(?:so|leider|immer noch|bei mir|aber|mir) )*"
    r"nicht\b"
    r"|(?:das|danach|davon) (?:habe?|hatte) ich (?:gar )?nicht (?:gefragt|gesagt|gemeint|gesprochen)\b"
    r"|das (?:meinte|wollte) ich (?:gar )?nicht\b|ich (?:meinte|habe (?:das )?nicht gefragt)\b"
    rf"|(?:falsch|falsche antwort|inkorrekt|quatsch|unsinn|nicht (?:ganz )?(?:richtig|korrekt)){_END})"
    r"|nein[\s,]+(?:es (?:ist|sind|war|heisst|geht um)|sondern|die richtige|der richtige|das richtige|richtig ist)\b"
)
_SPANISH = (
    r"(?:no[\s,.!]+)?(?:"
    r"(?:eso|esto|esa respuesta|(?:la|tu|su) (?:respuesta|solucion|traduccion|explicacion|fecha|cifra)) (?:es|esta|era)"
    r" (?:(?:totalmente|completamente|muy|todavia) )*(?:incorrect[oa]|fals[oa]|mal|erroneo|erronea"
    r"|equivocad[oa]|mentira)\b"
    r"|(?:eso |esto |asi )?no (?:es|era|fue) (?:(?:del todo|exactamente) )?(?:correct[oa]|ciert[oa]|verdad|asi|eso"
    r"|lo que (?:he |te |le )?(?:pregunte|pedi|queria|dije|quise|necesito|busco|pregunto|preguntado|pedido))\b"
    r"|(?:eso |esto )?no (?:me )?(?:funciona|sirve|compila|ayuda|responde)\b"
    r"|(?:te equivocas|se equivoca|te has equivocado|(?:estas|esta usted) equivocad[oa])\b"
    r"|(?:yo )?no (?:pregunte|pedi|dije|he preguntado|he pedido) (?:por )?eso\b"
    r"|(?:me referia a|me refiero a|quise decir|queria decir)\b"
    rf"|(?:incorrecto|falso|respuesta (?:equivocada|incorrecta)|no es asi){_END})"
    r"|no[\s,]+(?:es (?!tod)|son |fue |sino |mas bien |la correcta |el correcto |lo correcto )"
)
_OBJECTIONS = [re.compile(f"{_BEGINNINGS}(?:{rules})") for rules in (_FRENCH, _GERMAN, _SPANISH)]
_DECLINES = re.compile(
    r"^(?:non[\s,.!]*(?:merci|c'est (?:bon|tout|parfait|ok|gentil|clair)|ca (?:va|ira)|pas besoin|rien|pas de)"
    r"|nein[\s,.!]*(?:danke|das (?:war|ist|war's) (?:alles|gut|ok)|das war's|alles (?:gut|klar)|passt|schon gut|kein)"
    r"|no[\s,.!]*(?:gracias|eso es todo|es todo|nada|esta bien|no hace falta|no hay|ya esta|tranquil))"
)


def objects(said: str) -> bool:
    """Does it begin by saying that the answer before was wrong, or not what was asked?"""
    opening = _folded(said[:OPENING])
    if _DECLINES.match(opening):
        return False
    for rules in _OBJECTIONS:
        found = rules.match(opening)
        if found is not None:
            # "C'est faux ?" asks.
            return re.match(r"\s*\?", opening[found.end() :]) is None
    return False


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold().replace("’", "'").replace("ß", "ss"))
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split()).lstrip("¡¿")
