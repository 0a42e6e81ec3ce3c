"""A load client that costs little: raw HTTP/1.1 over asyncio streams, keep-alive, one call at a time a connection."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Sample:
    """One call: seconds, status, and what the cache said."""

    seconds: float
    status: int
    tier: str


def request(url: str, body: dict[str, object], headers: dict[str, str] | None = None) -> bytes:
    """A POST as bytes."""
    parts = urlsplit(url)
    data = json.dumps(body).encode()
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join([*lines, f"Content-Length: {len(data)}"]) + "\r\n\r\n").encode() + data


async def call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> Sample:
    """Send one request and read its answer whole."""
    started = time.perf_counter()
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    seconds = time.perf_counter() - started
    tier = head.split(b"x-reprise-tier: ")[1].split(b"\r\n")[0].decode() if b"x-reprise-tier: " in head else ""
    return Sample(seconds, int(head[9:12]), tier)


async def one_by_one(url: str, requests: Iterable[bytes]) -> list[Sample]:
    """Call after call over one connection."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    samples = [await call(reader, writer, sent) for sent in requests]
    writer.close()
    return samples


async def many(url: str, sent: bytes, connections: int, calls: int) -> tuple[float, list[Sample]]:
    """The same request over several connections at once: calls a second, and the samples."""
    parts = urlsplit(url)

    async def worker(count: int) -> list[Sample]:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        samples = [await call(reader, writer, sent) for _ in range(count)]
        writer.close()
        return samples

    started = time.perf_counter()
    found = await asyncio.gather(*(worker(calls // connections) for _ in range(connections)))
    samples = [sample for part in found for sample in part]
    return len(samples) / (time.perf_counter() - started), samples


def quantile(samples: Sequence[float], share: float) -> float:
    """The nearest-rank quantile."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]
