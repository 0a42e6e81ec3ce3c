"""Microsoft Presidio as a further finder: names of people and places, and what its recognisers know of ids.

It is imported only where the configuration asks for it, and uses only language models that are installed: it would
fetch a missing one from the network otherwise.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from memory.redaction.finding import Finding

_MODELS: Final = {
    "en": ("en_core_web_lg", "en_core_web_md", "en_core_web_sm"),
    "fr": ("fr_core_news_lg", "fr_core_news_md", "fr_core_news_sm"),
}
_KINDS: Final = {
    "PERSON": "person",
    "LOCATION": "place",
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "CRYPTO": "secret",
}
# Times and links are no one's; of numbers and machines the rules are surer.
_IGNORED: Final = frozenset("DATE_TIME URL NRP PHONE_NUMBER IP_ADDRESS ORGANIZATION".split())
_SURE: Final = 0.6
_CHUNK: Final = 100_000
"""Characters that are analysed in one go; the language models refuse a million."""


class NotInstalled(RuntimeError):
    """Presidio, or a language model for it, is missing."""


def build_finder(load: Callable[[str], Any] = importlib.import_module) -> Callable[[str], Iterable[Finding]]:
    """What finds with Presidio, in each language that has a model here.

    Args:
        load: imports a module by name.

    Raises:
        NotInstalled: the packages ``presidio-analyzer`` or a language model of spaCy are missing.
    """
    try:
        analyzer, engines, spacy = load("presidio_analyzer"), load("presidio_analyzer.nlp_engine"), load("spacy.util")
    except ImportError as error:
        raise NotInstalled("Presidio is not installed: pip install presidio-analyzer") from error
    installed = [
        {"lang_code": language, "model_name": next(filter(spacy.is_package, names))}
        for language, names in _MODELS.items()
        if any(map(spacy.is_package, names))
    ]
    if not installed:
        raise NotInstalled("Presidio has no language model here: python -m spacy download en_core_web_lg")
    given = {"nlp_engine_name": "spacy", "models": installed}
    languages = [model["lang_code"] for model in installed]
    engine = analyzer.AnalyzerEngine(
        nlp_engine=engines.NlpEngineProvider(nlp_configuration=given).create_engine(), supported_languages=languages
    )

    def find(text: str) -> Iterator[Finding]:
        for start, piece in _pieces(text):
            for language in languages:
                for result in engine.analyze(text=piece, language=language):
                    if result.score >= _SURE and result.entity_type not in _IGNORED:
                        kind = _KINDS.get(result.entity_type, "id")
                        yield Finding(kind, start + result.start, start + result.end)

    return find


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text in pieces that end between words, each with where it begins."""
    start = 0
    while start < len(text):
        end = start + _CHUNK
        blank = text.rfind(" ", start + 1, end) if end < len(text) else -1
        end = blank if blank > 0 else end
        yield start, text[start:end]
        start = end
