"""Secrets that are told by what stands before them: passwords, tokens and keys in assignments, URLs and talk.

Hashes, UUIDs and other random text are no secrets by themselves; they are where a name says so.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

_BLANK: Final = r"[ \t\u00a0]"
# All patterns read lower-case text. Names whose value is a secret whatever it looks like, and names whose value must
# look like one, too.
_STRONG: Final = r"pass(?:word|phrase|wd|code|wort)|pwd|mot[ _]de[ _]passe|mdp|contraseña|kennwort"
_WEAK: Final = (
    r"(?:api|access|secret|account|shared[ _-]?access|master|private|signing|encryption|auth)[ _-]?key"
    r"|client[ _-]?secret|secret|token|credentials?|clé[ _](?:d['’])?api|clé[ _]secrète|jeton"
)
_NAME = re.compile(rf"(?P<strong>{_STRONG})|{_WEAK}")
_VALUE: Final = r"""
    (?: "(?P<double>[^"\n]{1,500})" | '(?P<single>[^'\n]{1,500})' | `(?P<tick>[^`\n]{1,500})`
      | (?P<bare>[^\s"'`,;<>(){}]{3,500}) )
"""

# After a name. DB_PASSWORD=value, "apiKey": "value", token: value; what follows within the identifier belongs to it.
_ASSIGNED = re.compile(
    rf"""(?x)
    (?:[ _-]?(?:key|value|hash|token|current|new|actuel))? (?!\w) ["'`\])]{{0,2}} {_BLANK}*
    (?P<sign>:=|=>|==?|:) {_BLANK}* {_VALUE}
    """
)
# "My password is ...", "le mot de passe du serveur est ...".
_SAID = re.compile(
    rf"""(?x)
    (?: {_BLANK}+ (?:for|of|to|on|du|de|des|pour|sur) (?:{_BLANK}+[\w.'’-]{{1,40}}){{1,4}}? )? {_BLANK}+
    (?:is|was|has[ ]been|will[ ]be|est|sera|c['’]est|ist)
    (?: {_BLANK}+ (?:now|set[ ]to|changed[ ]to|maintenant|désormais|still|toujours) )? {_BLANK}* :? {_BLANK}* {_VALUE}
    """
)
# "I changed the password to ...": after the name, and before it.
_TO = re.compile(rf"(?x){_BLANK}+ to {_BLANK}+ {_VALUE}")
_CHANGES = re.compile(r"\b(?:set|change[ds]?|reset|rotated?|updated?)\b[^\n.]*$")
# "Use ... as the password": before the name.
_AS = re.compile(
    rf"""(?x)
    \b(?:use|with|type|enter|utilise|entre) {_BLANK}+ {_VALUE.replace("500", "80")} {_BLANK}+
    (?:as|for|comme) (?:{_BLANK}+(?:the|my|your|our|le|mon))? {_BLANK}*$
    """
)
_BEFORE: Final = 80

_PIN = re.compile(
    r"""(?x)
    \b(?:
        (?:pin(?:[ -]code)?|code[ -]pin|cvv|cvc|otp|one-time[ ]code|2fa[ ]code)
        [ \t]*(?:is|est|c['’]est|:|=)[ \t]* (?P<value>\d{3,8})
      | (?:(?:wi-?fi|door|gate|alarm|access|security|entry|safe|lock|garage)[ ]code|digicode
          |code[ ](?:wi-?fi|d['’]accès))
        [ \t]*(?:is|est|c['’]est|:|=)[ \t]* (?P<code>(?=[\w*\#-]*\d)[\w*\#-]{3,20})
    )\b
    """
)
# "Log in with password maple42": letters and digits in one word, right after the name.
_GIVEN = re.compile(
    rf"{_BLANK}+(?P<value>(?!(?:sha|md|argon|utf|base|oauth|bcrypt|pbkdf|scrypt|v|aes|rsa)[-_]?\d)(?=[^\s\d]*\d)(?=[^\sa-z]*[a-z])"
    r"[\w@#!%&*+-]{6,40})(?![\w(=])"
)
# A password in a URL, and a token in the place of the user's name.
_LOGIN = re.compile(r"://[^\s/:@]{0,200}:(?P<value>[^\s/@]{1,200})@")
_TOKEN_LOGIN = re.compile(r"://(?P<value>[^\s/:@\[\]]{16,200})@")
_QUERY = re.compile(r"[?&;](?:sig|signature|access_token|api_?key|token|auth|key|code)=(?P<value>[\w%.~+/=-]{16,500})")
_BEARER = re.compile(r"\b(?:bearer|basic|token)[ \t]+(?P<value>[\w.~+/=-]{12,2000})")
_OPTION = re.compile(
    r"""(?x)
    (?: \bcurl\b[^\n]{0,200}?[ \t](?:-u|--user) | --password | --token )
    [ \t=]+["']? (?:[\w.@-]{1,80}:)? (?P<value>[^\s"':]{4,200})
    """
)
_NAMES: Final = ("pass", "pwd", "mdp", "contras", "kennwort", "key", "secret", "token", "credential", "clé", "jeton")
_FORMS: Final = (
    # Words without which a pattern finds nothing; whether the value must look like a secret; the pattern.
    (("curl", "--password", "--token"), False, _OPTION),
    (("sig=", "signature=", "token=", "key=", "auth=", "code="), True, _QUERY),
    (("bearer", "basic", "token"), True, _BEARER),
    (("://",), True, _TOKEN_LOGIN),
    (("://",), False, _LOGIN),
)
_PINS: Final = ("pin", "cvv", "cvc", "otp", "one-time", "2fa", "code")

_WORDS: Final = frozenset(
    """
    none null nil true false undefined string str text int integer bool boolean bytes number float object any required
    optional password passwd secret token key value example changeme placeholder redacted hidden masked your
    yourpassword you the this that these those not now too very also still must should shall can cannot could may might
    will would be been being is are was were has have had an and or but if in on at by of for to from as it its my our
    their his her no yes okay wrong incorrect invalid correct valid expired missing blank empty unknown unset weak
    strong secure safe insecure long short old new same different unique random broken fine good bad visible public
    private plain clear lost forgotten gone kept sent always never sometimes here there where what which who how when
    why sensitive confidential mandatory manager field policy rotation authentication authorization login hash reset
    env environment only based back still stale dead known common personal temporary initial default generic
    requis requise obligatoire facultatif incorrecte faux expiré expirée oublié perdu vide trop pas bien le la les une
    des cette mon ma ton votre notre dans sur pour avec sans par plus encore toujours jamais stocké chiffré enregistré
    """.split()
)
_CODE = re.compile(r"[$<{%\[*]|\.\.\.|…|x{4,}|^(?:os|process|self|this|config|settings|env|secrets|vault|var|args)\b")
"""A reference to a value, or a stand-in for one."""


def find_credentials(text: str) -> Iterator[tuple[int, int]]:
    """Characters [start, end) that a name, a scheme or a URL says are secret."""
    lowered = text.lower()
    if len(lowered) != len(text):
        # A few letters grow when they get small.
        lowered = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    if any(hint in lowered for hint in _PINS):
        for match in _PIN.finditer(lowered):
            yield match.span("value" if match["value"] else "code")
    for hints, must_be_random, pattern in _FORMS:
        for match in pattern.finditer(lowered) if any(hint in lowered for hint in hints) else ():
            start, end = match.span("value")
            value = text[start:end]
            if not _says_nothing(value) and (is_random(value) or not must_be_random):
                yield start, end
    if any(name in lowered for name in _NAMES):
        for name in _NAME.finditer(lowered):
            yield from _values_of(text, lowered, name)


def _values_of(text: str, lowered: str, name: re.Match[str]) -> Iterator[tuple[int, int]]:
    """What is said to be the value of a name."""
    strong = name["strong"] is not None
    start = max(0, name.start() - _BEFORE)
    for pattern in (_ASSIGNED, _SAID, _TO):
        match = pattern.match(lowered, name.end())
        if match is None or (pattern is _TO and _CHANGES.search(lowered, start, name.start()) is None):
            continue
        # A bare word may go on as a sentence does: "my password is terribly long".
        glued = pattern is _ASSIGNED and match["sign"] in ("=", ":=") and match.end("sign") == match.start("bare")
        yield from _secret_in(text, match, strong=strong, glued=glued)
    given = _GIVEN.match(lowered, name.end()) if strong else None
    if given is not None:
        yield given.span("value")
    match = _AS.search(lowered, start, name.start())
    if match is not None:
        yield from _secret_in(text, match, strong=strong, glued=True)


def _secret_in(text: str, match: re.Match[str], *, strong: bool, glued: bool) -> Iterator[tuple[int, int]]:
    kind = next(kind for kind in ("double", "single", "tick", "bare") if match[kind] is not None)
    start, end = match.span(kind)
    value = text[start:end]
    if kind == "bare":
        value = value.rstrip(".,;:!?)]…")
        end = start + len(value)
    if len(value) < 4 or _says_nothing(value):
        return
    told = kind != "bare" or glued or not value.isalpha() or _is_mixed(value) or _ends(text, end)
    if told if strong else is_random(value):
        yield start, end


def is_random(value: str) -> bool:
    """Is it unlike a word, and unlike a name made of words?"""
    if not any(char.isdigit() for char in value):
        return len(value) >= 20 and _is_mixed(value) and _entropy(value) >= 3.5
    letters = sum(char.isalpha() for char in value)
    return letters >= 2 and len(value) >= 8 and _entropy(value) >= 2.5


def _says_nothing(value: str) -> bool:
    """Does it stand for a secret, or say how one is?"""
    lowered = value.lower()
    if lowered in _WORDS or _CODE.search(lowered):
        return True
    return lowered.isalpha() and lowered.endswith(("ed", "ing", "able", "ible")) and len(lowered) > 5


def _is_mixed(value: str) -> bool:
    return not (value.islower() or value.isupper() or value.istitle())


def _ends(text: str, at: int) -> bool:
    """Is nothing said after this in its sentence?"""
    rest = text[at : at + 3].lstrip(".,!?)\"' ")
    return not rest or rest[0] in "\r\n" or text[at : at + 1] in ".!?,;\n"


def _entropy(value: str) -> float:
    """Bits a character, by how often each comes; of the first 256."""
    counts = Counter(value[:256])
    size = sum(counts.values())
    return -sum(count / size * math.log2(count / size) for count in counts.values())
