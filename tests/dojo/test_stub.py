import ast
import importlib.util
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo.stub import StubError, is_untouched, leaked_lines, make_stub, same_statement
from tests.dojo.stub_cases import NASTY, SOLUTION, STUB


@pytest.fixture(params=[*NASTY, "a whole solution"])
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    return {**NASTY, "a whole solution": (SOLUTION, STUB)}[request.param]


def test_the_stub_is_exactly_what_is_expected(case: tuple[str, str]) -> None:
    source, stub = case
    assert make_stub(source) == stub


def test_the_stub_of_a_stub_is_itself(case: tuple[str, str]) -> None:
    assert make_stub(case[1]) == case[1]


def test_expected_stubs_are_python_and_leak_nothing(case: tuple[str, str]) -> None:
    source, stub = case
    ast.parse(stub)
    assert leaked_lines(stub, source) == []


def test_a_solution_answers_its_own_statement(case: tuple[str, str]) -> None:
    source, stub = case
    assert same_statement(source.removeprefix("\ufeff"), stub)


def test_a_long_import_is_wrapped_and_a_shortened_one_is_not() -> None:
    names = [f"name_number_{number}" for number in range(5)]
    listed = ", ".join(names)
    wrapped = "".join(f"    {name},\n" for name in names)
    use = f"ALL = {listed}\n"
    source = f"from module import (\n{wrapped})\n\n{use}"
    assert make_stub(f"from module import {listed}\n{use}") == source
    shorter = use.replace(", name_number_4", "")
    imported = f"from module import {', '.join(names[:4])}\n"
    assert make_stub(source.replace(use, shorter)) == f"{imported}\n{shorter}"


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("_N = 1\ndef f(x=_N): return x\n", 2, "_N"),
        ("_N = 1\ndef f(x=lambda: _N): return x\n", 2, "_N"),
        ("class _T: pass\ndef f(\n    x: _T,\n): return x\n", 3, "_T"),
        ("class _T: pass\ndef f(x: 'list[_T]'): return x\n", 2, "_T"),
        ("class _T: pass\nasync def f() -> '_T': return x\n", 2, "_T"),
        ("class _T: pass\nclass A(_T): pass\n", 2, "_T"),
        ("class _T(type): pass\nclass A(metaclass=_T): pass\n", 2, "_T"),
        ("def _g(): return 1\n\nA = [\n    _g(),\n]\n", 4, "_g"),
        ("def _g(): return 1\nclass A:\n    x: int = _g()\n", 3, "_g"),
        ("class A:\n    _N = 1\n    def f(self, n=_N): return n\n", 3, "_N"),
        ("class A:\n    _N = 1\ndef f(n=A._N): return n\n", 3, "A._N"),
        ("_N = 1\n@dataclass(order=_N)\nclass A: pass\n", 2, "_N"),
        ("for i in range(3): pass\nA = i\n", 2, "i"),
        ("try:\n    import a\nexcept E:\n    a = None\ndef f(x: a.B): pass\n", 5, "a"),
        ("_f = 1\n__all__ = ['_f']\n", 2, "_f"),
        ("A, _B = 1, 2\n", 1, "public and private names at once, A, _B"),
        ("def f(): return 1\nA = f()\n", 2, "would call f"),
        ("class A:\n    def __init__(self): pass\nB = A()\n", 3, "would call A"),
        ("class A:\n    @staticmethod\n    def f(): pass\nB = A.f()\n", 4, "call A.f"),
        ("def f(x):\n    return 1 +\n", 2, "not Python, invalid syntax"),
    ],
)
def test_what_a_stub_cannot_say_is_refused(source: str, line: int, reason: str) -> None:
    with pytest.raises(StubError) as refused:
        make_stub(source)
    message = str(refused.value)
    assert message.startswith(f"line {line}: ")
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "source",
    [
        "def g(): return 1\nA = [lambda: g()]\n",
        "class A:\n    x: int = 1\nB = A()\n",
        "import numpy as _np\nA = _np.pi\n",
        "_n = 1\nA = [m for m in 'ab']\ndef f(): return _n\n",
        "def f(_n=1): return _n\n",
    ],
)
def test_what_a_stub_can_say_is_not_refused(source: str) -> None:
    ast.parse(make_stub(source))


# Properties of any source ------------------------------------------------------------

SNIPPETS = [source.replace("\r\n", "\n") for source, _ in NASTY.values()]


@st.composite
def sources(draw: st.DrawFn) -> str:
    """Several of the untidy sources in one module, in any order and spacing."""
    parts = draw(st.lists(st.sampled_from(SNIPPETS), max_size=5))
    gaps = st.sampled_from(["\n", "\n\n\n", "\n# secret\n", "\n_p = [0]\n\n"])
    text = "".join(part.removeprefix("\ufeff") + draw(gaps) for part in parts)
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@given(sources())
def test_any_stub_is_python_stable_and_tight(source: str) -> None:
    stub = make_stub(source)
    assert ast.parse(stub) is not None
    assert make_stub(stub) == stub
    assert leaked_lines(stub, source) == []
    assert stub.endswith("\n")
    assert not stub.endswith("\n\n")
    assert is_untouched(stub, stub)
    assert same_statement(source, stub)


@given(sources())
def test_any_stub_keeps_no_comment_and_no_body(source: str) -> None:
    stub = make_stub(source)
    tokens = tokenize.generate_tokens(io.StringIO(stub).readline)
    assert all(token.type != tokenize.COMMENT for token in tokens)
    for node in ast.walk(ast.parse(stub)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            said = ast.get_docstring(node) is not None
            rest = [ast.unparse(item) for item in node.body[said:]]
            assert rest in (["raise NotImplementedError"], ["..."], [])
            assert rest or node.decorator_list  # only a declaration has no body


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="needs ruff")
def test_the_stub_of_a_tidy_solution_is_tidy(tmp_path: Path) -> None:
    def ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "ruff",
            *arguments,
            "--isolated",
            str(tmp_path),
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    files = {tmp_path / "solution.py": SOLUTION}
    for number, (name, (source, _)) in enumerate(NASTY.items()):
        # There a comment alone keeps the line break.
        if name != "an implicit docstring":
            files[tmp_path / f"nasty_{number}.py"] = source
    for file, source in files.items():
        file.write_bytes(source.encode())
    assert ruff("format", "--exit-non-zero-on-format").returncode == 1
    assert (tmp_path / "solution.py").read_text(encoding="utf-8") == SOLUTION
    for file in files:
        file.write_text(make_stub(file.read_text(encoding="utf-8")), encoding="utf-8")
    assert ruff("format", "--diff").stdout == ""
    (tmp_path / "solution.py").rename(tmp_path / "stub.py")
    for file in files:
        file.unlink(missing_ok=True)
    lint = ruff("check", "--select=F401,F811,F821,F822,I", "--target-version=py311")
    assert lint.returncode == 0, lint.stdout
