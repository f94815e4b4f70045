"""Machine-made mutants of a Python source: what a kata's properties must catch.

A mutant is the source with one place changed as a person might get it wrong.
``make_mutants`` only writes them; nothing is run here.
"""

import ast
import copy
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from dojo.mutation.edits import Edit
from dojo.mutation.operators import OPERATORS
from dojo.mutation.sites import Function, Site, mutation_sites

# A shorter snippet says too little about where it stands.
_INFORMATIVE = 12
_SHOWN = 48
_LEAD = 12

# Replacements that no neighbour can tear apart.
_ATOMS = (ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Call, ast.List)


@dataclass(frozen=True)
class Mutant:
    """One changed copy of a module's source.

    ``key`` names it stably (it holds no line number), ``operator`` is the kind of
    mistake, ``line`` the 1-based line of the original where the change begins and
    ``source`` the whole mutated module.
    """

    key: str
    operator: str
    line: int
    source: str


def make_mutants(source: str) -> list[Mutant]:
    """Return the mutants of a module in the order of their places in the source.

    Each one compiles, and no two have the same syntax tree, nor that of ``source``.
    Raises ``SyntaxError`` where the source itself does not parse.
    """
    tree = ast.parse(source)
    starts = _line_starts(source.encode())
    seen = {(place, ast.dump(part)) for place, part in enumerate(tree.body)}
    found: list[tuple[tuple[int, ...], str, str, str]] = []
    for rank, operator, site, edit in _edits(tree):
        mutated = apply_edit(source, edit, starts)
        part = _part_of(tree, site)
        form = _compiled_form(mutated, part)
        if form is not None and (part, form) not in seen:
            seen.add((part, form))
            target = edit.target
            place = (target.lineno, target.col_offset, rank, len(found))
            found.append((place, operator, _key(site, edit), mutated))
    return _numbered(found)


def _edits(tree: ast.Module) -> Iterator[tuple[int, str, Site, Edit]]:
    sites = list(mutation_sites(tree))
    for rank, (name, operator) in enumerate(OPERATORS.items()):
        for site in sites:
            for edit in operator(site):
                yield rank, name, site, edit


def _part_of(tree: ast.Module, site: Site) -> int:
    """Return which of the module's statements the site stands in."""
    outermost = site.ancestors[-2]
    return next(place for place, part in enumerate(tree.body) if part is outermost)


def _compiled_form(source: str, part: int) -> str | None:
    """Return the syntax tree of one statement, or None where the module is invalid."""
    with warnings.catch_warnings():
        # Such as "is" with a literal: the mutant is meant to be odd.
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
            compile(tree, "<mutant>", "exec", dont_inherit=True)
        except SyntaxError:
            return None
    return ast.dump(tree.body[part])


def _numbered(found: list[tuple[tuple[int, ...], str, str, str]]) -> list[Mutant]:
    times: Counter[str] = Counter()
    mutants = []
    for place, operator, key, mutated in sorted(found):
        times[key] += 1
        unique = key if times[key] == 1 else f"{key} #{times[key]}"
        mutants.append(Mutant(unique, operator, place[0], mutated))
    return mutants


def apply_edit(source: str, edit: Edit, starts: list[int] | None = None) -> str:
    """Return the source with one span rewritten, its number of lines unchanged.

    ``starts`` are the byte offsets of the lines, if the caller already has them.
    """
    data = source.encode()
    starts = starts or _line_starts(data)
    target = edit.target
    last_line = target.end_lineno or target.lineno
    begin = starts[target.lineno - 1] + target.col_offset
    end = starts[last_line - 1] + (target.end_col_offset or 0)
    text = _rendered(edit, last_line - target.lineno)
    return (data[:begin] + text.encode() + data[end:]).decode()


def _line_starts(data: bytes) -> list[int]:
    """Return the offset of each line in bytes, as syntax trees count columns."""
    return [0, *(newline.end() for newline in re.finditer(rb"\r\n?|\n", data))]


def _rendered(edit: Edit, line_breaks: int) -> str:
    text = ast.unparse(edit.replacement)
    padding = "\n" * max(0, line_breaks - text.count("\n"))
    if isinstance(edit.target, ast.stmt | ast.Slice):
        return text + padding
    if not padding and isinstance(edit.replacement, _ATOMS):
        return text
    return f"({text}{padding})"


def _key(site: Site, edit: Edit) -> str:
    before, after = _snippets(site, edit)
    return f"{site.function}: {_shortened(before, after)}"


def _snippets(site: Site, edit: Edit) -> tuple[str, str]:
    """Show the edit in the smallest expression or statement that says something."""
    if edit.label:
        before, after = ast.unparse(edit.target), ast.unparse(edit.replacement)
        return edit.label + before, edit.label + after
    shown: ast.AST = edit.target
    for outer in (site.node, *site.ancestors):
        if isinstance(shown, ast.stmt) or len(_headline(shown)) >= _INFORMATIVE:
            break
        if isinstance(outer, Function | ast.ClassDef):
            break
        if isinstance(outer, ast.expr | ast.stmt):
            shown = outer
    # To copy with the target already "copied" is to substitute it.
    changed = copy.deepcopy(shown, {id(edit.target): edit.replacement})
    return _headline(shown), _headline(changed)


def _headline(node: ast.AST) -> str:
    """Return the code of a node in one line: of a compound statement, its first."""
    if isinstance(node, ast.expr):
        return " ".join(ast.unparse(node).split())
    return ast.unparse(node).partition("\n")[0]


def _shortened(before: str, after: str) -> str:
    """Join two snippets; of long ones show the part where they begin to differ."""
    start = 0
    if max(len(before), len(after)) > _SHOWN:
        start = max(0, _first_difference(before, after) - _LEAD)
    return f"{_window(before, start)} -> {_window(after, start)}"


def _first_difference(left: str, right: str) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    shorter = min(len(left), len(right))
    return next((place for place, (a, b) in pairs if a != b), shorter)


def _window(text: str, start: int) -> str:
    shown = f"…{text[start:]}" if start else text
    if len(shown) <= _SHOWN:
        return shown
    # What stands last tells a swap from a drop.
    half = _SHOWN // 2
    return f"{shown[:half]}…{shown[1 - half :]}"
