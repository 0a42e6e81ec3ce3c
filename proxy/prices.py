"""What calls cost: LiteLLM's price list, read from its package without importing it."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from cache.answers import model_of
from proxy.upstreams.base import Target
from proxy.usage import Usage

_FILE = "model_prices_and_context_window_backup.json"


class Prices:
    """US dollars a token, by model.

    Args:
        table: as LiteLLM's list: model name to ``input_cost_per_token`` and ``output_cost_per_token``.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table

    def of_answer(self, target: Target, answer: Mapping[str, Any], usage: Usage) -> float | None:
        """US dollars of an answer, by the model it names, else the one that was asked; None where neither has one."""
        names = (model_of(answer), target.model, f"{target.provider}/{target.model}")
        return self.cost(names, usage.prompt, usage.completion)

    def cost(self, models: tuple[str | None, ...], prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars of one call, by the first of these names that has a price; None where none has."""
        for model in models:
            price = self._table.get(model) if model else None
            if price is not None and "input_cost_per_token" in price:
                inputs = float(price["input_cost_per_token"] or 0) * prompt_tokens
                return inputs + float(price.get("output_cost_per_token") or 0) * completion_tokens
        return None


def load_prices() -> Prices:
    """LiteLLM's list as installed; no prices where it cannot be found."""
    found = importlib.util.find_spec("litellm")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / _FILE
        if path.is_file():
            return Prices(orjson.loads(path.read_bytes()))
    return Prices({})
