"""The results as Markdown."""

from benchmarks.results import Group, Measured, Results, Row

_HEAD = (
    "| What | Ours | Peer | Ratio (min–max) | Goal | Met | Why not |\n"
    "|---|---:|---|---:|---:|:-:|---|"
)


_METHOD = (
    "Written by `nox -s bench`. A ratio is our time divided by the peer's: below 1 we "
    "are faster. Both run in turns, one pair after the other; the ratio is the median "
    "of the pairs' ratios, with the smallest and the largest, and the times are "
    "medians. Where bytes stand in the place of times they are measured once."
)


def markdown(results: Results) -> str:
    """Return the page: a paragraph on the method, and a table for each group."""
    lines = [
        "# Benchmarks",
        "",
        _METHOD,
        "",
        f"Measured on {results.date}: {results.machine}.",
        "",
        "![Ratios of our time to the peer's](results.png)",
    ]
    for group in results.groups:
        lines += ["", *_section(group)]
    return "\n".join(lines) + "\n"


def _section(group: Group) -> list[str]:
    rows = [_row(row) for row in group.rows]
    return [f"## {group.title}", "", group.note, "", _HEAD, *rows]


def _row(row: Row) -> str:
    case, measured = row.case, row.measured
    if measured is None:
        return f"| {case.what} | not measured | {case.peer} | | {goal(row)} | | |"
    what = f"{case.what} ({measured.detail})" if measured.detail else case.what
    met = {True: "yes", False: "**no**", None: ""}[row.met]
    why = (case.missed or "not explained yet") if row.met is False else ""
    cells = (
        what,
        quantity(measured.ours, case.unit),
        f"{case.peer}: {quantity(measured.peer, case.unit)}",
        _ratio(measured),
        goal(row),
        met,
        why,
    )
    return f"| {' | '.join(cells)} |"


def _ratio(measured: Measured) -> str:
    least, most = times(measured.least), times(measured.most)
    return f"**{times(measured.ratio)}** ({least}–{most})"


def goal(row: Row) -> str:
    """Return the goal, as in ``≤ 1.5×`` or ``≤ 2 s``; empty where there is none."""
    if row.case.ratio is not None:
        return f"≤ {row.case.ratio:g}×"
    return "" if row.case.seconds is None else f"≤ {row.case.seconds:g} s"


def times(ratio: float) -> str:
    """Return a ratio to two digits behind the point, and to fewer where it is large."""
    return f"{ratio:.2f}×" if ratio < 10 else f"{ratio:.0f}×"


def quantity(value: float, unit: str) -> str:
    """Return seconds or bytes in a unit that suits, to three digits."""
    return f"{value / 1024:.3g} KiB" if unit == "bytes" else duration(value)


def duration(seconds: float) -> str:
    """Return seconds in the unit that suits, to three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
