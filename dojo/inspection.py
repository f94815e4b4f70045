"""What can be said of a learner's file before any of it runs."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dojo.catalogue import Kata
from dojo.stub import is_untouched
from dojo.verdict import Failure, Place

_ALWAYS_FORBIDDEN = (
    "reference", "solutions", "interviews", "dojo", "hypothesis", "pytest", "_pytest",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A file that parses."""

    path: Path
    text: str
    tree: ast.Module


def place_in(path: Path, line: int, text: str | None = None) -> Place:
    """Return the place with the text of its line."""
    if text is None:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
    lines = text.splitlines()
    shown = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return Place(str(path), line, shown)


def read_source(path: Path) -> Source | Failure:
    """Read and parse a file; a failure says in one line why it cannot be judged."""
    try:
        text = path.read_bytes().decode("utf-8")
        tree = ast.parse(text, str(path))
    except FileNotFoundError:
        return Failure("the file is missing", kind="missing file")
    except UnicodeDecodeError as error:
        return Failure(
            f"the file is not UTF-8 text (byte {error.start})", kind="syntax"
        )
    except SyntaxError as error:
        line = error.lineno or 1
        place = Place(str(path), line, (error.text or "").strip())
        return Failure(
            f"{type(error).__name__}: {error.msg}", kind="syntax", place=place
        )
    except (ValueError, RecursionError, MemoryError) as error:
        return Failure(f"the file does not parse: {error}", kind="syntax")
    return Source(path, text, tree)


def is_not_started(source: Source, stub: str) -> bool:
    """Tell whether the file is the stub as it was handed out."""
    return is_untouched(source.text, stub)


def forbidden_use(source: Source, kata: Kata) -> Failure | None:
    """Return a failure for the first use of what the learner is there to write."""
    banned = (*_ALWAYS_FORBIDDEN, *kata.forbidden)
    for name, line in sorted(dotted_names(source.tree), key=lambda use: use[1]):
        for entry in banned:
            if name == entry or name.startswith(f"{entry}."):
                return not_allowed(name, place_in(source.path, line, source.text))
    return None


def not_allowed(name: str, place: Place | None) -> Failure:
    """Return the failure of code that uses what it is there to replace."""
    return Failure(
        f"`{name}` is not allowed here: writing it is the exercise",
        property="allowed_names",
        sentence="The solution uses none of the calls that it replaces.",
        kind="forbidden",
        place=place,
    )


# By what the refused name begins with.
_NOT_FOR_TESTS = {
    "open": ": they must not read the solution or what judges it",
    "write": ": they write in their own temporary folder only",
}


def not_allowed_in_tests(name: str, place: Place | None) -> Failure:
    """Return the failure of a candidate's tests that do more than test."""
    why = _NOT_FOR_TESTS.get(name.partition("(")[0], "")
    message = f"`{name}` is not allowed in your tests{why}"
    return Failure(message, kind="forbidden", place=place)


def dotted_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield every name that the module takes from a library, in full."""
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
                bound = alias.asname or alias.name.partition(".")[0]
                aliases[bound] = alias.name if alias.asname else bound
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                everything = alias.name == "*"
                full = node.module if everything else f"{node.module}.{alias.name}"
                yield full, node.lineno
                aliases[alias.asname or alias.name] = full
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            full_name = _full_name(node, aliases)
            if full_name:
                yield full_name, node.lineno


def _full_name(node: ast.Attribute, aliases: dict[str, str]) -> str | None:
    parts: list[str] = []
    current: ast.expr = node
    while isinstance(current, ast.Attribute):
        parts.append(current.attr)
        current = current.value
    if not isinstance(current, ast.Name) or current.id not in aliases:
        return None
    return ".".join([aliases[current.id], *reversed(parts)])
