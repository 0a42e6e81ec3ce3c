"""Generated calls against the served OpenAPI document: no call brings the server down, every answer is described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, Upstream, models

pytestmark = pytest.mark.slow

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = [
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model}"),
    ("POST", "/v1/feedback"),
    ("POST", "/interactions"),
    ("GET", "/interactions"),
    ("GET", "/interactions/{id}"),
    ("GET", "/interactions/similar"),
    ("POST", "/interactions/similar"),
    ("POST", "/interactions/{id}/quality"),
    ("GET", "/tools/{tool_id}/stats"),
    ("POST", "/memory"),
    ("GET", "/memory"),
    ("GET", "/memory/{id}"),
    ("PUT", "/memory/{id}"),
    ("DELETE", "/memory/{id}"),
    ("POST", "/memory/{id}/promote"),
    ("POST", "/memory/{id}/reject"),
    ("GET", "/memory/{id}/audit"),
    ("GET", "/admin/audit"),
    ("GET", "/projects"),
    ("GET", "/projects/template"),
    ("POST", "/projects/proposal"),
    ("POST", "/projects/register"),
    ("PUT", "/projects/{name}"),
    ("POST", "/project/state"),
    ("GET", "/project/state/{name}"),
    ("DELETE", "/project/state"),
    ("POST", "/query"),
    ("POST", "/context/build"),
    ("GET", "/debug/context"),
    ("GET", "/notifications"),
    ("POST", "/notifications/read"),
    ("POST", "/notifications/test"),
    ("POST", "/notifications/{id}/read"),
    ("POST", "/notifications/{id}/retry"),
    ("GET", "/gaps"),
    ("GET", "/flows"),
    ("POST", "/flows"),
    ("GET", "/flows/{id}"),
    ("PUT", "/flows/{id}"),
    ("GET", "/flows/{id}/versions"),
    ("GET", "/flows/{id}/mermaid"),
    ("POST", "/flows/{id}/retire"),
    ("POST", "/flows/{id}/restore"),
    ("GET", "/sessions"),
    ("GET", "/sessions/{id}"),
    ("POST", "/sessions/{id}/resolve"),
    ("POST", "/sessions/{id}/reopen"),
    ("POST", "/sessions/{id}/accept"),
    ("POST", "/sessions/{id}/decline"),
    ("PUT", "/sessions/{id}"),
    ("PUT", "/sessions/{id}/steps/{interaction_id}"),
    ("GET", "/review"),
    ("POST", "/review"),
    ("POST", "/review/undo"),
    ("GET", "/proposals"),
    ("GET", "/proposals/{id}"),
    ("POST", "/proposals/{id}/approve"),
    ("POST", "/proposals/{id}/modify"),
    ("POST", "/proposals/{id}/reject"),
    ("POST", "/proposals/{id}/dismiss"),
    ("POST", "/interactions/{id}/extract"),
    ("POST", "/admin/extract-batch"),
    ("POST", "/admin/forget"),
    ("POST", "/admin/backup"),
    ("GET", "/admin/backup"),
    ("GET", "/admin/backup/{stamp}/validate"),
    ("GET", "/admin/jobs"),
    ("POST", "/admin/jobs/retry"),
    ("GET", "/stats"),
    ("GET", "/stats/semantic"),
    ("GET", "/stats/prompts"),
    ("GET", "/stats/near-misses"),
    ("GET", "/stats/tools"),
    ("GET", "/stats/errors"),
    ("GET", "/stats/trend"),
    ("GET", "/stats/advice"),
    ("GET", "/metrics"),
    ("POST", "/cache/explain"),
    ("GET", "/cache/entries"),
    ("GET", "/cache/entries/{id}"),
    ("DELETE", "/cache/entries/{id}"),
    ("POST", "/cache/entries/{id}/block"),
    ("POST", "/cache/entries/{id}/unblock"),
    ("GET", "/cache/experiments"),
    ("GET", "/cache/experiments/{name}"),
    ("POST", "/cache/experiments/{name}/stop"),
    ("POST", "/cache/invalidate"),
    ("POST", "/cache/warm"),
    ("POST", "/cache/reindex"),
    ("POST", "/ingest"),
    ("POST", "/ingest/sources"),
    ("GET", "/sources"),
    ("POST", "/projects/{name}/refresh"),
    ("GET", "/health"),
    ("GET", "/health/liveliness"),
    ("GET", "/health/readiness"),
]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """An upstream that refuses what its scripts cannot read."""
    with Upstream(lenient=True) as running:
        yield running


@pytest.fixture(scope="module")
def server(launch_shared: Launch, upstream: Upstream) -> Server:
    """A server of this module's own, before that upstream."""
    return launch_shared({"model_list": [models(upstream.url)]})


@pytest.fixture(scope="module")
def document(server: Server) -> Any:
    """The OpenAPI document as it is served."""
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def test_every_operation_is_described_and_tried(document: Any) -> None:
    described = {(operation.ok().method.upper(), operation.ok().path) for operation in document.get_all_operations()}
    assert described == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_generated_calls(server: Server, document: Any, method: str, path: str, mode: GenerationMode) -> None:
    operation = document[path][method]
    chat = path == "/v1/chat/completions"
    statuses: set[int] = set()

    @settings(
        max_examples=25 if chat else 8,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def conforms(case: Any) -> None:
        statuses.add(case.call_and_validate(checks=CHECKS).status_code)

    try:
        conforms()
    except Unsatisfiable:
        # There is nothing to get wrong in a call without parameters.
        assert mode is GenerationMode.NEGATIVE
    if chat:
        assert (200 if mode is GenerationMode.POSITIVE else 400) in statuses
    assert "unexpected error" not in server.log
    assert server.readiness()["status"] == "ready"
