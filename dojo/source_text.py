"""A source's own text, cut at the positions of its syntax tree, without comments."""

import ast
import io
import tokenize

Position = tuple[int, int]


class SourceText:
    """Lines of valid Python source that know their comments, strings and headers.

    A position is a line, from 1, and a column in characters, from 0.
    """

    def __init__(self, source: str) -> None:
        self.lines = source.split("\n")
        self._comments: dict[int, int] = {}
        self._in_string: set[int] = set()
        self._header_ends: dict[int, Position] = {}
        depth = 0
        header = None
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            line, column = token.start
            text = token.string
            if token.type == tokenize.COMMENT:
                self._comments[line] = column
            elif token.end[0] > line:  # only strings span lines
                self._in_string.update(range(line + 1, token.end[0] + 1))
            elif token.type == tokenize.NAME and text in ("def", "class"):
                header = line
            elif token.type == tokenize.OP and text in "([{}])":
                depth += 1 if text in "([{" else -1
            elif text == ":" and depth == 0 and header is not None:
                self._header_ends[header] = token.end
                header = None

    def statement(self, node: ast.stmt | ast.expr, indent: str) -> str:
        """Return the text of ``node``, its first line indented by ``indent``."""
        line, offset = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._cut(self._start(node), (line, self._column(line, offset)), indent)

    def header(self, node: ast.stmt, indent: str) -> str:
        """Return the text of a definition from ``def`` or ``class`` to its colon."""
        return self._cut(self._start(node), self._header_ends[node.lineno], indent)

    def has_blank_line(self, first: int, last: int) -> bool:
        """Tell whether a line between the lines ``first`` and ``last`` is blank."""
        return any(not line.strip() for line in self.lines[first : last - 1])

    def _start(self, node: ast.stmt | ast.expr) -> Position:
        return node.lineno, self._column(node.lineno, node.col_offset)

    def _column(self, line: int, offset: int) -> int:
        """Turn an offset of ``ast``, in bytes of UTF-8, into one in characters."""
        return len(self.lines[line - 1].encode()[:offset].decode())

    def _cut(self, start: Position, end: Position, indent: str) -> str:
        opening = self.lines[start[0] - 1]
        old_indent = opening[: len(opening) - len(opening.lstrip())]
        pieces = []
        for number in range(start[0], end[0] + 1):
            line = self.lines[number - 1]
            stop = self._comments.get(number, len(line))
            piece = line[: min(stop, end[1]) if number == end[0] else stop]
            if number + 1 not in self._in_string:
                piece = piece.rstrip()
            if number == start[0]:
                pieces.append(indent + piece[start[1] :])
            elif number in self._in_string:
                pieces.append(piece)
            elif piece:
                pieces.append(indent + piece.removeprefix(old_indent))
        return "\n".join(pieces)
