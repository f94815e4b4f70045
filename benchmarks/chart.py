"""The results as a picture: a bar for each ratio, on a logarithmic axis."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchmarks.results import Measured, Results, Row
from benchmarks.table import quantity, times

# Told apart by those who see no red or green, and in grey (Okabe and Ito's palette).
_MET, _MISSED, _NO_GOAL = "#0072B2", "#D55E00", "#8A8A8A"
_COLOUR = {True: _MET, False: _MISSED, None: _NO_GOAL}
_LINES = {1.0: "-", 1.5: "--"}
_TICKS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_WIDTH = 10.0
_ROW, _HEADER, _FOOTER = 0.36, 0.75, 0.6
# What stands right of the bars: the columns end this far from the axis, in points.
_COLUMNS = (52, 112)
_HEADINGS = ("ratio", "our time")


def draw(results: Results, file: Path) -> None:
    """Write the picture."""
    groups = [
        (group.title, rows)
        for group in results.groups
        if (rows := [row for row in group.rows if row.measured])
    ]
    heights = [len(rows) for _, rows in groups]
    height = _ROW * (sum(heights) + 1.6 * len(groups)) + _HEADER + _FOOTER
    with mpl.rc_context({"font.size": 11, "font.family": "DejaVu Sans"}):
        figure = Figure((_WIDTH, height), dpi=160)
        axes = figure.subplots(
            len(groups), sharex=True, squeeze=False, height_ratios=heights
        )[:, 0]
        for axis, (title, rows) in zip(axes, groups, strict=True):
            _panel(axis, title, rows)
        _scale(axes[-1], [row.measured for _, rows in groups for row in rows])
        _write(axes[0], _HEADINGS, axes[0].get_ylim()[1] - 0.35)
        figure.text(
            0.02, 1 - 0.1 / height, "Our time divided by the peer's",
            fontsize=15, va="top",
        )  # fmt: skip
        figure.legend(
            handles=_legend(), ncols=5, loc="upper left", frameon=False, fontsize=10,
            bbox_to_anchor=(0.01, 1 - 0.42 / height), borderaxespad=0,
            handlelength=1.6, columnspacing=1.4,
        )  # fmt: skip
        figure.tight_layout(rect=(0, 0, 1, 1 - _HEADER / height), h_pad=0.8)
        figure.savefig(file, facecolor="white")


def _panel(axis: Axes, title: str, rows: list[Row]) -> None:
    """Draw the bars of one group, from 1× to the ratio, with the range of pairs."""
    for ratio, style in _LINES.items():
        axis.axvline(ratio, color="#333333", linestyle=style, linewidth=1.2, zorder=1)
    for place, row in enumerate(rows):
        if row.measured is not None:
            _bar(axis, place, row, row.measured)
    axis.set_yticks(
        range(len(rows)), [f"{row.case.short}\nvs {row.case.peer}" for row in rows]
    )
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.tick_params("y", length=0, labelsize=9.5)
    axis.set_title(title, loc="left", fontsize=12, fontweight="bold")
    axis.grid(axis="x", color="#E4E4E4", zorder=0)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _bar(axis: Axes, place: int, row: Row, measured: Measured) -> None:
    colour = _COLOUR[row.met]
    axis.barh(
        place, measured.ratio - 1, left=1, height=0.56, color=colour, alpha=0.85,
        zorder=2,
    )  # fmt: skip
    axis.plot(
        [measured.least, measured.most], [place, place], color="black", linewidth=1.3,
        zorder=3,
    )  # fmt: skip
    axis.plot(measured.ratio, place, "o", color=colour, mec="black", ms=5.5, zorder=4)
    if row.case.ratio is not None:
        axis.plot(
            [row.case.ratio] * 2, [place - 0.36, place + 0.36], color="#009E73",
            linewidth=3, zorder=3, solid_capstyle="butt",
        )  # fmt: skip
    _write(axis, (times(measured.ratio), quantity(measured.ours, row.case.unit)), place)


def _write(axis: Axes, texts: Sequence[str], place: float) -> None:
    """Write the columns right of the axis, at the height of ``place``."""
    for text, column in zip(texts, _COLUMNS, strict=True):
        axis.annotate(
            text, (1.0, place), xycoords=("axes fraction", "data"),
            xytext=(column, 0), textcoords="offset points", ha="right", va="center",
            fontsize=10, annotation_clip=False,
        )  # fmt: skip


def _scale(axis: Axes, measured: list[Measured | None]) -> None:
    """Set one logarithmic axis for all, just wide enough."""
    least = min(one.least for one in measured if one)
    most = max(one.most for one in measured if one)
    axis.set_xscale("log")
    axis.set_xlim(min(least / 1.15, 0.45), max(most * 1.15, 2.2))
    inside = [tick for tick in _TICKS if axis.get_xlim()[0] <= tick <= most * 1.15]
    axis.set_xticks(inside, [f"{tick:g}×" for tick in inside])
    axis.set_xticks([], minor=True)
    axis.set_xlabel("faster than the peer  ←   1×   →  slower than the peer")


def _legend() -> list[Patch | Line2D]:
    return [
        Patch(color=_MET, alpha=0.85, label="goal met"),
        Patch(color=_MISSED, alpha=0.85, label="goal missed"),
        Patch(color=_NO_GOAL, alpha=0.85, label="no goal for the ratio"),
        Line2D([], [], color="#009E73", linewidth=3, label="goal"),
        Line2D([], [], color="black", linewidth=1.3, label="range of pairs"),
    ]
