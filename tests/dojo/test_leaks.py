import pytest

from dojo.stub import leaked_lines
from tests.dojo.stub_cases import SOLUTION, STUB


@pytest.mark.parametrize(
    ("planted", "leaks"),
    [
        ("        return len(self._entries)", ["return len(self._entries)"]),
        ("        return len(\n            self._entries)", ["return len("]),
        ("        x = 1; self.max_size = value", ["self.max_size = value"]),
        ("        if x: yield cls(name)", ["yield cls(name)"]),
        ("_SECRET = deque([1, 2])", ["_SECRET = deque([1, 2])"]),
        ("    _hits: int = 0", ["_hits: int = 0"]),
        ("@lru_cache(maxsize=None)\ndef g(): ...", ["@lru_cache(maxsize=None)"]),
        (
            "def _shifted(x: Array, axis: int) -> Array: ...",
            ["def _shifted(x: Array, axis: int) -> Array:"],
        ),
        (
            "def normalise(z: Array) -> Array: ...",
            ["def normalise(z: Array) -> Array:"],
        ),
        (
            "shifted = _shifted(np.asarray(x), axis)",
            ["shifted = _shifted(np.asarray(x), axis)"],
        ),
        ("print(softmax([1, 2]))", ["print(softmax([1, 2]))"]),
        ("        # least recent first", ["least recent first"]),
        ("A = 1  # guards the logarithm", ["guards the logarithm"]),
        ("B = '# guards the logarithm'", []),
        ("        return 'something else'", []),
        ("        pass", []),
    ],
)
def test_a_planted_leak_is_found(planted: str, leaks: list[str]) -> None:
    assert leaked_lines(STUB + planted + "\n", SOLUTION) == leaks


def test_a_whole_solution_leaks_all_of_itself() -> None:
    leaks = leaked_lines(SOLUTION, SOLUTION)
    bodies = ["normalise", "np.exp", "json.loads", "move_to_end", "self.value", "print"]
    for text in bodies:
        assert any(text in leak for leak in leaks), text
    assert not any("EPSILON" in leak or "Return" in leak for leak in leaks)


def test_what_is_both_open_and_hidden_is_no_leak_where_it_is_open() -> None:
    source = "N = 3\n\ndef f():\n    N = 3\n    from a import b\n    return N\n"
    assert leaked_lines("N = 3\n", source) == []
    assert leaked_lines("from a import b\nN = b\n", source) == []
    assert leaked_lines("def f():\n    N = 3\n", source) == ["N = 3"]
