"""The truth table on the screen."""

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from dojo.screen import Line, Span, line, wants_colour
from dojo.session import tell
from dojo.truth import COLUMNS, Row


def print_table(
    fill: Callable[[Callable[[int, int], None]], dict[str, Row]], *, verbose: bool
) -> bool:
    """Fill the table behind a progress bar, print it; tell whether all of it holds."""
    console = Console(stderr=True)
    with Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("proving", total=None)
        rows = fill(lambda done, total: bar.update(task, completed=done, total=total))
    lines: list[Line] = []
    for row in rows.values():
        lines += _row_lines(row)
        if verbose:
            lines += [
                line(Span(f"      {result:<9}{name}", "dim"))
                for name, result in sorted(row.outcomes.get("mutants", []))
            ]
    bad = [row for row in rows.values() if not (row.holds and row.complete)]
    lines += [line(), _closing(len(rows), len(bad), rows)]
    tell(lines, colour=wants_colour())
    return not bad


def _row_lines(row: Row) -> list[Line]:
    style = "red" if not row.holds else "green" if row.complete else "yellow"
    mark = "✗" if not row.holds else "✓" if row.complete else "…"
    lines = [line(Span(f"{mark} {row.kata.path}", style))]
    spans = []
    for column in COLUMNS:
        finding = row.findings.get(column)
        if finding is not None:
            shown = f"{column} {finding.text}"
            spans.append(Span(shown, "" if finding.holds else "bold red"))
    lines += _flowed(spans)
    for finding in row.findings.values():
        lines += [line(Span(f"    ✗ {detail}", "red")) for detail in finding.details]
    return lines


def _flowed(spans: list[Span]) -> list[Line]:
    """Lay cells out in lines of at most 80 columns."""
    lines: list[list[Span]] = [[]]
    used = 4
    for span in spans:
        if used + len(span.text) > 78 and lines[-1]:
            lines.append([])
            used = 4
        lines[-1].append(span)
        used += len(span.text) + 3
    return [line("    ", *_joined(row)) for row in lines]


def _joined(spans: list[Span]) -> list[Span]:
    parts = [part for span in spans for part in (Span(" · ", "dim"), span)]
    return parts[1:]


def _closing(total: int, bad: int, rows: dict[str, Row]) -> Line:
    incomplete = sum(not row.complete for row in rows.values())
    if incomplete:
        return line(Span(f"{incomplete} of {total} katas not judged in full", "yellow"))
    if bad:
        return line(Span(f"{bad} of {total} katas do not hold", "bold red"))
    return line(Span(f"all {total} katas hold", "bold green"))
