"""Loading a model with sentence-transformers, and what tells two of them apart. Imports torch."""

import hashlib
from typing import Any

from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers.utils.logging import disable_progress_bar

from store.embedder.base import EmbedderError


def load_model(location: str) -> Any:
    """The model in float32 on the CPU, running no code but the library's; raises EmbedderError."""
    disable_progress_bar()
    try:
        model = SentenceTransformer(location, device="cpu", trust_remote_code=False)
    except Exception as error:
        raise EmbedderError(f"the model {location} cannot be loaded: {first_line(error)}") from error
    return model.float().eval()


def digest_of(model: Any) -> str:
    """SHA-256, hex, over what the vectors follow from: weights, tokenizer, window, modules."""
    shape = [(type(module).__name__, str(getattr(module, "pooling_mode", ""))) for module in model]
    seen = hashlib.sha256(f"{model.max_seq_length}\n{shape}\n".encode())
    seen.update(tokenizer_json(model))
    for name, tensor in sorted(model.state_dict().items()):
        seen.update(name.encode())
        seen.update(tensor.contiguous().numpy().tobytes())
    return seen.hexdigest()


def tokenizer_json(model: Any) -> bytes:
    """The tokenizer without truncation and padding, which are the embedder's affair.

    Empty for a model whose tokenizer is not one of the `tokenizers` package.
    """
    tokenizer = getattr(model, "tokenizer", None)
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not isinstance(backend, Tokenizer):
        return b""
    # A copy: the model's own keeps the settings it was loaded with.
    plain = Tokenizer.from_str(backend.to_str())
    plain.no_truncation()
    plain.no_padding()
    return plain.to_str().encode()


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
