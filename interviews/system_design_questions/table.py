"""Read TOML tables strictly: nothing missing, nothing unknown, the right types."""

from collections.abc import Mapping

Table = Mapping[str, object]


class PromptError(ValueError):
    """A prompt's file that cannot be accepted, in one line."""


class Reader:
    """Takes the keys of one table; ``finish`` refuses those that nobody took."""

    def __init__(self, table: object, where: str) -> None:
        if not isinstance(table, dict):
            raise PromptError(f"{where} must be a table, got {table!r}")
        self.left: dict[str, object] = dict(table)
        self.where = where

    def text(self, key: str, default: str | None = None) -> str:
        """Take a text; not empty unless there is a default."""
        value = self._take(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(key, "a text that says something", value)
        return value.strip()

    def number(self, key: str) -> float:
        """Take a number."""
        value = self._take(key, None)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, "a number", value)
        return float(value)

    def maybe_number(self, key: str) -> float | None:
        """Take a number, or nothing where there is none."""
        return self.number(key) if key in self.left else None

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Take a true or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false", value)
        return value

    def texts(self, key: str, default: list[str] | None = None) -> tuple[str, ...]:
        """Take a list of texts; not empty unless there is a default."""
        value = self._take(key, default)
        if not isinstance(value, list) or (default is None and not value):
            raise self.wrong(key, "a list of texts", value)
        if not all(isinstance(one, str) and one.strip() for one in value):
            raise self.wrong(key, "a list of texts", value)
        return tuple(value)

    def tables(self, key: str, least: int = 0) -> tuple[Table, ...]:
        """Take an array of tables, of at least ``least``."""
        value = self._take(key, [])
        if not isinstance(value, list) or len(value) < least:
            raise self.wrong(key, f"at least {least} tables", value)
        return tuple(value)

    def named(self, key: str) -> dict[str, Table]:
        """Take a table of tables, by name."""
        value = self._take(key, None)
        if not isinstance(value, dict) or not value:
            raise self.wrong(key, "a table of tables", value)
        return value

    def finish(self) -> None:
        """Refuse what is left."""
        if self.left:
            raise PromptError(f"{self.where}: unknown {', '.join(sorted(self.left))}")

    def wrong(self, key: str, expected: str, given: object) -> PromptError:
        """Say what ``key`` must be."""
        return PromptError(f"{self.where}: {key} must be {expected}, got {given!r:.80}")

    def _take(self, key: str, default: object) -> object:
        if key not in self.left:
            if default is None:
                raise PromptError(f"{self.where}: {key} is missing")
            return default
        return self.left.pop(key)
