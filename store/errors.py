"""What can go wrong on the ground floor.

StoreError
├── DataDirectoryError   the data directory cannot be used
├── DatabaseError        SQL failed
├── Withdrawn            an answer was invalidated before it was stored
├── BackupError          a backup cannot be made, read or put back
└── VectorIndexError     the vector index failed

The embedder has its own error, ``store.embedder.EmbedderError``.
"""


class StoreError(Exception):
    """Something under the data directory failed."""


class DataDirectoryError(StoreError):
    """The data directory cannot be created, written or locked."""


class DatabaseError(StoreError):
    """A statement or the writer behind it failed."""


class Withdrawn(StoreError):
    """An invalidation made since the call came in covers its answer, which is therefore not stored."""


class VectorIndexError(StoreError):
    """The vector index could not be opened, read or written."""


class BackupError(StoreError):
    """A backup cannot be made, read or put back. Its text names files by their path below the data directory."""
