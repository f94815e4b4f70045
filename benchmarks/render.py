"""``python -m benchmarks.render bench.json`` writes the table and the picture."""

import sys
from pathlib import Path

from benchmarks.chart import draw
from benchmarks.results import read_results
from benchmarks.table import markdown

FOLDER = Path(__file__).parent


def main() -> None:
    """Render the run whose JSON file is named; tell what is missed unexplained."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.render FILE, as --benchmark-json wrote")
    results = read_results(Path(sys.argv[1]))
    (FOLDER / "RESULTS.md").write_text(markdown(results), encoding="utf-8")
    draw(results, FOLDER / "results.png")
    for group in results.groups:
        for row in group.rows:
            if row.met is False and not row.case.missed:
                sys.stderr.write(f"missed, and no reason given: {row.case.name}\n")


if __name__ == "__main__":
    main()
