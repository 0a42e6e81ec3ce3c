"""How often the comparison is mistaken, measured: what a budget that learns from its labels must allow for.

Measured by ``python -m benchmarks.agreement --half held`` with the default embedder: 128 pairs of answers written for
it (``tests/cache/agreement_examples.jsonl``: 56 that say the same in other words, 72 near-alike ones that do not),
apart from those used for tuning and read once. They were written by the hand that wrote the rules, before these, so
answers of other kinds may fare worse. No pair was judged wrongly; the bounds say how little 27 and 52 verdicts prove.

A budget takes the upper bound of ``FALSE_SAME`` (it hides wrong answers) and the lower one of ``FALSE_DIFFERENT``.
Pairs without a verdict give no label. Those that say the same are left out more often than those that do not, so the
share of wrong among the labels is above the true share: with these rates, an error of 1 % shows as 1.5 %.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Rate(NamedTuple):
    """A share and its bounds (Clopper and Pearson, each one-sided, 95 %), in [0, 1]."""

    share: float
    lower: float
    upper: float


FALSE_SAME: Final = Rate(0.0, 0.0, 0.056)
"""P(said same | truly different, and told): 0 of 52."""
FALSE_DIFFERENT: Final = Rate(0.0, 0.0, 0.105)
"""P(said different | truly same, and told): 0 of 27."""
UNTOLD_SAME: Final = Rate(0.518, 0.401, 0.634)
"""P(cannot tell | truly same): 29 of 56."""
UNTOLD_DIFFERENT: Final = Rate(0.278, 0.192, 0.378)
"""P(cannot tell | truly different): 20 of 72."""
