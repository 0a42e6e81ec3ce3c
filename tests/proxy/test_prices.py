"""What calls cost, by LiteLLM's price list."""

from __future__ import annotations

import subprocess
import sys

import pytest

from proxy.prices import Prices, load_prices

TABLE = {
    "gpt-x": {"input_cost_per_token": 0.001, "output_cost_per_token": 0.002},
    "openai/gpt-y": {"input_cost_per_token": "1e-3", "output_cost_per_token": None},
    "free": {"input_cost_per_token": None},
    "embedder": {"output_vector_size": 384},
    "damaged": None,
}


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (("gpt-x",), 0.010 + 0.010),
        ((None, "", "unknown", "gpt-x"), 0.020),
        (("gpt-x", "openai/gpt-y"), 0.020),
        (("openai/gpt-y",), 0.010),
        (("free", "gpt-x"), 0.0),
        (("embedder", "gpt-x"), 0.020),
        (("damaged", "gpt-x"), 0.020),
    ],
)
def test_the_first_name_that_has_a_price_tells_it(models, expected):
    assert Prices(TABLE).cost(models, 10, 5) == pytest.approx(expected)


@pytest.mark.parametrize("models", [(), (None,), ("unknown",), ("embedder",), ("GPT-X",)])
def test_what_has_no_price_costs_nobody_knows_what(models):
    assert Prices(TABLE).cost(models, 10, 5) is None


def test_the_list_of_the_installed_litellm_is_read():
    prices = load_prices()
    cost = prices.cost(("gpt-4o-mini",), 1_000_000, 1_000_000)
    assert cost == pytest.approx(0.15 + 0.60)
    assert prices.cost(("no-such-model",), 1, 1) is None


def test_reading_the_list_does_not_import_litellm():
    code = "import sys; from proxy.prices import load_prices; load_prices(); assert 'litellm' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
