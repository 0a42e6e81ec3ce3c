"""Files into documents, and documents into pieces. No file is opened here: bytes come in."""

from memory.sources.reading.chunking import LIMIT, Piece, chunked
from memory.sources.reading.document import Block, Document, Section, Unreadable
from memory.sources.reading.formats import FORMATS, READER, read_document

__all__ = [
    "FORMATS",
    "LIMIT",
    "READER",
    "Block",
    "Document",
    "Piece",
    "Section",
    "Unreadable",
    "chunked",
    "read_document",
]
