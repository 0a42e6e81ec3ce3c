"""A server's wall clock, moved while it runs: a preloaded library adds an offset to what the system says.

Needs a C compiler and Linux. Only the time of day moves; monotonic clocks stay as they are.
"""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile int64_t none, *offset = &none;
__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CLOCK_OFFSET_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *at = mmap(0, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (at != MAP_FAILED) offset = at;
    close(file);
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    int status = syscall(SYS_clock_gettime, clock, now);
    if (!status && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *offset;
    return status;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec got;
    clock_gettime(CLOCK_REALTIME, &got);
    now->tv_sec = got.tv_sec;
    now->tv_usec = got.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *now) {
    struct timespec got;
    clock_gettime(CLOCK_REALTIME, &got);
    if (now) *now = got.tv_sec;
    return got.tv_sec;
}
"""


class MovableClock:
    """The clock of the processes that are started with ``environ``. Raises ``OSError`` without a compiler."""

    def __init__(self, folder: Path) -> None:
        source, library = folder / "clock.c", folder / "clock.so"
        source.write_text(SOURCE)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
        self._file = folder / "clock.offset"
        self._file.write_bytes(struct.pack("q", 0))
        self.environ = {"LD_PRELOAD": str(library), "CLOCK_OFFSET_FILE": str(self._file)}

    def move(self, seconds: int) -> None:
        """Set it so many seconds ahead of the system's."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("q", seconds))
