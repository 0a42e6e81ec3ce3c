"""Verifiers: is the stored answer right for the new prompt?

Importing this package loads neither onnxruntime nor torch; ``load_verifier`` loads what its name needs.
"""

from cache.verifier.base import Array, Mix, Pair, Scale, Verifier, VerifierAround, VerifierError
from cache.verifier.loading import load_verifier, priors_of, scale_of

__all__ = [
    "Array",
    "Mix",
    "Pair",
    "Scale",
    "Verifier",
    "VerifierAround",
    "VerifierError",
    "load_verifier",
    "priors_of",
    "scale_of",
]
