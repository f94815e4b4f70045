"""Worked solutions, tidy and nasty, with the stubs expected of them."""

from textwrap import dedent

NOT_WRITTEN = "    raise NotImplementedError\n"


def tidy(text: str) -> str:
    return dedent(text).lstrip("\n")


# A solution as an author writes it: everything here is laid out by ruff format.
SOLUTION = tidy(
    '''
    """Softmax: σ(x)ᵢ = exp(xᵢ) / Σⱼ exp(xⱼ).  # part of the statement

    Write both functions.
    """

    from __future__ import annotations

    import json
    import math
    import os.path as path
    from collections import OrderedDict, deque
    from collections.abc import Callable, Iterator
    from dataclasses import KW_ONLY, dataclass, field
    from enum import Enum
    from functools import cached_property, lru_cache
    from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol, overload

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    if TYPE_CHECKING:
        from decimal import Decimal
        from fractions import Fraction

    __all__ = ["Cache", "softmax"]

    Array = NDArray[np.float64]  # what comes out
    EPSILON = 1e-12  # guards the logarithm

    COLOURS = {
        "red": "#f00",  # warm
        # cold ones
        "blue": "#00f",
    }
    _SECRET = deque([1, 2])


    # The shift by the maximum.
    def _shifted(x: Array, axis: int) -> Array:
        """Subtract the maximum."""
        return x - x.max(axis=axis, keepdims=True)


    @lru_cache(maxsize=None)
    def softmax(
        x: ArrayLike,  # any shape
        axis: int = -1,
        *,
        scale: Callable[[float], float] = lambda value: value,
    ) -> Array:  # same shape
        """Return softmax of ``x`` — über ``axis``.

        # not a comment
        """
        # stable form
        shifted = _shifted(np.asarray(x), axis)

        def normalise(z: Array) -> Array:
            return z / z.sum(axis=axis, keepdims=True)

        return normalise(np.exp(shifted * scale(1.0)))


    class Shape(Protocol):
        """Anything with an area."""

        def area(self) -> Decimal:
            """Return the area."""


    class Colour(Enum):
        """A colour."""

        RED = "#f00"
        BLUE = "#00f"  # cold

        def mixed(self) -> str:
            """Return the mixed colour."""
            return self.value + "0"


    class Point(NamedTuple):
        """A point."""

        x: float
        y: float = 0.0


    @dataclass(frozen=True, slots=True)
    class Entry:
        """What the cache holds."""

        key: str
        children: list[Entry] = field(default_factory=list)  # ordered
        size: ClassVar[int] = 3
        _: KW_ONLY
        weight: float = 1.0
        _age: int = field(default=0, init=False)


    class Cache:
        """A cache."""

        LIMIT = 10  # entries
        entries: OrderedDict[str, Entry]
        _hits: int = 0

        def __init__(
            self, max_size: int = LIMIT, serializer: Literal["json", "math"] = "json"
        ) -> None:
            # least recent first
            self.max_size = max_size
            self._entries = OrderedDict()

        def __len__(self) -> int:
            return len(self._entries)

        @overload
        def get(self, key: str) -> str: ...

        @overload
        def get(self, key: int) -> int: ...

        def get(self, key: str | int) -> str | int:
            """Return the value."""
            self._touch(key)
            return json.loads(path.basename(str(math.pi)))

        @cached_property
        def ratio(self) -> float:
            """Hits per request."""
            return self._hits / 2

        @property
        def size(self) -> int:
            return len(self)

        @size.setter
        def size(self, value: int) -> None:
            self.max_size = value

        @staticmethod
        def empty() -> Cache:
            return Cache()

        @classmethod
        async def load(cls, *names: str, **options: object) -> Iterator[Cache]:
            """Load caches."""
            async for name in names:
                yield cls(name)

        def _touch(self, key: str) -> None:
            self._entries.move_to_end(key)


    class Missing(KeyError):
        pass


    if __name__ == "__main__":
        print(softmax([1, 2]))
    '''
)

STUB = tidy(
    '''
    """Softmax: σ(x)ᵢ = exp(xᵢ) / Σⱼ exp(xⱼ).  # part of the statement

    Write both functions.
    """

    from __future__ import annotations

    from collections import OrderedDict
    from collections.abc import Callable, Iterator
    from dataclasses import KW_ONLY, dataclass, field
    from enum import Enum
    from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol, overload

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    if TYPE_CHECKING:
        from decimal import Decimal

    __all__ = ["Cache", "softmax"]

    Array = NDArray[np.float64]
    EPSILON = 1e-12

    COLOURS = {
        "red": "#f00",
        "blue": "#00f",
    }


    def softmax(
        x: ArrayLike,
        axis: int = -1,
        *,
        scale: Callable[[float], float] = lambda value: value,
    ) -> Array:
        """Return softmax of ``x`` — über ``axis``.

        # not a comment
        """
        raise NotImplementedError


    class Shape(Protocol):
        """Anything with an area."""

        def area(self) -> Decimal:
            """Return the area."""


    class Colour(Enum):
        """A colour."""

        RED = "#f00"
        BLUE = "#00f"

        def mixed(self) -> str:
            """Return the mixed colour."""
            raise NotImplementedError


    class Point(NamedTuple):
        """A point."""

        x: float
        y: float = 0.0


    @dataclass(frozen=True, slots=True)
    class Entry:
        """What the cache holds."""

        key: str
        children: list[Entry] = field(default_factory=list)
        size: ClassVar[int] = 3
        _: KW_ONLY
        weight: float = 1.0


    class Cache:
        """A cache."""

        LIMIT = 10
        entries: OrderedDict[str, Entry]

        def __init__(
            self, max_size: int = LIMIT, serializer: Literal["json", "math"] = "json"
        ) -> None:
            raise NotImplementedError

        def __len__(self) -> int:
            raise NotImplementedError

        @overload
        def get(self, key: str) -> str: ...

        @overload
        def get(self, key: int) -> int: ...

        def get(self, key: str | int) -> str | int:
            """Return the value."""
            raise NotImplementedError

        @property
        def ratio(self) -> float:
            """Hits per request."""
            raise NotImplementedError

        @property
        def size(self) -> int:
            raise NotImplementedError

        @size.setter
        def size(self, value: int) -> None:
            raise NotImplementedError

        @staticmethod
        def empty() -> Cache:
            raise NotImplementedError

        @classmethod
        async def load(cls, *names: str, **options: object) -> Iterator[Cache]:
            """Load caches."""
            raise NotImplementedError


    class Missing(KeyError):
        pass
    '''
)

# name: (source, stub). The sources are as untidy as Python allows.
NASTY = {
    "nothing": ("", "\n"),
    "only comments": ("# one\n# two\n", "\n"),
    "one line": ("def f(): return 1", "def f():\n" + NOT_WRITTEN),
    "one line of two": ("def f(x): x = 1; return x\n", "def f(x):\n" + NOT_WRITTEN),
    "one line docstring": (
        'def f(): "What # f does."; return 1',
        'def f():\n    "What # f does."\n' + NOT_WRITTEN,
    ),
    "docstring alone": (
        'def f():\n    """Do."""\n',
        'def f():\n    """Do."""\n' + NOT_WRITTEN,
    ),
    "empty class": ("class A(Exception): pass", "class A(Exception):\n    pass\n"),
    "class emptied": (
        "class A:\n    _x = 1\n    def _f(self): return 2\n",
        "class A:\n    pass\n",
    ),
    "semicolons": ("A = 1; _B = 2; C = '#;'; print(A)\n", "A = 1\nC = '#;'\n"),
    "hash in strings": (
        "def f(a='#', b=\"'#\", c=r'\\#', d=f'#{1}'):  # no\n    return '# gone'\n",
        "def f(a='#', b=\"'#\", c=r'\\#', d=f'#{1}'):\n" + NOT_WRITTEN,
    ),
    "hash in a string of lines": (
        'A = """\n# kept\n\n   end # kept """  # gone\n',
        'A = """\n# kept\n\n   end # kept """\n',
    ),
    "comments in a signature": (
        "def f(  # one\n    # two\n    a,  # three\n\n    b,\n):  # four\n    pass\n",
        "def f(\n    a,\n    b,\n):\n" + NOT_WRITTEN,
    ),
    "decorators over lines": (
        (
            "@route(\n    '/',\n)\n@staticmethod\n# why\n"
            "@dataclass(  # no\n    eq=True,\n)\nclass A:\n    x: int\n"
        ),
        "@staticmethod\n@dataclass(\n    eq=True,\n)\nclass A:\n    x: int\n",
    ),
    "nested": (
        "def f():\n    class A:\n        def g(self): return 1\n    return A\n",
        "def f():\n" + NOT_WRITTEN,
    ),
    "class in class": (
        "class A:\n    class B:\n        def g(self): return 1\n    class _C: pass\n",
        (
            "class A:\n    class B:\n        def g(self):\n            "
            "raise NotImplementedError\n"
        ),
    ),
    "lambdas and a walrus": (
        "def f(a=lambda x: {x: 1}, b=(n := 3), *, c=[i for i in '#']) -> int: return 1",
        "def f(a=lambda x: {x: 1}, b=(n := 3), *, c=[i for i in '#']) -> int:\n"
        + NOT_WRITTEN,
    ),
    "colons in annotations": (
        "def f(a: 'int' = 1, b: dict[int, str] = {1: 'a'}) -> x[1:2]: return b\n",
        "def f(a: 'int' = 1, b: dict[int, str] = {1: 'a'}) -> x[1:2]:\n" + NOT_WRITTEN,
    ),
    "async": (
        (
            "class A:\n    async def __aenter__(self):\n        async with b as c:\n"
            "            return await c\n"
        ),
        "class A:\n    async def __aenter__(self):\n    " + NOT_WRITTEN,
    ),
    "tabs": (
        "class A:\n\tB = [\n\t\t1,\n\t]\n\tdef f(self,\n\t\tx):\n\t\treturn x\n",
        (
            "class A:\n    B = [\n    \t1,\n    ]\n\n    def f(self,\n    \tx):\n"
            "        raise NotImplementedError\n"
        ),
    ),
    "carriage returns": (
        '"""Two\r\nlines."""\r\nA = 1\r\ndef f():\r\n    return A\r\n',
        '"""Two\nlines."""\n\nA = 1\n\n\ndef f():\n' + NOT_WRITTEN,
    ),
    "byte order mark": ("\ufeffA = 1  # one\n", "A = 1\n"),
    "bytes before a column": (
        (
            'É = "é🙂"; B = "ü"; _c = "ö"; D = "🙂#"  # 🙂\n'
            'def f(x="é"): "ß🙂"; return "x"\n'
        ),
        'É = "é🙂"\nB = "ü"\nD = "🙂#"\n\n\ndef f(x="é"):\n    "ß🙂"\n' + NOT_WRITTEN,
    ),
    "form feed and odd line ends": (
        'A = "\x0c\x1c\u2028"\n\x0c\ndef f():\n    return A\n',
        'A = "\x0c\x1c\u2028"\n\n\ndef f():\n' + NOT_WRITTEN,
    ),
    "line continuation": (
        "A = 1 + \\\n    2\ndef f(x, \\\n      y): \\\n    return x\n",
        "A = 1 + \\\n    2\n\n\ndef f(x, \\\n      y):\n" + NOT_WRITTEN,
    ),
    "conditional imports": (
        (
            "try:\n    import numba\nexcept ImportError:\n    numba = None\n"
            "if True:\n    import os\nimport sys\nVERSION = sys.version\n"
        ),
        "import sys\n\nVERSION = sys.version\n",
    ),
    "type checking imports": (
        (
            "import typing\nif typing.TYPE_CHECKING:\n    import a, b.c\n"
            "    import d.e as f\n    from .. import g, h as i\n"
            "X: 'b.c.D | f.G | list[i]'\n"
        ),
        (
            "import typing\n\nif typing.TYPE_CHECKING:\n    import b.c\n"
            "    import d.e as f\n    from .. import h as i\n\n"
            "X: 'b.c.D | f.G | list[i]'\n"
        ),
    ),
    "type checking emptied": (
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\n"
            "def f():\n    return a\n"
        ),
        "def f():\n" + NOT_WRITTEN,
    ),
    "a literal names no import": (
        (
            "import json\nfrom typing import Literal\n\n"
            "def f(x: Literal['json'] | None): return json\n"
        ),
        "from typing import Literal\n\n\n"
        "def f(x: Literal['json'] | None):\n" + NOT_WRITTEN,
    ),
    "re-exports": (
        "from os import path, sep\n__all__ = ['path']\n",
        "from os import path\n\n__all__ = ['path']\n",
    ),
    "assignments": (
        (
            "A = B = 1\nC, *D = 1, 2\nE += 1\nF: int\nA[0] = 1\nA.x = 1\n"
            "__version__ = 1\n"
            "_G = _H = 1\ndel A\n"
        ),
        "A = B = 1\nC, *D = 1, 2\nE += 1\nF: int\n",
    ),
    "dunders of a class": (
        (
            "class A:\n    __slots__ = ('_x',)\n    __hash__ = None\n"
            "    def __eq__(self, other): return True\n"
            "    def __private(self): return 1\n"
        ),
        "class A:\n    def __eq__(self, other):\n        raise NotImplementedError\n",
    ),
    "abstract methods": (
        (
            "class A(ABC):\n    @abstractmethod\n    def f(self):\n        '''Do.'''\n"
            "    @abstractmethod\n    def g(self):\n        '''Do.'''\n"
            "        return 1\n"
            "    @abc.abstractmethod\n    def h(self): ...\n"
        ),
        (
            "class A(ABC):\n    @abstractmethod\n    def f(self):\n"
            "        '''Do.'''\n\n"
            "    @abstractmethod\n    def g(self):\n        '''Do.'''\n"
            "        raise NotImplementedError\n\n"
            "    @abc.abstractmethod\n    def h(self): ...\n"
        ),
    ),
    "a body of dots": ("def f(): ...\n", "def f():\n" + NOT_WRITTEN),
    "no final line end, a comment": ("A = 1\n# end", "A = 1\n"),
    "an implicit docstring": (
        'def f():\n    ("one "  # no\n     "two")\n    return 1\n',
        'def f():\n    ("one "\n     "two")\n' + NOT_WRITTEN,
    ),
}
