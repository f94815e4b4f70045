"""The data of the examples; as a program (``python -m``) this writes the files.

Both tables are synthetic, drawn from the formulas below with a fixed seed, and say
nothing about any person, town or company.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import numpy as np

LICENCE = (
    "# Synthetic data made by reference/production/serving/example_data.py; "
    "MIT licence, as the repository."
)
_SEED = 20_240_607
_ROWS = 240


def churn(rng: np.random.Generator) -> Iterator[list[object]]:
    """Yield customers: short tenure and many calls make leaving likelier."""
    yield ["tenure_months", "support_calls", "monthly_price", "outcome"]
    for _ in range(_ROWS):
        tenure = int(rng.integers(1, 72))
        calls = int(rng.poisson(2))
        price = round(float(rng.uniform(10, 60)), 2)
        score = 0.8 * calls - 0.06 * tenure + 0.03 * price + rng.normal(0, 0.5)
        yield [tenure, calls, price, "leaves" if score > 0.6 else "stays"]


def rent(rng: np.random.Generator) -> Iterator[list[object]]:
    """Yield flats: the rent grows with the area and falls with the distance."""
    yield ["area_m2", "rooms", "distance_km", "rent_eur"]
    for _ in range(_ROWS):
        area = round(float(rng.uniform(20, 140)), 1)
        rooms = max(1, round(area / 28 + float(rng.normal(0, 0.5))))
        distance = round(float(rng.exponential(5)), 1)
        euros = 220 + 11.5 * area + 25 * rooms - 18 * distance + rng.normal(0, 40)
        yield [area, rooms, distance, round(max(150.0, float(euros)), 2)]


def tables() -> dict[str, str]:
    """Return the content of both files by name; the same at every call."""
    return {
        "synthetic_churn.csv": _text(churn(np.random.default_rng(_SEED))),
        "synthetic_rent.csv": _text(rent(np.random.default_rng(_SEED + 1))),
    }


def read(name: str) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a shipped file."""
    file = resources.files("reference.production.serving") / "data" / name
    lines = file.read_text(encoding="utf-8").splitlines()
    header, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    return header, rows


def _text(rows: Iterator[Sequence[object]]) -> str:
    buffer = io.StringIO()
    buffer.write(LICENCE + "\n")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


if __name__ == "__main__":
    folder = Path(__file__).parent / "data"
    folder.mkdir(exist_ok=True)
    for file_name, content in tables().items():
        (folder / file_name).write_text(content, encoding="utf-8")
