"""Secrets that are told by their shape alone: keys of providers, tokens, private keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_LONG: Final = 16
"""Plain language has few words as long as this; keys have no less."""
_SHAPES: Final = (
    # Providers of models
    r"sk-(?:proj-|ant-|or-v1-|lf-|svcacct-|admin-)?[\w-]{16,}",
    r"(?:gsk|hf|r8|fw|nvapi|pplx|tvly|xai|csk|jina|lsv2_(?:pt|sk))[_-][\w-]{20,}",
    r"AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}",
    # Clouds
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])",
    r"do[opr]_v1_[a-f0-9]{40,}|dapi[a-f0-9]{32}|LTAI[A-Za-z0-9]{12,20}",
    # Code hosts and registries
    r"gh[opsur]_[A-Za-z0-9]{30,}|github_pat_\w{36,}",
    r"gl(?:pat|ptt|rt|dt|cbt|soat|oas|ft|imt|agent)-[\w-]{16,}",
    r"npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}|dckr_(?:pat|oat)_[\w-]{20,}|rubygems_[a-f0-9]{40,}",
    # Chat, mail, payment, monitoring
    r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,}",
    r"SG\.[\w-]{16,}\.[\w-]{16,}|key-[a-f0-9]{32}|SK[a-f0-9]{32}|sq0(?:atp|csp)-[\w-]{20,}",
    r"\d{8,10}:AA[\w-]{32,}|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}",
    r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|EAA[A-Za-z0-9]{40,}",
    r"glsa_\w{32,}|glc_[\w+/=]{32,}|NRAK-[A-Z0-9]{20,}|sntry[su]_[\w+/=-]{20,}|PMAK-[a-f0-9-]{40,}",
    r"lin_api_\w{20,}|ntn_\w{30,}|figd_[\w-]{20,}|ATATT3[\w=-]{20,}|pat\w{14}\.[a-f0-9]{64}",
    r"hvs\.[\w-]{20,}|dp\.(?:pt|st|ct)\.[\w.-]{20,}|pscale_(?:tkn|pw|oauth)_[\w.-]{20,}|sbp_[a-f0-9]{40}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{20,}|ops_eyJ[\w-]{40,}",
    # JSON web tokens
    r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?",
)
_SHAPE = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(_SHAPES)})", re.ASCII)
_BLOCK = re.compile(
    r"""
    -----BEGIN[ ][A-Z0-9 ]{0,30}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----
    (?: (?:(?!-----).){0,20000} -----END[ ][A-Z0-9 ]{0,30}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----
      # Cut off: as far as it looks like one.
      | (?:[\s\\]*[A-Za-z0-9+/=]{20,200})+
    )
    """,
    re.DOTALL | re.VERBOSE,
)
_HOOK = re.compile(
    r"(?i)https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/(?P<value>[\w/-]{20,200})"
)
# Names of libraries begin like keys, too.
_OFTEN_NAMES: Final = re.compile(r"sk-|fw[_-]|hf[_-]|r8[_-]|key-|jina-")


def find_keys(text: str) -> Iterator[tuple[int, int]]:
    """Characters [start, end) that are a key."""
    at = 0
    for word in text.split():
        if len(word) >= _LONG:
            at = text.index(word, at)
            for shape in _SHAPE.finditer(text, at, at + len(word)):
                if not _OFTEN_NAMES.match(shape[0]) or any(map(str.isdigit, shape[0])):
                    yield shape.span()
            at += len(word)
    if "PRIVATE KEY" in text:
        for block in _BLOCK.finditer(text):
            yield block.span()
    if "hooks" in text:
        for hook in _HOOK.finditer(text):
            yield hook.span("value")
