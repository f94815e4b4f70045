"""The mutation operators, a line at a time: what each makes, and what none does."""

from collections import Counter

import pytest

from dojo.mutants import Mutant, make_mutants
from dojo.mutation.operators import OPERATORS


def body(*lines: str, header: str = "def f(x, y, axis):") -> str:
    """Make a function of these lines, on line 2 and after."""
    return "\n".join([header, *(f"    {line}" for line in lines), ""])


def changed_lines(source: str, mutants: list[Mutant], operator: str) -> set[str]:
    """Return how one operator's mutants write the lines that they change."""
    original = source.splitlines()
    lines = set()
    for mutant in mutants:
        if mutant.operator == operator:
            pairs = zip(original, mutant.source.splitlines(), strict=True)
            lines |= {after.strip() for before, after in pairs if before != after}
    return lines


# Operator, a line, and all that the operator makes of it.
ONE_LINE: list[tuple[str, str, set[str]]] = [
    ("change-axis", "y = x.sum(axis=0)", {"y = x.sum(axis=1)"}),
    ("change-axis", "y = x.sum(axis=1)", {"y = x.sum(axis=0)"}),
    ("change-axis", "y = x.sum(axis=-1)", {"y = x.sum(axis=0)"}),
    ("change-axis", "y = x.sum(dim=-1)", {"y = x.sum(dim=0)"}),
    ("change-axis", "y = x.sum(axis=axis)", {"y = x.sum()"}),
    ("change-axis", "y = x.sum(1, keepdims=True)", {"y = x.sum(1, keepdims=False)"}),
    ("change-axis", "y = x.sum(1, keepdim=False)", {"y = x.sum(1, keepdim=True)"}),
    ("change-axis", "y = Index(dim=8)", set()),
    ("drop-call", "y = np.sqrt(x)", {"y = x"}),
    ("drop-call", "y = np.linalg.solve(x, y)", {"y = x"}),
    ("drop-call", "y = np.cumsum(x)", {"y = x"}),
    ("drop-call", "y = abs(x)", {"y = x"}),
    ("drop-call", "y = self._scaled(x)", {"y = x"}),
    ("drop-call", "y = super().forward(x)", {"y = x"}),
    ("drop-call", "y = x.copy()", {"y = x"}),
    ("drop-call", "y = x.astype(float)", {"y = x"}),
    ("drop-call", "y = x.T @ y", {"y = x @ y"}),
    ("drop-call", "y = np.where(x > 0, x, y)", {"y = x", "y = y"}),
    ("drop-call", "y = np.abs(x - y) * 2", {"y = (x - y) * 2"}),
    ("drop-call", "y = ValueError(x)", set()),
    ("drop-call", "y = Node(x)", set()),
    ("drop-call", "y = self._clock()", set()),
    ("drop-call", "y = range(len(x))", set()),
    ("drop-call", "update(x)", set()),
    ("drop-operand", "y = x - x.max()", {"y = x", "y = x.max()"}),
    ("drop-operand", "y = -x", {"y = x"}),
    ("drop-operand", "y = not x", {"y = x"}),
    ("drop-operand", "y = x and y", {"y = x", "y = y"}),
    (
        "drop-operand",
        "y = x or y or axis",
        {"y = (y or axis)", "y = (x or axis)", "y = (x or y)"},
    ),
    ("drop-operand", "y = x[::-1]", set()),
    ("swap-operands", "y = x - y", {"y = (y - x)"}),
    ("swap-operands", "y = x / y", {"y = (y / x)"}),
    ("swap-operands", "y = x // y", {"y = (y // x)"}),
    ("swap-operands", "y = x % y", {"y = (y % x)"}),
    ("swap-operands", "y = x ** y", {"y = (y ** x)"}),
    ("swap-operands", "y = x @ y", {"y = (y @ x)"}),
    ("swap-operands", "y = x + y * x", set()),
    ("swap-operands", "y = x - x", set()),
    ("swap-operands", "y = np.abs(x - y)", set()),
    ("swap-operands", "y = (x - y).abs()", set()),
    ("swap-operands", "y = (x - y) ** 2", {"y = (2 ** (x - y))"}),
    ("swap-operands", "y = (x - y) ** 3", {"y = (3 ** (x - y))", "y = ((y - x)) ** 3"}),
    ("swap-operands", "y = abs(x / y)", {"y = abs((y / x))"}),
    ("swap-operands", "y = 'a %s' % y", set()),
    ("swap-arguments", "y = g(x, y, 1)", {"y = g(y, x, 1)"}),
    ("swap-arguments", "y = g(x, x)", set()),
    ("swap-arguments", "y = g(*x, y)", set()),
    ("swap-arguments", "y = np.maximum(x, y)", set()),
    ("change-operator", "y = x + y", {"y = (x - y)"}),
    ("change-operator", "y = x - y", {"y = (x + y)"}),
    ("change-operator", "y = x * y", {"y = (x / y)"}),
    ("change-operator", "y = x / y", {"y = (x * y)"}),
    ("change-operator", "y = x // y", {"y = (x / y)"}),
    ("change-operator", "y = x ** y", {"y = (x * y)"}),
    ("change-operator", "y = x & y", {"y = (x | y)"}),
    ("change-operator", "y = x | y", {"y = (x & y)"}),
    ("change-operator", "y = x @ y", set()),
    ("change-operator", "y = 'a' + y", set()),
    ("change-operator", "y += x", {"y -= x"}),
    ("change-operator", "y -= x", {"y += x"}),
    ("change-operator", "y *= x", {"y /= x"}),
    ("change-operator", "y /= x", {"y *= x"}),
    (
        "change-operator",
        "y = x * (y + 1) ** 2",
        {
            "y = (x / (y + 1) ** 2)",
            "y = x * ((y + 1) * 2)",
            "y = x * ((y - 1)) ** 2",
        },
    ),
    ("shift-bound", "y = x < y", {"y = (x <= y)"}),
    ("shift-bound", "y = x <= y", {"y = (x < y)"}),
    ("shift-bound", "y = x > y", {"y = (x >= y)"}),
    ("shift-bound", "y = x >= y", {"y = (x > y)"}),
    ("shift-bound", "y = x == y", {"y = (x != y)"}),
    ("shift-bound", "y = x != y", {"y = (x == y)"}),
    ("shift-bound", "y = x is y", {"y = (x is not y)"}),
    ("shift-bound", "y = x is not y", {"y = (x is y)"}),
    ("shift-bound", "y = x in y", {"y = (x not in y)"}),
    ("shift-bound", "y = x not in y", {"y = (x in y)"}),
    ("shift-bound", "y = 0 <= x < y", {"y = (0 < x < y)", "y = (0 <= x <= y)"}),
    ("shift-bound", "y = range(x)", {"y = range((x - 1))"}),
    ("shift-bound", "y = range(x - 1)", {"y = range((x - 2))"}),
    ("shift-bound", "y = range(x + 1)", {"y = range(x)"}),
    ("shift-bound", "y = range(x, y)", {"y = range((x + 1), y)"}),
    ("shift-bound", "y = range(0, y, 2)", {"y = range(1, y, 2)"}),
    ("shift-bound", "y = x[y:]", {"y = x[y + 1:]"}),
    ("shift-bound", "y = x[:y]", {"y = x[:y - 1]"}),
    ("shift-bound", "y = x[:-1]", {"y = x[:-2]"}),
    ("shift-bound", "y = x[::-1]", {"y = x[:]"}),
    ("shift-bound", "y = x[:, 1:]", {"y = x[:, 2:]"}),
    ("shift-bound", "y = x[0]", {"y = x[1]"}),
    ("shift-bound", "y = x[-1]", {"y = x[0]"}),
    ("shift-bound", "y = x[:, 0]", {"y = x[:, 1]"}),
    ("shift-bound", "y = x['name']", set()),
    ("change-constant", "y = g(0)", {"y = g(1)"}),
    ("change-constant", "y = g(1)", {"y = g(2)", "y = g(0)"}),
    ("change-constant", "y = g(7)", {"y = g(8)"}),
    ("change-constant", "y = g(-1)", {"y = g(0)"}),
    ("change-constant", "y = g(-3)", {"y = g((-2))"}),
    ("change-constant", "y = g(0.5)", {"y = g(1.0)"}),
    ("change-constant", "y = g(0.0)", {"y = g(1.0)"}),
    ("change-constant", "y = g(-0.5)", {"y = g((-1.0))"}),
    ("change-constant", "y = g(True)", {"y = g(False)"}),
    ("change-constant", "y = g(ddof=1)", {"y = g(ddof=2)", "y = g(ddof=0)"}),
    ("change-constant", "y = g(None, 'name', ...)", set()),
    ("change-constant", "y = x.sum(axis=1)", set()),
    ("change-constant", "y = Index(dim=8)", {"y = Index(dim=9)"}),
    ("drop-statement", "self.x = y", {"pass"}),
    ("drop-statement", "self.x: int = y", {"pass"}),
    ("drop-statement", "x[0] = y", {"pass"}),
    ("drop-statement", "y += x", {"pass"}),
    ("drop-statement", "x.append(y)", {"pass"}),
    ("drop-statement", "await x.close()", {"pass"}),
    ("drop-statement", "raise ValueError(x)", {"pass"}),
    ("drop-statement", "del x[0]", {"pass"}),
    ("drop-statement", "y = x", set()),
    ("drop-statement", "return x", set()),
    (
        "drop-statement",
        "with self._lock: return x",
        {"with __import__('contextlib').nullcontext(): return x"},
    ),
    ("drop-statement", "with open(x) as y: return y", set()),
    ("drop-statement", "with self._clock: return x", set()),
    (
        "force-branch",
        "y = x if y else axis",
        {
            "y = x if True else axis",
            "y = x if False else axis",
        },
    ),
    ("force-branch", "y = [v for v in x if v]", {"y = [v for v in x if True]"}),
    ("force-branch", "while x: g()", {"while False: g()"}),
    ("force-branch", "while True: g()", set()),
    ("force-branch", "if x: return y", {"if True: return y", "if False: return y"}),
    ("negate-return", "return x", {"return (-x)"}),
    ("negate-return", "return x - y", {"return (-(x - y))"}),
    ("negate-return", "return 2.0", {"return (-2.0)"}),
    ("negate-return", "return x < y", {"return (not x < y)"}),
    ("negate-return", "return x and y", {"return (not (x and y))"}),
    ("negate-return", "return any(x)", {"return (not any(x))"}),
    ("negate-return", "return Result(x)", set()),
    ("negate-return", "return self", set()),
    ("negate-return", "return None", set()),
    ("negate-return", "return", set()),
    ("negate-return", "return 'name'", set()),
    ("negate-return", "return True", set()),
    ("negate-return", "return 0.0", set()),
    ("negate-return", "return x, y", set()),
    ("negate-return", "return {'x': y}", set()),
    ("negate-return", "return x == y", set()),
    ("negate-return", "return -x", set()),
    ("swap-function", "y = min(x)", {"y = max(x)"}),
    ("swap-function", "y = all(x)", {"y = any(x)"}),
    ("swap-function", "y = sum(x)", set()),
    ("swap-function", "y = x.max()", {"y = x.min()"}),
    ("swap-function", "y = np.sum(x)", {"y = np.mean(x)"}),
    ("swap-function", "y = x.mean()", {"y = x.sum()"}),
    ("swap-function", "y = x.argmin()", {"y = x.argmax()"}),
    ("swap-function", "y = np.floor(x)", {"y = np.ceil(x)"}),
    ("swap-function", "y = np.sin(x)", {"y = np.cos(x)"}),
    ("swap-function", "y = np.log(x)", {"y = np.log1p(x)"}),
    ("swap-function", "y = np.exp(x)", {"y = np.expm1(x)"}),
    ("swap-function", "y = np.zeros(3)", {"y = np.ones(3)"}),
    ("swap-function", "y = np.maximum(x, y)", {"y = np.minimum(x, y)"}),
    ("swap-function", "y = np.triu(x)", {"y = np.tril(x)"}),
    ("swap-function", "y = sorted(x)", {"y = sorted(x, reverse=True)"}),
    ("swap-function", "y = sorted(x, reverse=True)", {"y = sorted(x, reverse=False)"}),
    ("swap-function", "y = sorted(x, reverse=y)", {"y = sorted(x, reverse=(not y))"}),
    ("swap-function", "y = np.sort(x, kind='stable')", set()),
    ("swap-function", "x.append(y)", set()),
    ("swap-function", "x.popitem(last=False)", {"x.popitem(last=True)"}),
    ("swap-function", "x.popitem()", set()),
    ("swap-function", "x.move_to_end(y)", {"x.move_to_end(y, last=False)"}),
    ("swap-function", "y = x.searchsorted(y)", {"y = x.searchsorted(y, side='right')"}),
    (
        "swap-function",
        "y = x.searchsorted(y, side='right')",
        {"y = x.searchsorted(y, side='left')"},
    ),
]


@pytest.mark.parametrize(
    ("operator", "line", "expected"),
    ONE_LINE,
    ids=[f"{operator}: {line}" for operator, line, _ in ONE_LINE],
)
def test_an_operator_makes_exactly_these_lines(
    operator: str, line: str, expected: set[str]
) -> None:
    header = "async def f(x, y, axis):" if "await" in line else "def f(x, y, axis):"
    source = "import numpy as np\n" + body(line, header=header)
    assert changed_lines(source, make_mutants(source), operator) == expected


# Operator, a source where the surroundings matter, and the lines it makes.
IN_CONTEXT: list[tuple[str, str, set[str]]] = [
    (
        "drop-statement",
        body("for v in x:", "    if v: continue", "    break"),
        {"if v: pass", "pass"},
    ),
    ("drop-statement", body("v = x", "v = v + 1", "return v"), {"pass"}),
    ("drop-statement", body("v = 0", "for w in x:", "    v = w"), {"pass"}),
    ("drop-statement", body("if x:", "    v = x", "else:", "    v = y"), set()),
    (
        "drop-statement",
        body("try: g()", "except KeyError: raise"),
        {
            "try: pass",
            "except KeyError: pass",
        },
    ),
    (
        "swap-function",
        "from collections import deque\n" + body("x.append(y)", "y = x.pop()"),
        {"x.appendleft(y)", "y = x.popleft()"},
    ),
    (
        "swap-function",
        body("x.appendleft(y)", "y = x.popleft()"),
        {"x.append(y)", "y = x.pop()"},
    ),
    (
        "swap-function",
        "from collections import OrderedDict\n" + body("x.popitem()"),
        {"x.popitem(last=False)"},
    ),
    ("negate-return", body("return x", header="def f(x) -> bool:"), {"return (not x)"}),
    ("negate-return", body("return x", header="def f(x) -> str:"), set()),
    ("negate-return", body("return x", header="def f(x) -> list[int]:"), set()),
    (
        "change-default",
        body("return x", header="def f(x, k=5, eps=0.1, b=True, s='l2', *, axis=-1):"),
        {
            "def f(x, k=6, eps=0.1, b=True, s='l2', *, axis=-1):",
            "def f(x, k=5, eps=0.2, b=True, s='l2', *, axis=-1):",
            "def f(x, k=5, eps=0.1, b=False, s='l2', *, axis=-1):",
            "def f(x, k=5, eps=0.1, b=True, s='l2', *, axis=0):",
        },
    ),
    ("change-operator", body("return x", header="def f(x, k=2 * SIZE):"), set()),
    (
        "change-operator",
        body("return x", header="def _f(x, k=2 * SIZE):"),
        {"def _f(x, k=(2 / SIZE)):"},
    ),
    (
        "change-operator",
        body("def inner(k=2 * x):", "    return k", "return inner"),
        {"def inner(k=(2 / x)):"},
    ),
    ("change-constant", body("return lambda v=0: v"), {"return lambda v=1: v"}),
]


@pytest.mark.parametrize(("operator", "source", "expected"), IN_CONTEXT)
def test_an_operator_looks_at_what_stands_around(
    operator: str, source: str, expected: set[str]
) -> None:
    assert changed_lines(source, make_mutants(source), operator) == expected


def test_every_operator_has_a_row() -> None:
    rows = [*ONE_LINE, *IN_CONTEXT]
    assert {operator for operator, _, expected in rows if expected} == set(OPERATORS)


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nfrom a import b\nLIMIT = 2 * 3\n",
        "class A:\n    limit: int = 2 * 3\n",
        "@dataclass(frozen=True)\nclass A(Base, size=3):\n    x: int\n",
        body('"""A docstring: 1 + 1."""'),
        body(
            "y: Literal[1, 2]", header="@cache(max=3)\ndef f(x: A[1], y: A[2]) -> A[3]:"
        ),
        body("return f'{x + 1:{y * 2}} 3'"),
        body("logger.info('seen %d', x + 1)", "self._log.debug(x - 1)"),
        body("assert x, y + 1"),
        body("return 1 + x", header="def __repr__(self, x=1):"),
        body("import os", "from a import b"),
        body("return None", header="def f(x, y='l2', z=None, w=()):"),
    ],
)
def test_some_places_are_left_alone(source: str) -> None:
    assert make_mutants(source) == []


def test_of_a_raise_only_the_statement_and_its_branch_change() -> None:
    source = body("if x:", "    raise ValueError('at most', 3 - y) from g(x, 1)")
    kinds = Counter(mutant.operator for mutant in make_mutants(source))
    assert kinds == {"force-branch": 2, "drop-statement": 1}
