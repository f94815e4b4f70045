"""The report of a session, rebuilt from its log alone.

The same log always gives the same two files, byte for byte: no clock, no chance and
no path of the machine goes into them.
"""

import json
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

from interviews.engine.log import LOG, LogError, altered, read_log
from interviews.report import markdown, page
from interviews.report.content import Report, build
from interviews.report.reading import amount, shown
from interviews.rounds.base import Event

__all__ = ["Report", "read", "summary", "write"]

MARKDOWN = "report.md"
PAGE = "report.html"


def read(folder: Path) -> Report:
    """Return the report of the session in ``folder``.

    Raise ``LogError`` where there is no log.
    """
    events, broken = _events(folder / LOG)
    return build(events, broken)


def write(folder: Path) -> tuple[Path, Path]:
    """Write ``report.md`` and ``report.html`` into ``folder``, each at once or not."""
    report = read(folder)
    files = folder / MARKDOWN, folder / PAGE
    for file, content in zip(
        files, (markdown.render(report), page.render(report)), strict=True
    ):
        _replace(file, content)
    return files


def summary(events: Sequence[Event]) -> list[str]:
    """Return the decision and the scores in a few lines of at most 80 columns."""
    report = build(events, altered(dict(event) for event in events))
    decision = report.decision
    lines = [f"Decision: {decision.verdict}", *_wrapped(decision.reason), ""]
    for found in report.rounds:
        scored = found.scored
        total = "  – " if scored.score is None else f"{scored.score:.2f}"
        lines.append(f"  {total}  {shown(found.name, 70)}")
        dimensions = (
            f"{d.name} {d.score if d.score is not None else '–'}"
            for d in scored.dimensions
        )
        lines.extend(_wrapped(", ".join(dimensions), "        "))
        for cap in scored.caps:
            lines.extend(_wrapped(f"cap: {cap}", "        "))
    lines.append("")
    used, planned = amount(report.session.used), amount(report.session.minutes)
    lines.append(f"{used} of {planned} minutes; the report is in {PAGE}")
    return lines


def _wrapped(said: str, indent: str = "") -> list[str]:
    return textwrap.wrap(said, 80, initial_indent=indent, subsequent_indent=indent)


def _events(file: Path) -> tuple[tuple[Event, ...], int]:
    """Return the events, and the first line that was changed or cannot be read."""
    try:
        events = read_log(file)
        return events, altered(events)
    except LogError:
        if not file.is_file():
            raise
    found = _readable(file)
    return found, altered(found) or len(found) + 1


def _readable(file: Path) -> tuple[dict[str, object], ...]:
    """Return the events before the first line that cannot be read."""
    found: list[dict[str, object]] = []
    for line in file.read_bytes().split(b"\n"):
        try:
            event = json.loads(line)
        except ValueError:
            break
        if not isinstance(event, dict) or not isinstance(event.get("event"), str):
            break
        found.append(event)
    return tuple(found)


def _replace(file: Path, content: str) -> None:
    """Put a file in its place whole: a crash leaves the old one or the new one."""
    draft = file.with_name(f".{file.name}.draft")
    with draft.open("wb") as writing:
        writing.write(content.encode("utf-8", "replace"))
        writing.flush()
        os.fsync(writing.fileno())
    draft.replace(file)
