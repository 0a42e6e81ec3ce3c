"""What of an interaction is logged, where ``logging.redact`` is on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from memory.interactions import Interaction
from memory.redacted import Redact, redacted


class Redaction:
    """Takes secrets and personal data out of interactions, in a thread: a long one takes milliseconds.

    Args:
        redact: gives a text without them.
        wanted: is it switched on now?
    """

    def __init__(self, redact: Redact = str, wanted: Callable[[], bool] = lambda: False) -> None:
        self._redact = redact
        self._wanted = wanted

    async def __call__(self, interaction: Interaction) -> Interaction:
        """The interaction as it may be logged. Raises what the redactor raises: it is not to be logged then."""
        if not self._wanted():
            return interaction
        return await asyncio.to_thread(redacted, interaction, self._redact)
