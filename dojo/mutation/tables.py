"""The vocabulary of the mutation operators: which name becomes which."""

import ast

OTHER_AXIS = {0: 1, 1: 0, -1: 0, -2: -1, 2: 1}
AXIS_KEYWORDS = frozenset({"axis", "dim"})
KEEP_KEYWORDS = frozenset({"keepdims", "keepdim"})

OTHER_OPERATOR: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
OTHER_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
NONCOMMUTATIVE = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
SIGN_LOSING = frozenset({"abs", "absolute", "fabs", "square", "norm"})
ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)

# Calls that mean the same, or only crash, with their first two arguments swapped.
UNORDERED_CALLS = frozenset(
    {
        "max",
        "min",
        "maximum",
        "minimum",
        "add",
        "multiply",
        "hypot",
        "array_equal",
        "allclose",
        "isclose",
        "transpose",
        "swapaxes",
        "gcd",
        "zip",
        "isinstance",
        "issubclass",
        "hasattr",
        "getattr",
        "setattr",
        "cast",
        "map",
        "filter",
    }
)
# Calls that make something else of their argument: without them the program only
# crashes, or (keys, cast) nothing changes.
NOT_TRANSFORMATIONS = frozenset(
    {
        "range",
        "len",
        "enumerate",
        "zip",
        "isinstance",
        "issubclass",
        "hasattr",
        "getattr",
        "next",
        "iter",
        "open",
        "print",
        "type",
        "super",
        "cast",
        "id",
        "map",
        "filter",
        "zeros",
        "ones",
        "empty",
        "full",
        "eye",
        "identity",
        "arange",
        "linspace",
        "default_rng",
        "keys",
        "items",
        "get",
        "pop",
        "popleft",
        "popitem",
        "setdefault",
        "acquire",
        "nullcontext",
    }
)
TRANSPOSES = frozenset({"T", "mT"})

BUILTIN_PAIRS = {"min": "max", "max": "min", "any": "all", "all": "any"}
METHOD_PAIRS = {
    **BUILTIN_PAIRS,
    "sum": "mean",
    "mean": "sum",
    "argmin": "argmax",
    "argmax": "argmin",
    "maximum": "minimum",
    "minimum": "maximum",
    "floor": "ceil",
    "ceil": "floor",
    "sin": "cos",
    "cos": "sin",
    "log": "log1p",
    "log1p": "log",
    "exp": "expm1",
    "expm1": "exp",
    "zeros": "ones",
    "ones": "zeros",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "triu": "tril",
    "tril": "triu",
    "bisect_left": "bisect_right",
    "bisect_right": "bisect_left",
    "appendleft": "append",
    "popleft": "pop",
}
DEQUE_PAIRS = {"append": "appendleft", "pop": "popleft"}

# Function: the keyword, its default and its other value.
SWITCHES: dict[str, tuple[str, bool | str, bool | str]] = {
    "sorted": ("reverse", False, True),
    "sort": ("reverse", False, True),
    "searchsorted": ("side", "left", "right"),
    "popitem": ("last", True, False),
    "move_to_end": ("last", True, False),
}

DISPLAYS = (
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.DictComp,
    ast.SetComp,
    ast.GeneratorExp,
    ast.JoinedStr,
)
PREDICATES = frozenset({"isinstance", "issubclass", "any", "all", "bool", "hasattr"})
# A returned value of such a type has no opposite.
WITHOUT_OPPOSITE = frozenset(
    {
        "None",
        "str",
        "bytes",
        "dict",
        "list",
        "tuple",
        "set",
        "frozenset",
        "Self",
        "Iterator",
        "AsyncIterator",
        "Mapping",
        "Sequence",
        "Callable",
    }
)
LOCK_WORDS = frozenset({"lock", "rlock", "mutex", "semaphore"})
