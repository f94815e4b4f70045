"""Verdicts as lines of text, for a terminal of 80 columns with or without colour."""

import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dojo.verdict import Failure, Place, State, Verdict

WIDTH = 80
_LABEL = 10
_TALLEST = 14
_PLAIN = "the result"
_ANSI = {
    "": "", "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33",
    "cyan": "36", "bold red": "1;31", "bold green": "1;32", "bold yellow": "1;33",
}  # fmt: skip
LOOKS = {
    State.SOLVED: ("✓", "bold green"),
    State.WRONG: ("✗", "bold red"),
    State.BROKEN: ("✗", "bold red"),
    State.TOO_SLOW: ("✗", "bold yellow"),
    State.NOT_STARTED: ("·", "dim"),
}
_OUTCOMES = {
    "held": ("✓", "green"),
    "broken": ("✗", "red"),
    "slow": ("✗", "yellow"),
    "unchecked": ("·", "dim"),
}


@dataclass(frozen=True)
class Span:
    """Text in one style."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


def wants_colour(wish: str = "auto") -> bool:
    """Tell whether to colour: asked for, or a terminal that does not refuse."""
    if wish in ("yes", "no"):
        return wish == "yes"
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def line(*parts: Span | str) -> Line:
    """Return a line of plain and styled text."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def paint(lines: Iterable[Line], *, colour: bool) -> str:
    """Return the text for a terminal."""
    return "".join(
        "".join(_painted(span, colour=colour) for span in spans).rstrip() + "\n"
        for spans in lines
    )


def _painted(span: Span, *, colour: bool) -> str:
    code = _ANSI[span.style]
    return f"\x1b[{code}m{span.text}\x1b[0m" if colour and code else span.text


def _wrapped(text: str, indent: int, *, code: bool = False) -> list[str]:
    """Wrap prose at words and code at its commas; both can be pasted afterwards."""
    width = WIDTH - indent
    lines: list[str] = []
    for part in text.splitlines() or [""]:
        lines += textwrap.wrap(
            part,
            width,
            subsequent_indent="    " if code else "",
            # A long word of prose or output is cut; a long literal must stay whole.
            break_long_words=not code,
            break_on_hyphens=False,
            drop_whitespace=True,
            replace_whitespace=not code,
        ) or [""]
    if len(lines) > _TALLEST:
        left = len(lines) - _TALLEST + 1
        lines = [*lines[: _TALLEST - 1], f"… {left} more lines"]
    return lines


def _entry(label: str, text: str, style: str = "", *, code: bool = False) -> list[Line]:
    """Return a label with its text beside it, each further line below."""
    rows = _wrapped(text, _LABEL + 2, code=code)
    heads = [label] + [""] * (len(rows) - 1)
    return [
        line("  ", Span(f"{head:<{_LABEL}}", "dim"), Span(row, style))
        for head, row in zip(heads, rows, strict=True)
    ]


def _shown_path(place: Place) -> str:
    path = Path(place.file)
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def _headline(verdict: Verdict) -> Line:
    mark, style = LOOKS[verdict.state]
    name = f"{verdict.track}/{verdict.kata}"
    parts: list[Span | str] = [
        Span(f"{mark} {verdict.state.upper()}", style),
        "  ",
        Span(name, "bold"),
    ]
    if verdict.properties:
        total = len(verdict.properties)
        parts.append(f"  {verdict.held} of {total} properties hold")
    parts.append(Span(f"  {verdict.seconds:.2f} s", "dim"))
    return line(*parts)


def verdict_lines(verdict: Verdict, next_step: str = "") -> list[Line]:
    """Return the whole screen for one kata."""
    lines = [_headline(verdict), line()]
    if verdict.state is State.NOT_STARTED:
        lines += _entry("Open", _shown_path(Place(verdict.file, 0)))
        lines += _entry("Then", f"write it, and run: kata check {verdict.kata}")
    if verdict.failure is not None:
        lines += _failure_lines(verdict.failure, verdict)
    lines += _warning_lines(verdict)
    if next_step:
        lines += [line(), *_entry("Next", next_step)]
    return lines if lines[-1] else lines[:-1]


def _failure_lines(failure: Failure, verdict: Verdict) -> list[Line]:
    lines: list[Line] = []
    if failure.sentence:
        rows = _wrapped(failure.sentence, 2)
        lines += [*(line("  ", Span(row, "bold")) for row in rows), line()]
    if failure.message and (failure.kind != "mismatch" or not failure.got):
        lines += _entry("Problem", failure.message, "red")
    lines += _place_lines(failure, verdict)
    if failure.calls:
        lines += _entry("Input", "\n".join(failure.calls), "cyan", code=True)
    if failure.got:
        named = failure.kind == "mismatch" and failure.message not in ("", _PLAIN)
        head = f"{failure.message}: " if named else ""
        lines += _entry("Got", head + failure.got, code=True)
    if failure.expected:
        lines += _entry("Expected", failure.expected, "green", code=True)
    if failure.detail:
        lines += _entry("Where", failure.detail)
    if failure.printed:
        lines += _entry("Printed", failure.printed, "dim")
    return lines + _hint_lines(failure, verdict)


def _place_lines(failure: Failure, verdict: Verdict) -> list[Line]:
    if failure.place is not None:
        shown = f"{_shown_path(failure.place)}:{failure.place.line}"
        return _entry("Your line", f"{shown}\n  {failure.place.text}", code=True)
    if verdict.state is State.BROKEN:
        return _entry("File", _shown_path(Place(verdict.file, 0)))
    return []


def _hint_lines(failure: Failure, verdict: Verdict) -> list[Line]:
    if failure.kind == "missing file":
        return _entry("Then", f"kata reset {verdict.kata} brings the stub back")
    lines: list[Line] = []
    if failure.hint_text:
        text = " ".join(failure.hint_text.split())
        lines += [line(), *_entry(f"Hint {failure.hint}", text)]
    others = [
        result
        for result in verdict.properties
        if result.outcome != "held" and result.name != failure.property
    ]
    if others:
        lines.append(line())
        lines += _entry("Also", f"{len(others)} more to go:")
    for result in others[:6]:
        mark, style = _OUTCOMES[result.outcome]
        rows = _wrapped(result.sentence, 4)
        lines.append(line("  ", Span(mark, style), " ", rows[0]))
        lines += [line("    ", row) for row in rows[1:]]
    return lines


def _warning_lines(verdict: Verdict) -> list[Line]:
    lines: list[Line] = [line()] if verdict.warnings and verdict.failure else []
    for warned in verdict.warnings[:3]:
        where = f"{_shown_path(warned.place)}:{warned.place.line}"
        times = f", {warned.times} times" if warned.times > 1 else ""
        text = f"{warned.category}: {warned.message}{times}\n{where}\n"
        lines += _entry("Warning", text + f"  {warned.place.text}", "yellow", code=True)
    return lines


def summary_line(verdict: Verdict) -> Line:
    """Return the one line of a kata in a list."""
    mark, style = LOOKS[verdict.state]
    label = str(verdict.state)
    if verdict.state is State.WRONG and verdict.failure is None:
        mark, label, style = "·", "not judged", "yellow"  # edited since the last check
    parts: list[Span | str] = [
        "  ", Span(f"{mark} {label:<12}", style), f"{verdict.kata:<30}"
    ]  # fmt: skip
    if verdict.properties and verdict.state is not State.SOLVED:
        parts.append(f"{verdict.held} of {len(verdict.properties)} hold")
    elif verdict.state is State.SOLVED:
        parts.append(Span(f"{len(verdict.properties)} properties", "dim"))
    return line(*parts)


def one_line_reason(verdict: Verdict) -> list[Line]:
    """Return what broke, in short, for a list of several katas."""
    failure = verdict.failure
    if failure is None:
        return []
    text = failure.sentence or failure.message
    if failure.sentence and failure.kind not in ("mismatch", "claim"):
        text += f" ({failure.message})"
    return [line("      ", Span(row, "red")) for row in _wrapped(text, 6)[:3]]


def hint_lines(hints: Sequence[str], total: int, name: str) -> list[Line]:
    """Return the rungs of the ladder that have been seen, the newest last."""
    lines: list[Line] = []
    for rung, text in enumerate(hints, start=1):
        style = "bold" if rung == len(hints) else "dim"
        lines.append(line(Span(f"Hint {rung} of {total}", style)))
        lines += [line("  ", row) for row in _wrapped(" ".join(text.split()), 2)]
        lines.append(line())
    if len(hints) == total:
        last = f"That was the last one; kata solution {name} --peek shows all."
        lines.append(line(Span(last, "dim")))
    return lines


def track_table(rows: Sequence[tuple[str, int, int, int, int]]) -> list[Line]:
    """Return where the learner stands: solved, in progress, not started, total."""
    head = f"  {'Track':<28}  solved  in progress  not started   total"
    lines = [line(Span(head, "dim"))]
    for title, solved, progress, untouched, total in rows:
        style = "green" if solved == total else ""
        shown = title if len(title) <= 27 else f"{title[:26]}…"
        numbers = f"{solved:>8}{progress:>13}{untouched:>13}{total:>8}"
        lines.append(line(Span(f"  {shown:<28}{numbers}", style)))
    if len(rows) > 1:
        solved, progress, untouched, total = map(
            sum, zip(*(r[1:] for r in rows), strict=True)
        )
        numbers = f"{solved:>8}{progress:>13}{untouched:>13}{total:>8}"
        lines.append(line(Span(f"  {'All':<28}{numbers}", "bold")))
    return lines
