"""A verifier by its configured name, and the cuts that were measured for the shipped ones."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from cache.verifier.base import PlainScale, Scale, Verifier, VerifierError
from cache.verifier.cosine import CosineVerifier
from store.embedder.models import bundled_folder

PAIR, LEXICAL, COSINE = "pair", "lexical", "cosine"
SHIPPED: Final = (PAIR, LEXICAL, COSINE)
_ENCODER = "pair.onnx"


def load_verifier(name: str = PAIR, threads: int = 1) -> Verifier:
    """The verifier of a name: ``pair``, ``lexical``, ``cosine``, or a CrossEncoder of sentence-transformers.

    Raises ``VerifierError``.
    """
    if name == COSINE:
        return CosineVerifier()
    if name not in SHIPPED:
        from cache.verifier.cross_encoder import CrossEncoderVerifier

        return CrossEncoderVerifier(name)
    from cache.verifier.learned import LearnedVerifier, Weights

    given = _read(name)
    encoder = None
    if name == PAIR:
        from cache.verifier.pair import PairEncoder
        from cache.verifier.reading import Reader

        reader = Reader((bundled_folder() / "tokenizer.json").read_bytes())
        encoder = PairEncoder(_weights().joinpath(_ENCODER).read_bytes(), reader, threads)
    return LearnedVerifier(given["id"], Weights(**given["weights"]), encoder, given["floor"])


def scale_of(name: str = PAIR) -> Scale:
    """What labels and cuts need to know of the verifier of a name, without loading its weights.

    Raises ``VerifierError``.
    """
    if name == COSINE:
        return CosineVerifier()
    if name not in SHIPPED:
        from cache.verifier.cross_encoder import MIX, cross_encoder_id

        return PlainScale(cross_encoder_id(name), MIX)
    from cache.verifier.learned import shipped_mix

    return PlainScale(_read(name)["id"], shipped_mix(name == PAIR))


def priors_of(name: str, embedder_id: str) -> Mapping[float, float]:
    """Cut by error budget, as measured on public data with this embedder; empty where none was measured."""
    if name not in (PAIR, LEXICAL):
        return {}
    measured = _read(name)["priors"]
    for prefix, cuts in measured.items():
        if embedder_id.startswith(prefix):
            return {float(budget): float(cut) for budget, cut in cuts.items()}
    return {}


@functools.cache
def _read(name: str) -> dict[str, Any]:
    try:
        given: dict[str, Any] = json.loads(_weights().joinpath(f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise VerifierError(f"the verifier {name} cannot be read: {error}") from error
    return given


def _weights() -> Any:
    return resources.files("cache.verifier").joinpath("weights")
