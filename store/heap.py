"""Memory without leftovers, for libraries that write to disk what they never set.

hnswlib, Chroma's index, saves the unused slots of its arrays as ``malloc`` gave them: with pieces of whatever this
process freed before, a forgotten prompt among it. While ``filled`` lasts, the C library fills what it hands out.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Callable, Iterator
from typing import Final

_M_PERTURB: Final = -6
"""mallopt(3); glibc alone has it. Elsewhere nothing is done, and a search for what was forgotten tells."""
_FILLING: Final = 0xFF

_lock = threading.Lock()
_inside = 0


@contextlib.contextmanager
def filled() -> Iterator[None]:
    """Memory that is allocated within, by whatever thread, holds nothing of what stood there before."""
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            _perturb(_FILLING)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _perturb(0)


def _mallopt() -> Callable[[int, int], int] | None:
    try:
        ctypes.CDLL(None).gnu_get_libc_version  # noqa: B018  musl has a mallopt that takes nothing
        found: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return None
    return found


_CALL: Final = _mallopt()


def _perturb(value: int) -> None:
    if _CALL is not None:
        _CALL(_M_PERTURB, value)
