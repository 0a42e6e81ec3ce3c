"""Do two answers to (possibly) the same question say the same thing? Pure, but for the embedding of texts.

Every forwarded miss gives a free label: its fresh answer is compared with the stored answer of the nearest candidate.
A wrong "same" would let wrong answers be served, a wrong "different" refuses a pair for good: so what is not clear
is None, no label.
"""

from cache.agreement.compare import Agreement, compare
from cache.agreement.meaning import Embed
from cache.agreement.measured import FALSE_DIFFERENT, FALSE_SAME, UNTOLD_DIFFERENT, UNTOLD_SAME, Rate

__all__ = [
    "FALSE_DIFFERENT",
    "FALSE_SAME",
    "UNTOLD_DIFFERENT",
    "UNTOLD_SAME",
    "Agreement",
    "Embed",
    "Rate",
    "compare",
]
