"""The stub generator: what the learner gets, made from the worked solution.

A stub is the solution's own text less what would give the solution away: bodies,
private names, comments, decorators that are not part of the interface, statements
that run. What is left is laid out as ``ruff format`` leaves it, provided that the
solution is, and that no comment alone holds a line break open.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence

from dojo.leaks import leaked_lines
from dojo.signatures import (
    KEPT_DECORATORS,
    Definition,
    FunctionNode,
    Parameter,
    Signature,
    is_docstring,
    is_private,
    is_untouched,
    last_name,
    public_signatures,
    same_statement,
)
from dojo.source_text import SourceText

__all__ = [
    "Parameter",
    "Signature",
    "StubError",
    "is_untouched",
    "leaked_lines",
    "make_stub",
    "public_signatures",
    "same_statement",
]

_LINE_LENGTH = 88
_INDENT = "    "
_Import = ast.Import | ast.ImportFrom
_Assignment = ast.Assign | ast.AnnAssign | ast.AugAssign
_CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__"})


class StubError(ValueError):
    """The solution has no stub: one line that says where and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


def make_stub(source: str) -> str:
    """Return the stub of a worked solution.

    Raises ``StubError`` where the source is no Python, where a public signature,
    base class, field, constant or default refers to a name that the stub leaves
    out, and where importing the stub would call what is not written yet.
    """
    source = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise StubError(error.lineno or 1, f"not Python, {error.msg}") from error
    bound = set(_bound(tree.body))
    kept = _prune(tree.body)
    for _ in range(2):  # a block that the first round empties needs no TYPE_CHECKING
        kept = _used_imports(kept, {name for name, _ in _references(kept)})
    _refuse_missing(kept, bound - set(_bound(kept)))
    _refuse_calls(kept)
    return _Writer(source).block(kept, level=0) + "\n"


# What stays -------------------------------------------------------------------------


def _prune(
    statements: Sequence[ast.stmt], owner: ast.ClassDef | None = None
) -> list[ast.stmt]:
    """Return the statements of a module or class that the stub keeps, changed."""
    kept: list[ast.stmt] = []
    for index, node in enumerate(statements):
        match node:
            case ast.Expr() if index == 0 and is_docstring(node):
                kept.append(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if not is_private(node.name):
                    kept.append(_prune_definition(node, owner))
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                if _is_public(node):
                    kept.append(node)
            case ast.Import() | ast.ImportFrom() if owner is None:
                kept.append(node)
            case ast.If(orelse=[]) if last_name(node.test) == "TYPE_CHECKING":
                node.body = _prune(node.body, owner)
                kept.append(node)
    return kept


def _prune_definition(node: Definition, owner: ast.ClassDef | None) -> Definition:
    node.decorator_list = [
        _as_property(decorator)
        for decorator in node.decorator_list
        if last_name(decorator) in KEPT_DECORATORS | {"cached_property"}
    ]
    if isinstance(node, ast.ClassDef):
        node.body = _prune(node.body, node)
    elif not _is_declaration(node, owner):
        docstring = [item for item in node.body[:1] if is_docstring(item)]
        node.body = [*docstring, ast.Raise(ast.Name("NotImplementedError", ast.Load()))]
    return node


def _as_property(decorator: ast.expr) -> ast.expr:
    """Hide that a property is cached: the attribute is public, the caching is not."""
    if last_name(decorator) == "cached_property":
        return ast.copy_location(ast.Name("property", ast.Load()), decorator)
    return decorator


def _is_declaration(node: FunctionNode, owner: ast.ClassDef | None) -> bool:
    """Tell whether there is nothing to write: a docstring, ``...`` and no more."""
    in_protocol = owner and "Protocol" in map(last_name, owner.bases)
    declared = {"overload", "abstractmethod"} & set(map(last_name, node.decorator_list))
    return bool(in_protocol or declared) and all(
        is_docstring(item) or ast.unparse(item) == "..." for item in node.body
    )


def _is_public(node: _Assignment) -> bool:
    """Tell whether an assignment makes public names, and nothing else."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    parts = [part for target in targets for part in ast.walk(target)]
    if any(isinstance(part, ast.Attribute | ast.Subscript) for part in parts):
        return False
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    public = [name for name in names if _is_public_variable(name, node)]
    if public and len(public) < len(names):
        reason = f"assigns public and private names at once, {', '.join(names)}"
        raise StubError(node.lineno, reason)
    return bool(public)


def _is_public_variable(name: str, node: _Assignment) -> bool:
    # ``_: KW_ONLY`` is the one underscore that shapes a signature.
    marks_keywords = name == "_" and isinstance(node, ast.AnnAssign)
    return not name.startswith("_") or name == "__all__" or marks_keywords


def _used_imports(statements: list[ast.stmt], used: set[str]) -> list[ast.stmt]:
    """Drop the imported names that nothing in the stub refers to."""
    kept: list[ast.stmt] = []
    for node in statements:
        if isinstance(node, ast.If):
            node.body = _used_imports(node.body, used)
        elif isinstance(node, _Import) and not _is_future(node):
            node.names = [a for a in node.names if a.name == "*" or _binding(a) in used]
        if not isinstance(node, ast.If | _Import) or _contents(node):
            kept.append(node)
    return kept


def _contents(node: ast.If | _Import) -> Sequence[ast.AST]:
    return node.body if isinstance(node, ast.If) else node.names


def _is_future(node: _Import) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _binding(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


# What is refused --------------------------------------------------------------------


def _bound(statements: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names that statements bind: ``f``, ``Class``, ``Class.attribute``.

    Attributes of a class are bare as well, since its body may use them so.
    """
    for node in statements:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
                if not is_private(name):
                    for member in _bound(node.body):
                        yield from (member, f"{name}.{member}")
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.alias():
                yield _binding(node)
            case ast.Lambda() | ast.comprehension():
                pass
            case _:
                yield from _bound(ast.iter_child_nodes(node))


def _references(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, int]]:
    """Yield the names that kept statements refer to, with their lines."""
    for statement in statements:
        for node in ast.walk(statement):
            match node:
                # NotImplementedError, which the generator wrote, has no line.
                case ast.Name(id=name, ctx=ast.Load()) if hasattr(node, "lineno"):
                    yield name, node.lineno
                case ast.Attribute(value=ast.Name(id=owner), attr=name):
                    yield f"{owner}.{name}", node.lineno
                case ast.arg(annotation=ast.expr() as annotation):
                    yield from _quoted_names(annotation)
                case ast.AnnAssign(annotation=annotation):
                    yield from _quoted_names(annotation)
                case ast.FunctionDef(returns=ast.expr() as annotation):
                    yield from _quoted_names(annotation)
                case ast.AsyncFunctionDef(returns=ast.expr() as annotation):
                    yield from _quoted_names(annotation)
                case ast.Assign(targets=[ast.Name(id="__all__")]):
                    yield from _quoted_names(node.value)


def _quoted_names(annotation: ast.expr) -> Iterator[tuple[str, int]]:
    """Yield the names in the strings of an annotation, which are forward references."""
    match annotation:
        case ast.Subscript(value=generic) if last_name(generic) == "Literal":
            return
        case ast.Constant(value=str(text)):
            try:
                expression = ast.parse(text, mode="eval")
            except SyntaxError:
                return
            for node in ast.walk(expression):
                if isinstance(node, ast.Name):
                    yield node.id, annotation.lineno
    for child in ast.iter_child_nodes(annotation):
        if isinstance(child, ast.expr):
            yield from _quoted_names(child)


def _refuse_missing(kept: Sequence[ast.stmt], missing: set[str]) -> None:
    for name, line in sorted(_references(kept), key=lambda reference: reference[1]):
        if name in missing:
            raise StubError(
                line, f"public, but needs {name}, which the stub leaves out"
            )


def _refuse_calls(kept: Sequence[ast.stmt]) -> None:
    unwritten = set(_unwritten(kept))
    for call in _calls_at_import(kept):
        name = ast.unparse(call.func)
        if name in unwritten:
            reason = f"importing the stub would call {name}, which is not written yet"
            raise StubError(call.lineno, reason)


def _unwritten(statements: Sequence[ast.stmt], prefix: str = "") -> Iterator[str]:
    """Yield the callables that raise: ``f``, ``Class``, ``Class.method``."""
    for node in statements:
        if isinstance(node, FunctionNode) and isinstance(node.body[-1], ast.Raise):
            yield prefix + node.name
            if node.name in _CONSTRUCTORS:
                yield prefix[:-1]
        elif isinstance(node, ast.ClassDef):
            yield from _unwritten(node.body, f"{prefix}{node.name}.")


def _calls_at_import(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    for node in nodes:
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, ast.Lambda):
            yield from _calls_at_import(ast.iter_child_nodes(node))


# How it is written ------------------------------------------------------------------


class _Writer:
    """Writes kept statements in the words of the source."""

    def __init__(self, source: str) -> None:
        self._text = SourceText(source)

    def block(self, statements: Sequence[ast.stmt], level: int) -> str:
        written = ""
        previous: ast.stmt | None = None
        for node in statements:
            if previous is not None:
                written += "\n" * (1 + self._blank_lines(previous, node, level))
            written += self._statement(node, level)
            previous = node
        return written

    def _blank_lines(self, before: ast.stmt, after: ast.stmt, level: int) -> int:
        if isinstance(before, Definition) or isinstance(after, Definition):
            return 1 if level else 2
        if is_docstring(before) or isinstance(before, ast.If):
            return 1
        if isinstance(before, _Import) != isinstance(after, _Import):
            return 1
        last = before.end_lineno or before.lineno
        return int(self._text.has_blank_line(last, after.lineno))

    def _statement(self, node: ast.stmt, level: int) -> str:
        indent = _INDENT * level
        match node:
            case ast.Import() | ast.ImportFrom():
                return _import(node, indent)
            case ast.If():
                test = ast.unparse(node.test)
                return f"{indent}if {test}:\n{self.block(node.body, level + 1)}"
            case ast.ClassDef():
                body = self.block(node.body, level + 1) or f"{indent}{_INDENT}pass"
                return f"{self._heading(node, indent)}\n{body}"
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return self._heading(node, indent) + self._body(node, indent)
        return self._text.statement(node, indent)

    def _heading(self, node: Definition, indent: str) -> str:
        decorators = [
            f"{indent}@{self._decorator(decorator)}\n"
            for decorator in node.decorator_list
        ]
        return "".join(decorators) + self._text.header(node, indent)

    def _decorator(self, decorator: ast.expr) -> str:
        if isinstance(decorator, ast.Name):
            return decorator.id
        return self._text.statement(decorator, "")

    def _body(self, node: FunctionNode, indent: str) -> str:
        inner = indent + _INDENT
        lines = [
            f"{inner}raise NotImplementedError"
            if isinstance(item, ast.Raise)
            else self._text.statement(item, inner)
            for item in node.body
        ]
        return " ..." if lines == [f"{inner}..."] else "\n".join(["", *lines])


def _import(node: _Import, indent: str) -> str:
    names = [
        f"{alias.name} as {alias.asname}" if alias.asname else alias.name
        for alias in node.names
    ]
    if isinstance(node, ast.Import):
        return f"{indent}import {', '.join(names)}"
    start = f"{indent}from {'.' * node.level}{node.module or ''} import "
    line = start + ", ".join(names)
    if len(line) <= _LINE_LENGTH:
        return line
    return (
        start
        + "(\n"
        + "".join(f"{indent}{_INDENT}{n},\n" for n in names)
        + indent
        + ")"
    )
