"""What a session that ended well teaches: that its flow works, what the flow lacks, or a flow of its own. Pure."""

from __future__ import annotations

from typing import Final, Literal

Lesson = Literal["auto_reinforced", "enhancement", "new_flow"]

COMPARED_FROM: Final = 0.5
"""Match score from which a session is compared with the flow that fits best; below, the flow is another matter."""


def decide(match_score: float | None, matched_flow_exists: bool, has_free_text: bool) -> Lesson:
    """What is to be made of a resolved session.

    From 0.5 on, the person's own words alone decide: without them a flow is reinforced above 0.8 because it fitted, and
    from 0.5 to 0.8 because nothing speaks against it.

    Args:
        match_score: the best score at the session's start, in [0, 1]; None: no flow fitted at all.
        matched_flow_exists: whether the flow of that score is in use still.
        has_free_text: whether the person answered in own words where the flow or the answer offered options.
    """
    # Written so that a score that is no number counts as none.
    if match_score is None or not match_score >= COMPARED_FROM or not matched_flow_exists:
        return "new_flow"
    return "enhancement" if has_free_text else "auto_reinforced"
