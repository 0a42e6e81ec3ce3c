"""Units, numbers and dates in words."""

from __future__ import annotations

from typing import Final

from cache.guards.lexicon import words

UNITS: Final = {
    alias: names[0]
    for names in (
        line.split()
        for line in (
            "km kilometer kilometers kilometre kilometres kms",
            "mi mile miles",
            "m meter meters metre metres",
            "cm centimeter centimeters centimetre centimetres",
            "mm millimeter millimeters millimetre millimetres",
            "ft foot feet",
            "inch inches",
            "yd yard yards",
            "acre acres",
            "hectare hectares",
            "kg kilo kilos kilogram kilograms kgs",
            "g gram grams",
            "mg milligram milligrams",
            "lb lbs pound pounds",
            "oz ounce ounces",
            "ton tons",
            "tonne tonnes",
            "l liter liters litre litres",
            "ml milliliter milliliters millilitre millilitres",
            "gallon gallons",
            "cup cups",
            "tablespoon tablespoons tbsp",
            "teaspoon teaspoons tsp",
            "pint pints",
            "quart quarts",
            "celsius centigrade",
            "fahrenheit",
            "kelvin",
            "mph",
            "kph kmh",
            "usd dollar dollars",
            "eur euro euros",
            "gbp sterling",
            "yen jpy",
            "rupee rupees inr",
            "peso pesos",
            "franc francs chf",
            "yuan rmb cny",
            "ruble rubles rouble roubles",
            "bitcoin bitcoins btc",
            "cent cents",
            "pence penny pennies",
            "milliseconds millisecond",
            "seconds secs",
            "minutes minute mins",
            "hours hour hrs",
            "days day",
            "weeks week",
            "months month",
            "years year yrs",
            "decades decade",
            "centuries century",
            "calories calorie kcal",
            "joules joule",
            "watts watt",
            "volts volt",
            "amps amp amperes ampere",
            "kb kilobyte kilobytes",
            "mb megabyte megabytes",
            "gb gigabyte gigabytes",
            "tb terabyte terabytes",
            "bits bit",
            "bytes byte",
        )
    )
    for alias in names
}
SHORT_UNITS: Final = words("m g l mi ft lb kg km cm mm ml oz mb gb tb kb mg bit cup foot pound second cent day")
"""Units only behind a figure: their words have other uses."""

NUMBER_WORDS: Final[dict[str, str]] = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen"
        " eighteen nineteen twenty".split()
    )
}
NUMBER_WORDS.update(
    {word: str(value * 10) for value, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)}
)
NUMBER_WORDS.update(
    {
        "hundred": "100",
        "thousand": "1000",
        "million": "million",
        "billion": "billion",
        "half": "half",
        "double": "double",
        "twice": "twice",
        "triple": "triple",
        "dozen": "12",
        "couple": "couple",
        "quarter": "quarter",
    }
)
NUMBER_WORDS.update(
    {
        word: f"{value}."
        for value, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)
    }
)

DATES: Final[dict[str, str]] = {}
for _names in (
    "monday mon,tuesday tue tues,wednesday wed,thursday thu thurs,friday fri,saturday sat,sunday sun,january"
    " jan,february feb,"
    "march mar,april apr,may,june jun,july jul,august aug,september sept sep,october oct,november nov,december dec"
).split(","):
    for _name in _names.split():
        DATES[_name] = _names.split()[0]
AMBIGUOUS_DATES: Final = words("may march mar sun sat mon wed fri jan dec sep jun thu tue")
"""Dates only where written with a capital or next to a figure."""
