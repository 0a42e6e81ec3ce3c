"""The child process that exports: `python -m store.embedder.exporter LOCATION FOLDER int8|fp32`.

Writes model.onnx, tokenizer.json and facts.json into FOLDER. Exit status 0: done; 3: the model runs, but not
as ONNX; anything else: failed. The last line on stderr says why.
"""

import json
import logging
import sys
import warnings
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from store.embedder.artifact import MODEL_FILE, TOKENIZER_FILE, Artifact, ModelFacts
from store.embedder.base import EmbedderError, NotExportableError
from store.embedder.export import EXIT_NOT_EXPORTABLE, FACTS_FILE
from store.embedder.loading import digest_of, first_line, load_model, tokenizer_json
from store.embedder.models import label_of
from store.embedder.onnx import OnnxEmbedder

# Of several lengths (one beyond any window), cases and scripts: what a wrong trace, a lost prompt or another
# tokenizer would turn differently.
_PROBES = (
    "What is the capital of France?",
    "HOW DO I REVERSE A LIST IN PYTHON?",
    "no",
    "  Qual è la capitale dell'Italia,\n and why?  ",
    "Explain the difference between TCP and UDP to someone who has never programmed a computer before.",
    "refund policy " * 40,
    "one long text about everything and nothing at all " * 200,
)
_SAME = 0.999
_CLOSE = 0.95
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OUTPUT = "sentence_embedding"
_OPSET = 17
_TOOLS = ("torch", "transformers", "sentence-transformers", "onnx", "onnxruntime", "tokenizers")


class Pipeline(torch.nn.Module):  # type: ignore[misc]  # torch is not followed by the type checker
    """A sentence-transformers model as one function of tensors, which is what tracing can follow."""

    def __init__(self, model: Any, inputs: list[str]) -> None:
        super().__init__()
        self.model = model
        self.inputs = inputs

    def forward(self, *tensors: Any) -> Any:
        features = dict(zip(self.inputs, tensors, strict=True))
        for module in self.model:
            features = module(features)
        return features[_OUTPUT]


def main(arguments: list[str]) -> int:
    location, folder, label = arguments
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            facts = export(load_model(location), Path(folder), quantize=label == label_of(True))
    except NotExportableError as error:
        print(error, file=sys.stderr)
        return EXIT_NOT_EXPORTABLE
    except EmbedderError as error:
        print(error, file=sys.stderr)
        return 1
    (Path(folder) / FACTS_FILE).write_text(json.dumps(asdict(facts)), encoding="utf-8")
    return 0


def export(model: Any, folder: Path, *, quantize: bool) -> ModelFacts:
    """Writes model.onnx and tokenizer.json, and proves that they give the model's own vectors.

    Raises NotExportableError when they do not, EmbedderError when int8 strays too far from float32.
    """
    facts = describe(model)
    (folder / TOKENIZER_FILE).write_bytes(tokenizer_json(model))
    expected = model.encode(list(_PROBES), batch_size=1, normalize_embeddings=True, show_progress_bar=False)
    plain, final = folder / "plain.onnx", folder / MODEL_FILE
    trace(model, plain)
    if agreement(folder, plain, facts, expected) < _SAME:
        raise NotExportableError("as ONNX it gives other vectors than the model itself")
    optimise(quantised(plain) if quantize else plain, final)
    cosine = agreement(folder, final, facts, expected)
    if cosine < (_CLOSE if quantize else _SAME):
        raise EmbedderError(f"what was exported agrees with it only to {cosine:.3f}: set quantize to false")
    for leftover in folder.glob("plain*"):
        leftover.unlink()
    return facts


def describe(model: Any) -> ModelFacts:
    """What running the model takes; raises NotExportableError for one that is not made of tokens."""
    try:
        tokenizer, backend = model.tokenizer, model.tokenizer.backend_tokenizer
        window = int(model.max_seq_length)
    except (AttributeError, TypeError, OverflowError, ValueError) as error:
        raise NotExportableError(f"it has no fast tokenizer or no window: {error}") from error
    modules = {type(module).__name__: module for module in model}
    pooling = getattr(modules.get("Pooling"), "pooling_mode", "none")
    return ModelFacts(
        digest=digest_of(model),
        window=window,
        dimension=int(model.get_embedding_dimension()),
        special_tokens=backend.num_special_tokens_to_add(False),
        unknown_token=getattr(tokenizer, "unk_token_id", None),
        longest_token=max(map(len, backend.get_vocab())),
        pooling=pooling if isinstance(pooling, str) else "+".join(pooling),
        normalize="Normalize" in modules,
        versions={tool: version(tool) for tool in _TOOLS},
    )


def trace(model: Any, path: Path) -> None:
    """Writes the model's graph, float32, with free batch and sequence lengths."""
    names = [name for name in _INPUTS if name in model.tokenizer.model_input_names]
    batch = model.tokenizer(["one text of some length", "another"], padding=True, return_tensors="pt")
    axes: dict[str, dict[int, str]] = {name: {0: "batch", 1: "sequence"} for name in names}
    try:
        # The attention that traces to the fewest operators.
        model[0].auto_model.set_attn_implementation("eager")
        with torch.no_grad():
            # The newer exporter (dynamo) needs one more package and gains nothing here.
            torch.onnx.export(
                Pipeline(model, names).eval(),
                tuple(batch[name] for name in names),
                str(path),
                input_names=names,
                output_names=[_OUTPUT],
                dynamic_axes={**axes, _OUTPUT: {0: "batch"}},
                opset_version=_OPSET,
                dynamo=False,
            )
    except Exception as error:  # what an architecture does to a tracer has no common base
        raise NotExportableError(f"it cannot be traced: {first_line(error)}") from error


def quantised(plain: Path) -> Path:
    """Writes the graph with int8 weights beside `plain`; returns where.

    Per channel, as one scale for a whole matrix costs five times the accuracy. In 7 bits, as processors
    without VNNI saturate on 8 and would give other vectors than those that have it.
    """
    path = plain.with_name("plain-int8.onnx")
    quantize_dynamic(plain, path, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
    return path


def agreement(folder: Path, model: Path, facts: ModelFacts, expected: Any) -> float:
    """The lowest cosine between the probes' vectors as embedded from `model` and as `expected`."""
    artifact = Artifact("probe", facts, model.read_bytes(), (folder / TOKENIZER_FILE).read_bytes())
    try:
        found = OnnxEmbedder(artifact).embed(_PROBES)
    except EmbedderError as error:
        raise NotExportableError(f"as ONNX it does not run: {error}") from error
    return float(np.min(np.sum(found * expected, axis=1)))


def optimise(plain: Path, final: Path) -> None:
    """Saves the graph as onnxruntime would rewrite it at every start, which halves the time to load it."""
    options = onnxruntime.SessionOptions()
    # Not ORT_ENABLE_ALL: what that adds depends on this processor.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(final)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(plain), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
