"""What an operator does to the store."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from proxy.routes.access import Admin, Parts

router = APIRouter(tags=["operations"])


@router.post("/cache/reindex", operation_id="reindex")
def reindex(parts: Parts, _: Admin) -> dict[str, Any]:
    """Write the vector indexes of answers and of documents again from SQL; ``vectors`` counts both."""
    return {"status": "done", "vectors": parts.semantic.reindex() + parts.remembering.library.reindex()}
