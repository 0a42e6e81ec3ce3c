"""Memory that holds nothing of what stood in it before. What it is for is in ``test_compacting``."""

from __future__ import annotations

import ctypes
import platform
import threading

from store import heap

GLIBC = platform.libc_ver()[0] == "glibc"


def test_where_the_c_library_can_fill_memory_it_does():
    assert (heap._CALL is not None) is GLIBC, "elsewhere nothing is called"


def test_memory_is_handed_out_filled():
    if heap._CALL is None:
        return
    libc = ctypes.CDLL(None)
    libc.malloc.restype = libc.realloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    with heap.filled():
        block = libc.malloc(1 << 16)
        held = set(ctypes.string_at(block, 1 << 16))
        libc.free(block)
    assert len(held) == 1, "with one byte all over"


def test_it_ends_when_the_last_one_is_through(monkeypatch):
    said = []
    monkeypatch.setattr(heap, "_perturb", said.append)
    inside, go_on = threading.Event(), threading.Event()

    def other():
        with heap.filled():
            inside.set()
            go_on.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    with heap.filled():
        assert said == [heap._FILLING], "the first has begun it"
    assert said == [heap._FILLING], "and is not through"
    go_on.set()
    thread.join()
    assert said == [heap._FILLING, 0], "now nobody needs it"
