"""Words that turn a question into another one: denials, opposites, quantifiers and words of time."""

from __future__ import annotations

from typing import Final

from cache.guards.lexicon import words

NEGATIONS: Final = words("not no non never none nothing nobody nowhere without neither nor except unless hardly barely")

HEDGES: Final = (
    r" (?:(?:do|am|did|does|is|have) not (?:know|sure|understand|remember|mind|recall|see|think|certain|aware|get)"
    r"|not sure|no idea|no problem|no worries|no clue|why do not you|can not you|could not you|would not you|"
    r"can not (?:seem|figure|remember|tell|work out|think|find out)|do not you|have no idea|or not|if not"
    r"|whether or not|"
    r"why not|no matter|no longer|not only|no one|do not worry|not yet|no doubt|is not it|does not it|not just|"
    r"can not wait) "
)

OPPOSITES: Final[dict[str, frozenset[str]]] = {}
"""Each word, and those that say the opposite."""
_OPPOSITE_PAIRS: Final = (
    "enable/disable enabled/disabled enabling/disabling on/off before/after above/below over/under increase/decrease"
    " increasing/decreasing increased/decreased raise/lower raise/reduce increase/reduce open/close opened/closed"
    " open/closed opening/closing start/stop started/stopped starting/stopping add/remove added/removed adding/removing"
    " add/delete include/exclude allow/deny allow/block allow/forbid allowed/forbidden accept/reject accept/decline"
    " accepted/rejected"
    " accepted/declined approve/reject approve/decline approved/declined approved/denied upload/download"
    " import/export encode/decode"
    " encrypt/decrypt compress/decompress compress/extract mount/unmount in/out"
    " up/down left/right north/south northern/southern east/west eastern/western min/max minimum/maximum"
    " minimise/maximise"
    " minimize/maximize least/most fewest/most smallest/largest smallest/biggest shortest/longest lowest/highest"
    " lower/higher"
    " cheapest/expensive oldest/newest oldest/youngest older/newer older/younger old/young first/last best/worst"
    " better/worse more/less more/fewer"
    " advantages/disadvantages advantage/disadvantage pros/cons benefits/risks benefits/drawbacks strengths/weaknesses"
    " causes/effects cause/effect cause/prevent causes/prevents hot/cold hotter/colder buy/sell bought/sold"
    " buying/selling"
    " buyer/seller lend/borrow lending/borrowing lent/borrowed lender/borrower deposit/withdraw"
    " deposit/withdrawal deposits/withdrawals send/receive sent/received sending/receiving sender/recipient"
    " sender/receiver push/pull"
    " attach/detach ascending/descending ascend/descend"
    " horizontal/vertical public/private true/false male/female men/women man/woman boy/girl boys/girls indoor/outdoor"
    " indoors/outdoors gain/lose gained/lost win/lose won/lost winner/loser create/delete create/destroy show/hide"
    " expand/collapse always/never everyone/nobody all/none inside/outside internal/external old/new good/bad"
    " plus/minus"
    " add/subtract addition/subtraction multiply/divide begin/end beginning/end start/end start/finish"
    " tallest/shortest safe/dangerous"
    " safer/riskier heavier/lighter heaviest/lightest faster/slower fastest/slowest fast/slow taller/shorter"
    " longer/shorter long/short"
    " larger/smaller bigger/smaller big/small large/small stronger/weaker strongest/weakest strong/weak"
    " richer/poorer rich/poor"
    " richest/poorest cheaper/dearer cheap/expensive easy/hard easy/difficult easier/harder easiest/hardest"
    " early/late earlier/later earliest/latest warm/cold warmer/colder wet/dry full/empty light/dark day/night"
    " top/bottom front/back"
    " upper/lower forward/backward forwards/backwards clockwise/counterclockwise positive/negative credit/debit"
    " creditor/debtor"
    " employer/employee teacher/student parent/child landlord/tenant lessor/lessee plaintiff/defendant predator/prey"
    " mother/father"
    " mothers/fathers mom/dad mum/dad brother/sister brothers/sisters son/daughter sons/daughters husband/wife"
    " king/queen uncle/aunt boyfriend/girlfriend"
    " grandmother/grandfather profit/loss profits/losses success/failure succeed/fail supply/demand question/answer"
    " arrive/depart arrival/departure arrivals/departures"
    " enter/leave entrance/exit entry/exit join/leave attack/defend offensive/defensive love/hate like/hate"
    " married/divorced married/single"
    " alive/dead live/die birth/death born/died same/different together/apart present/absent"
    " guilty/innocent major/minor majority/minority active/passive optimistic/pessimistic temporary/permanent"
    " ancient/modern rural/urban domestic/foreign import/export inhale/exhale freeze/thaw freezing/boiling"
    " melt/freeze freeze/unfreeze"
    " float/sink sunrise/sunset remember/forget hire/fire hired/fired save/spend save/delete gain/loss gains/losses"
    " input/output"
    " incoming/outgoing inbound/outbound income/expense incomes/expenses asset/liability assets/liabilities bull/bear"
    " superior/inferior ancestor/descendant ancestors/descendants predecessor/successor prefix/suffix odd/even"
    " hard/soft thick/thin wide/narrow"
    " deep/shallow tight/loose sharp/dull loud/quiet clean/dirty brave/cowardly smart/stupid clever/stupid"
    " generous/stingy"
    " polite/rude happy/sad humble/proud humble/arrogant patient/impatient honest/dishonest introvert/extrovert"
    " introverted/extroverted"
    " tomorrow/yesterday today/yesterday today/tomorrow tomorrow/tonight past/future past/present previous/next"
    " last/next"
    " praise/criticize praise/criticise encourage/discourage hello/goodbye"
    " left-handed/right-handed sell/purchase selling/purchasing mortgage/rent buying/renting buy/rent gross/net"
    " wholesale/retail"
    " ceiling/floor sweet/sour salty/sweet acid/base acidic/alkaline asleep/awake liberal/conservative cautious/brave"
)
_by_word: dict[str, set[str]] = {}
for _pair in _OPPOSITE_PAIRS.split():
    _one, _other = _pair.split("/")
    _by_word.setdefault(_one, set()).add(_other)
    _by_word.setdefault(_other, set()).add(_one)
OPPOSITES.update({word: frozenset(others) for word, others in _by_word.items()})

LOOSE_OPPOSITES: Final = words(
    "in out on off up down over under old new like good bad with left right last first live man men woman women"
)
"""Words that form opposites but have so many other uses that only an almost equal rest makes them one."""

DENYING: Final = ("un", "in", "im", "ir", "il", "dis", "non", "de", "anti", "mis")
"""What turns a word into its opposite before it; of the two, both must stand alone for it to count."""

QUANTIFIERS: Final = words(
    "all some only every each any most few many several both none another other entire whole part alone else even"
)

ASPECTS: Final = (
    "again|no longer|any ?more|still|already|yet|ago|since|until|till|former(?:ly)?|previous(?:ly)?|next|later|earlier"
    "|used to|originally|initially|eventually|finally|currently|now|today|tomorrow|yesterday|tonight"
    "|(?:this|last|next) (?:week|month|year)|daily|weekly|monthly|yearly|annually|hourly|before|after|during|while"
    "|will|would|was|were"
)
"""Words of time, as alternatives of a pattern."""
