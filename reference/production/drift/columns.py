"""Tables of features as columns without their missing values."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.core.validation import Array, as_vector, require
from reference.production.drift.chi_square import is_missing

Table = Mapping[str, object] | Sequence[Sequence[object]] | ArrayLike
_NUMBERS = (int, float, np.integer, np.floating)
_TRUTH = (bool, np.bool_)


@dataclass(frozen=True)
class Column:
    """The present values of one feature; ``label`` names it in errors."""

    label: str
    values: NDArray[np.generic] | list[Hashable]

    @property
    def is_numeric(self) -> bool:
        """Whether all values are numbers; truth values are categories."""
        if isinstance(self.values, np.ndarray):
            return self.values.dtype.kind in "iuf"
        return all(
            isinstance(value, _NUMBERS) and not isinstance(value, _TRUTH)
            for value in self.values
        )

    def numbers(self) -> Array:
        """Return the values as finite float64, truth values as 0 and 1, in a copy."""
        for value in self.values if isinstance(self.values, list) else ():
            if not isinstance(value, _NUMBERS + _TRUTH):
                raise TypeError(f"{self.label} must be real numbers, got {value!r}")
        if not len(self.values):
            return np.empty(0)
        return as_vector(np.asarray(self.values), self.label).copy()

    def categories(self) -> list[Hashable]:
        """Return the values as Python objects, in a new list."""
        if isinstance(self.values, np.ndarray):
            return list(self.values.tolist())
        return list(self.values)

    def __len__(self) -> int:
        return len(self.values)


def read_table(
    data: Table, argument: str, feature_names: Sequence[str] | None = None
) -> dict[str, Column]:
    """Return the columns of ``data`` by name, in the order of ``feature_names``.

    ``data`` is a mapping of names to vectors, or a table of shape (n, features), which
    ``feature_names`` name, else ``feature_0``, ``feature_1`` and so on. Raises
    ``ValueError`` where the names differ, ``TypeError`` where a value is neither a
    number nor hashable.
    """
    raw = dict(data) if isinstance(data, Mapping) else _split(data, argument)
    if feature_names is not None and not isinstance(data, Mapping):
        expected = f"a table of {len(feature_names)} columns"
        require(len(raw) == len(feature_names), argument, expected, data)
        raw = dict(zip(feature_names, raw.values(), strict=True))
    require(bool(raw), argument, "at least one column", data)
    names = list(raw) if feature_names is None else list(feature_names)
    require_names(argument, raw, names)
    return {name: _read_column(raw[name], f"{argument}[{name!r}]") for name in names}


def require_names(
    argument: str, given: Mapping[str, object], names: Sequence[str]
) -> None:
    """Raise ``ValueError`` unless ``given`` has the columns ``names`` and no other."""
    for name in given:
        if not isinstance(name, str):
            raise TypeError(f"{argument} must have text as names, got {name!r}")
    missing = [name for name in names if name not in given]
    extra = [name for name in given if name not in names]
    if missing or extra:
        told = [f"without {', '.join(missing)}"] if missing else []
        told += [f"with {', '.join(extra)}"] if extra else []
        wanted = ", ".join(names)
        raise ValueError(
            f"{argument} must have the columns {wanted}, got it {' and '.join(told)}"
        )


def _split(data: object, argument: str) -> dict[str, object]:
    """Split a table of shape (n, features) into its columns."""
    if isinstance(data, np.ndarray):
        table = data
    else:  # as objects: numbers beside text stay numbers
        try:
            table = np.array(data, dtype=object)
        except ValueError as error:
            raise ValueError(f"{argument} must be a regular table, {error}") from error
    require(table.ndim == 2, argument, "a mapping or a table of 2 dimensions", data)
    return {f"feature_{i}": table[:, i] for i in range(table.shape[1])}


def _read_column(raw: object, label: str) -> Column:
    """Return a column without missing values, as numbers or as hashable objects."""
    if isinstance(raw, str | bytes):
        raise TypeError(f"{label} must be a vector of values, got {raw!r}")
    values = raw if isinstance(raw, list | tuple) else np.asanyarray(raw)
    if isinstance(values, np.ndarray):
        require(values.ndim == 1, label, "a vector of shape (n,)", values)
        if isinstance(values, np.ma.MaskedArray):
            values = values.compressed()
        if values.dtype.kind in "iub":
            return Column(label, values)
        if values.dtype.kind == "f":
            return Column(label, values[~np.isnan(values)])
        if values.dtype.kind not in "OUS":
            raise TypeError(f"{label} must be numbers or categories, got {raw!r}")
        values = values.tolist()
    return Column(label, _present(values, label))


def _present(values: Sequence[object], label: str) -> list[Hashable]:
    present: list[Hashable] = []
    for value in values:
        if not isinstance(value, Hashable):
            raise TypeError(f"{label} must be hashable values, got {value!r}")
        if not is_missing(value):
            present.append(value)
    return present
