"""Scores of rounds in which code is judged: coding, levels and repair."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from interviews.report.evidence_of import Result, RoundLog, Run
from interviews.report.reading import (
    amount,
    count,
    line,
    lines,
    names,
    number,
    records,
    shown,
    text,
    whole,
)
from interviews.report.scale import (
    Dimension,
    Scored,
    at_least,
    at_most,
    capped,
    nothing,
    share_of,
)
from interviews.rounds.base import Event


def coding(log: RoundLog) -> Scored:
    """Score a coding round by its final run."""
    final = log.final
    lowest = _worthless(log, final)
    if final is None or lowest is not None:
        return lowest or nothing("coding", "no code was judged", _end(log))
    core = [result for result in final.results if result.core]
    rest = [result for result in final.results if not result.core]
    solved = _solved(log)
    scored = Scored(
        (
            _held("core correctness", core, "core property", final.lines),
            _held("edge cases", rest, "other property", final.lines),
            _pace(log, solved),
            _verification(log, solved, final),
        ),
        items=len(final.results),
    )
    return _core_cap(scored, core)


def levels(log: RoundLog) -> Scored:
    """Score a round of levels: how far it came, and what broke on the way."""
    final = log.final
    lowest = _worthless(log, final)
    if final is None or lowest is not None:
        return lowest or nothing("levels", "no code was judged", _end(log))
    done, when, evidence = _levels_done(log)
    offered = records(log.subject, "levels")
    total = max(len(offered), done, 1)
    reached = Dimension(
        "levels reached",
        at_least("levels reached", done / total),
        f"{done} of {total} levels held in full",
        evidence or final.lines,
    )
    none = "no level ever held in full, so there was nothing to keep"
    rest = [result for result in final.results if not result.core]
    par = sum(max(0.0, number(level, "minutes")) for level in offered[:done])
    scored = Scored(
        (
            reached,
            _regressions(log)
            if done
            else Dimension("regressions", 1, none, final.lines),
            _held("edge cases", rest, "other property", final.lines),
            _level_pace(log, done, total, when, par, evidence or final.lines),
        ),
        items=len(final.results),
    )
    core = [r for r in final.results if r.core and r.level <= max(1, done)]
    return _core_cap(scored, core)


def repair(log: RoundLog) -> Scored:
    """Score a repair by the properties that the planted mistakes broke."""
    final = log.final
    lowest = _worthless(log, final)
    if final is None or lowest is not None:
        return lowest or nothing("repair", "no code was judged", _end(log))
    if _as_given(log, final):
        why = "the file was handed in as it was given"
        return nothing("repair", why, final.lines, len(final.results))
    mended = [result for result in final.results if result.level != 2]
    planted = records(log.subject, "planted")
    fixed = sum(_fixed(mistake, final) for mistake in planted)
    share = share_of(fixed, len(planted))
    repaired = Dimension(
        "mistakes fixed",
        at_least("mistakes fixed", share) if planted else None,
        f"{fixed} of {count(len(planted), 'planted mistake')} fixed",
        final.lines,
    )
    none = "no mistake was fixed, so there was nothing to keep"
    scored = Scored(
        (
            repaired,
            _regressions(log)
            if fixed
            else Dimension("regressions", 1, none, final.lines),
            _extension(log, final),
            _pace(log, _repaired(log, planted)),
        ),
        items=len(final.results),
    )
    return _core_cap(scored, [result for result in mended if result.core])


def _as_given(log: RoundLog, final: Run) -> bool:
    """Tell whether the file is the one that was given, and no extension holds."""
    base = log.baseline
    extended = any(result.held for result in final.of_level(2))
    same = base is not None and base.digest != "" and base.digest == final.digest
    return same and not extended


def _worthless(log: RoundLog, final: Run | None) -> Scored | None:
    """Return the lowest score where there is nothing to judge, else None."""
    base = log.baseline
    items = len(final.results) if final and final.results else 0
    items = items or (len(base.results) if base else 0)
    if final is None:
        return nothing(log.kind, "no code was judged", _end(log), items)
    if final.refused:
        why = f"refused: {shown(final.refused)}"
    elif final.blank:
        why = "the file was empty"
    elif final.state == "not started":
        why = "the file was not started"
    elif not final.results:
        why = "the file could not be judged"
        why += f": {shown(final.error)}" if final.error else ""
    else:
        return None
    return nothing(log.kind, why, final.lines, items)


def _end(log: RoundLog) -> tuple[int, ...]:
    return lines(event for event in (log.ending, log.closed) if event)


def _held(
    name: str, results: Sequence[Result], noun: str, evidence: tuple[int, ...]
) -> Dimension:
    if not results:
        return Dimension(name, None, "there was nothing of it to judge", evidence)
    held = sum(result.held for result in results)
    nouns = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    basis = f"{held} of {count(len(results), noun, nouns)} held at the end"
    return Dimension(name, at_least(name, held / len(results)), basis, evidence)


def _solved(log: RoundLog) -> Run | None:
    """Return the first run in which all held, if all hold at the end too."""
    if log.final is None or not log.final.all_held:
        return None
    return next((run for run in log.submissions if run.all_held), None)


def _pace(log: RoundLog, solved: Run | None) -> Dimension:
    if solved is None:
        evidence = log.final.lines if log.final else _end(log)
        return Dimension("pace", 1, "not solved in the time", evidence)
    ratio = solved.minute / log.par if log.par > 0 else 0.0
    return Dimension(
        "pace",
        at_most("pace", ratio),
        f"solved after {amount(solved.minute)} min, par is {amount(log.par)}",
        solved.lines,
    )


def _verification(log: RoundLog, solved: Run | None, final: Run) -> Dimension:
    # The stub as it was handed out is no attempt.
    begun = [run for run in log.submissions if run.state != "not started"]
    if solved is None:
        asked = sum(not run.final for run in begun)
        basis = f"not solved; the judge was asked {count(asked, 'time')}"
        return Dimension("verification", 1, basis, final.lines)
    runs = begun.index(solved) + 1
    basis = f"solved at run {runs} of the judge"
    return Dimension("verification", at_most("verification", runs), basis, solved.lines)


def _core_cap(scored: Scored, core: Iterable[Result]) -> Scored:
    broken = sum(not result.held for result in core)
    if not broken:
        return scored
    noun = count(broken, "core property", "core properties")
    return capped(scored, "core", f"{noun} broken at the end")


def _levels_done(log: RoundLog) -> tuple[int, float, tuple[int, ...]]:
    """Return how many levels ever held in full, when the last did, and where."""
    done, when = 0, 0.0
    evidence: tuple[int, ...] = ()
    for run in log.submissions:
        held = 0
        while (found := run.of_level(held + 1)) and all(r.held for r in found):
            held += 1
        if held > done and not run.refused:
            done, when, evidence = held, run.minute, run.lines
    for event in log.of("level"):
        # A level is unlocked when the one before it holds.
        if whole(event, "level") - 1 > done:
            done, when = whole(event, "level") - 1, log.minute(event)
            evidence = (line(event),)
    return done, when, evidence


def _level_pace(
    log: RoundLog,
    done: int,
    total: int,
    when: float,
    par: float,
    evidence: tuple[int, ...],
) -> Dimension:
    if not done:
        return Dimension("pace", 1, "no level held in full in the time", evidence)
    par = par or log.par * done / total
    ratio = when / par if par > 0 else 0.0
    score = at_most("pace", ratio)
    basis = f"{count(done, 'level')} in {amount(when)} min, par is {amount(par)}"
    if done < total:
        score, basis = min(score, 2), f"{basis}; at most 2, as levels are missing"
    return Dimension("pace", score, basis, evidence)


def _regressions(log: RoundLog) -> Dimension:
    """Score what once held and broke, and whether it was mended."""
    once: set[tuple[int, str]] = set()
    broke: set[tuple[int, str]] = set()
    evidence: list[int] = []
    for run in (*filter(None, [log.baseline]), *log.submissions):
        now = {(result.level, result.name) for result in run.failed}
        if now & once - broke:
            evidence.extend(run.lines)
        broke |= now & once
        once |= {(r.level, r.name) for r in run.results if r.held}
    final = log.final
    left = {(r.level, r.name) for r in final.failed} & broke if final else broke
    score = at_most("regressions", len(left)) if broke else 4
    nouns = count(len(broke), "property", "properties")
    basis = f"{nouns} held and broke again, {len(left)} still broken at the end"
    if not broke:
        basis = "nothing that held broke again"
    found = tuple(sorted(set(evidence))) or (final.lines if final else ())
    return Dimension("regressions", score, basis, found)


def _breaks(mistake: Event) -> tuple[str, ...]:
    return names(mistake, "breaks") or tuple(filter(None, [text(mistake, "breaks")]))


def _fixed(mistake: Event, run: Run) -> bool:
    """Tell whether all that a planted mistake breaks holds."""
    held = {result.name: result.held for result in run.results if result.level != 2}
    broken = _breaks(mistake)
    return bool(broken) and not run.refused and all(held.get(b, False) for b in broken)


def _repaired(log: RoundLog, planted: Sequence[Event]) -> Run | None:
    """Return the first run with all mistakes fixed, if they are at the end too."""
    if log.final is None or not planted:
        return None
    if not all(_fixed(mistake, log.final) for mistake in planted):
        return None
    runs = log.submissions
    return next((r for r in runs if all(_fixed(m, r) for m in planted)), None)


def _extension(log: RoundLog, final: Run) -> Dimension:
    name = "extension"
    if not text(log.subject, "extension"):
        return Dimension(name, None, "there was none")
    results = final.of_level(2)
    if not results:
        return Dimension(name, 1, "the extension was not begun", final.lines)
    found = _held(name, results, "property of the extension", final.lines)
    held = sum(result.held for result in results)
    basis = f"{held} of {len(results)} properties of the extension held at the end"
    return replace(found, basis=basis)
