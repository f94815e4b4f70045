"""A terminal's display: where the characters end up that a program writes."""

import codecs
import re

_CONTROL = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")


class Display:
    """Rows of characters and a cursor; colours are left out."""

    def __init__(self, rows: int = 24, columns: int = 80) -> None:
        self._cells = [[" "] * columns for _ in range(rows)]
        self._row = self._column = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self.asked = 0  # how often the program asked where the cursor stands

    @property
    def lines(self) -> list[str]:
        """What is seen, without the blanks at the ends of lines."""
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def position(self) -> bytes:
        """The answer to where the cursor stands."""
        return f"\x1b[{self._row + 1};{self._column + 1}R".encode()

    def write(self, data: bytes) -> None:
        """Take what the program wrote."""
        text = self._rest + self._decoder.decode(data)
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._put(text[at])
                at += 1
                continue
            control = _CONTROL.match(text, at)
            if control is None:  # the rest of it is still to come
                break
            self._obey(control[1], control[2])
            at = control.end()
        self._rest = text[at:]

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\b":
            self._column = max(0, self._column - 1)
        elif character == "\n":
            self._down()
        elif character >= " ":
            if self._column == len(self._cells[0]):
                self._column = 0
                self._down()
            self._cells[self._row][self._column] = character
            self._column += 1

    def _down(self) -> None:
        if self._row + 1 < len(self._cells):
            self._row += 1
        else:
            self._cells = [*self._cells[1:], [" "] * len(self._cells[0])]

    def _obey(self, argument: str, command: str) -> None:
        many = int(argument) if argument.isdigit() else 1
        last_row, last_column = len(self._cells) - 1, len(self._cells[0]) - 1
        match command:
            case "A":
                self._row = max(0, self._row - many)
            case "B":
                self._row = min(last_row, self._row + many)
            case "C":
                self._column = min(last_column, self._column + many)
            case "D":
                self._column = max(0, self._column - many)
            case "K":
                self._blank(self._row)
            case "J":
                for row in range(self._row, last_row + 1):
                    self._blank(row)
            case "n":
                self.asked += 1

    def _blank(self, row: int) -> None:
        """Blank a row from the cursor on; one below the cursor's wholly."""
        begin = self._column if row == self._row else 0
        self._cells[row][begin:] = [" "] * (len(self._cells[0]) - begin)
