"""English words that the guards compare by."""

from __future__ import annotations

from typing import Final

NUMBER_WORDS: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million"
    " billion half double twice first second third monday tuesday wednesday thursday friday saturday sunday january"
    " february march april june july august september october november december"
).split()

NUMBER_VALUES: Final = {word: str(value) for value, word in enumerate(NUMBER_WORDS[:21])}

NEGATIONS: Final = frozenset(
    "not no non never none nothing nobody without cannot neither nor isn't aren't wasn't weren't don't doesn't didn't"
    " can't couldn't won't wouldn't shouldn't mustn't hasn't haven't hadn't except unless".split()
)

OPPOSITES: Final = [
    frozenset(pair.split("/"))
    for pair in (
        "enable/disable enabled/disabled enabling/disabling on/off before/after above/below over/under"
        " increase/decrease increasing/decreasing raise/lower open/close opened/closed start/stop add/remove"
        " include/exclude allow/deny allow/block accept/reject accept/decline upload/download import/export"
        " encode/decode encrypt/decrypt compress/decompress mount/unmount install/uninstall subscribe/unsubscribe"
        " lock/unlock in/out login/logout up/down left/right north/south east/west min/max minimum/maximum"
        " least/most fewest/most smallest/largest smallest/biggest shortest/longest lowest/highest"
        " cheapest/expensive oldest/newest oldest/youngest first/last best/worst more/less more/fewer"
        " advantages/disadvantages pros/cons benefits/risks benefits/drawbacks strengths/weaknesses causes/effects"
        " cause/prevent hot/cold buy/sell lend/borrow deposit/withdraw send/receive push/pull attach/detach"
        " connect/disconnect activate/deactivate ascending/descending horizontal/vertical public/private true/false"
        " legal/illegal safe/unsafe possible/impossible male/female men/women indoor/outdoor with/without gain/lose"
        " win/lose create/delete show/hide expand/collapse always/never everyone/nobody all/none inside/outside"
        " internal/external old/new good/bad plus/minus add/subtract multiply/divide begin/end start/end"
        " tallest/shortest safe/dangerous"
    ).split()
]

FORMATS: Final = frozenset(
    "json yaml xml csv html markdown table list bullet bullets bulleted sentence sentences paragraph paragraphs word"
    " words essay poem code python javascript typescript java rust go ruby php bash sql kotlin swift c english french"
    " german spanish italian portuguese dutch polish russian chinese mandarin japanese korean arabic hindi turkish"
    " swedish greek latin brief briefly short shorter long longer detailed summary".split()
)


UNITS: Final = {
    alias: names[0]
    for names in (
        line.split()
        for line in (
            "km kilometer kilometers kilometre kilometres",
            "mi mile miles",
            "m meter meters metre metres",
            "cm centimeter centimeters centimetre centimetres",
            "mm millimeter millimeters millimetre millimetres",
            "ft foot feet",
            "inch inches",
            "yd yard yards",
            "kg kilo kilos kilogram kilograms",
            "g gram grams",
            "lb lbs pound pounds",
            "oz ounce ounces",
            "l liter liters litre litres",
            "ml milliliter milliliters millilitre millilitres",
            "gallon gallons",
            "cup cups",
            "pint pints",
            "celsius centigrade",
            "fahrenheit",
            "kelvin",
            "usd dollar dollars",
            "eur euro euros",
            "gbp sterling",
            "yen jpy",
            "seconds secs",
            "minutes mins",
            "hours hrs",
            "days",
            "weeks",
            "months",
            "years",
            "kb kilobyte kilobytes",
            "mb megabyte megabytes",
            "gb gigabyte gigabytes",
            "tb terabyte terabytes",
        )
    )
    for alias in names
}
