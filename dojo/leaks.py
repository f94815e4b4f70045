"""The check that a stub gives nothing of its solution away.

It reads tokens only, and shares no code with the generator, so that a mistake there
is not repeated here. Each statement is either open (signature, import, public
constant) or hidden (in a body, private, or run); no hidden statement of the
solution may be found in the stub.
"""

import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

_TRIVIAL = frozenset(
    {
        "...",
        "break",
        "continue",
        "else :",
        "finally :",
        "pass",
        "raise NotImplementedError",
        "return",
        "return None",
        "return self",
        "try :",
    }
)
_OPEN_DECORATORS = frozenset(
    {
        *("property", "setter", "deleter", "staticmethod", "classmethod"),
        *("abstractmethod", "overload", "override", "final", "dataclass"),
        *("contextmanager", "asynccontextmanager", "runtime_checkable"),
    }
)
_COMPOUND = frozenset(
    {
        *("if", "elif", "else", "for", "while", "with", "try", "except", "finally"),
        *("def", "class", "async", "match", "case"),
    }
)
_SPACE = frozenset(
    {tokenize.NL, tokenize.COMMENT, tokenize.ENCODING, tokenize.ENDMARKER}
)

_Words = list[tokenize.TokenInfo]


@dataclass(frozen=True)
class _Statement:
    key: str  # its tokens, one space apart
    shown: str  # its first line
    hidden: bool
    is_import: bool


def leaked_lines(stub: str, source: str) -> list[str]:
    """Return the lines and comments of ``stub`` that give away those of ``source``.

    Both must be valid Python. A statement counts if it is hidden in the source and
    more than trivial, wherever it stands in the stub; docstrings do not count.
    """
    secrets = {item.key for item in _statements(source) if item.hidden} - _TRIVIAL
    told = {item.key for item in _statements(source) if not item.hidden}
    leaks = [
        item.shown
        for item in _statements(stub)
        if item.key in secrets
        and (item.hidden or not (item.is_import or item.key in told))
    ]
    prose = set(_comments(source))
    return leaks + [comment for comment in _comments(stub) if comment in prose]


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text, newline=None).readline)


def _comments(text: str) -> list[str]:
    return [
        token.string.lstrip("#: ")
        for token in _tokens(text)
        if token.type == tokenize.COMMENT
    ]


def _statements(text: str) -> Iterator[_Statement]:
    """Yield every statement that is not a bare string, open or hidden."""
    blocks: list[bool] = []  # of each block around: is what stands in it hidden?
    for depth, words in _parts(text):
        del blocks[depth:]
        inside = any(blocks)
        hidden = inside or not _is_open(words)
        if words[-1].string == ":":
            shows = words[0].string == "class" or _is_type_checking(words)
            blocks.append(hidden or not shows)
        if all(word.type == tokenize.STRING or word.string in "()" for word in words):
            continue
        yield _Statement(
            key=" ".join(word.string for word in words),
            shown=_shown(words),
            hidden=hidden,
            is_import=words[0].string in ("import", "from"),
        )


def _parts(text: str) -> Iterator[tuple[int, _Words]]:
    """Yield each simple statement or header, with the depth of its block."""
    depth = 0
    words: _Words = []
    for token in _tokens(text):
        if token.type in (tokenize.INDENT, tokenize.DEDENT):
            depth += 1 if token.type == tokenize.INDENT else -1
        elif token.type == tokenize.NEWLINE:
            yield from _split(words, depth)
            words = []
        elif token.type not in _SPACE:
            words.append(token)


def _split(words: _Words, depth: int) -> Iterator[tuple[int, _Words]]:
    """Part a logical line at its semicolons and behind the colon of its header."""
    nesting = 0
    lambdas = 0
    start = 0
    header = words[0].string in _COMPOUND
    for index, word in enumerate(words):
        text = word.string
        nesting += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
        lambdas += nesting == 0 and text == "lambda"
        if nesting or text not in (":", ";"):
            continue
        if text == ";":
            yield depth, words[start:index]
            start = index + 1
        elif lambdas:
            lambdas -= 1
        elif header:
            yield depth, words[start : index + 1]
            start, depth, header = index + 1, depth + 1, False
    if start < len(words):
        yield depth, words[start:]


def _is_open(words: _Words) -> bool:
    """Tell whether a statement at the level of module or class is for all to see."""
    texts = [word.string for word in words if word.string != "async"]
    match texts:
        case ["def" | "class", name, *_]:
            return not _is_underscored(name)
        case ["@", *rest]:
            names = rest[: rest.index("(")] if "(" in rest else rest
            return names[-1] in _OPEN_DECORATORS
        case ["import" | "from", *_]:
            return True
        case ["_", ":", *_]:  # the marker of keyword-only fields
            return True
        case [name, ":" | "=" | "," | "+=" | "|=", *_]:
            return not name.startswith("_") or name == "__all__"
    return _is_type_checking(words)


def _is_underscored(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _is_type_checking(words: _Words) -> bool:
    """Tell whether a header is that of imports for the type checker."""
    condition = "".join(word.string for word in words[1:])
    return condition in ("TYPE_CHECKING:", "typing.TYPE_CHECKING:")


def _shown(words: _Words) -> str:
    first = words[0]
    last = [word for word in words if word.start[0] == first.start[0]][-1]
    if last.end[0] > first.start[0]:
        return first.line[first.start[1] :].split("\n")[0].rstrip()
    return first.line[first.start[1] : last.end[1]]
