"""An embedder that still knows the texts it read last: one prompt is embedded for what it is matched with twice."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from store.embedder.base import Embedder, Vectors

MOST_KNOWN: Final = 256


class RecentEmbedder:
    """Another embedder, which is asked no more for a single text that it was just asked for.

    Texts are held as hashes, not as words. ``inner`` is the other one.
    """

    def __init__(self, embedder: Embedder, most: int = MOST_KNOWN) -> None:
        self.inner = embedder
        self._most = most
        self._known: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        return self.inner.id

    @property
    def dimension(self) -> int:
        return self.inner.dimension

    @property
    def window(self) -> int:
        return self.inner.window

    def fits(self, text: str) -> bool:
        return self.inner.fits(text)

    def embed(self, texts: Sequence[str]) -> Vectors:
        if len(texts) != 1:
            return self.inner.embed(texts)
        key = hashlib.blake2b(texts[0].encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known.copy()
        made = self.inner.embed(texts)
        with self._lock:
            self._known[key] = made.copy()
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return made
