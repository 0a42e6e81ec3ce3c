"""The embedder behind an endpoint, against a real HTTP server."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from store.embedder import EmbedderError, EmbedderSpec, load_embedder
from store.embedder.base import unit_rows
from store.embedder.endpoint import EndpointEmbedder

Answer = Callable[[dict], tuple[int, bytes]]


class Endpoint:
    """A server whose answers a test sets; it keeps the requests it got."""

    def __init__(self) -> None:
        self.answer: Answer = embeddings
        self.requests: list[tuple[str, str | None, dict]] = []
        self.pause = 0.0
        self.drip = 0.0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                endpoint.requests.append((self.path, self.headers["authorization"], body))
                time.sleep(endpoint.pause)
                status, data = endpoint.answer(body)
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.send(data)

            def send(self, data: bytes) -> None:
                try:
                    for byte in data if endpoint.drip else ():
                        self.wfile.write(bytes([byte]))
                        time.sleep(endpoint.drip)
                    self.wfile.write(b"" if endpoint.drip else data)
                except OSError:
                    pass  # the client has given up, as the test wants

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}/v1"


def embeddings(body: dict) -> tuple[int, bytes]:
    data = [{"index": i, "embedding": [len(text), 1.0, 2.0]} for i, text in enumerate(body["input"])]
    return 200, json.dumps({"object": "list", "data": data[::-1]}).encode()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


@pytest.fixture
def remote(endpoint: Endpoint) -> Iterator[EndpointEmbedder]:
    made = EndpointEmbedder(EmbedderSpec(model="text-embed", api_base=endpoint.base, api_key="k"), timeout=0.5)
    yield made
    made.close()


class TestEndpoint:
    def test_vectors_come_in_the_order_of_the_texts(self, endpoint, remote):
        vectors = remote.embed(["a", "bbb"])
        assert vectors.dtype == np.float32
        assert np.allclose(vectors, unit_rows([[1, 1, 2], [3, 1, 2]]))
        path, authorization, body = endpoint.requests[0]
        assert (path, authorization) == ("/v1/embeddings", "Bearer k")
        assert body == {"model": "text-embed", "input": ["a", "bbb"], "encoding_format": "float"}

    def test_many_texts_go_in_several_calls(self, endpoint, remote):
        texts = ["x" * (i % 7) for i in range(300)]
        assert np.allclose(remote.embed(texts), unit_rows([[len(text), 1, 2] for text in texts]))
        assert [len(body["input"]) for _, _, body in endpoint.requests] == [128, 128, 44]

    def test_making_one_calls_nobody_and_dimension_calls_once(self, endpoint, remote):
        assert re.fullmatch(r"text-embed-endpoint-[0-9a-f]{12}", remote.id)
        assert endpoint.requests == []
        assert (remote.dimension, remote.dimension) == (3, 3)
        assert len(endpoint.requests) == 1
        assert remote.embed([]).shape == (0, 3)

    def test_load_embedder_gives_one(self, endpoint):
        made = load_embedder(EmbedderSpec(model="m", api_base=endpoint.base))
        assert isinstance(made, EndpointEmbedder)
        assert made.embed(["a"]).shape == (1, 3)
        assert endpoint.requests[0][1] is None
        made.close()

    def test_the_id_follows_model_and_place_but_not_credentials(self):
        def id_of(model: str, base: str) -> str:
            made = EndpointEmbedder(EmbedderSpec(model=model, api_base=base))
            made.close()
            return made.id

        first = id_of("m", "https://one.example/v1")
        assert first == id_of("m", "https://user:secret@ONE.example/v1/")
        assert len({first, id_of("M", "https://one.example/v1"), id_of("m", "https://two.example/v1")}) == 3

    @pytest.mark.parametrize("base", ["", "one.example/v1", "ftp://one.example", "http://", "http://[::1"])
    def test_a_bad_url_is_refused(self, base):
        with pytest.raises(EmbedderError, match="api_base"):
            EndpointEmbedder(EmbedderSpec(api_base=base))

    @pytest.mark.parametrize("key", ["line\nbreak", "clé"])
    def test_a_key_that_is_no_header_is_an_error_that_does_not_tell_it(self, endpoint, key):
        with pytest.raises(EmbedderError) as caught:
            EndpointEmbedder(EmbedderSpec(api_base=endpoint.base, api_key=key)).embed(["a"])
        assert key not in str(caught.value)

    def test_fits_counts_bytes(self, remote):
        assert remote.window == 8_000
        assert remote.fits("x" * 8_000)
        assert not remote.fits("x" * 8_001)
        assert not remote.fits("é" * 4_001)
        assert not remote.fits("\ud800")

    @pytest.mark.parametrize(
        ("status", "data"),
        [
            (500, b'{"error": {"message": "no"}}'),
            (401, b"{}"),
            (302, b""),
            (200, b"<html>"),
            (200, b""),
            (200, b"[" * 10_000),
            (200, b"[]"),
            (200, b'{"data": null}'),
            (200, b'{"data": []}'),
            (200, b'{"data": [{"embedding": "text"}]}'),
            (200, b'{"data": [{"embedding": null}]}'),
            (200, b'{"data": [{"embedding": []}]}'),
            (200, b'{"data": [{"embedding": 1}]}'),
            (200, b'{"data": [{"embedding": [0, 0, 0]}]}'),
            (200, b'{"data": [{"embedding": [1, null, 0]}]}'),
            (200, b'{"data": [{"embedding": [1e99, 0, 0]}]}'),
            (200, b'{"data": [{"embedding": [1]}, {"embedding": [1]}]}'),
            (200, b'{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}'),
            (200, b'{"data": [{"index": 4, "embedding": [1]}]}'),
            (200, b'{"data": [{"index": [], "embedding": [1]}]}'),
        ],
    )
    def test_answers_that_are_not_embeddings_are_errors(self, endpoint, remote, status, data):
        endpoint.answer = lambda body: (status, data)
        with pytest.raises(EmbedderError, match="embedding"):
            remote.embed(["a"])

    def test_a_bad_answer_does_not_settle_the_dimension(self, endpoint, remote):
        endpoint.answer = lambda body: (200, b'{"data": [{"embedding": [0, 0]}]}')
        with pytest.raises(EmbedderError):
            remote.embed(["a"])
        endpoint.answer = embeddings
        assert remote.dimension == 3

    def test_another_dimension_is_an_error(self, endpoint, remote):
        remote.embed(["a"])
        endpoint.answer = lambda body: (200, b'{"data": [{"embedding": [1, 1]}]}')
        with pytest.raises(EmbedderError, match="dimension"):
            remote.embed(["a"])

    def test_a_silent_server_times_out(self, endpoint, remote):
        endpoint.pause = 1.0
        with pytest.raises(EmbedderError, match="Timeout"):
            remote.embed(["a"])

    def test_a_server_that_drips_is_left_in_time(self, endpoint, remote):
        endpoint.drip = 0.1
        started = time.monotonic()
        with pytest.raises(EmbedderError, match="too long"):
            remote.embed(["a"])
        assert time.monotonic() - started < 2

    def test_nobody_listening_is_an_error(self):
        made = EndpointEmbedder(EmbedderSpec(api_base="http://127.0.0.1:9"))
        with pytest.raises(EmbedderError, match="ConnectError"):
            made.embed(["a"])
        made.close()

    def test_a_key_is_not_shown(self):
        assert "hush" not in repr(EmbedderSpec(api_key="hush"))
