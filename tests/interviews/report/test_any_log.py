"""Properties of the report: it comes out of any log, and failure never pays."""

import random
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from interviews.report import markdown, page
from interviews.report.content import build
from interviews.rounds.base import Event
from tests.interviews.report.logs import Script, full
from tests.interviews.report.outline import Outline

NAMES = st.sampled_from(
    [
        "opened", "phase", "ending", "closed", "late", "judged", "asked-judge", "said",
        "level", "extension", "tested", "asked", "answered", "skipped", "point",
        "stage", "wrote", "estimated", "decided", "locked", "scored", "interviewer",
        "followup", "began", "resumed", "repaired", "aborted", "finished", "refused",
    ]
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "kind", "title", "minutes", "par", "subject", "by", "used", "text", "run",
        "final", "results", "state", "refused", "item", "items", "form", "confidence",
        "correct", "took", "stage", "stages", "id", "right", "cap", "credit", "said",
        "accepted", "planted", "breaks", "levels", "level", "mistakes", "caught", "by",
        "false_alarms", "tests", "missed", "estimates", "decisions", "points", "rounds",
        "name", "held", "core", "sentence", "away", "seed", "preset", "quote",
    ]
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "coding", "levels", "repair", "tests", "theory", "design", "number", "open",
        "time", "candidate", "abort", "temporal", "a", "b", "", "<b>", "mid",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**400) | st.floats() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5)
    ),
    max_leaves=12,
)


@st.composite
def sequences(draw: st.DrawFn) -> tuple[Event, ...]:
    """Any events at all, in the form that the log has."""
    events: list[Event] = []
    at = 0.0
    for line in range(1, draw(st.integers(0, 14)) + 1):
        at += draw(st.floats(0, 4000))
        event: dict[str, object] = {
            "line": line,
            "at": round(at, 3),
            "wall": "2026-03-01T10:00:00+00:00",
            "event": draw(NAMES),
            "round": draw(st.integers(0, 2)),
        }
        events.append(event | draw(st.dictionaries(KEYS, VALUES, max_size=8)))
    return tuple(events)


@settings(max_examples=150)
@given(sequences(), st.integers(0, 5))
def test_any_events_give_a_report_with_scores_from_1_to_4(
    events: tuple[Event, ...], altered: int
) -> None:
    report = build(events, altered)
    for found in report.rounds:
        dimensions = (*found.scored.dimensions, *found.scored.apart)
        assert all(d.score is None or 1 <= d.score <= 4 for d in dimensions)
        assert found.scored.score is None or 1 <= found.scored.score <= 4
    text, html = markdown.render(report), page.render(report)
    assert text.startswith("# Interview report")
    assert Outline(html).open == []


def measured(script: Script) -> list[float | None]:
    return [found.scored.score for found in build(script.events).rounds]


def spoilt(script: Script, random: random.Random) -> Script:
    """Turn one success of a script into a failure, or add a failure."""
    successes = [
        (data, key, worse)
        for _, _, _, data in script.made
        for key, worse in (("correct", False), ("right", False), ("credit", 0.0))
        if data.get(key) not in (None, worse)
    ]
    results = [
        (result, "held", False)
        for _, _, _, data in script.made
        if data.get("final") and isinstance(found := data.get("results"), list)
        for result in found
        if result["held"]
    ]
    data, key, worse = random.choice([*successes, *results])
    data[key] = worse
    return script


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_more_failure_never_raises_a_score(
    chance: random.Random, failures: int
) -> None:
    script = full()
    before = measured(script)
    for _ in range(failures):
        after = measured(spoilt(script, chance))
        for old, new in zip(before, after, strict=True):
            assert old is not None
            assert new is not None
            assert new <= old
        before = after


@settings(max_examples=60)
@given(
    st.randoms(use_true_random=False),
    st.text(string.printable, max_size=80),
    st.booleans(),
)
def test_what_is_self_reported_moves_nothing(
    chance: random.Random, said: str, accepted: bool
) -> None:
    plain, talked = full(), full()
    for _ in range(5):
        at = chance.randrange(2, len(talked.made))
        _, number, minute, _ = talked.made[at - 1]
        event = chance.choice(["point", "said", "interviewer", "followup", "late"])
        data: dict[str, object] = {"text": said, "said": True, "accepted": accepted}
        data |= {"item": "item-1", "stage": "data", "point": said, "quote": said}
        data |= {"correct": True, "right": True, "credit": 1.0, "choice": "hire"}
        talked.made.insert(at, (event, number, minute, data))
    assert measured(talked) == measured(plain)
    first, second = build(plain.events).decision, build(talked.events).decision
    assert first == second
