"""Whether two pieces of code do the same: equal but for layout, comments, quotes and the names they choose. Pure."""

from __future__ import annotations

import ast
import builtins
import re
from typing import Final

_PYTHON: Final = frozenset({"python", "py", "python3"})
_SHELL: Final = frozenset({"bash", "sh", "shell", "zsh", "console", "powershell", "cmd", "bat", "text", "txt"})
_KEPT: Final = frozenset(
    "if else elif for while do return break continue switch case default try catch finally throw new delete typeof"
    " instanceof void this super class extends implements interface enum struct type func function def fn let const var"
    " mut pub static final public private protected import from export package as with async await yield lambda not and"
    " or in of is null nil none true false undefined int int32 int64 uint float float32 float64 double string str bool"
    " boolean char byte rune long short number any error".split()
)
"""Words of the languages and names of types: never names that code binds."""
_TOKEN: Final = re.compile(
    r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`[^`]*`|[^\W\d]\w*|\d[\w.]*|==|!=|<=|>=|=>|->|:=|\+\+|--|&&|\|\||\S"
)
_BOUND: Final = re.compile(
    r"\b(?:def|function|func|fn|const|let|var|for|as|class|lambda)\s+([^\W\d]\w*)|(?<![.\w])([^\W\d]\w*)\s*:?=(?![=>])"
)
_PARAMETERS: Final = re.compile(
    r"(?:(?:def|function|func|fn)\s*[^\W\d]?\w*\s*)\(([^)]*)\)|\(([^()]*)\)\s*=>|([^\W\d]\w*)\s*=>"
)
_COMMENT: Final = re.compile(r"/\*.*?\*/|(?:(?<=\s)|^)(?://|--\s|#\s)[^\n]*", re.DOTALL | re.MULTILINE)
_SQL: Final = re.compile(r"\s*(?:select|insert|update|delete|create|alter|with)\b", re.IGNORECASE)
_ASSIGNED: Final = re.compile(r"(?:(?:const|let|var|val)\s+)?[^\W\d]\w*\s*:?=\s*(?![=>])(.+)", re.DOTALL)


def outline(code: str, language: str = "") -> str:
    """The code without what does not change what it does; two pieces with one outline do the same.

    Names that the code binds itself are numbered in the order in which they come. Names it takes from elsewhere are
    kept, unless they are arguments that a snippet leaves to its reader. The commands of a shell are kept as they are.
    """
    code = code.strip().replace("\r\n", "\n")
    if _is_shell(code, language):
        return "\n".join(" ".join(_uncommented(line).replace('"', "'").split()) for line in code.splitlines()).strip()
    if language in _PYTHON or not language:
        parsed = _python(code)
        if parsed is not None:
            return parsed
    return _tokens(code)


def _is_shell(code: str, language: str) -> bool:
    if language in _SHELL:
        return True
    return not language and not re.search(r"[(){};=\[\]]|^\W*\w+$", code) and not _SQL.match(code)


def _uncommented(code: str) -> str:
    return _COMMENT.sub("", code)


def _python(code: str) -> str | None:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Assign):
        # `result = f(x)` shows the same as `f(x)`.
        tree.body[0] = ast.Expr(tree.body[0].value)
    return ast.dump(_Renamed(_bound_in(tree)).visit(tree))


def _bound_in(tree: ast.AST) -> set[str]:
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    owners = {
        node.value.id for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    free = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - called - owners
    functions = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    return bound | functions | {name for name in free if not hasattr(builtins, name)}


class _Renamed(ast.NodeTransformer):
    """Numbers the names, and drops annotations and docstrings."""

    def __init__(self, bound: set[str]) -> None:
        self._bound = bound
        self._numbers: dict[str, str] = {}

    def _name(self, name: str) -> str:
        return self._numbers.setdefault(name, f"_{len(self._numbers)}") if name in self._bound else name

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name, node.returns = self._name(node.name), None
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
            node.body = node.body[1:]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg, node.annotation = self._name(node.arg), None
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._name(node.id)
        return node


def _tokens(code: str) -> str:
    code = _uncommented(code).strip()
    if _SQL.match(code):
        return " ".join(token.replace('"', "'") for token in _TOKEN.findall(code.lower()) if token != ";")
    alone = _ASSIGNED.fullmatch(code.rstrip(";"))
    if alone and "\n" not in code and "=>" not in code:
        code = alone.group(1)
    bound = _bound_names(code)
    numbers: dict[str, str] = {}
    made, before = [], ""
    for token in _TOKEN.findall(code):
        shown = token
        if token in bound and before != ".":
            shown = numbers.setdefault(token, f"_{len(numbers)}")
        elif token[:1] in "\"'`":
            shown = "'" + token[1:-1] + "'"
        if token not in (";", "const", "let", "var"):
            made.append(shown)
        before = token
    return " ".join(made)


def _bound_names(code: str) -> set[str]:
    found = {name for names in _BOUND.findall(code) for name in names if name}
    for groups in _PARAMETERS.findall(code):
        found.update(re.findall(r"[^\W\d]\w*", " ".join(groups)))
    # A function that the snippet defines may be named like a builtin; its parameters' types may not be renamed.
    defined = set(re.findall(r"\b(?:def|function|func|fn)\s+([^\W\d]\w*)", code))
    return {name for name in found if name.lower() not in _KEPT} | defined
