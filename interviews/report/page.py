"""The report as one HTML page: no script, nothing from elsewhere."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

from interviews.report.charts import calibration_chart, round_charts, session_strip
from interviews.report.content import Note, Report, RoundReport
from interviews.report.explaining import explained, thresholds
from interviews.report.reading import amount, line, number, shown, text, whole
from interviews.report.scale import Dimension
from interviews.report.score_theory import percent
from interviews.rounds.base import Event

_KEPT = ("line", "at", "wall", "event", "round", "chain")
_LEGEND = (
    "In each timeline, a tall tick is a run of the judge in which everything held, a "
    "short one a run in which something did not. Dots are answers: above is right, "
    "below is wrong, in the middle is neither. A bar at the end means that the time "
    "was up."
)


@lru_cache(maxsize=1)
def _style() -> str:
    file = Path(__file__).with_name("page.css")
    return file.read_text(encoding="utf-8").strip()


def render(report: Report) -> str:
    """Return the page."""
    cited = frozenset(line(event) for event in report.cited)
    body = (
        _head(report),
        _section("Notes", _notes(report.notes, cited)) if report.notes else "",
        _section("Measured", _measured(report, cited)),
        _section("Calibration", _calibration(report, cited)),
        _section("What to do next", _advice(report)),
        _section("Self-reported, apart", _apart(report, cited), "apart"),
        _section("How the scores come about", _explained()),
        _section("Evidence from the log", _appendix(report.cited)),
    )
    verdict = escape(report.decision.verdict)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Interview report: {verdict}</title>\n<style>\n{_style()}\n</style>\n"
        f"</head>\n<body>\n<main>\n{''.join(body)}</main>\n</body>\n</html>\n"
    )


def _head(report: Report) -> str:
    decision = report.decision
    name = decision.verdict.replace(" ", "-")
    facts = "".join(
        f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>"
        for key, value in report.facts
    )
    return (
        f"<header>\n<p class=kicker>Interview report</p>\n"
        f'<h1 class="{name}">{escape(decision.verdict.capitalize())}</h1>\n'
        f"<p class=reason>{escape(decision.reason)}</p>\n"
        f"<dl class=facts>{facts}</dl>\n</header>\n"
    )


def _section(title: str, content: str, name: str = "") -> str:
    anchor = title.lower().replace(",", "").replace(" ", "-")
    kind = f' class="{name}"' if name else ""
    return (
        f'<section{kind} aria-labelledby="{anchor}">\n<h2 id="{anchor}">'
        f"{escape(title)}</h2>\n{content}\n</section>\n"
    )


def _measured(report: Report, cited: frozenset[int]) -> str:
    if not report.rounds:
        return "<p>No round was opened.</p>"
    rows = [
        (
            f'<a href="#round-{found.log.number}">{escape(found.name)}</a>',
            amount(found.log.minutes),
            _score(found.scored.score, 2),
        )
        for found in report.rounds
    ]
    summary = _table(("Round", "Minutes", "Score"), rows, "scores")
    rounds = "".join(_round(found, cited) for found in report.rounds)
    return (
        f"{session_strip(report.session)}{summary}<p class=quiet>{_LEGEND}</p>{rounds}"
    )


def _round(found: RoundReport, cited: frozenset[int]) -> str:
    log, scored = found.log, found.scored
    ended = {"time": "ended by the clock", "candidate": "ended early"}
    how = ended.get(log.ended_by, "broken off" if log.ended_by else "not ended")
    caps = "".join(f"<li>{escape(cap)}.</li>" for cap in scored.caps)
    caps = f'<ul class="caps">{caps}</ul>' if caps else ""
    rows = [
        (amount(mark.minute), escape(mark.label), _links([mark.line], cited))
        for mark in found.course.marks
    ]
    listed = _table(("Minute", "What", "Evidence"), rows, "marks")
    marks = f"<details><summary>Minute by minute</summary>{listed}</details>"
    return (
        f'<article id="round-{log.number}"><h3>{escape(found.name)}</h3>\n'
        f"<p class=quiet><b>{_score(scored.score, 2)}</b> · {amount(log.used)} of "
        f"{amount(log.minutes)} min · {how}</p>\n"
        f"{_dimensions(scored.dimensions, cited)}{caps}{round_charts(found)}"
        f"{marks if rows else ''}</article>\n"
    )


def _dimensions(dimensions: Sequence[Dimension], cited: frozenset[int]) -> str:
    rows = [
        (
            escape(d.name.capitalize()),
            _score(d.score) + _pips(d.score),
            f"{escape(d.basis)} {_cited(d.lines, cited)}",
        )
        for d in dimensions
    ]
    return _table(("Dimension", "Score", "Basis and evidence"), rows, "dimensions")


def _score(score: float | None, digits: int = 0) -> str:
    return "not measured" if score is None else f"{score:.{digits}f}"


def _pips(score: int | None) -> str:
    if score is None:
        return ""
    pips = "".join(f"<i{' class=on' if i < score else ''}></i>" for i in range(4))
    return f'<span class="pips s{score}" aria-hidden="true">{pips}</span>'


def _calibration(report: Report, cited: frozenset[int]) -> str:
    found = report.calibration
    if not found.enough:
        said = f"Too few answers for a curve: {found.stated} with a stated confidence."
        return f"<p>{said} {_links(found.lines, cited)}</p>"
    rows = [
        (
            f"{percent(part.low)} to {percent(part.high)}",
            str(part.count),
            percent(part.confidence),
            percent(part.right),
        )
        for part in found.bins
    ]
    head = ("Confidence", "Answers", "Mean", "Right")
    return (
        f"<p>Brier score <b>{found.brier:.3f}</b> over {found.stated} answers: 0 is "
        f"perfect, 0.25 is a coin.</p>{calibration_chart(found)}"
        f"{_table(head, rows, 'numbers')}"
        f"<p class=links>{_links(found.lines, cited)}</p>"
    )


def _advice(report: Report) -> str:
    items = []
    for advice in report.advice:
        command = f" <code>{escape(advice.command)}</code>" if advice.command else ""
        items.append(
            f'<li><a href="#round-{advice.round}">Round {advice.round}</a> '
            f"{escape(advice.text)}{command}</li>"
        )
    if not items:
        return f"<p>{escape(report.no_advice)}</p>"
    return f"<ul>{''.join(items)}</ul>"


def _apart(report: Report, cited: frozenset[int]) -> str:
    said = "The candidate's own word. Nothing here moved a score or the decision."
    parts = [f"<p class=quiet>{said}</p>"]
    for found in report.rounds:
        rows = [
            (
                (
                    f"{escape(claim.text)} <span class=links>"
                    f"{_links([claim.line], cited)}</span>"
                ),
                "quoted" if claim.accepted else f"refused: {escape(claim.why)}",
                f"<q>{escape(claim.quote)}</q>",
            )
            for claim in found.claims
        ]
        if not (rows or found.said or found.scored.apart):
            continue
        parts.append(f"<h3>{escape(found.name)}</h3>")
        if found.scored.apart:
            parts.append(_dimensions(found.scored.apart, cited))
        if rows:
            parts.append(_table(("Point", "Claim", "Quotation"), rows, "claims"))
        parts.append(_notes(found.said, cited) if found.said else "")
    return "".join(parts) if len(parts) > 1 else "<p>Nothing was reported.</p>"


def _notes(notes: Iterable[Note], cited: frozenset[int]) -> str:
    items = "".join(
        f"<li>{escape(note.text)} {_cited(note.lines, cited)}</li>" for note in notes
    )
    return f"<ul>{items}</ul>"


def _explained() -> str:
    items = "".join(f"<li>{escape(said)}</li>" for said in explained())
    rows = [tuple(escape(cell) for cell in row) for row in thresholds()]
    listed = _table(("Dimension", "4", "3", "2"), rows, "numbers")
    return (
        f"<ul>{items}</ul><details><summary>What each score takes</summary>{listed}"
        "</details>"
    )


def _appendix(events: Sequence[Event]) -> str:
    if not events:
        return "<p>No line of the log is cited.</p>"
    items = "".join(
        f'<li id="line-{line(event)}"><p><b>line {line(event)}</b> · minute '
        f"{amount(number(event, 'at') / 60)} · round {whole(event, 'round')} · "
        f"{escape(shown(text(event, 'event'), 40))}</p><code>{_data(event)}</code></li>"
        for event in events
    )
    return (
        "<p class=quiet>The lines of <code>log.jsonl</code> that are cited above; long "
        f"texts are shortened.</p><ol class=log>{items}</ol>"
    )


def _data(event: Event) -> str:
    """Return the data of an event on a few lines."""
    said = (
        f"{shown(key, 40)}: {_value(value)}"
        for key, value in event.items()
        if key not in _KEPT
    )
    return escape(shown(" · ".join(said), 900)) or "no data"


def _value(value: object) -> str:
    if isinstance(value, str):
        # Cut before anything else is done: a text may be a whole file.
        return shown(value[:800], 200)
    if isinstance(value, (list, tuple)) and len(value) > 24:
        value = [*value[:24], "…"]
    return shown(json.dumps(value, ensure_ascii=False, default=str), 400)


def _cited(lines: Iterable[int], cited: frozenset[int]) -> str:
    """Return links to stand behind a sentence."""
    found = _links(lines, cited)
    return f'<span class="links">· {found}</span>' if found else ""


def _links(lines: Iterable[int], cited: frozenset[int]) -> str:
    found = [
        f'<a href="#line-{number}" aria-label="line {number}">{number}</a>'
        for number in lines
        if number in cited
    ]
    return (
        f"{'line' if len(found) == 1 else 'lines'} {' '.join(found)}" if found else ""
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> str:
    """Return a table whose cells are HTML already; the first of a row is its head."""
    top = "".join(f"<th scope=col>{cell}</th>" for cell in head)
    body = "".join(
        f"<tr><th scope=row>{row[0]}</th>"
        + "".join(f"<td>{cell}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<table class="{name}"><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table>\n"
    )
