"""Facts that decide whether two passages can say the same: numbers, units, dates, yes or no. English and French."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_SMALL: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty"
).split()
# "one" and "un" are articles and pronouns more often than numbers.
_SPELLED: Final = {word: float(value) for value, word in enumerate(_SMALL) if value > 1} | {
    "thirty": 30.0,
    "forty": 40.0,
    "fifty": 50.0,
    "sixty": 60.0,
    "ninety": 90.0,
    "deux": 2.0,
    "trois": 3.0,
    "quatre": 4.0,
    "cinq": 5.0,
    "sept": 7.0,
    "huit": 8.0,
    "neuf": 9.0,
    "dix": 10.0,
    **dict(zip("third fourth fifth sixth seventh eighth ninth tenth".split(), map(float, range(3, 11)), strict=True)),
    "twice": 2.0,
    "double": 2.0,
    "half": 0.5,
}
_SCALES: Final = {
    "thousand": 1e3,
    "million": 1e6,
    "millions": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "k": 1e3,
    "bn": 1e9,
}
_UNIT_NAMES: Final = """
km kilometer kilometers kilometre kilometres
mi mile miles
m meter meters metre metres mètre mètres
cm centimeter centimeters centimetre centimetres
mm millimeter millimeters millimetre millimetres
ft foot feet
inch inches
yd yard yards
mg milligram milligrams
mcg microgram micrograms
kg kilo kilos kilogram kilograms
g gram grams gramme grammes
lb lbs pound pounds
oz ounce ounces
l liter liters litre litres
ml milliliter milliliters millilitre millilitres
gal gallon gallons
cup cups
tbsp tablespoon tablespoons
tsp teaspoon teaspoons
celsius °c c centigrade
fahrenheit °f f
usd $ dollar dollars
eur € euro euros
gbp £
yen ¥ jpy
% percent pourcent
second seconds s sec secs seconde secondes
minute minutes min mins
hour hours h hr hrs heure heures hourly
day days daily jour jours quotidien
week weeks weekly semaine semaines
month months monthly mois
year years yearly annual annually an ans année années
kb kilobyte kilobytes
mb megabyte megabytes
gb gigabyte gigabytes
tb terabyte terabytes
"""
UNITS: Final = {name: line.split()[0] for line in _UNIT_NAMES.strip().splitlines() for name in line.split()}
_CALENDAR_NAMES: Final = """
january jan janvier
february feb février
march mars
april avril
june juin
july juillet
august août
september sept septembre
october oct octobre
november nov novembre
december dec décembre
monday mondays lundi
tuesday tuesdays mardi
wednesday wednesdays mercredi
thursday thursdays jeudi
friday fridays vendredi
saturday saturdays samedi
sunday sundays dimanche
"""
CALENDAR: Final = {name: line.split()[0] for line in _CALENDAR_NAMES.strip().splitlines() for name in line.split()}
"""Names of months and days; May is a verb too, and left out."""

_NUMBER: Final = re.compile(
    r"(?P<sign>[$€£¥])?\s?(?P<number>(?<![\w.])\d(?:[\d,.:  ]*\d)?|(?<![^\W\d_])\d+(?:\.\d+)?)"
    r"(?:\s?(?P<half>am|pm|a\.m\.|p\.m\.)\b)?"
    r"(?P<tail>(?:[ -]?(?:business|working|calendar|full|jours ouvrés|degrees?|degrés?|us))?"
    r"[ -]?(?:°\s?[cf]|[^\W\d_]+|[%$€£¥]))?",
    re.IGNORECASE,
)
_SPELLED_NUMBER: Final = re.compile(
    r"\b(?P<number>" + "|".join(_SPELLED) + r")\b(?:[ -](?:business |working |more )?(?P<tail>[^\W\d_]+))?",
    re.IGNORECASE,
)
_RANGE: Final = re.compile(r"(\d)\s*(?:-|to|or|and|à|ou|bis)\s*(?=\d)", re.IGNORECASE)
_VERSION: Final = re.compile(r"\bv(?=\d)", re.IGNORECASE)
_WORDS: Final = re.compile(r"[^\W\d_]+(?:'[a-z]+)?|[%$€£¥]", re.IGNORECASE)
_AFTER_LEAD: Final = r"(?=\s*(?:[,.;:!\n-]|$)|\s+(?:it|you|they|we|there|this|that|i|he|she|vous|il|elle|nous|je)\b)"
_YES: Final = re.compile(rf"\W*(?:yes|yep|yeah|oui|correct|true|absolutely|certainly){_AFTER_LEAD}", re.IGNORECASE)
_NO: Final = re.compile(rf"\W*(?:no|nope|non|false|incorrect){_AFTER_LEAD}", re.IGNORECASE)
NEGATIONS: Final = frozenset(
    "not no never none nothing nobody without cannot neither nor isn't aren't wasn't weren't don't doesn't didn't"
    " can't couldn't won't wouldn't shouldn't mustn't hasn't haven't hadn't except unless"
    " ne pas jamais aucun aucune sans".split()
)


Value = float | str
"""A number; a version such as 1.2.3 stays text."""


class Facts(NamedTuple):
    """What a passage states that wording does not change."""

    numbers: frozenset[Value]
    units: dict[Value, frozenset[str]]
    """The units that stand with a number."""
    named: frozenset[str]
    """Units named without a number: every month, per kilogram."""
    calendar: frozenset[str]
    """Months and days of the week."""


def facts_of(text: str) -> Facts:
    """The facts of a passage of plain text."""
    numbers: dict[Value, set[str]] = {}
    pending: list[Value] = []
    # In a range the unit stands with the last number only: "3 to 5 days".
    marked = _RANGE.sub(r"\1 ~ ", _VERSION.sub("", text))
    for found in _NUMBER.finditer(marked):
        for value in _values(found.group("number"), (found.group("half") or "").lower()):
            unit, scale = _unit(found.group("tail"), found.group("sign"))
            value = value * scale if isinstance(value, float) else value
            numbers.setdefault(value, set()).update(unit)
            if marked[found.end() : found.end() + 3].strip().startswith("~"):
                pending.append(value)
            elif unit:
                for earlier in pending:
                    numbers[earlier].update(unit)
                pending = []
    for found in _SPELLED_NUMBER.finditer(text):
        unit, scale = _unit(found.group("tail"), None)
        numbers.setdefault(_SPELLED[found.group("number").lower()] * scale, set()).update(unit)
    words = [word.casefold() for word in _WORDS.findall(text)]
    counted = {unit for units in numbers.values() for unit in units}
    named = {UNITS[word] for word in words if word in UNITS and len(word) > 2 and word != "second"}
    return Facts(
        frozenset(numbers),
        {value: frozenset(units) for value, units in numbers.items()},
        frozenset(named - counted),
        frozenset(CALENDAR[word] for word in words if word in CALENDAR),
    )


def polarity(text: str) -> bool | None:
    """Does it begin with yes or with no? None for neither."""
    return True if _YES.match(text) else False if _NO.match(text) else None


def negates(text: str) -> bool:
    """Does it hold a negation, beside a leading yes or no?"""
    rest = _NO.sub("", text, count=1) if _NO.match(text) else text
    return any(word.casefold() in NEGATIONS for word in _WORDS.findall(rest))


def conflict(a: Facts, b: Facts) -> str | None:
    """Which kind of fact each states that the other does not; None where one may just say more."""
    if a.numbers - b.numbers and b.numbers - a.numbers:
        return "numbers"
    for value in a.numbers & b.numbers:
        if a.units[value] and b.units[value] and not a.units[value] & b.units[value]:
            return "units"
    if a.named - b.named and b.named - a.named:
        return "units"
    if a.calendar - b.calendar and b.calendar - a.calendar:
        return "dates"
    return None


def _values(written: str, half: str) -> list[Value]:
    """12,500 and 12 500 are one number; 9:00 is 9, 9:30 is 9.5; 1.2.3 is a version, taken as it stands."""
    written = written.replace(" ", " ").strip()
    if ":" in written:
        parts = [part for part in written.split(":") if part.strip().isdigit()]
        hour = float(parts[0]) + (float(parts[1]) / 60 if len(parts) > 1 else 0.0) if parts else 0.0
        return [_by_half(hour, half)]
    if re.fullmatch(r"\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?", written):
        return [float(written.replace(",", "").replace(" ", ""))]
    found: list[Value] = []
    for piece in re.split(r"[ ,]+(?=\d)", written):
        try:
            found.append(_by_half(float(piece), half))
        except ValueError:
            found.append(piece)
    return found


def _by_half(hour: float, half: str) -> float:
    return hour + 12 if half.startswith("p") and hour < 12 else hour


def _unit(tail: str | None, sign: str | None) -> tuple[set[str], float]:
    units = {UNITS[sign]} if sign else set()
    scale = 1.0
    for word in re.findall(r"°\s?[cf]|[^\W\d_]+|[%$€£¥]", (tail or "").casefold()):
        name = word.replace(" ", "")
        if name in UNITS:
            units.add(UNITS[name])
        scale *= _SCALES.get(name, 1.0)
    return units, scale
