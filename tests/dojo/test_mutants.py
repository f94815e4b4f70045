"""The mutant maker: its keys, its text, and what holds for every source."""

import ast
import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dojo.mutants import Mutant, apply_edit, make_mutants
from dojo.mutation.operators import OPERATORS
from dojo.mutation.sites import mutation_sites

ROOT = Path(__file__).parents[2]
# Enough of the repository for variety, little enough for seconds.
FILES = 12
LONGEST = 6_000


def body(*lines: str, header: str = "def f(x, y, axis):") -> str:
    """Make a function of these lines, on line 2 and after."""
    return "\n".join([header, *(f"    {line}" for line in lines), ""])


def test_keys_name_the_function_and_both_snippets() -> None:
    source = """\
def softmax(x, axis=-1):
    return g(x - x.max(axis=axis))

class LRUCache:
    def get(self, key):
        def live():
            return self.clock() < 3
        with lock:
            self.hits += 1
            return live()
"""
    keys = [mutant.key for mutant in make_mutants(source)]
    assert keys == list(dict.fromkeys(keys))
    assert set(keys) >= {
        "softmax: axis=-1 -> axis=0",
        "softmax: x - x.max(axis=axis) -> x",
        "softmax: x.max(axis=axis) -> x.max()",
        "LRUCache.get.live: self.clock() < 3 -> self.clock() <= 3",
        "LRUCache.get: self.hits += 1 -> pass",
        "LRUCache.get: return live() -> return -live()",
        "LRUCache.get: with lock: -> with __import__('contextlib').nullcontext():",
    }


def test_equal_keys_are_numbered_in_source_order() -> None:
    source = body("x.append(y)", "g()", "x.append(y)", "x.append(y)")
    dropped = [m for m in make_mutants(source) if "append(y) -> pass" in m.key]
    assert [(mutant.key, mutant.line) for mutant in dropped] == [
        ("f: x.append(y) -> pass", 2),
        ("f: x.append(y) -> pass #2", 4),
        ("f: x.append(y) -> pass #3", 5),
    ]


def test_a_long_key_shows_where_the_snippets_differ() -> None:
    terms = " + ".join(f"term_{i}" for i in range(30))
    source = body(f"return g({terms}, axis=0)")
    (key,) = [m.key for m in make_mutants(source) if m.operator == "change-axis"]
    assert key == "f: …rm_29, axis=0) -> …rm_29, axis=1)"


def test_long_keys_of_different_mutants_differ() -> None:
    long = f"g({', '.join(f'term_{i}' for i in range(30))})"
    keys = [mutant.key for mutant in make_mutants(body(f"y = x - {long}"))]
    cut = "g(term_0, term_1, term_2…m_27, term_28, term_29)"
    swapped = "g(term_0, term_1, term_2…, term_28, term_29) - x"
    whole = "x - g(term_0, term_1, te…m_27, term_28, term_29)"
    assert {f"f: {whole} -> {cut}", f"f: {whole} -> {swapped}"} <= set(keys)
    assert not [key for key in keys if "#" in key]


def test_lines_hold_their_numbers_when_the_place_spans_several() -> None:
    source = body("return g(", "    x,", "    y,", ") - (", "    x", ")", "# end")
    mutants = make_mutants(source)
    assert mutants
    for mutant in mutants:
        lines = mutant.source.splitlines()
        assert (len(lines), lines[-1]) == (8, "    # end")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_columns_are_counted_in_bytes(newline: str) -> None:
    source = newline.join(
        ["# ∂", "def f(x):", "    'β'; é = '∑→'; return g('ü', é) < x"]
    )
    expected = {
        "'β'; é = '∑→'; return (g('ü', é) <= x)",
        "'β'; é = '∑→'; return g(é, 'ü') < x",
        "'β'; é = '∑→'; return (not g('ü', é) < x)",
    }
    lines = {mutant.source.split(newline)[2].strip() for mutant in make_mutants(source)}
    assert lines == expected


def test_a_mutant_that_would_not_compile_is_not_made() -> None:
    source = body("g(", "    1", "); h()")
    assert "f: g(1) -> pass" not in {mutant.key for mutant in make_mutants(source)}


def test_an_invalid_source_is_refused() -> None:
    with pytest.raises(SyntaxError):
        make_mutants("def f(:")


def corpus() -> list[str]:
    """Name some of the repository's shorter files, evenly spread."""
    names = sorted(
        str(path.relative_to(ROOT))
        for folder in ("dojo", "reference", "solutions")
        for path in (ROOT / folder).rglob("*.py")
        if 1_000 <= path.stat().st_size <= LONGEST
    )
    return names[:: max(1, len(names) // FILES)][:FILES]


@cache
def mutants_of(name: str) -> tuple[str, list[Mutant]]:
    source = (ROOT / name).read_text(encoding="utf-8")
    return source, make_mutants(source)


def spans(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """Yield the lines of every statement; of a compound one, those of its header."""
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            inner: list[ast.stmt] = getattr(node, "body", [])
            last = node.end_lineno or node.lineno
            yield node.lineno, max(node.lineno, inner[0].lineno - 1) if inner else last


@pytest.mark.parametrize("name", corpus())
def test_mutants_compile_and_all_differ(name: str) -> None:
    source, mutants = mutants_of(name)
    forms = [ast.dump(ast.parse(mutant.source)) for mutant in mutants]
    for mutant in mutants:
        compile(mutant.source, mutant.key, "exec")
    assert len({ast.dump(ast.parse(source)), *forms}) == len(mutants) + 1


@pytest.mark.parametrize("name", corpus())
def test_keys_are_unique_single_lines_in_source_order(name: str) -> None:
    _, mutants = mutants_of(name)
    assert len({mutant.key for mutant in mutants}) == len(mutants)
    for mutant in mutants:
        function, _, snippets = mutant.key.partition(": ")
        assert len(snippets) <= 110
        assert mutant.key.isprintable()
        assert function.replace(".", "").isidentifier()
    lines = [mutant.line for mutant in mutants]
    assert lines == sorted(lines)


@pytest.mark.parametrize("name", corpus())
def test_a_mutant_changes_lines_of_one_statement(name: str) -> None:
    source, mutants = mutants_of(name)
    original = source.splitlines()
    places = list(spans(ast.parse(source)))
    for mutant in mutants:
        pairs = zip(original, mutant.source.splitlines(), strict=True)
        changed = [n for n, (a, b) in enumerate(pairs, start=1) if a != b]
        assert any(
            first <= min(changed[0], mutant.line) and changed[-1] <= last
            for first, last in places
        ), mutant.key


@pytest.mark.parametrize("name", corpus())
def test_a_comment_and_a_function_elsewhere_change_no_key(name: str) -> None:
    source, mutants = mutants_of(name)
    added = "\n\ndef zzz_unrelated(x):\n    return x - 1\n"
    edited = make_mutants(f"# ∂: 1 + 1\n{source}{added}")
    kept = [m for m in edited if not m.key.startswith("zzz_unrelated: ")]
    assert len(edited) > len(kept)
    assert [(m.key, m.line - 1) for m in kept] == [(m.key, m.line) for m in mutants]


@pytest.mark.parametrize("name", corpus())
def test_the_text_says_what_the_operator_meant(name: str) -> None:
    """The rewritten span parses to the tree with just that node replaced."""
    source, _ = mutants_of(name)
    tree = ast.parse(source)
    for site in mutation_sites(tree):
        for operator in OPERATORS.values():
            for edit in operator(site):
                part = site.ancestors[-2]
                place = next(i for i, p in enumerate(tree.body) if p is part)
                meant = copy.deepcopy(part, {id(edit.target): edit.replacement})
                written = ast.parse(apply_edit(source, edit)).body[place]
                assert ast.dump(written) == ast.dump(meant)


def test_the_same_source_gives_the_same_mutants() -> None:
    source, mutants = mutants_of("reference/core/validation.py")
    assert make_mutants(source) == mutants
    assert len(mutants) > 30
