"""What a stub promises: its public names, their parameters, their statement.

Everything here is read from the syntax tree, nothing is executed, so that a
learner's half-written file can be asked the same questions as the stub.
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Definition = FunctionNode | ast.ClassDef

# Decorators that belong to the interface; every other one is part of a solution.
KEPT_DECORATORS = frozenset(
    {
        "abstractmethod",
        "asynccontextmanager",
        "classmethod",
        "contextmanager",
        "dataclass",
        "deleter",
        "final",
        "overload",
        "override",
        "property",
        "runtime_checkable",
        "setter",
        "staticmethod",
    }
)


@dataclass(frozen=True)
class Parameter:
    """One parameter, as ``inspect.Parameter`` would name it."""

    name: str
    kind: inspect._ParameterKind
    has_default: bool


@dataclass(frozen=True)
class Signature:
    """The signature of a public function, method or class.

    ``text`` is one line, such as ``LRUCache.get(self, key: str) -> object``.
    ``parameters`` are those that ``inspect.signature`` gives: with ``self`` for a
    method, without ``cls`` for a class method, those of construction for a class;
    a property has none. ``line`` counts from 1.
    """

    text: str
    parameters: tuple[Parameter, ...]
    line: int
    is_property: bool = False


def is_private(name: str) -> bool:
    """Tell whether a name has a leading underscore and is not a dunder."""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def is_docstring(statement: ast.stmt) -> bool:
    """Tell whether a statement is nothing but a string."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def last_name(expression: ast.expr) -> str:
    """Return ``c`` for ``c``, ``a.b.c``, ``c(...)`` and ``c[...]``, else nothing.

    So a decorator or a base class has one name, however it was imported.
    """
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return last_name(inner)
    return ""


def is_untouched(text: str, stub: str) -> bool:
    """Tell whether ``text`` is still the stub: comments, layout, docstrings apart."""
    tree = _parsed(text)
    return tree is not None and _without_docstrings(tree) == _without_docstrings(
        ast.parse(stub)
    )


def same_statement(text: str, stub: str) -> bool:
    """Tell whether ``text`` answers the statement that ``stub`` makes.

    True where the module docstring, and the signature and docstring of each public
    definition of the stub, are found in ``text`` unchanged. Bodies, and whatever
    else ``text`` defines, are ignored.
    """
    tree = _parsed(text)
    return tree is not None and set(_statement(ast.parse(stub))) <= set(
        _statement(tree)
    )


def public_signatures(stub: str) -> dict[str, Signature]:
    """Return the signature of each public name: ``f``, ``Class``, ``Class.method``.

    An overloaded function has the signature of its implementation, a property that
    of its getter.
    """
    found: dict[str, Signature] = {}
    made: dict[str, list[inspect.Parameter]] = {}
    for name, node in _definitions(ast.parse(stub)):
        if isinstance(node, ast.ClassDef):
            made[name] = _construction(node, made)
            signature = inspect.Signature(made[name])
            found[name] = _signature(f"{name}{signature}", signature, node)
        elif not {"setter", "deleter"} & _decorator_names(node):
            found[name] = _function_signature(name, node)
    return found


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):  # the second for a null byte
        return None


def _without_docstrings(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | Definition) and node.body:
            node.body = node.body[1:] if is_docstring(node.body[0]) else node.body
    return ast.dump(tree)


def _definitions(
    scope: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[str, Definition]]:
    for node in scope.body:
        if isinstance(node, Definition) and not is_private(node.name):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node, f"{prefix}{node.name}.")


def _decorator_names(node: Definition) -> set[str]:
    return {last_name(decorator) for decorator in node.decorator_list}


# The statement ----------------------------------------------------------------------


def _statement(tree: ast.Module) -> Iterator[tuple[str, ...]]:
    """Yield what the learner was told, in pieces that can be compared."""
    yield "", ast.get_docstring(tree) or ""
    for name, node in _definitions(tree):
        decorators = sorted(
            # How a property keeps its value is the learner's business.
            ast.unparse(decorator).replace("functools.", "").replace("cached_", "")
            for decorator in node.decorator_list
            if last_name(decorator) in KEPT_DECORATORS | {"cached_property"}
        )
        yield name, _heading(node), ast.get_docstring(node) or "", *decorators
        if isinstance(node, ast.ClassDef):
            for field in _fields(node):
                yield name, ast.unparse(field)


def _heading(node: Definition) -> str:
    if isinstance(node, ast.ClassDef):
        keywords = [f"{item.arg}={ast.unparse(item.value)}" for item in node.keywords]
        return ", ".join(["class", *map(ast.unparse, node.bases), *keywords])
    result = ast.unparse(node.returns) if node.returns else ""
    return f"{type(node).__name__}({ast.unparse(node.args)}) -> {result}"


# Signatures -------------------------------------------------------------------------


class _Verbatim(str):
    """Text that ``inspect.Signature`` shows as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _verbatim(expression: ast.expr | None) -> object:
    # One marker stands for "none" of annotations, defaults and results.
    return _Verbatim(ast.unparse(expression)) if expression else inspect.Signature.empty


def _signature(
    text: str, signature: inspect.Signature, node: Definition, is_property: bool = False
) -> Signature:
    parameters = tuple(
        Parameter(item.name, item.kind, item.default is not item.empty)
        for item in signature.parameters.values()
    )
    return Signature(text, parameters, node.lineno, is_property)


def _function_signature(name: str, node: FunctionNode) -> Signature:
    decorators = _decorator_names(node)
    parameters = _parameters(node.args)
    result = _verbatim(node.returns)
    if "property" in decorators:
        text = f"{name} -> {result}" if node.returns else name
        return _signature(text, inspect.Signature(), node, is_property=True)
    if "classmethod" in decorators:
        parameters = parameters[1:]
    signature = inspect.Signature(parameters, return_annotation=result)
    return _signature(f"{name}{signature}", signature, node)


def _parameters(arguments: ast.arguments) -> list[inspect.Parameter]:
    kinds = inspect.Parameter
    positional = arguments.posonlyargs + arguments.args
    defaults: list[ast.expr | None] = [None] * len(positional)
    defaults[len(positional) - len(arguments.defaults) :] = arguments.defaults
    rows: list[tuple[ast.arg | None, inspect._ParameterKind, ast.expr | None]] = [
        *zip(
            positional,
            [kinds.POSITIONAL_ONLY] * len(arguments.posonlyargs)
            + [kinds.POSITIONAL_OR_KEYWORD] * len(arguments.args),
            defaults,
            strict=True,
        ),
        (arguments.vararg, kinds.VAR_POSITIONAL, None),
        *zip(
            arguments.kwonlyargs,
            [kinds.KEYWORD_ONLY] * len(arguments.kwonlyargs),
            arguments.kw_defaults,
            strict=True,
        ),
        (arguments.kwarg, kinds.VAR_KEYWORD, None),
    ]
    return [
        inspect.Parameter(
            argument.arg,
            kind,
            default=_verbatim(default),
            annotation=_verbatim(argument.annotation),
        )
        for argument, kind, default in rows
        if argument
    ]


def _construction(
    node: ast.ClassDef, made: dict[str, list[inspect.Parameter]]
) -> list[inspect.Parameter]:
    """Return how a class is made: by ``__init__``, else by its fields, else its base.

    ``made`` holds the classes above it in the file.
    """
    for item in reversed(node.body):
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return _parameters(item.args)[1:]
    bases = [made[name] for name in map(last_name, node.bases) if name in made]
    inherited = bases[0] if bases else []
    if not _has_fields(node):
        return inherited
    found = {parameter.name: parameter for parameter in inherited}
    found |= {parameter.name: parameter for parameter in _field_parameters(node)}
    return sorted(found.values(), key=lambda parameter: parameter.kind)


# Fields -----------------------------------------------------------------------------


def _has_fields(node: ast.ClassDef) -> bool:
    bases = set(map(last_name, node.bases))
    return "dataclass" in _decorator_names(node) or "NamedTuple" in bases


def _fields(node: ast.ClassDef) -> list[ast.AnnAssign]:
    """Return the public fields that a dataclass or named tuple is made from."""
    if not _has_fields(node):
        return []
    return [
        item
        for item in node.body
        if isinstance(item, ast.AnnAssign)
        and not is_private(ast.unparse(item.target))
        and last_name(item.annotation) != "ClassVar"
        and _option(item.value, "init", "field") != "False"
    ]


def _field_parameters(node: ast.ClassDef) -> Iterator[inspect.Parameter]:
    by_keyword = any(
        _option(decorator, "kw_only", "dataclass") == "True"
        for decorator in node.decorator_list
    )
    markers = [
        item.lineno
        for item in node.body
        if isinstance(item, ast.AnnAssign) and last_name(item.annotation) == "KW_ONLY"
    ]
    kinds = inspect.Parameter
    for field in _fields(node):
        after_marker = any(line < field.lineno for line in markers)
        own = _option(field.value, "kw_only", "field") == "True"
        only_keyword = by_keyword or after_marker or own
        kind: inspect._ParameterKind = (
            kinds.KEYWORD_ONLY if only_keyword else kinds.POSITIONAL_OR_KEYWORD
        )
        yield inspect.Parameter(
            ast.unparse(field.target),
            kind,
            default=_field_default(field.value),
            annotation=_verbatim(field.annotation),
        )


def _field_default(value: ast.expr | None) -> object:
    if not (isinstance(value, ast.Call) and last_name(value) == "field"):
        return _verbatim(value)
    if _option(value, "default_factory", "field"):
        return _Verbatim("<factory>")
    default = _option(value, "default", "field")
    return _Verbatim(default) if default else inspect.Parameter.empty


def _option(call: ast.expr | None, option: str, function: str) -> str | None:
    """Return the text of a keyword argument of a call of ``function``, if given."""
    if isinstance(call, ast.Call) and last_name(call) == function:
        for keyword in call.keywords:
            if keyword.arg == option:
                return ast.unparse(keyword.value)
    return None
