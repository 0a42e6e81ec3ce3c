"""A text that was just embedded is not embedded again."""

from __future__ import annotations

import numpy as np
import pytest

from store.embedder import EmbedderError
from store.embedder.recent import RecentEmbedder
from tests.fakes import FakeEmbedder


def test_a_single_text_is_remembered():
    inner = FakeEmbedder()
    recent = RecentEmbedder(inner)
    first, again = recent.embed(["one"]), recent.embed(["one"])
    assert np.array_equal(first, again)
    assert inner.asked == ["one"]
    first[:] = 0
    assert np.array_equal(recent.embed(["one"]), again), "whoever changes what was given changes nothing here"
    assert (recent.id, recent.dimension, recent.window) == (inner.id, inner.dimension, inner.window)
    assert recent.fits("one")


def test_several_at_once_are_not():
    inner = FakeEmbedder()
    recent = RecentEmbedder(inner)
    assert recent.embed(["one", "two"]).shape[0] == 2
    recent.embed(["one"])
    assert inner.asked == ["one", "two", "one"]


def test_the_ones_used_last_are_kept():
    inner = FakeEmbedder()
    recent = RecentEmbedder(inner, most=2)
    for text in ("one", "two", "one", "three", "one", "two"):
        recent.embed([text])
    assert inner.asked == ["one", "two", "three", "two"]


def test_a_failure_is_not_remembered():
    inner = FakeEmbedder()
    recent = RecentEmbedder(inner)
    inner.broken = True
    with pytest.raises(EmbedderError):
        recent.embed(["one"])
    inner.broken = False
    assert recent.embed(["one"]).shape[0] == 1
