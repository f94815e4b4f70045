"""``python -m benchmarks.recall_curve bench.json`` draws ``hnsw.png``.

Recall and queries a second over the effort ``ef``, ours beside hnswlib's, from what
``test_vectors.py`` measured.
"""

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

# Told apart by those who see no red or green, and in grey (Okabe and Ito's palette).
_STYLES = {"HNSW": ("#0072B2", "o", "-"), "hnswlib": ("#D55E00", "s", "--")}
_TITLE = "HNSW, 100,000 × 64 standard normal, M = 16, one thread"

Curve = dict[str, list[tuple[int, float, float]]]


def read_curve(file: Path) -> Curve:
    """Return (ef, recall, queries a second) of each rival; ``ValueError`` if absent."""
    for one in json.loads(file.read_text(encoding="utf-8"))["benchmarks"]:
        if "curve" in one["extra_info"]:
            curve: Curve = one["extra_info"]["curve"]
            return curve
    raise ValueError(f"file must hold a run of test_vectors.py, got {file}")


def draw(curve: Curve, file: Path) -> None:
    """Draw a line for each rival; up and to the right is better."""
    with mpl.rc_context({"font.size": 11, "font.family": "DejaVu Sans"}):
        figure = Figure((7.5, 5.0), dpi=160)
        axis = figure.subplots()
        for name, points in curve.items():
            colour, marker, line = _STYLES[name]
            efforts, recalls, rates = zip(*points, strict=True)
            axis.plot(
                recalls, rates, color=colour, marker=marker, linestyle=line,
                label="ours" if name == "HNSW" else name,
            )  # fmt: skip
            above = name == max(curve, key=lambda one: curve[one][-1][2])
            for effort, recall, rate in zip(efforts, recalls, rates, strict=True):
                if above:
                    axis.annotate(
                        f"ef {effort}", (recall, rate), xytext=(5, 5),
                        textcoords="offset points", fontsize=8, color="#555555",
                    )  # fmt: skip
        axis.axvline(0.95, color="#333333", linewidth=1, linestyle=":")
        axis.set_yscale("log")
        axis.set_xlabel("recall@10")
        axis.set_ylabel("queries a second (logarithmic)")
        axis.set_title(_TITLE, loc="left", fontsize=11)
        axis.grid(which="both", color="#E4E4E4")
        axis.set_axisbelow(True)
        axis.legend(frameon=False)
        figure.tight_layout()
        figure.savefig(file, facecolor="white")


def main() -> None:
    """Draw the run whose JSON file is named."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.recall_curve FILE")
    draw(read_curve(Path(sys.argv[1])), Path(__file__).with_name("hnsw.png"))


if __name__ == "__main__":
    main()
