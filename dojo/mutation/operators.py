"""What a mutant changes: the mistakes people make, one place at a time.

An operator looks at one site and yields the edits that apply there. Where two
operators make the same program, the one that stands first in ``OPERATORS`` names it.
"""

import ast
from collections.abc import Callable, Iterator

from dojo.mutation import tables
from dojo.mutation.edits import (
    Edit,
    changed,
    literal,
    negated,
    number,
    other_numbers,
    shifted,
)
from dojo.mutation.sites import (
    Function,
    Site,
    bound_names,
    dotted_tail,
    names_bound_before,
)

Operator = Callable[[Site], Iterator[Edit]]


def _is_text_or_list(node: ast.expr) -> bool:
    text = isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    return text or isinstance(node, ast.JoinedStr | ast.List | ast.ListComp)


def _is_axis(site: Site) -> bool:
    return (
        isinstance(site.parent, ast.keyword)
        and site.parent.arg in tables.AXIS_KEYWORDS
        and number(site.node) in tables.OTHER_AXIS
    )


def _is_reversal(site: Site) -> bool:
    """Tell whether this is the −1 of ``[::-1]``, whose neighbours mean nothing."""
    return (
        isinstance(site.parent, ast.Slice)
        and site.parent.step is site.node
        and number(site.node) == -1
    )


def _is_own_statement(site: Site) -> bool:
    outer = site.ancestors[1] if isinstance(site.parent, ast.Await) else site.parent
    return isinstance(outer, ast.Expr)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def change_default(site: Site) -> Iterator[Edit]:
    """Change a number or boolean that a signature gives as a default."""
    node = site.node
    if not isinstance(node, ast.arguments) or not isinstance(site.parent, Function):
        return
    positional = [*node.posonlyargs, *node.args]
    given = len(positional) - len(node.defaults)
    pairs = [
        *zip(positional[given:], node.defaults, strict=True),
        *zip(node.kwonlyargs, node.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        value = number(default)
        if default is not None and value is not None:
            for other in other_numbers(value):
                yield Edit(default, literal(other), f"{argument.arg}=")


def change_axis(site: Site) -> Iterator[Edit]:
    """Reduce along another axis, along all of them, or lose the reduced axis."""
    if not isinstance(site.node, ast.Call):
        return
    for keyword in site.node.keywords:
        value = number(keyword.value)
        if keyword.arg in tables.KEEP_KEYWORDS and isinstance(value, bool):
            yield Edit(keyword.value, literal(not value))
        elif keyword.arg in tables.AXIS_KEYWORDS and value in tables.OTHER_AXIS:
            yield Edit(keyword.value, literal(tables.OTHER_AXIS[int(value)]))
        elif keyword.arg in tables.AXIS_KEYWORDS and _root(keyword.value):
            others = [other for other in site.node.keywords if other is not keyword]
            yield Edit(site.node, changed(site.node, keywords=others))


def force_branch(site: Site) -> Iterator[Edit]:
    """Take one branch always; never enter a loop; filter nothing."""
    node = site.node
    tests: list[tuple[ast.expr, bool]] = []
    if isinstance(node, ast.If | ast.IfExp):
        tests = [(node.test, True), (node.test, False)]
    elif isinstance(node, ast.While):
        tests = [(node.test, False)]
    elif isinstance(node, ast.comprehension):
        tests = [(test, True) for test in node.ifs]
    for test, value in tests:
        if not isinstance(test, ast.Constant):
            yield Edit(test, literal(value))


def shift_bound(site: Site) -> Iterator[Edit]:
    """Be off by one: in a comparison, a range, a slice or an index."""
    node = site.node
    if isinstance(node, ast.Compare):
        yield from _shifted_comparison(node)
    elif isinstance(node, ast.Slice):
        yield from _shifted_slice(node)
    elif isinstance(node, ast.Subscript):
        index = node.slice
        for position in index.elts if isinstance(index, ast.Tuple) else [index]:
            value = number(position)
            if isinstance(value, int) and not isinstance(value, bool):
                yield Edit(position, literal(value + 1))
    elif isinstance(node, ast.Call) and dotted_tail(node.func) == "range":
        yield from _shifted_range(node.args)


def _shifted_comparison(node: ast.Compare) -> Iterator[Edit]:
    for position, operator in enumerate(node.ops):
        operators = list(node.ops)
        operators[position] = tables.OTHER_COMPARISON[type(operator)]()
        yield Edit(node, changed(node, ops=operators))


def _shifted_range(bounds: list[ast.expr]) -> Iterator[Edit]:
    if bounds and not isinstance(bounds[0], ast.Starred):
        yield Edit(bounds[0], shifted(bounds[0], -1 if len(bounds) == 1 else 1))


def _shifted_slice(node: ast.Slice) -> Iterator[Edit]:
    if node.lower is not None:
        yield Edit(node, changed(node, lower=shifted(node.lower, 1)))
    if node.upper is not None:
        yield Edit(node, changed(node, upper=shifted(node.upper, -1)))
    if node.step is not None:
        yield Edit(node, changed(node, step=None))


def drop_operand(site: Site) -> Iterator[Edit]:
    """Forget one operand, a minus or a ``not``."""
    node = site.node
    if isinstance(node, ast.BinOp):
        yield Edit(node, node.left)
        yield Edit(node, node.right)
    elif isinstance(node, ast.UnaryOp):
        if not _is_axis(site) and not _is_reversal(site):
            yield Edit(node, node.operand)
    elif isinstance(node, ast.BoolOp):
        for dropped in node.values:
            kept = [value for value in node.values if value is not dropped]
            yield Edit(node, kept[0] if len(kept) == 1 else changed(node, values=kept))


def swap_operands(site: Site) -> Iterator[Edit]:
    """Subtract, divide or multiply matrices the wrong way round."""
    node = site.node
    if not isinstance(node, ast.BinOp) or _is_text_or_list(node.left):
        return
    unsigned = isinstance(node.op, ast.Sub) and _loses_sign(site)
    if isinstance(node.op, tables.NONCOMMUTATIVE) and not unsigned:
        yield Edit(node, changed(node, left=node.right, right=node.left))


def _loses_sign(site: Site) -> bool:
    """Tell whether what stands around takes the absolute value or the square."""
    outer = site.parent
    if isinstance(outer, ast.Call):
        return dotted_tail(outer.func) in tables.SIGN_LOSING
    if isinstance(outer, ast.Attribute):
        return outer.attr in tables.SIGN_LOSING
    if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Pow):
        return number(outer.right) == 2 and outer.left is site.node
    return False


def change_operator(site: Site) -> Iterator[Edit]:
    """Put the neighbouring arithmetic or set operator."""
    node = site.node
    if isinstance(node, ast.BinOp):
        if _is_text_or_list(node.left) or _is_text_or_list(node.right):
            return
    elif not isinstance(node, ast.AugAssign):
        return
    other = tables.OTHER_OPERATOR.get(type(node.op))
    if other is not None:
        yield Edit(node, changed(node, op=other()))


def drop_call(site: Site) -> Iterator[Edit]:
    """Forget a transformation: take its argument, or the object of the method."""
    node = site.node
    if isinstance(node, ast.Attribute) and node.attr in tables.TRANSPOSES:
        if isinstance(node.ctx, ast.Load):
            yield Edit(node, node.value)
    elif isinstance(node, ast.Call) and not _is_own_statement(site):
        for kept in _operands_of_call(node, site.imported):
            if not isinstance(kept, ast.Starred | ast.Constant):
                yield Edit(node, kept)


def _operands_of_call(node: ast.Call, imported: frozenset[str]) -> list[ast.expr]:
    name = dotted_tail(node.func)
    if not name or name in tables.NOT_TRANSFORMATIONS or _is_constructor(name):
        return []
    if name == "where" and len(node.args) == 3:
        return node.args[1:]
    if isinstance(node.func, ast.Attribute) and not _is_namespace(node.func, imported):
        return [node.func.value]
    return node.args[:1]


def _is_namespace(function: ast.Attribute, imported: frozenset[str]) -> bool:
    """Tell whether the function is a module's, or a method of the object itself."""
    owner = function.value
    if isinstance(owner, ast.Call):
        return dotted_tail(owner.func) == "super"
    return _root(owner) in imported or dotted_tail(owner) in {"self", "cls"}


def swap_arguments(site: Site) -> Iterator[Edit]:
    """Give the first two arguments in the wrong order."""
    node = site.node
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return
    first, second, *rest = node.args
    starred = isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
    if not starred and dotted_tail(node.func) not in tables.UNORDERED_CALLS:
        yield Edit(node, changed(node, args=[second, first, *rest]))


def swap_function(site: Site) -> Iterator[Edit]:
    """Call the sibling function, or the same one with its switch the other way."""
    node = site.node
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id in tables.BUILTIN_PAIRS:
        yield Edit(node.func, changed(node.func, id=tables.BUILTIN_PAIRS[node.func.id]))
    elif isinstance(node.func, ast.Attribute):
        other = tables.METHOD_PAIRS.get(node.func.attr)
        # A list has neither method, and pop(key) is a dictionary's.
        if "deque" in site.imported and not (node.func.attr == "pop" and node.args):
            other = other or tables.DEQUE_PAIRS.get(node.func.attr)
        if other is not None:
            yield Edit(node.func, changed(node.func, attr=other))
    yield from _switched(node, site.imported)


def _switched(node: ast.Call, imported: frozenset[str]) -> Iterator[Edit]:
    name = dotted_tail(node.func)
    if name not in tables.SWITCHES or (name == "sort" and _root(node.func) in imported):
        return
    switch, default, other = tables.SWITCHES[name]
    for keyword in node.keywords:
        if keyword.arg == switch:
            value = keyword.value
            if isinstance(value, ast.Constant):
                flipped = literal(other if value.value == default else default)
                yield Edit(value, flipped)
            elif isinstance(default, bool):
                yield Edit(value, negated(value, ast.Not()))
            return
    # The pop of a plain dictionary has no such keyword.
    if name != "popitem" or "OrderedDict" in imported:
        added = ast.keyword(arg=switch, value=literal(other))
        yield Edit(node, changed(node, keywords=[*node.keywords, added]))


def negate_return(site: Site) -> Iterator[Edit]:
    """Return the opposite."""
    if not isinstance(site.node, ast.Return) or site.node.value is None:
        return
    value, function = site.node.value, site.enclosing_function
    returned = _type_name(function.returns if function else None)
    if not _has_opposite(value) or returned in tables.WITHOUT_OPPOSITE:
        return
    truth = returned == "bool" or _is_truth(value)
    operator = ast.Not() if truth else ast.USub()
    yield Edit(value, negated(value, operator), "return ")


def _has_opposite(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return not isinstance(value.value, bool) and bool(number(value))
    if isinstance(value, ast.Compare):
        # The opposite of == is !=, which shift-bound makes.
        return len(value.ops) > 1 or isinstance(value.ops[0], tables.ORDERINGS)
    if isinstance(value, ast.Call):
        return not _is_constructor(dotted_tail(value.func))
    if isinstance(value, ast.Name):
        return value.id not in {"self", "cls"}
    # To drop the operator is drop-operand's.
    return not isinstance(value, (ast.UnaryOp, *tables.DISPLAYS))


def _is_constructor(name: str) -> bool:
    return name[:1].isupper() or name == "cls"


def _is_truth(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return dotted_tail(node.func) in tables.PREDICATES
    return isinstance(node, ast.Compare | ast.BoolOp)


def _type_name(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.Subscript):
        return dotted_tail(annotation.value)
    if isinstance(annotation, ast.Constant):
        return str(annotation.value)
    return "" if annotation is None else dotted_tail(annotation)


def drop_statement(site: Site) -> Iterator[Edit]:
    """Forget a change of state, a refusal, a jump or a lock."""
    node = site.node
    if isinstance(node, ast.With | ast.AsyncWith):
        for item in node.items:
            if item.optional_vars is None and _is_lock(item.context_expr):
                yield Edit(item.context_expr, _no_lock())
    elif isinstance(node, ast.stmt) and _is_droppable(node, site):
        yield Edit(node, ast.Pass())


def _is_lock(node: ast.expr) -> bool:
    name = dotted_tail(node.func if isinstance(node, ast.Call) else node)
    return not tables.LOCK_WORDS.isdisjoint(name.lower().split("_"))


def _no_lock() -> ast.expr:
    return ast.parse('__import__("contextlib").nullcontext()', mode="eval").body


def _is_droppable(node: ast.stmt, site: Site) -> bool:
    if isinstance(node, ast.Expr):
        value = node.value
        return isinstance(
            value.value if isinstance(value, ast.Await) else value, ast.Call
        )
    if isinstance(node, ast.AnnAssign):
        return node.value is not None and isinstance(node.target, ast.Attribute)
    if isinstance(node, ast.Assign):
        stored = bound_names(node)
        return not stored or stored <= names_bound_before(site)
    kinds = (ast.AugAssign, ast.Raise, ast.Delete, ast.Continue, ast.Break)
    return isinstance(node, kinds)


def change_constant(site: Site) -> Iterator[Edit]:
    """Give another number, or the other boolean."""
    node = site.node
    value = number(node)
    if value is None or not isinstance(node, ast.expr):
        return
    # The sign belongs to the number.
    inner = isinstance(site.parent, ast.UnaryOp) and number(site.parent) is not None
    if not inner and not _is_axis(site) and not _is_reversal(site):
        for other in other_numbers(value):
            yield Edit(node, literal(other))


OPERATORS: dict[str, Operator] = {
    "change-default": change_default,
    "change-axis": change_axis,
    "force-branch": force_branch,
    "shift-bound": shift_bound,
    "swap-function": swap_function,
    "drop-operand": drop_operand,
    "swap-operands": swap_operands,
    "change-operator": change_operator,
    "drop-call": drop_call,
    "swap-arguments": swap_arguments,
    "negate-return": negate_return,
    "drop-statement": drop_statement,
    "change-constant": change_constant,
}
