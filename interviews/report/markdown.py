"""The report in Markdown."""

from collections.abc import Iterable, Sequence

from interviews.report.content import Note, Report, RoundReport
from interviews.report.explaining import explained, thresholds
from interviews.report.reading import amount, shown
from interviews.report.scale import Dimension
from interviews.report.score_theory import percent

_MARKS = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]{}|~#!"}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)


def plain(said: str) -> str:
    """Return a text that Markdown shows as it is: no mark, no link, no HTML."""
    flat = shown(said, 1000).translate(_MARKS)
    return flat.replace("://", "&#58;//").replace("www.", "www&#46;")


def render(report: Report) -> str:
    """Return the report."""
    parts = [
        "# Interview report",
        _table(("", ""), ((name, plain(said)) for name, said in report.facts)),
        f"## Decision: {report.decision.verdict}",
        plain(report.decision.reason),
        *_notes("Notes", report.notes),
        "## Measured",
        *(part for found in report.rounds for part in _round(found)),
        "## Calibration",
        *_calibration(report),
        "## What to do next",
        _advice(report),
        "## Self-reported, apart",
        "The candidate's own word. Nothing here moved a score or the decision.",
        *_apart(report),
        "## How the scores come about",
        "\n".join(f"- {plain(said)}" for said in explained()),
        _table(("dimension", "4", "3", "2"), thresholds()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _round(found: RoundReport) -> list[str]:
    log, scored = found.log, found.scored
    total = "not measured" if scored.score is None else f"{scored.score:.2f} of 4"
    ended = {"time": "ended by the clock", "candidate": "ended early"}
    how = ended.get(log.ended_by, "broken off" if log.ended_by else "not ended")
    return [
        f"### {plain(found.name)}",
        f"**{total}** · {amount(log.used)} of {amount(log.minutes)} min · {how}",
        _dimensions(scored.dimensions),
        "\n".join(f"- Cap: {plain(cap)}." for cap in scored.caps),
        _course(found),
    ]


def _dimensions(dimensions: Sequence[Dimension]) -> str:
    rows = (
        (
            d.name,
            "not measured" if d.score is None else str(d.score),
            plain(d.basis),
            _links(d.lines),
        )
        for d in dimensions
    )
    return _table(("dimension", "score", "basis", "evidence"), rows)


def _course(found: RoundReport) -> str:
    rows = [
        (amount(mark.minute), plain(mark.label), _links([mark.line]))
        for mark in found.course.marks
    ]
    return _table(("minute", "what", "evidence"), rows) if rows else ""


def _calibration(report: Report) -> list[str]:
    found = report.calibration
    if not found.enough:
        return [
            f"Too few answers for a curve: {found.stated} with a stated confidence."
        ]
    rows = (
        (
            f"{percent(part.low)} to {percent(part.high)}",
            str(part.count),
            percent(part.confidence),
            percent(part.right),
        )
        for part in found.bins
    )
    return [
        (
            f"Brier score {found.brier:.3f} over {found.stated} answers "
            "(0 is perfect, 0.25 is a coin)."
        ),
        _table(("confidence", "answers", "mean confidence", "right"), rows),
    ]


def _advice(report: Report) -> str:
    lines = []
    for advice in report.advice:
        command = f": `{advice.command}`" if advice.command else ""
        lines.append(f"- Round {advice.round}: {plain(advice.text)}{command}")
    return "\n".join(lines) or report.no_advice


def _apart(report: Report) -> list[str]:
    parts = []
    for found in report.rounds:
        claims = [
            f"- {plain(claim.text)}: "
            + ("quoted" if claim.accepted else f"refused ({plain(claim.why)})")
            + f" “{plain(claim.quote)}” {_links([claim.line])}"
            for claim in found.claims
        ]
        said = [f"- {plain(note.text)} {_links(note.lines)}" for note in found.said]
        if not (found.scored.apart or claims or said):
            continue
        parts.append(f"### {plain(found.name)}, self-reported")
        if found.scored.apart:
            parts.append(_dimensions(found.scored.apart))
        parts.append("\n".join((*claims, *said)))
    return parts or ["Nothing was reported."]


def _notes(title: str, notes: Iterable[Note]) -> list[str]:
    lines = [f"- {plain(note.text)} {_links(note.lines)}".rstrip() for note in notes]
    return [f"## {title}", "\n".join(lines)] if lines else []


def _links(lines: Iterable[int]) -> str:
    found = [f"[{line}](log.jsonl#L{line})" for line in lines]
    return (
        f"{'line' if len(found) == 1 else 'lines'} {', '.join(found)}" if found else ""
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruled = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*ruled, *(f"| {' | '.join(row)} |" for row in rows)])
