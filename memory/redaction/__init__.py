"""Takes secrets and personal data out of texts, before they are kept as memories or shown to an extraction model."""

from memory.redaction.finding import Finding
from memory.redaction.redactor import RedactionError, Redactor, build_redactor, find_secrets

__all__ = ["Finding", "RedactionError", "Redactor", "build_redactor", "find_secrets"]
