"""The words before a place in a text, which tell what a number there is the number of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_SEEN: Final = 50
"""Characters before the place that are looked at."""
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_FILLERS: Final = frozenset(
    "number numbers no num nr n numéro numero code is was est are the of my your its le la du de".split()
)
_THINGS: Final = frozenset(
    """
    order orders invoice ticket issue case ref reference tracking parcel sku ean isbn issn gtin upc siret siren build id
    uuid hash commit timestamp epoch serial série part article item product batch lot job run pid port version customer
    client account compte transaction line lines row rows bytes octets doi arxiv rfc commande facture colis suivi
    dossier réf référence
    """.split()
)
_PHONES: Final = frozenset(
    """
    call phone phoned tel tél telephone téléphone mobile cell cellphone portable whatsapp signal sms text fax dial ring
    reach contact joindre joignable appeler appelle appellez appelez numéro landline hotline fixe
    """.split()
)
_VERSIONS: Final = frozenset(
    """
    v ver vers version versions upgrade upgraded upgrades upgrading downgrade downgraded release releases released rel
    build firmware driver chapter section sec article art clause figure fig table step item annex paragraph rule oid
    étape chapitre révision revision
    """.split()
)


def names_thing(text: str, at: int) -> bool:
    """Do the last words before it say that a number is that of a thing: an order, a parcel, a row?"""
    words = _before(text, at)
    while words and words[-1] in _FILLERS:
        words = words[:-1]
    return bool(words) and words[-1] in _THINGS


def names_phone(text: str, at: int) -> bool:
    """Is something said shortly before it that makes a number a phone's?"""
    return not _PHONES.isdisjoint(_before(text, at)[-5:])


def names_version(text: str, at: int) -> bool:
    """Do the words before it say that dotted numbers are a version or a section?"""
    return text[at - 1 : at] in tuple("=~^<>§/") or not _VERSIONS.isdisjoint(_before(text, at)[-7:])


def before(text: str, at: int) -> str:
    """The characters before a place that are looked at, lower-case."""
    return text[max(0, at - _SEEN) : at].lower()


def _before(text: str, at: int) -> Sequence[str]:
    return _WORD.findall(before(text, at))
