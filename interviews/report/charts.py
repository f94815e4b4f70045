"""Charts as inline SVG, drawn in percent of their box, with their labels in HTML.

The drawing stretches with the page while lines keep their width and the text its
size, so that one chart is legible on a telephone and on a wide screen.
"""

from collections.abc import Iterable
from html import escape

from interviews.report.content import RoundReport
from interviews.report.course import Course, Mark
from interviews.report.evidence_of import SessionLog
from interviews.report.reading import amount, number
from interviews.report.score_theory import Calibration, percent

_WIDE, _HIGH = 1000.0, 100.0


def session_strip(session: SessionLog) -> str:
    """Return all rounds on one line of time."""
    spans = [
        (log.number, number(log.opened, "at") / 60, log.used) for log in session.rounds
    ]
    total = max((start + used for _, start, used in spans), default=0.0)
    if total <= 0:
        return ""
    shapes, labels = [], []
    for round_, start, used in spans:
        left, width = start / total, max(used / total, 0.004)
        shapes.append(_rect(left, 0, width, 1, "round"))
        place = f"left:{100 * left:.2f}%;width:{100 * width:.2f}%"
        labels.append(f'<span style="{place}">{round_}</span>')
    said = ", ".join(
        f"round {n} from minute {amount(start)} to {amount(start + used)}"
        for n, start, used in spans
    )
    drawn = _svg(f"Timeline of the session: {said}.", shapes, "strip")
    return (
        f'<div class="plot"><div class="over">{drawn}'
        f'<div class="labels" aria-hidden="true">{"".join(labels)}</div></div>'
        f"{_axis(total)}</div>"
    )


def round_charts(found: RoundReport) -> str:
    """Return the timeline of a round above its pace, on one axis of minutes."""
    course = found.course
    return (
        f'<figure class="course">'
        f'<div class="plot">{_timeline(found)}</div>'
        f'<div class="plot paced"><span class="top" aria-hidden="true">100 %</span>'
        f'<span class="low" aria-hidden="true">0</span>{_pace(course)}'
        f"{_axis(course.length)}</div>"
        f"<figcaption>{_caption(course)}</figcaption></figure>"
    )


def _timeline(found: RoundReport) -> str:
    course = found.course
    shapes = [
        _rect(
            span.start / course.length,
            0.3,
            (span.end - span.start) / course.length,
            0.4,
            f"phase p{i % 2}",
        )
        for i, span in enumerate(course.spans)
    ]
    shapes.extend(_mark(mark, course.length) for mark in course.marks)
    if course.time_up is not None:
        shapes.append(_line(course.time_up / course.length, 0, 1, "up"))
    phases = "; ".join(
        f"{span.name} from minute {amount(span.start)} to {amount(span.end)}"
        for span in course.spans
    )
    runs = sum(mark.kind == "run" for mark in course.marks)
    said = (
        f"Timeline of round {found.log.number}: {phases}. {runs} runs of the judge, "
        f"{len(course.marks) - runs} answers."
    )
    if course.time_up is not None:
        said += f" The time was up at minute {amount(course.time_up)}."
    return _svg(said, shapes, "timeline")


def _mark(mark: Mark, length: float) -> str:
    x = mark.minute / length
    verdict = {True: "good", False: "bad", None: "open"}[mark.good]
    if mark.kind == "run":
        # A run with all held stands tall; another one is short: not colour alone.
        return _line(x, 0 if mark.good else 0.3, 1 if mark.good else 0.7, verdict)
    y = {True: 0.15, False: 0.85, None: 0.5}[mark.good]
    return _dot(x, y, f"answer {verdict}")


def _pace(course: Course) -> str:
    shapes = [
        f'<path class="grid" d="M0 {_HIGH * y:.2f}H{_WIDE:.0f}"/>'
        for y in (0.02, 0.5, 0.98)
    ]
    if course.par > 0:
        # Par: all of it in the par minutes, at an even pace.
        end = min(1.0, course.par / course.length)
        top = course.length / course.par if course.par > course.length else 1.0
        shapes.append(_path([(0.0, 0.0), (end, min(1.0, top))], "par"))
    if course.pace:
        shapes.append(_path(_stairs(course), "pace"))
    last = course.pace[-1][1] if course.pace else 0.0
    said = (
        f"Pacing: share of {course.measure} by minute. It ends at {percent(last)} "
        f"at minute {amount(course.pace[-1][0] if course.pace else 0)}; "
        f"par is all in {amount(course.par)} minutes."
    )
    return _svg(said, shapes, "pacing")


def _stairs(course: Course) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for minute, share in course.pace:
        x = min(1.0, minute / course.length)
        if points:
            points.append((x, points[-1][1]))
        points.append((x, share))
    return points


def _caption(course: Course) -> str:
    phases = " · ".join(
        f"{escape(span.name)} {amount(span.start)}–{amount(span.end)}"
        for span in course.spans
    )
    up = " · time was up" if course.time_up is not None else ""
    return (
        f"<b>{escape(course.measure)}</b> by minute; the dashed line is par "
        f"({amount(course.par)} min). Phases: {phases}{up}."
    )


def calibration_chart(found: Calibration) -> str:
    """Return confidence against the share that was right."""
    points = [((part.confidence - 0.5) / 0.5, part.right) for part in found.bins]
    shapes = [_path([(0.0, 0.5), (1.0, 1.0)], "par"), _path(points, "pace")]
    for (x, y), part in zip(points, found.bins, strict=True):
        width = min(22, 7 + part.count)
        shapes.append(_dot(x, 1 - _inset(y), "point", f' stroke-width="{width}"'))
    said = "; ".join(
        f"{part.count} answers at {percent(part.confidence)} confidence, "
        f"{percent(part.right)} right"
        for part in found.bins
    )
    drawn = _svg(f"Calibration curve: {said}.", shapes, "curve")
    return (
        '<figure class="calibration"><div class="plot paced">'
        '<span class="top" aria-hidden="true">100 %</span>'
        f'<span class="low" aria-hidden="true">0</span>{drawn}'
        '<div class="axis" aria-hidden="true"><span>50 %</span><span>75 %</span>'
        "<span>100 % sure</span></div></div><figcaption><b>Share right</b> against "
        "confidence; the dashed line is perfect calibration, larger dots are more "
        "answers.</figcaption></figure>"
    )


def _svg(label: str, shapes: Iterable[str], name: str) -> str:
    return (
        f'<svg class="{name}" role="img" aria-label="{escape(label)}" '
        f'viewBox="0 0 {_WIDE:.0f} {_HIGH:.0f}" preserveAspectRatio="none">'
        f"{''.join(shapes)}</svg>"
    )


def _axis(length: float) -> str:
    middle, end = amount(length / 2), amount(length)
    return (
        f'<div class="axis" aria-hidden="true"><span>0</span><span>{middle}</span>'
        f"<span>{end} min</span></div>"
    )


def _rect(x: float, y: float, width: float, height: float, name: str) -> str:
    return (
        f'<rect class="{name}" x="{_WIDE * x:.2f}" y="{_HIGH * y:.2f}" '
        f'width="{_WIDE * width:.2f}" height="{_HIGH * height:.2f}"/>'
    )


def _line(x: float, top: float, low: float, name: str) -> str:
    # Kept off the very edges, where half of the line would be cut away.
    across = _WIDE * min(0.997, max(0.003, x))
    return (
        f'<path class="{name}" d="M{across:.2f} {_HIGH * top:.2f}V{_HIGH * low:.2f}"/>'
    )


def _dot(x: float, y: float, name: str, more: str = "") -> str:
    """Return a round dot: a line without length, whose ends are round."""
    across = _WIDE * min(0.99, max(0.01, x))
    return f'<path class="{name}"{more} d="M{across:.2f} {_HIGH * y:.2f}h0"/>'


def _inset(y: float) -> float:
    """Return a share kept off the edges, where a line would be cut."""
    return 0.02 + 0.96 * y


def _path(points: Iterable[tuple[float, float]], name: str) -> str:
    drawn = "L".join(
        f"{_WIDE * x:.2f} {_HIGH * (1 - _inset(y)):.2f}" for x, y in points
    )
    return f'<path class="{name}" d="M{drawn}"/>'
