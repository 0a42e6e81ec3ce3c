"""A trained pair encoder as int8 ONNX: ``python -m benchmarks.verifier.export --model FILE --out FILE``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from benchmarks.verifier.model import PairEncoder
from store.embedder.exporter import optimise


def export(model: PairEncoder, out: Path) -> None:
    """Write the encoder with int8 weights, in 7 bits as the embedder's, so that all processors agree."""
    model.eval()
    ids = torch.randint(1, 30000, (2, 9))
    kinds = torch.randint(0, 3, (2, 9))
    with tempfile.TemporaryDirectory() as folder:
        plain, small = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        with torch.no_grad():
            torch.onnx.export(
                model,
                (ids, kinds),
                str(plain),
                input_names=["ids", "kinds"],
                output_names=["logit"],
                dynamic_axes={
                    "ids": {0: "sides", 1: "length"},
                    "kinds": {0: "sides", 1: "length"},
                    "logit": {0: "pairs"},
                },
                opset_version=17,
                dynamo=False,
            )
        quantize_dynamic(plain, small, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
        optimise(small, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    model = PairEncoder()
    model.load_state_dict(torch.load(given.model, weights_only=True))
    export(model, given.out)
    print(f"{given.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
