"""The pair encoder: all-MiniLM-L6-v2 whose lower layers read each prompt alone, its upper layers both together.

Every token also carries whether its word stands in the other prompt: the word-level difference as input.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from cache.verifier.reading import LACKING

SPLIT = 3
"""Layers that read one prompt alone; they keep their weights."""
LAYERS, WIDTH, HEADS = 6, 384, 12


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out, self.norm1 = nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH, eps=1e-12)
        self.up, self.down, self.norm2 = (
            nn.Linear(WIDTH, 4 * WIDTH),
            nn.Linear(4 * WIDTH, WIDTH),
            nn.LayerNorm(WIDTH, eps=1e-12),
        )

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        n, length, _ = x.shape
        q, k, v = self.qkv(x).view(n, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5 + bias, dim=-1)
        x = self.norm1(x + self.out((weights @ v).transpose(1, 2).reshape(n, length, WIDTH)))
        return self.norm2(x + self.down(nn.functional.gelu(self.up(x))))


class PairEncoder(nn.Module):
    """Logit that the answer to one prompt is right for the other.

    ``ids`` and ``kinds`` are made by ``cache.verifier.reading.arrays``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, WIDTH)
        self.places = nn.Embedding(512, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.side = nn.Embedding(2, WIDTH)
        self.kind = nn.Embedding(3, WIDTH)
        self.head = nn.Sequential(nn.Linear(3 * WIDTH, 256), nn.GELU(), nn.Linear(256, 1))
        nn.init.normal_(self.side.weight, std=0.02)
        nn.init.normal_(self.kind.weight, std=0.02)

    def alone(self, ids: torch.Tensor) -> torch.Tensor:
        bias = torch.where(ids > 0, 0.0, -1e4)[:, None, None, :]
        x = self.norm(self.words(ids) + self.places.weight[: ids.shape[1]])
        for layer in self.layers[:SPLIT]:
            x = layer(x, bias)
        return x

    def forward(self, ids: torch.Tensor, kinds: torch.Tensor, drop: float = 0.0) -> torch.Tensor:
        with torch.no_grad():
            x = self.alone(ids)
        n = ids.shape[0] // 2
        x = x + self.kind(kinds)
        x = torch.cat([x[:n] + self.side.weight[0], x[n:] + self.side.weight[1]], dim=1)
        mask = torch.cat([ids[:n], ids[n:]], dim=1) > 0
        lacking = (torch.cat([kinds[:n], kinds[n:]], dim=1) == LACKING).float()[:, :, None]
        bias = torch.where(mask, 0.0, -1e4)[:, None, None, :]
        if drop:
            x = nn.functional.dropout(x, drop)
        for layer in self.layers[SPLIT:]:
            x = layer(x, bias)
        seen = mask.float()[:, :, None]
        mean = (x * seen).sum(1) / seen.sum(1)
        differing = (x * lacking).sum(1) / lacking.sum(1).clamp(min=1.0)
        highest = torch.where(mask[:, :, None], x, torch.full_like(x, -1e4)).amax(1)
        return self.head(torch.cat([mean, differing, highest], dim=1))[:, 0]

    def trainable(self) -> list[nn.Parameter]:
        parts = [self.side, self.kind, self.head, *self.layers[SPLIT:]]
        return [p for part in parts for p in part.parameters()]


def pretrained(folder: Path) -> PairEncoder:
    """The encoder with the bi-encoder's weights; side, kind and head are new."""
    given, model = load_file(str(folder / "model.safetensors")), PairEncoder()
    own: dict[str, torch.Tensor] = {
        "words.weight": given["embeddings.word_embeddings.weight"],
        "places.weight": given["embeddings.position_embeddings.weight"]
        + given["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": given["embeddings.LayerNorm.weight"],
        "norm.bias": given["embeddings.LayerNorm.bias"],
    }
    for i in range(LAYERS):
        at = f"encoder.layer.{i}."
        for kind in ("weight", "bias"):
            own[f"layers.{i}.qkv.{kind}"] = torch.cat(
                [given[f"{at}attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
            )
            own[f"layers.{i}.out.{kind}"] = given[f"{at}attention.output.dense.{kind}"]
            own[f"layers.{i}.norm1.{kind}"] = given[f"{at}attention.output.LayerNorm.{kind}"]
            own[f"layers.{i}.up.{kind}"] = given[f"{at}intermediate.dense.{kind}"]
            own[f"layers.{i}.down.{kind}"] = given[f"{at}output.dense.{kind}"]
            own[f"layers.{i}.norm2.{kind}"] = given[f"{at}output.LayerNorm.{kind}"]
    missing = model.load_state_dict(own, strict=False).missing_keys
    assert all(name.startswith(("side", "kind", "head")) for name in missing), missing
    return model
