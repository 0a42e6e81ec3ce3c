"""Numbers as people write them: digits, words, units and clock times, in English and French.

What is compared is a quantity: "48 hours" is "two days", "02:00" is "two in the morning", "1 800 m" is "1.8 km".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

TOLERANCE: Final = 0.03
"""Share by which two amounts of one dimension may differ and still be the same: a month is 30 days to most."""
HALF_NAMED: Final = 0.7
"""How surely a bare number stands for the same number of something."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number; where its unit is known, also the amount in the base unit of that dimension."""

    value: float
    dimension: str = ""
    amount: float = 0.0

    def likeness(self, other: Quantity) -> float:
        """How surely both stand for one amount, in [0, 1]: less where only one of them names its unit."""
        if self.dimension and other.dimension:
            near = abs(self.amount - other.amount) <= TOLERANCE * max(abs(self.amount), abs(other.amount))
            return float(near and self.dimension == other.dimension)
        if self.value != other.value:
            return 0.0
        if not self.dimension and not other.dimension:
            return 1.0
        # "A minute" is no bare one.
        return 0.0 if self.value == 1 else HALF_NAMED

    def comparable(self, other: Quantity) -> bool:
        """May one be said in place of the other: do both have the same dimension, or neither one?"""
        return self.dimension == other.dimension


def _table(text: str) -> dict[str, float]:
    pairs = (pair.split("=") for pair in text.split())
    return {word: float(value) for words, value in pairs for word in words.split("/")}


ONES: Final = _table(
    "zero=0 one/un/une=1 two/deux=2 three/trois=3 four/quatre=4 five/cinq=5 six=6 seven/sept=7 eight/huit=8 nine/neuf=9"
    " ten/dix=10 eleven/onze=11 twelve/douze=12 thirteen/treize=13 fourteen/quatorze=14 fifteen/quinze=15"
    " sixteen/seize=16 seventeen=17 eighteen=18 nineteen=19 dozen/douzaine=12 half/demi/demie=0.5 twice=2"
)
TENS: Final = _table(
    "twenty/vingt/vingts=20 thirty/trente=30 forty/fourty/quarante=40 fifty/cinquante=50 sixty/soixante=60"
    " seventy/septante=70 eighty/huitante/octante=80 ninety/nonante=90"
)
SCALES: Final = _table("hundred/cent/cents=100 thousand/mille=1000 million/millions=1000000")
ORDINALS: Final = _table(
    "third/troisieme=3 fourth/quatrieme=4 fifth/cinquieme=5 sixth/sixieme=6 seventh/septieme=7 eighth/huitieme=8"
    " ninth/neuvieme=9 tenth/dixieme=10"
)
ARTICLES: Final = frozenset("a an one un une the per each every chaque".split())
"""Before a unit of time these mean one of it."""

_UNITS: Final[dict[str, tuple[str, float]]] = {
    word: (dimension, factor)
    for dimension, listed in {
        "time": "s/sec/second/seconds/seconde/secondes=1 min/minute/minutes=60 h/hr/hrs/hour/hours/heure/heures=3600"
        " day/days/jour/jours=86400 week/weeks/weekly/semaine/semaines=604800 month/months/monthly/mois=2629800"
        " year/years/yearly/an/ans/annee/annees=31557600 decade/decades/decennie=315576000 ms/millisecond=0.001"
        " milliseconds/millisecondes=0.001",
        "length": "mm/millimetre/millimetres/millimeters=0.001 cm/centimetre/centimetres/centimeter/centimeters=0.01"
        " m/metre/metres/meter/meters=1 km/kilometre/kilometres/kilometer/kilometers=1000"
        " mile/miles=1609 inch/inches=0.0254 foot/feet=0.3048",
        "mass": "mg=0.001 g/gram/grams/gramme/grammes=1 kg/kilo/kilos/kilogram/kilograms/kilogrammes=1000",
        "volume": "ml/millilitre/millilitres=0.001 cl=0.01 l/litre/litres/liter/liters=1",
        "bytes": "kb=1 mb/mo/megabyte/megabytes=1000 gb/go/gig/gigs/gigas/gigabyte/gigabytes=1000000"
        " gigaoctet/gigaoctets=1000000 tb/to/terabyte/terabytes=1000000000",
        "percent": "%/percent/pourcent=1",
        "money": "€/euro/euros/eur=1 $/dollar/dollars/usd=1.000001 £/pound/pounds/gbp=1.000002",
        "power": "w/watt/watts=1 kw=1000",
        "degrees": "°/°c/degree/degrees/degres/degre=1",
    }.items()
    for word, factor in _table(listed).items()
}
_CLOCK: Final = frozenset("at until till by before after since from a".split())
"""Before "one" these speak of the time of day."""
_AMBIGUOUS: Final = frozenset("a go to s m l g an w % h".split())
"""Units only right behind digits: elsewhere they are words, or letters."""

TOKEN: Final = re.compile(
    # Letters with digits behind them are one word; digits may be grouped by threes, or have a fraction.
    r"[^\W\d_]{1,8}\d+(?![.,]?\d)[^\W_]*"
    r"|\d{1,3}(?:[ \u00a0\u202f,']\d{3})+(?!\d)(?:[.,]\d+)?"
    r"|\d+[.,]\d+(?![.,]?\d)|\d+|[^\W\d_]+|[%€$£°]"
)


def plain_number(text: str) -> float | None:
    """The value of digits with separators: "1 204", "1,204.5", "0,05"; None where it is no number after all."""
    if re.fullmatch(r"\d{1,3}(?:[ \u00a0\u202f,']\d{3})+(?:[.,]\d+)?", text):
        text = re.sub(r"[ \u00a0\u202f']|,(?=\d{3})", "", text)
    try:
        return float(text.replace(",", "."))
    except ValueError:
        # Unicode has digits that are none, and fractions.
        return None


def quantity(tokens: Sequence[str], at: int) -> tuple[Quantity, int] | None:
    """The quantity that starts at a token, and how many tokens it takes; None where none starts there.

    Args:
        tokens: lower case, without accents.
    """
    first = tokens[at]
    if first in ("one", "une") and at and tokens[at - 1] in _CLOCK:
        return Quantity(1.0), 1
    if first[:1].isdigit():
        value = plain_number(first)
        return None if value is None else _with_unit(tokens, at, value, 1, digits=True)
    if first in ARTICLES and not _is_scaled(tokens, at):
        return _bare_unit(tokens, at)
    found = _spelled(tokens, at)
    if found is not None:
        return _with_unit(tokens, at, *found, digits=False)
    if first in ORDINALS:
        return Quantity(ORDINALS[first]), 1
    return None


def _is_scaled(tokens: Sequence[str], at: int) -> bool:
    """One hundred, a thousand: elsewhere "one" is a pronoun more often than a number."""
    return tokens[at] in ONES and at + 1 < len(tokens) and tokens[at + 1] in SCALES


def _spelled(tokens: Sequence[str], at: int) -> tuple[float, int] | None:
    """The value of number words and how many there are: "quatre vingt dix huit", "two hundred and five"."""
    total = current = 0.0
    end = at
    while end < len(tokens):
        word = tokens[end]
        if word in TENS:
            # French counts in twenties: quatre-vingts.
            current = 80.0 if current == 4 and TENS[word] == 20 else current + TENS[word]
        elif word in ONES and (
            end == at or tokens[end - 1] in TENS or tokens[end - 1] in SCALES or _joined(tokens, end)
        ):
            current += ONES[word]
        elif word in SCALES and not (end == at and word == "cent"):
            current = max(current, 1.0) * SCALES[word]
            if SCALES[word] >= 1000:
                total, current = total + current, 0.0
        elif not (end > at and word in ("and", "et") and end + 1 < len(tokens) and _continues(tokens, end)):
            break
        end += 1
    return (total + current, end - at) if end > at else None


def _joined(tokens: Sequence[str], at: int) -> bool:
    """Soixante et onze, a hundred and five; dix-sept."""
    before = tokens[at - 1]
    return before == "dix" or (before in ("and", "et") and at >= 2 and tokens[at - 2] in (*TENS, *SCALES))


def _continues(tokens: Sequence[str], at: int) -> bool:
    before, after = tokens[at - 1], tokens[at + 1]
    return (before in SCALES or before in TENS) and (after in ONES or after in TENS)


def _with_unit(tokens: Sequence[str], at: int, value: float, length: int, *, digits: bool) -> tuple[Quantity, int]:
    end = at + length
    skip = end + 1 if end < len(tokens) and tokens[end] in ("a", "an", "of") and value == 0.5 else end
    word = tokens[skip] if skip < len(tokens) else ""
    if word == "pour" and tokens[skip + 1 : skip + 2] == ["cent"]:
        return Quantity(value, "percent", value), skip + 2 - at
    unit = _UNITS.get(word)
    if unit is None or (word in _AMBIGUOUS and not digits):
        return Quantity(value), length
    return Quantity(value, unit[0], value * unit[1]), skip + 1 - at


def _bare_unit(tokens: Sequence[str], at: int) -> tuple[Quantity, int] | None:
    word = tokens[at + 1] if at + 1 < len(tokens) else ""
    unit = _UNITS.get(word)
    if unit is None or unit[0] != "time" or (word in _AMBIGUOUS and word != "an") or tokens[at] == "the":
        return None
    return Quantity(1.0, unit[0], unit[1]), 2
