import inspect
import operator
import sys
import types

import pytest

from dojo.stub import Parameter, is_untouched, public_signatures, same_statement
from tests.dojo.stub_cases import SOLUTION, STUB, tidy

ADD = tidy(
    '''
    """Add."""


    def add(a: int, b: int = 0) -> int:
        """Return the sum."""
        raise NotImplementedError


    class Sum:
        """A sum."""

        @property
        def total(self) -> int:
            raise NotImplementedError
    '''
)


@pytest.mark.parametrize(
    ("old", "new", "untouched", "same"),
    [
        ("", "", True, True),
        ("b: int = 0", "b:int=0,  # note\n", True, True),
        ("Return the sum.", "Return the sum.\n\n    Note: easy.", True, False),
        ('"""Add."""', "", True, False),
        (
            "    raise NotImplementedError\n\n\nclass",
            "    return a\n\n\nclass",
            False,
            True,
        ),
        ("Error\n\n\nclass", "Error\n\n\ndef mine(): ...\n\n\nclass", False, True),
        ("@property", "@functools.cached_property", False, True),
        ("def add", "@njit\ndef add", False, True),
        ("b: int = 0", "b: int = 1", False, False),
        ("b: int = 0", "b: int", False, False),
        ("-> int", "-> float", False, False),
        ("def add", "async def add", False, False),
        ("    @property\n", "", False, False),
        ("class Sum", "class Sum(list)", False, False),
        ("class Sum", "class Total", False, False),
        ("def add", "def sum", False, False),
        ("def add", "def add(", False, False),
        ("Add", "\0", False, False),
    ],
)
def test_what_a_learner_may_change(
    old: str, new: str, untouched: bool, same: bool
) -> None:
    text = ADD.replace(old, new, 1)
    assert (text != ADD) == (old != new)
    assert is_untouched(text, ADD) is untouched
    assert same_statement(text, ADD) is same


def test_a_solution_has_been_started() -> None:
    assert not is_untouched(SOLUTION, STUB)


def test_a_changed_field_is_a_changed_statement() -> None:
    assert not same_statement(STUB.replace("y: float = 0.0", "y: float"), STUB)


SIGNED = tidy(
    """
    from __future__ import annotations

    from dataclasses import KW_ONLY, InitVar, dataclass, field
    from typing import ClassVar, NamedTuple


    def f(a, /, b: int, c: str = "x", *args: int, d, e: list[int] = [], **rest) -> int:
        raise NotImplementedError


    def g(*, a: int = 1) -> None:
        raise NotImplementedError


    def h(a=1, /): ...


    class Plain:
        pass


    class Base:
        def __init__(self, a: int, *, b: float = 1.5) -> None: ...

        def method(self, x: int = 3) -> Base: ...

        @classmethod
        def make(cls, *values: float) -> Base: ...

        @staticmethod
        def parse(text: str) -> Base: ...

        async def fetch(self, /, key: str): ...

        class Inner:
            def deep(self): ...


    class Child(Base):
        def __len__(self) -> int: ...


    @dataclass(frozen=True)
    class Entry:
        key: str
        seed: InitVar[int]
        count: ClassVar[int] = 0
        hidden: int = field(default=1, init=False)
        size: int = field(default=2)
        children: list[str] = field(default_factory=list)
        label: str = field(kw_only=True)
        _: KW_ONLY
        weight: float


    @dataclass(frozen=True)
    class Longer(Entry):
        more: int = 0
        size: int = 7


    @dataclass(kw_only=True)
    class Named:
        a: int
        b: int = 2


    class Pair(NamedTuple):
        x: float
        y: float = 0.0
    """
)


def test_signatures_are_those_that_inspect_gives() -> None:
    module = types.ModuleType("katas.signed")
    sys.modules["katas.signed"] = module
    try:
        exec(SIGNED, module.__dict__)  # noqa: S102 - our own text above
    finally:
        del sys.modules["katas.signed"]
    found = public_signatures(SIGNED)
    assert [name for name in found if "." not in name] == [
        *("f", "g", "h", "Plain", "Base", "Child", "Entry", "Longer", "Named", "Pair")
    ]
    for name, ours in found.items():
        theirs = inspect.signature(operator.attrgetter(name)(module))
        assert ours.parameters == tuple(
            Parameter(item.name, item.kind, item.default is not item.empty)
            for item in theirs.parameters.values()
        ), name
        line = SIGNED.splitlines()[ours.line - 1]
        assert line.split("(")[0].rstrip(":").endswith(name.rpartition(".")[2])


def test_a_signature_is_told_in_one_line() -> None:
    found = public_signatures(STUB)
    assert found["softmax"].text == (
        "softmax(x: ArrayLike, axis: int = -1, *,"
        " scale: Callable[[float], float] = lambda value: value) -> Array"
    )
    assert found["Cache"].text == (
        "Cache(max_size: int = LIMIT, serializer: Literal['json', 'math'] = 'json')"
    )
    assert found["Cache.get"].text == "Cache.get(self, key: str | int) -> str | int"
    assert found["Cache.size"].text == "Cache.size -> int"
    assert [name for name in found if found[name].is_property] == [
        "Cache.ratio",
        "Cache.size",
    ]
    assert "Cache.__len__" in found
    assert "Cache._touch" not in found
