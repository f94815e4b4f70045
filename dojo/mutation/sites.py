"""Where a mutant may differ from its source.

A site is a place in a function's body, or a signature's default values. Left
alone are annotations, decorators, docstrings, imports, what a ``raise`` raises,
the message of an ``assert``, f-strings, log calls and ``__repr__``.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef

_SKIPPED_FIELDS: dict[type[ast.AST], frozenset[str]] = {
    ast.FunctionDef: frozenset({"decorator_list", "returns", "type_params"}),
    ast.AsyncFunctionDef: frozenset({"decorator_list", "returns", "type_params"}),
    ast.ClassDef: frozenset({"decorator_list", "bases", "keywords", "type_params"}),
    ast.arg: frozenset({"annotation"}),
    ast.AnnAssign: frozenset({"annotation"}),
    ast.Assert: frozenset({"msg"}),
    ast.Raise: frozenset({"exc", "cause"}),
    ast.ExceptHandler: frozenset({"type"}),
    ast.match_case: frozenset({"pattern"}),
    # Python 3.11 gives no usable positions inside an f-string.
    ast.JoinedStr: frozenset({"values"}),
}
_LOG_METHODS = frozenset(
    {"debug", "info", "warning", "error", "exception", "critical", "log"}
)
_EXCEPTION_ENDINGS = ("Error", "Exception", "Warning")


@dataclass(frozen=True)
class Site:
    """A node, what it stands in (nearest first) and the function's qualified name.

    ``imported`` holds the names that the module's import statements bind.
    """

    node: ast.AST
    ancestors: tuple[ast.AST, ...]
    names: tuple[str, ...]
    imported: frozenset[str]

    @property
    def function(self) -> str:
        """The qualified name, as in ``LRUCache.get``."""
        return ".".join(self.names)

    @property
    def parent(self) -> ast.AST:
        """The node that this one stands in."""
        return self.ancestors[0]

    @property
    def enclosing_function(self) -> Function | None:
        """The function whose body this is, unless a class body comes between."""
        for ancestor in self.ancestors:
            if isinstance(ancestor, Function | ast.ClassDef):
                return ancestor if isinstance(ancestor, Function) else None
        return None

    def below(self, child: ast.AST) -> "Site":
        """The site of a child node."""
        own = (
            (self.node.name,) if isinstance(self.node, Function | ast.ClassDef) else ()
        )
        return Site(
            child, (self.node, *self.ancestors), self.names + own, self.imported
        )


def mutation_sites(tree: ast.Module) -> Iterator[Site]:
    """Yield every site of a module, outer nodes before inner ones."""
    yield from _walk(Site(tree, (), (), _imported_names(tree)))


def dotted_tail(node: ast.AST) -> str:
    """Return the last name of ``a``, ``x.a`` or ``x.y.a``, else an empty text."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def bound_names(node: ast.AST) -> set[str]:
    """Collect the names that a statement or a target binds."""
    return {
        name.id
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }


def names_bound_before(site: Site) -> set[str]:
    """Collect the names that earlier statements of the enclosing blocks bind."""
    bound: set[str] = set()
    inner = site.node
    for outer in site.ancestors:
        for _, block in ast.iter_fields(outer):
            if isinstance(block, list) and inner in block:
                for earlier in block[: block.index(inner)]:
                    bound |= bound_names(earlier)
        if isinstance(outer, ast.For | ast.AsyncFor):
            bound |= bound_names(outer.target)
        if isinstance(outer, Function):
            break
        inner = outer
    return bound


def _imported_names(tree: ast.Module) -> frozenset[str]:
    return frozenset(
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    )


def _walk(site: Site) -> Iterator[Site]:
    if _is_left_alone(site.node):
        return
    if site.enclosing_function is not None:
        yield site
    if _is_public_signature(site):
        return
    skipped = _SKIPPED_FIELDS.get(type(site.node), frozenset())
    for name, value in ast.iter_fields(site.node):
        if name not in skipped:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _walk(site.below(child))


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, Function):
        return node.name == "__repr__"
    if isinstance(node, ast.Expr):
        return _is_log_call(node.value)
    if isinstance(node, ast.Call):
        return dotted_tail(node.func).endswith(_EXCEPTION_ENDINGS)
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_log_call(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _LOG_METHODS
        and "log" in dotted_tail(node.func.value).lower()
    )


def _is_public_signature(site: Site) -> bool:
    """Tell whether these are the arguments of a function that users call."""
    if not isinstance(site.node, ast.arguments) or isinstance(site.parent, ast.Lambda):
        return False
    nested = any(isinstance(ancestor, Function) for ancestor in site.ancestors[1:])
    return not nested and not any(_is_private(name) for name in site.names)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")
