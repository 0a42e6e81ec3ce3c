"""Progress is for people who watch."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

SHOWS = """
from proxy.cli.progress import bar
with bar("importing", 2048, in_bytes=True) as show:
    show(1024)
    show(2048)
"""


def test_nothing_is_shown_where_nobody_watches():
    done = subprocess.run([sys.executable, "-c", SHOWS], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_terminal_shows_how_far_it_is():
    terminal, other_end = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", SHOWS], stdout=subprocess.PIPE, stderr=other_end, check=True, timeout=60
        )
        shown = os.read(terminal, 65536).decode()
    finally:
        os.close(terminal)
        os.close(other_end)
    assert done.stdout == b"", "results and progress do not mix"
    assert "importing" in shown
    assert "2.0/2.0 kB" in shown
