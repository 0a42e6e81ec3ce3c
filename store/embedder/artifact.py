"""Exported models on disk: one folder each, complete or absent, checked when read.

A folder `<cache>/<embedder id>/` holds model.onnx, tokenizer.json and meta.json. It comes into being by
one rename, so a process that dies while exporting leaves only a staging folder, which is never read.
"""

import contextlib
import errno
import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from store.embedder.base import DamagedExportError, EmbedderError
from store.embedder.models import Source, embedder_id

MODEL_FILE, TOKENIZER_FILE, META_FILE = "model.onnx", "tokenizer.json", "meta.json"

_FORMAT = 1
_STAGING_PREFIX = ".staging-"
_STAGING_KEPT_SECONDS = 24 * 3600
_PUBLISH_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What running an exported model takes, and what it was exported from.

    digest: SHA-256 of what the vectors follow from, hex.
    window: tokens read, special tokens included; special_tokens: how many of them are special.
    unknown_token: the id that stands for what the tokenizer cannot read, if it has one.
    longest_token: characters in the vocabulary's longest token.
    pooling, normalize: as the model declares them, for the reader; both lie inside the ONNX graph.
    """

    digest: str
    window: int
    dimension: int
    special_tokens: int
    unknown_token: int | None
    longest_token: int
    pooling: str
    normalize: bool
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Artifact:
    """An exported model, read into memory."""

    id: str
    facts: ModelFacts
    model: bytes
    tokenizer: bytes


def default_cache_dir() -> Path:
    """REPRISE_MODEL_CACHE, else the user's cache folder."""
    configured = os.environ.get("REPRISE_MODEL_CACHE")
    if configured:
        return Path(configured).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("reprise"))


def find_artifact(cache_dir: Path, source: Source, label: str) -> Path | None:
    """The folder that holds `source` exported under `label`, sound or not; None if there is none."""
    if source.digest is not None:
        folder = cache_dir / embedder_id(source.slug, label, source.digest)
        return folder if folder.is_dir() else None
    for folder in sorted(cache_dir.glob(f"{source.slug}-{label}-*")):
        if _comes_from(folder, source):
            return folder
    return None


def read_artifact(folder: Path) -> Artifact:
    """The export in `folder`; raises DamagedExportError unless every file is as it was written."""
    meta = _read_meta(folder)
    try:
        facts = ModelFacts(**meta["facts"])
        contents = {name: (folder / name).read_bytes() for name in (MODEL_FILE, TOKENIZER_FILE)}
        intact = meta["id"] == folder.name and meta["files"] == _checksums(contents)
    except (OSError, KeyError, TypeError) as error:
        raise DamagedExportError(f"{folder} is not a whole export: {error}") from error
    if not intact:
        raise DamagedExportError(f"the files in {folder} are not those that were written")
    return Artifact(folder.name, facts, contents[MODEL_FILE], contents[TOKENIZER_FILE])


def write_meta(staged: Path, artifact_id: str, facts: ModelFacts, source: Source) -> None:
    """Seals a staging folder: after this, `read_artifact` accepts it under its final name."""
    contents = {name: (staged / name).read_bytes() for name in (MODEL_FILE, TOKENIZER_FILE)}
    meta = {
        "format": _FORMAT,
        "id": artifact_id,
        "origin": source.origin,
        "fingerprint": source.fingerprint,
        "facts": asdict(facts),
        "files": _checksums(contents),
    }
    (staged / META_FILE).write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")
    # Staging folders are private; a model is no secret, and a server may run as another user.
    staged.chmod(0o755)


@contextmanager
def staging_folder(cache_dir: Path) -> Iterator[Path]:
    """A private folder beside the exports, gone afterwards; folders of processes that died go too."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(cache_dir)
        staged = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=cache_dir))
    except OSError as error:
        raise EmbedderError(
            f"cannot write to the model cache {cache_dir} ({error}): set REPRISE_MODEL_CACHE to a folder "
            "that can be written"
        ) from error
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def publish(staged: Path, folder: Path, source: Source) -> None:
    """Gives a sealed staging folder its final name; a sound export that is there already wins."""
    for _ in range(_PUBLISH_ATTEMPTS):
        try:
            staged.rename(folder)
            return
        except OSError as error:
            # By now another process may have taken the folder away that stood in the way.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise EmbedderError(f"cannot write {folder}: {error}") from error
        if _is_sound(folder) and _comes_from(folder, source):
            return
        _discard(folder)
    raise EmbedderError(f"cannot replace the damaged export {folder}")


def _read_meta(folder: Path) -> dict[str, Any]:
    try:
        meta = json.loads((folder / META_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedExportError(f"{folder} has no readable {META_FILE}: {error}") from error
    if not isinstance(meta, dict) or meta.get("format") != _FORMAT:
        raise DamagedExportError(f"{folder} is not in format {_FORMAT}")
    return meta


def _comes_from(folder: Path, source: Source) -> bool:
    try:
        meta = _read_meta(folder)
    except DamagedExportError:
        return False
    return (meta.get("origin"), meta.get("fingerprint")) == (source.origin, source.fingerprint)


def _is_sound(folder: Path) -> bool:
    try:
        read_artifact(folder)
    except DamagedExportError:
        return False
    return True


def _checksums(contents: dict[str, bytes]) -> dict[str, list[int]]:
    # A CRC finds damage, which is all that is asked here (who can alter the model can alter its meta.json
    # as well), and takes a tenth of SHA-256's time at every start.
    return {name: [len(data), zlib.crc32(data)] for name, data in contents.items()}


def _discard(folder: Path) -> None:
    # Renamed first, so that nobody sees it half removed.
    aside = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=folder.parent))
    try:
        # It is gone already where another process discarded it.
        with contextlib.suppress(FileNotFoundError):
            folder.rename(aside / "discarded")
    except OSError as error:
        raise EmbedderError(f"cannot replace the damaged export {folder}: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _remove_abandoned(cache_dir: Path) -> None:
    oldest = time.time() - _STAGING_KEPT_SECONDS
    for staged in cache_dir.glob(f"{_STAGING_PREFIX}*"):
        try:
            abandoned = staged.stat().st_mtime < oldest
        except FileNotFoundError:
            continue  # its owner has just finished
        if abandoned:
            shutil.rmtree(staged, ignore_errors=True)
