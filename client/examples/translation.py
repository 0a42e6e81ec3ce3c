"""Translation, by a model behind Reprise: the same text is translated once.

    reprise serve --config config.yaml
    python examples/translation.py "Good morning" "Good morning" "Turn left" "Turn right"

By default equal texts alone share a translation. To an embedder "turn left" and "turn right" are much the same
(cosine 0.96); a translator must not think so. ``version`` names the model: another one's translations are not served.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from reprise_client import AsyncInteractionLogger, Unavailable

logger = AsyncInteractionLogger(project="docs")

WORDS = {"good": "bon", "morning": "matin", "turn": "tournez", "left": "à gauche", "right": "à droite"}
"""In earnest this would be a model."""


@logger.tool(tool_id="translate", version="words-1", max_age_hours=30 * 24, cost=0.002)
async def translate(text: str, to: str = "fr") -> str:
    """Translate a text, word by word."""
    await asyncio.sleep(0.2)
    return " ".join(WORDS.get(word.lower(), word) for word in text.split())


async def main() -> None:
    """Translate what is given, and say what that saved."""
    for text in sys.argv[1:] or ["Good morning", "Good morning", "Turn left", "Turn right"]:
        ran = await translate.run(text)
        print(f"{text} -> {ran.value} ({ran.status})")
    with contextlib.suppress(Unavailable):
        found = await logger.get_tool_statistics("translate")
        print(f"saved: {found['time_saved_ms'] / 1000:.1f} s, {found['cost_saved_usd']:.3f} dollars")
    await logger.close()


if __name__ == "__main__":
    asyncio.run(main())
