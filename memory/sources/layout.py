"""What the folder of the pieces' index holds, as a small file in it says. Without the file the index is none."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from store.errors import VectorIndexError

NAME: Final = "layout.json"


@dataclass(slots=True)
class Layout:
    """The folder within the folder that the index is in, the embedder of its vectors, and for whom each source is."""

    folder: str
    embedder: str
    audiences: dict[str, str] = field(default_factory=dict)


def read_layout(folder: Path) -> Layout | None:
    """The layout; None where there is none that can be read."""
    try:
        given = json.loads((folder / NAME).read_text(encoding="utf-8"))
        inner, embedder = str(given["folder"]), str(given["embedder"])
        audiences = {str(name): str(audience) for name, audience in given["audiences"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return None if "/" in inner or inner in ("", ".", "..") else Layout(inner, embedder, audiences)


def write_layout(folder: Path, layout: Layout) -> None:
    """Put a layout in place of the one before, whole or not at all. Raises ``VectorIndexError``."""
    partial = folder / f"{NAME}.part"
    try:
        partial.write_text(json.dumps(asdict(layout)), encoding="utf-8")
        partial.replace(folder / NAME)
    except OSError as error:
        raise VectorIndexError(f"cannot write to the index of the sources: {error.strerror or error}") from error


def forget_layout(folder: Path) -> None:
    """Take the layout away: what the folder holds counts for nothing."""
    (folder / NAME).unlink(missing_ok=True)
