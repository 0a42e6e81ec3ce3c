"""The embedder of local models: real exports, real onnxruntime."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from store.embedder import (
    DamagedExportError,
    Embedder,
    EmbedderError,
    EmbedderSpec,
    default_cache_dir,
    load_embedder,
    models,
)
from store.embedder.artifact import find_artifact, publish, read_artifact, staging_folder, write_meta
from store.embedder.base import unit_rows
from store.embedder.export import export_model
from store.embedder.models import Source, find_model, slugify
from store.embedder.sentence_transformer import SentenceTransformerEmbedder

SENTENCES = [
    "What is the capital of France?",
    "How do I reverse a list in Python?",
    "Turn on the lights in the kitchen",
    "I need to return an item I bought last week, what is your refund policy?",
    "Explain the difference between TCP and UDP to a ten-year-old.",
    "WRITE A HAIKU ABOUT AUTUMN LEAVES",
    "Qual è la capitale dell'Italia?",
    "refund policy " * 60,
]


def run_python(code: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """A fresh interpreter, in a process group of its own, that sees what this one sees."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


LOAD = """
import sys
from pathlib import Path
from store.embedder import EmbedderSpec, load_embedder
embedder = load_embedder(EmbedderSpec(model=sys.argv[1]), Path(sys.argv[2]))
print(embedder.id, embedder.embed(["hello"])[0, 0])
"""


@pytest.fixture(scope="module")
def embedder(model_cache: Path) -> Embedder:
    return load_embedder(EmbedderSpec(), model_cache)


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    """SENTENCES as sentence-transformers itself embeds them, with torch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(models.bundled_folder()), device="cpu")
        return model.encode(SENTENCES, normalize_embeddings=True, show_progress_bar=False)


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small random BERT that pools by CLS, has a window of 32 and no Normalize."""
    folder = tmp_path_factory.mktemp("models") / "Tiny CLS"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
        from transformers import AutoTokenizer, BertConfig, BertModel

        torch.manual_seed(7)
        bert = folder.parent / "bert"
        config = BertConfig(
            hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, vocab_size=30522
        )
        BertModel(config).save_pretrained(bert)
        AutoTokenizer.from_pretrained(models.bundled_folder()).save_pretrained(bert)
        transformer = Transformer(str(bert), max_seq_length=32)
        SentenceTransformer(modules=[transformer, Pooling(48, pooling_mode="cls")]).save(str(folder))
    return folder


@pytest.fixture(scope="module")
def tiny_cache(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("tiny-cache")
    load_embedder(EmbedderSpec(model=str(tiny_model)), cache)
    return cache


@pytest.fixture
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test if anything exports."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("exported")

    monkeypatch.setattr("store.embedder.export.export_model", refuse)


class TestVectors:
    @pytest.mark.slow
    def test_int8_agrees_with_the_model_in_torch(self, embedder, reference):
        cosines = np.sum(embedder.embed(SENTENCES) * reference, axis=1)
        assert cosines.min() >= 0.97

    def test_rows_are_float32_of_length_one(self, embedder):
        vectors = embedder.embed(SENTENCES)
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(SENTENCES), embedder.dimension) == (len(SENTENCES), 384)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)

    def test_a_vector_does_not_depend_on_its_neighbours(self, embedder):
        together = embedder.embed(SENTENCES)
        alone = np.concatenate([embedder.embed([sentence]) for sentence in SENTENCES])
        assert np.array_equal(together, alone)
        assert np.array_equal(together, embedder.embed(SENTENCES[::-1])[::-1])

    def test_a_vector_does_not_depend_on_the_threads(self, embedder, model_cache):
        two = load_embedder(EmbedderSpec(threads=2), model_cache)
        assert np.array_equal(two.embed(SENTENCES), embedder.embed(SENTENCES))

    def test_threads_may_embed_at_once(self, embedder):
        expected = embedder.embed(SENTENCES)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(embedder.embed, [SENTENCES] * 8):
                assert np.array_equal(found, expected)

    def test_near_meanings_are_nearer_than_far_ones(self, embedder):
        weight, fast, bread = embedder.embed(
            ["best way to lose weight", "how can I lose weight quickly", "how do I bake bread"]
        )
        assert weight @ fast > 0.7 > weight @ bread + 0.2

    def test_no_texts_give_no_rows(self, embedder):
        assert embedder.embed([]).shape == (0, 384)

    @pytest.mark.parametrize(
        "text", ["", " \n\t", "\x00", "日本語のテキスト", "Привет", "e\u0301\u200d", "👩‍👩‍👧‍👦", "\u202eabc", "a" * 300]
    )
    def test_odd_texts_embed(self, embedder, text):
        assert np.isfinite(embedder.embed([text])).all()

    def test_a_lone_surrogate_is_an_error_that_quotes_no_text(self, embedder):
        assert not embedder.fits("secret \ud800")
        with pytest.raises(EmbedderError) as caught:
            embedder.embed(["secret \ud800"])
        assert "secret" not in str(caught.value)

    def test_a_very_long_text_is_read_up_to_the_window_in_no_time(self, embedder):
        long = "word " * 200_000
        started = time.monotonic()
        assert not embedder.fits(long)
        assert np.array_equal(embedder.embed([long]), embedder.embed(["word " * 900]))
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize("rows", [[[0.0, 0.0]], [[1.0, np.nan]], [[np.inf, 1.0]]])
    def test_rows_without_direction_are_refused(self, rows):
        with pytest.raises(EmbedderError, match="zero or not finite"):
            unit_rows(rows)


class TestWindow:
    def test_the_window_is_counted_with_its_special_tokens(self, embedder):
        assert embedder.window == 256
        assert embedder.fits("word " * 254)
        assert not embedder.fits("word " * 255)

    def test_what_fits_is_read_and_what_does_not_fit_is_not(self, embedder):
        within, other = "word " * 253, "word " * 254
        assert not np.array_equal(embedder.embed([within + "cat"]), embedder.embed([within + "dog"]))
        assert np.array_equal(embedder.embed([other + "cat"]), embedder.embed([other + "dog"]))

    def test_the_cut_keeps_the_closing_token(self, embedder):
        tokenizer = Tokenizer.from_file(str(models.bundled_folder() / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(256)
        long = "refund policy, please! " * 300
        assert embedder._encode(long).ids == tokenizer.encode(long).ids

    @pytest.mark.parametrize("text", ["", "plain", "Où est la gare?", "Привет, мир"])
    def test_ordinary_text_fits(self, embedder, text):
        assert embedder.fits(text)

    # The model reads each as one unknown token: others in its place would have the same vector.
    @pytest.mark.parametrize("text", ["I feel 😀 today", "key " + "A" * 101])
    def test_what_the_model_cannot_read_does_not_fit(self, embedder, text):
        assert not embedder.fits(text)

    def test_unknown_tokens_do_hide_a_difference(self, embedder):
        happy, angry = embedder.embed(["I feel 😀 today", "I feel 😡 today"])
        assert happy @ angry > 0.9999


class TestExport:
    def test_the_id_names_model_quantisation_and_weights(self, embedder):
        assert embedder.id == "all-minilm-l6-v2-int8-53aa51172d14"

    def test_both_names_of_the_default_are_one_model(self):
        assert find_model("all-MiniLM-L6-v2") == find_model("sentence-transformers/all-MiniLM-L6-v2")

    def test_other_weights_are_refused(self, tmp_path, monkeypatch):
        (tmp_path / "model.safetensors").write_bytes(b"not the weights")
        monkeypatch.setattr(models, "bundled_folder", lambda: tmp_path)
        with pytest.raises(EmbedderError, match="sha256"):
            load_embedder(EmbedderSpec(), tmp_path / "cache")
        assert not (tmp_path / "cache").exists()

    def test_a_missing_package_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setattr(models, "_BUNDLED_PACKAGE", "no_such_package_here")
        with pytest.raises(EmbedderError, match="no_such_package_here"):
            load_embedder(EmbedderSpec(), tmp_path)

    @pytest.mark.usefixtures("model_cache")
    def test_a_warm_start_needs_neither_torch_nor_the_bundled_model(self, model_cache):
        code = (
            "import sys, importlib.util; importlib.util.find_spec = None\n"
            "import store.embedder\n"
            "assert 'onnxruntime' not in sys.modules\n" + LOAD + "\n"
            "heavy = {'torch', 'transformers', 'sentence_transformers', 'huggingface_hub', 'onnx'}\n"
            "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        )
        process = run_python(code, "all-MiniLM-L6-v2", model_cache)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert output.startswith("all-minilm-l6-v2-int8-53aa51172d14")

    def test_the_cache_folder_follows_the_environment(self, tmp_path, monkeypatch):
        monkeypatch.setenv("REPRISE_MODEL_CACHE", str(tmp_path))
        assert default_cache_dir() == tmp_path
        monkeypatch.delenv("REPRISE_MODEL_CACHE")
        assert default_cache_dir().name == "reprise"

    @pytest.mark.parametrize("name", ["BAAI/bge-small-en", "Ünï cödé!", "..", "/", "x" * 300])
    def test_slugs_are_safe_in_ids(self, name):
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,79}", slugify(name))


@pytest.mark.slow
class TestOtherModels:
    def test_a_folder_with_cls_pooling_exports(self, tiny_model, tiny_cache):
        small = load_embedder(EmbedderSpec(model=str(tiny_model)), tiny_cache)
        assert re.fullmatch(r"tiny-cls-int8-[0-9a-f]{12}", small.id)
        assert (small.dimension, small.window) == (48, 32)
        folder = tiny_cache / small.id
        facts = json.loads((folder / "meta.json").read_text())["facts"]
        assert (facts["pooling"], facts["normalize"]) == ("cls", False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(str(tiny_model), device="cpu")
            expected = model.encode(SENTENCES, normalize_embeddings=True, show_progress_bar=False)
        assert np.sum(small.embed(SENTENCES) * expected, axis=1).min() > 0.97

    @pytest.mark.usefixtures("no_export")
    def test_a_warm_start_finds_a_folders_export(self, tiny_model, tiny_cache):
        found = load_embedder(EmbedderSpec(model=str(tiny_model)), tiny_cache)
        assert (tiny_cache / found.id / "meta.json").is_file()

    def test_a_changed_folder_is_exported_anew(self, tiny_model, tiny_cache, tmp_path):
        changed = shutil.copytree(tiny_model, tmp_path / tiny_model.name)
        source = find_model(str(changed))
        assert find_artifact(tiny_cache, source, "int8") is None
        settings = changed / "sentence_bert_config.json"
        settings.write_text(settings.read_text().replace("32", "16"))
        assert find_model(str(changed)).fingerprint != source.fingerprint

    def test_a_hub_name_is_read_from_the_hubs_cache_without_a_network(self, tiny_model, tmp_path, monkeypatch):
        repository = tmp_path / "hub" / "models--acme--tiny"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text("0" * 40)
        shutil.copytree(tiny_model, repository / "snapshots" / ("0" * 40))
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        spec = EmbedderSpec(model="acme/tiny", quantize=False)
        first = load_embedder(spec, tmp_path / "cache")
        assert re.fullmatch(r"acme-tiny-fp32-[0-9a-f]{12}", first.id)
        shutil.rmtree(tmp_path / "hub")
        assert load_embedder(spec, tmp_path / "cache").id == first.id

    def test_an_unknown_name_is_an_error_with_one_line(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
        with pytest.raises(EmbedderError, match="acme/none") as caught:
            load_embedder(EmbedderSpec(model="acme/none"), tmp_path / "cache")
        assert "\n" not in str(caught.value)
        assert not list((tmp_path / "cache").iterdir())

    def test_a_model_that_does_not_export_runs_in_torch(self, tmp_path, caplog):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from sentence_transformers import SentenceTransformer
            from sentence_transformers.sentence_transformer.modules import StaticEmbedding

            tokenizer = Tokenizer.from_file(str(models.bundled_folder() / "tokenizer.json"))
            static = StaticEmbedding(tokenizer, embedding_dim=16)
            SentenceTransformer(modules=[static]).save(str(tmp_path / "static"))
        spec = EmbedderSpec(model=str(tmp_path / "static"))
        slow = load_embedder(spec, tmp_path / "cache")
        assert "running" in caplog.text
        assert re.fullmatch(r"static-fp32-[0-9a-f]{12}", slow.id)
        assert SentenceTransformerEmbedder(find_model(spec.model), spec).id == slow.id
        together = slow.embed(SENTENCES)
        assert together.shape == (len(SENTENCES), slow.dimension) == (len(SENTENCES), 16)
        assert np.array_equal(together[:1], slow.embed(SENTENCES[:1]))
        assert slow.embed([]).shape == (0, 16)
        assert slow.fits("word " * 1000)
        assert not slow.fits("I feel 😀 today")
        assert not slow.fits("\ud800")
        with pytest.raises(EmbedderError):
            slow.embed(["\ud800"])


@pytest.mark.slow
class TestCacheFolder:
    def test_two_processes_exporting_at_once_both_succeed(self, tiny_model, tmp_path):
        racing = [run_python(LOAD, tiny_model, tmp_path) for _ in range(2)]
        outputs = [process.communicate(timeout=110) for process in racing]
        assert [process.returncode for process in racing] == [0, 0], outputs
        assert outputs[0][0] == outputs[1][0]
        assert len(list(tmp_path.iterdir())) == 1

    def test_a_killed_export_is_never_taken_as_complete(self, tiny_model, tmp_path):
        process = run_python(LOAD, tiny_model, tmp_path)
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".staging-*/tokenizer.json")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        (left,) = tmp_path.iterdir()
        assert left.name.startswith(".staging-")
        os.utime(left, (0, 0))
        folder = export_model(find_model(str(tiny_model)), tmp_path, quantize=True)
        assert [folder] == list(tmp_path.iterdir()), "the abandoned folder is gone"
        read_artifact(folder)

    @pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "meta.json"])
    @pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
    def test_damage_is_found(self, tiny_cache, tmp_path, name, damage):
        (export,) = tiny_cache.iterdir()
        folder = shutil.copytree(export, tmp_path / export.name)
        read_artifact(folder)
        hurt(folder / name, damage)
        with pytest.raises(DamagedExportError):
            read_artifact(folder)

    def test_a_damaged_export_is_mended_once(self, tiny_model, tiny_cache, tmp_path, caplog):
        cache = shutil.copytree(tiny_cache, tmp_path / "cache")
        (folder,) = cache.iterdir()
        hurt(folder / "model.onnx", "truncated")
        mended = load_embedder(EmbedderSpec(model=str(tiny_model)), cache)
        assert "again" in caplog.text
        assert np.isfinite(mended.embed(["hello"])).all()
        assert list(cache.iterdir()) == [folder]
        read_artifact(folder)

    def test_a_sound_export_that_is_there_first_wins(self, tiny_model, tiny_cache, tmp_path):
        source = find_model(str(tiny_model))
        folder = copy_of(tiny_cache, tmp_path)
        before = folder.stat().st_ino
        with staging_folder(tmp_path) as staged:
            stage(staged, folder, source)
            publish(staged, folder, source)
        assert folder.stat().st_ino == before

    def test_publishers_that_race_over_a_damaged_export_leave_a_sound_one(self, tiny_model, tiny_cache, tmp_path):
        source = find_model(str(tiny_model))
        folder = copy_of(tiny_cache, tmp_path)
        sound = copy_of(tiny_cache, tmp_path / "sound")

        def race(_: int) -> None:
            hurt(folder / "model.onnx", "altered")
            with staging_folder(tmp_path) as staged:
                stage(staged, sound, source)
                publish(staged, folder, source)

        for _ in range(5):
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(race, range(4)))
            with staging_folder(tmp_path) as staged:
                stage(staged, sound, source)
                publish(staged, folder, source)
            read_artifact(folder)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([folder.name, "sound"])

    def test_the_same_weights_under_another_origin_replace_the_export(self, tiny_model, tiny_cache, tmp_path):
        folder = copy_of(tiny_cache, tmp_path)
        moved = Source("tiny-cls", "/elsewhere", None, "changed")
        with staging_folder(tmp_path) as staged:
            stage(staged, folder, moved)
            publish(staged, folder, moved)
        assert find_artifact(tmp_path, moved, "int8") == folder
        assert find_artifact(tmp_path, find_model(str(tiny_model)), "int8") is None

    def test_an_unwritable_cache_names_the_remedy(self, tiny_model, tmp_path):
        blocked = tmp_path / "file"
        blocked.write_text("")
        with pytest.raises(EmbedderError, match="REPRISE_MODEL_CACHE"):
            load_embedder(EmbedderSpec(model=str(tiny_model)), blocked / "cache")

    def test_other_users_may_read_an_export(self, tiny_cache):
        (folder,) = tiny_cache.iterdir()
        assert folder.stat().st_mode & 0o055 == 0o055


def hurt(path: Path, damage: str) -> None:
    if damage == "missing":
        path.unlink()
        return
    try:
        data = path.read_bytes()
        changed = data[: len(data) // 2] if damage == "truncated" else b"\x00" + data[1:]
        path.write_bytes(changed)
    except FileNotFoundError:
        pass  # another thread has just set the folder aside


def copy_of(cache: Path, target: Path) -> Path:
    (export,) = cache.iterdir()
    return shutil.copytree(export, target / export.name)


def stage(staged: Path, export: Path, source: Source) -> None:
    artifact = read_artifact(export)
    (staged / "model.onnx").write_bytes(artifact.model)
    (staged / "tokenizer.json").write_bytes(artifact.tokenizer)
    write_meta(staged, artifact.id, artifact.facts, source)
