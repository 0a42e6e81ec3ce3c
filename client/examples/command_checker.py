"""A command checker: a person or a model judges commands, and each command is judged once.

    reprise serve --config config.yaml
    python examples/command_checker.py "ls -l" "rm -rf /" "rm -rf /"

A rejection is a correct answer, and served again like any other. Only equal commands share a verdict: two that differ
in one letter may do very different things.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict, dataclass

from reprise_client import InteractionLogger

logger = InteractionLogger(project="shell-guard")


@dataclass
class Verdict:
    """Whether a command may run, and why not."""

    allowed: bool
    reason: str


# max_age_hours: a verdict is looked at anew after a week.
@logger.tool(
    tool_id="command-checker",
    interaction_type="command_check",
    max_age_hours=7 * 24,
    dump=asdict,
    load=lambda found: Verdict(**found),
)
def check(command: str) -> Verdict:
    """Judge a command. In earnest this would ask a model, which takes seconds and costs money."""
    words = shlex.split(command)
    if words[:1] == ["rm"] and any(word.startswith("-") and "r" in word for word in words[1:]):
        return Verdict(allowed=False, reason="removes folders with all they hold")
    return Verdict(allowed=True, reason="changes nothing")


if __name__ == "__main__":
    for given in sys.argv[1:] or ["ls -l", "rm -rf /", "rm -rf /"]:
        ran = check.run(given)
        print(f"{given}: {'allowed' if ran.value.allowed else 'rejected'}, {ran.value.reason} ({ran.status})")
    # A verdict that turns out wrong is not served again:
    #     logger.update_interaction_quality(ran.interaction_id, 0.0)
    logger.close()
