"""The hot path: an exported model run with onnxruntime and tokenizers, nothing else."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Encoding, Tokenizer

from store.embedder.artifact import Artifact
from store.embedder.base import DamagedExportError, EmbedderError, Vectors, unit_rows

_ERRORS_ONLY = 3


class OnnxEmbedder:
    """Embeds with an exported model; pooling and normalisation lie inside its graph.

    Texts run one by one, in up to twice the time of a batch. An int8 model quantises activations with one
    scale for the whole batch, so a vector would depend on its neighbours (measured: cosine down to 0.958
    between the same text alone and in a batch of eight).
    """

    def __init__(self, artifact: Artifact, threads: int = 1) -> None:
        """Raises DamagedExportError if the model or its tokenizer cannot be loaded."""
        facts = artifact.facts
        try:
            self._session = open_session(artifact.model, threads)
            self._tokenizer = Tokenizer.from_buffer(artifact.tokenizer)
        except Exception as error:  # both libraries raise bare Exception for unreadable files
            raise DamagedExportError(f"the export {artifact.id} cannot be loaded: {error}") from error
        self._inputs = [node.name for node in self._session.get_inputs()]
        self._id = artifact.id
        self._dimension = facts.dimension
        self._window = facts.window
        self._special_tokens = facts.special_tokens
        self._unknown_token = facts.unknown_token
        # A longer text cannot be read whole, unless it is mostly blanks; it is cut here before it costs
        # time in the tokenizer, so `fits` must say no to it.
        self._longest_text = facts.window * facts.longest_token

    @property
    def id(self) -> str:
        return self._id

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def window(self) -> int:
        return self._window

    def fits(self, text: str) -> bool:
        if len(text) > self._longest_text:
            return False
        try:
            ids = self._tokenizer.encode(text).ids
        except (TypeError, ValueError):
            return False  # a lone surrogate: not text that could be embedded
        return len(ids) <= self._window and self._unknown_token not in ids

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self._dimension), dtype=np.float32)
        return unit_rows([self._run(text) for text in texts])

    def _run(self, text: str) -> Any:
        try:
            encoding = self._encode(text)
            arrays = {
                "input_ids": encoding.ids,
                "attention_mask": encoding.attention_mask,
                "token_type_ids": encoding.type_ids,
            }
            feed = {name: np.array([arrays[name]], dtype=np.int64) for name in self._inputs}
            return self._session.run(None, feed)[0][0]
        except Exception as error:  # the libraries' own errors have no common base
            # The message may quote the text; the chained cause keeps it for a debugger only.
            raise EmbedderError(f"a text could not be embedded: {type(error).__name__}") from error

    def _encode(self, text: str) -> Encoding:
        """The text's tokens, cut at the window with the special tokens kept."""
        text = text[: self._longest_text]
        encoding = self._tokenizer.encode(text)
        if len(encoding.ids) <= self._window:
            return encoding
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        encoding.truncate(self._window - self._special_tokens)
        return self._tokenizer.post_process(encoding)


def open_session(model: bytes, threads: int) -> Any:
    """An onnxruntime session on the CPU whose threads sleep, not spin, between runs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
