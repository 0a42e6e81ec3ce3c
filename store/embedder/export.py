"""The one-time export, as its caller sees it: a child process does the work, this one publishes the result.

A child process, because exporting needs torch, warns on every channel and sets process-wide switches; the
server that asked for it keeps none of that.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from store.embedder.artifact import ModelFacts, publish, staging_folder, write_meta
from store.embedder.base import EmbedderError, NotExportableError
from store.embedder.models import Source, embedder_id, label_of, loadable

FACTS_FILE = "facts.json"
EXIT_NOT_EXPORTABLE = 3

# Enough to download a large model on a slow line.
_TIMEOUT_SECONDS = 3600


def export_model(source: Source, cache_dir: Path, *, quantize: bool) -> Path:
    """Exports a model into `cache_dir`; returns the folder, which is complete or not there at all.

    Raises NotExportableError when the model does not become an ONNX file that agrees with it, and
    EmbedderError when it cannot be loaded, its weights are not the known ones, or the cache not written.
    """
    location = loadable(source)
    label = label_of(quantize)
    with staging_folder(cache_dir) as staged:
        facts = _run_exporter(location, staged, label, offline=source.is_local)
        facts = replace(facts, digest=source.digest or facts.digest)
        artifact_id = embedder_id(source.slug, label, facts.digest)
        write_meta(staged, artifact_id, facts, source)
        folder = cache_dir / artifact_id
        publish(staged, folder, source)
    return folder


def _run_exporter(location: str, staged: Path, label: str, *, offline: bool) -> ModelFacts:
    command = [sys.executable, "-m", "store.embedder.exporter", location, str(staged), label]
    try:
        done = subprocess.run(
            command,
            env=_environment(offline),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbedderError(f"the export of {location} did not run: {error}") from error
    if done.returncode == 0:
        facts_file = staged / FACTS_FILE
        facts = ModelFacts(**json.loads(facts_file.read_text(encoding="utf-8")))
        facts_file.unlink()
        return facts
    reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    kind = NotExportableError if done.returncode == EXIT_NOT_EXPORTABLE else EmbedderError
    raise kind(f"{location} was not exported: {reason}")


def _environment(offline: bool) -> dict[str, str]:
    environment = {
        **os.environ,
        # The child finds this package where this process found it.
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        "PYTHONWARNINGS": "ignore",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
        "CUDA_VISIBLE_DEVICES": "",
    }
    if offline:
        environment |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return environment
