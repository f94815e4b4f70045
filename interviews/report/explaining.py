"""How the scores come about, in sentences made from the bars themselves."""

from interviews.report.reading import amount
from interviews.report.scale import table

WHOSE = (
    "Only the first table of a round counts: a program measured it. What stands under "
    "“self-reported” is the candidate's own word; it moves no score and no decision."
)
SCORE = (
    "A round's score is the mean of its measured dimensions after caps; the overall "
    "score is the mean of the rounds, weighted by their planned minutes."
)
WORTHLESS = (
    "Code that the guard refused, that is empty or that was not started scores 1 "
    "everywhere; so do tests that all fail or that catch nothing."
)
ESTIMATES = (
    "An estimate earns by how far the middle of its interval lies from what follows "
    "from the candidate's own assumptions; one narrower than ±1 % that misses by more "
    "than 10 % earns 0.75 at most."
)
LOCAL = (
    "The tests, the solutions and the log lie on the candidate's own machine: who "
    "wants to read or forge them can. The score is worth what the candidate's honesty "
    "makes it worth."
)


def explained() -> tuple[str, ...]:
    """Return how a score, a cap and a decision come about."""
    bars, need, cap = table().bar, table().evidence, table().cap
    levels = ", ".join(f"{level} {bar:.1f}" for level, bar in bars.items())
    hire = (
        f"A hire needs the level's bar ({levels}), no round with its first dimension "
        "at 1, and the loop sat to its end."
    )
    enough = (
        f"Evidence is insufficient with fewer than {amount(need['rounds'])} rounds, "
        f"{amount(need['minutes'])} of their minutes or {amount(need['items'])} items "
        "measured, where the candidate broke off before "
        f"{amount(100 * need['share'])} % of the time, or where the log was changed."
    )
    caps = (
        f"Caps on every dimension of a round: {cap['core']} with a core property "
        f"broken at the end, {cap['estimate']} for a design without an estimate, "
        f"{cap['temporal']} for a random split of data ordered in time."
    )
    return (WHOSE, SCORE, hire, enough, caps, ESTIMATES, WORTHLESS, LOCAL)


def thresholds() -> tuple[tuple[str, str, str, str], ...]:
    """Return each bar: its name, and what 4, 3 and 2 take."""
    more = [
        (name, _share(four), _share(three), _share(two))
        for name, (four, three, two) in table().at_least.items()
    ]
    less = [
        (_named(name), _amount(four), _amount(three), _amount(two))
        for name, (four, three, two) in table().at_most.items()
    ]
    return (*more, *less)


def _named(name: str) -> str:
    units = {
        "pace": "pace (minutes over par)",
        "verification": "verification (runs of the judge)",
        "calibration": "calibration (Brier score)",
        "regressions": "regressions (still broken; 4 if none ever was)",
    }
    return units.get(name, name)


def _share(bar: float) -> str:
    return f"≥ {amount(100 * bar)} %" if bar <= 1 else "–"


def _amount(bar: float) -> str:
    if bar < 0:
        return "none"
    return f"≤ {amount(bar, 2)}" if bar != float("inf") else "any"
