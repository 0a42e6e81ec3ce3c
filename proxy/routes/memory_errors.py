"""What memory raises, as errors for callers."""

from __future__ import annotations

from memory.memories.memory import Conflict, MemoryFault, Missing
from proxy import errors
from proxy.errors import ProxyError
from store.errors import StoreError


def as_told(error: Exception) -> ProxyError:
    """The error a caller gets for one of memory's or of the store's."""
    if isinstance(error, MemoryFault):
        return errors.InvalidRequest(f"{error}.", param=error.field)
    if isinstance(error, Missing):
        return errors.NotFound(_sentence(error), param="id")
    if isinstance(error, Conflict):
        return errors.Conflict(_sentence(error), param="id")
    if isinstance(error, StoreError):
        return errors.Unavailable("The store cannot be read or written now.")
    return ProxyError("Internal error.", code="internal_error")


def _sentence(error: Exception) -> str:
    said = str(error)
    return f"{said[:1].upper()}{said[1:]}."
