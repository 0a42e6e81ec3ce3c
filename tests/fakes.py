"""Stand-ins for what the cache leans on, and makers of its values."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from cache.call import Call
from cache.identity import Scope
from cache.policy import Policy
from cache.verifier import Mix, VerifierError
from store.embedder import EmbedderError
from store.entries import Entry
from store.errors import DatabaseError, VectorIndexError

DIMENSION = 64
NOW = 1_800_000_000.0


def near(similarity, axis=1):
    """A unit vector with this cosine to ``near(1.0)``; those of two axes differ from each other, too."""
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[0], vector[axis] = similarity, math.sqrt(1.0 - similarity**2)
    return vector


class FakeEmbedder:
    """Gives each text the vector it was told, and every other text one of its own that is far from all.

    Args:
        vectors: texts and their vectors, length 1.
        unread: texts that reach beyond the window.

    ``asked`` lists the texts embedded so far; while ``broken`` is set, embedding fails.
    """

    dimension = DIMENSION
    window = 256

    def __init__(self, vectors=(), unread=(), id="fake"):
        self.id = id
        self.vectors = dict(vectors)
        self.unread = frozenset(unread)
        self.asked = []
        self.broken = False

    def fits(self, text):
        return text not in self.unread

    def embed(self, texts):
        self.asked.extend(texts)
        if self.broken:
            raise EmbedderError("the fake embedder is broken")
        return np.stack([self.vectors[text] if text in self.vectors else self._own(text) for text in texts])

    def _own(self, text):
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        vector = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
        return vector / np.linalg.norm(vector)


class FakeVerifier:
    """Scores each stored prompt as it was told, and every other one ``otherwise``; not a number stays none.

    ``asked`` lists the pairs scored so far; while ``broken`` is set, scoring fails. Scores of 0.5 come back to the bit.
    """

    floor = 0.5
    mix = Mix((1.0, 0.0))

    def __init__(self, scores=(), otherwise=0.5, id="fake-verifier"):
        self.id = id
        self.scores = dict(scores)
        self.otherwise = otherwise
        self.asked = []
        self.broken = False

    def signals(self, pairs):
        self.asked.extend(pairs)
        if self.broken:
            raise VerifierError("the fake verifier is broken")
        scores = np.array([self.scores.get(pair.stored, self.otherwise) for pair in pairs], dtype=np.float64)
        return np.column_stack([np.log(scores / (1.0 - scores)), [pair.similarity for pair in pairs]])


class FakeVerdicts:
    """Pairs judged wrong, by the exact_key of call and entry; while ``broken`` is set, asking fails."""

    def __init__(self, wrong=()):
        self.wrong = set(wrong)
        self.broken = False

    def judged_wrong(self, prompt_key, entry_keys):
        if self.broken:
            raise DatabaseError("the fake verdicts are broken")
        return {key for key in entry_keys if (prompt_key, key) in self.wrong}


class FakeWatch:
    """Remembers what it was told."""

    def __init__(self):
        self.failures = []
        self.fine = set()

    def failed(self, error):
        self.failures.append(error)

    def worked(self, *parts):
        self.fine.update(parts)


class FakeClock:
    """Stands still until it is told otherwise."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds


class WatchedIndex:
    """A real vector index that notes how many neighbours each query asked for, and fails on demand.

    ``failing`` names the methods that fail; a ``gate`` is waited for before each write.
    """

    def __init__(self, index, failing=()):
        self.index = index
        self.failing = set(failing)
        self.gate = None
        self.asked = []

    def add(self, partition, embedder, ids, vectors):
        if self.gate is not None:
            self.gate.wait(60)
        self._fail("add")
        self.index.add(partition, embedder, ids, vectors)

    def query(self, partition, embedder, vector, k):
        self.asked.append(k)
        self._fail("query")
        return self.index.query(partition, embedder, vector, k)

    def remove(self, partition, embedder, ids):
        self._fail("remove")
        self.index.remove(partition, embedder, ids)

    def count(self, embedder):
        self._fail("count")
        return self.index.count(embedder)

    def reset(self):
        self._fail("reset")
        self.index.reset()

    def _fail(self, method):
        if method in self.failing:
            raise VectorIndexError(f"{method} fails")


def chat(*turns, **fields):
    """A chat body; a turn is the user's text, or a message as it stands."""
    messages = [{"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in turns]
    return {"model": "gpt-x", "messages": messages, **fields}


def call(*turns, scope=None, policy=None, refresh=False, store=True, tags=(), **fields):
    """A call as the cache sees it; anything at 0.9 or above is similar."""
    policy = policy or Policy(similarity_threshold=0.9)
    return Call(chat(*turns, **fields), scope or Scope("tests"), policy, refresh, store, tags)


def choice(content="Paris.", finish_reason="stop", **message):
    """One choice of a chat completion."""
    return {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": finish_reason,
    }


def answer(*choices, **fields):
    """A chat completion of these choices, or texts; of one that says "Paris." where none is given."""
    made = [choice(given) if isinstance(given, str) else given for given in choices or ("Paris.",)]
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-x", "choices": made, **fields}


TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}


def entry(**changes):
    """A stored answer, made now and good for a day."""
    values = {
        "id": "ent_1",
        "exact_key": "key",
        "compat_key": "compat",
        "partition": "partition",
        "namespace": "tests",
        "model": "gpt-x",
        "prompt": "What is the capital of France?",
        "answer": answer(),
        "created_at": NOW,
        "expires_at": NOW + 24 * 3600.0,
        "alpha": 9.0,
        "beta": 1.0,
    }
    return Entry(**values | changes)
