import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from interviews.rounds.base import Round, Spec, Tools
from interviews.rounds.design import DesignRound, choose
from interviews.system_design_questions import prompts

STAGES = ["framing", "data", "model", "evaluation", "serving", "estimation"]
OWN = (
    "We minimise the expected cost of each decision, since errors cost different sums."
)


class NoJudging:
    """Nothing of a design is judged as code."""

    def submit(self, request: Mapping[str, object]) -> "Ticket":
        """Refuse."""
        raise AssertionError(f"a design is not judged: {request}")


@dataclass
class Host:
    """A session that numbers events and keeps what was said."""

    folder: Path
    round: Round
    events: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    now: float = 0.0
    left: float = 60.0

    def record(self, event: str, **data: object) -> None:
        """Append, and apply."""
        whole = json.loads(json.dumps({"event": event, **data}))
        self.events.append(whole)
        self.round.apply(whole)

    def say(self, *lines: str) -> None:
        """Keep what was said."""
        self.said.extend(lines)

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return the events of a name."""
        return [event for event in self.events if event["event"] == name]

    def phase(self, name: str) -> None:
        """Begin a phase, as the session does."""
        self.record("phase", name=name, by="candidate")
        self.round.enter(self, name)

    def type(self, *lines: str) -> str:
        """Type lines, and return what was said to them."""
        self.said.clear()
        for line in lines:
            self.round.handle(self, line)
        return "\n".join(self.said)


def spec(item: str = "fraud_detection", tracks: tuple[str, ...] = ()) -> Spec:
    return Spec(1, "design", 45, "senior", 7, tracks, item)


def tools(interviewer: "Interviewer | None" = None) -> Tools:
    return Tools(Path(), NoJudging(), interviewer=interviewer)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path, DesignRound(spec(), tools()))
    host.record("opened", subject=dict(host.round.open().subject))
    return host


def test_the_phases_are_the_stages_and_a_review(host: Host) -> None:
    opening = host.round.open()
    assert [phase.name for phase in opening.phases] == [*STAGES, "review"]
    assert sum(phase.share for phase in opening.phases) == pytest.approx(1)
    assert opening.subject["prompt_id"] == "fraud_detection"
    assert opening.subject["estimates"] == ["store", "cores", "alerts", "reviewers"]
    assert opening.subject["temporal"] is True
    json.dumps(dict(opening.subject))


def test_no_line_is_wider_than_the_screen(host: Host) -> None:
    for name in [*STAGES, "review"]:
        host.phase(name)
    host.round.end(host)
    lines = [*host.said, *host.round.open().lines, *host.round.debrief]
    assert max(map(len, lines)) <= 80


def test_a_fact_is_told_to_one_who_asks_for_it(host: Host) -> None:
    host.phase("framing")
    assert "100 ms" in host.type("/ask what is the latency budget?")
    assert [event["fact"] for event in host.of("unlocked")] == ["latency"]
    assert host.type("/ask the weather") == "No fact about that."
    assert "as in /ask latency budget" in host.type("/ask")
    assert "100 ms" in host.type("/facts")
    assert "dispute" not in host.type("/facts")


def test_one_question_is_told_one_fact_and_none_twice(host: Host) -> None:
    host.phase("framing")
    host.type("/ask latency cost money labels traffic cards load team")
    assert len(host.of("unlocked")) == 1
    host.type("/ask latency", "/ask latency")
    assert [event["fact"] for event in host.of("unlocked")].count("latency") <= 1


def test_an_assumption_in_range_changes_what_is_expected(host: Host) -> None:
    host.phase("estimation")
    assert "Assumed: tps = 15,000 transactions a second." in host.type(
        "/assume tps 15k"
    )
    host.type("/estimate alerts 5M 6.8M")
    host.round.end(host)
    alerts = next(event for event in host.of("scored") if event["id"] == "alerts")
    # 15,000 a second x 86,400 s x 0.001 x 0.9 / 0.2
    assert alerts["expected"] == pytest.approx(5.832e6)
    assert alerts["from"] == {
        "tps": 15000, "base_rate": 0.1, "recall": 90, "precision": 20
    }  # fmt: skip
    assert alerts["credit"] == 1
    assert alerts["error"] < 0.01


def test_an_assumption_out_of_range_is_not_taken(host: Host) -> None:
    host.phase("framing")
    said = host.type("/assume precision 99")
    assert said == "Not taken: precision must be from 1 to 95 %, got 99."
    event = host.of("assumed")[0]
    assert event["accepted"] is False
    assert "1 to 95" in event["why"]
    host.type("/estimate alerts 3.9M")
    host.round.end(host)
    alerts = next(event for event in host.of("scored") if event["id"] == "alerts")
    assert alerts["from"]["precision"] == 20


@pytest.mark.parametrize("line", ["/assume tps 20k", "/assume base_rate 1 %"])
def test_what_the_prompt_states_is_not_assumed_away(host: Host, line: str) -> None:
    host.phase("framing")
    said = host.type(line)
    name = line.split()[1]
    shown = {"tps": "10,000 transactions a second", "base_rate": "0.1%"}[name]
    assert f"Not taken: the prompt says {shown}; {name} may differ" in said
    assert host.of("assumed")[0]["accepted"] is False
    assert "the prompt says it" in host.type("/assume")


def test_a_follow_up_keeps_to_the_candidates_assumptions(host: Host) -> None:
    host.phase("estimation")
    said = host.type("/assume base_rate 0.15", "/assume precision 60")
    assert "precision of 60% at a base rate of 0.15%" in " ".join(said.split())
    host.type("/assume team 1000", "/estimate alerts 3.9M")
    host.round.end(host)
    debrief = " ".join(" ".join(host.round.debrief).split())
    # 1,000 people x 6 hours x 60 minutes, over 3 minutes
    assert "the team can look at 120,000 alerts a day" in debrief


@pytest.mark.parametrize(
    ("asked", "fact"),
    [
        ("volume", "traffic"),
        ("what prevalence?", "traffic"),
        ("deadline", "latency"),
        ("GDPR", "reasons"),
        ("investigators", "team"),
    ],
)
def test_a_fact_is_found_by_other_words(host: Host, asked: str, fact: str) -> None:
    host.phase("framing")
    host.type(f"/ask {asked}")
    assert [event["fact"] for event in host.of("unlocked")] == [fact]


@pytest.mark.parametrize(
    "line",
    [
        "/estimate alerts 5M 3M",
        "/estimate alerts 0 3M",
        "/estimate alerts -2 -1",
        "/estimate alerts many",
        "/estimate alerts",
        "/estimate nothing 3",
        "/estimate store 3 minutes",
        "/assume tps",
        "/assume tps fast",
        "/assume tps nan",
        "/assume nothing 3",
        "/decide split alphabetically",
        "/decide nothing random",
        "/decide",
        "/dance",
    ],
)
def test_a_mistake_is_a_line_and_changes_nothing(host: Host, line: str) -> None:
    host.phase("data")
    before = len(host.events)
    assert host.type(line)
    assert len(host.events) == before


def test_an_estimate_is_shown_as_understood_and_the_last_counts(host: Host) -> None:
    host.phase("framing")
    assert "alerts: 1 million to 2 million alerts a day." in host.type(
        "/estimate alerts 1M 2M"
    )
    host.type("/estimate alerts 3.5M 4.3M")
    host.round.end(host)
    scored = {event["id"]: event for event in host.of("scored")}
    assert (scored["alerts"]["low"], scored["alerts"]["high"]) == (3.5e6, 4.3e6)
    assert scored["alerts"]["credit"] == 1
    assert scored["store"]["credit"] == 0
    assert scored["store"]["why"] == "no estimate was given"


def test_no_estimate_is_taken_in_the_review(host: Host) -> None:
    host.phase("estimation")
    host.phase("review")
    host.type("/estimate alerts 3.9M", "/assume tps 20000", "/decide split by-time")
    assert not host.of("estimated")
    assert not host.of("assumed")
    assert not host.of("decided")


def test_a_number_fires_its_follow_up_once(host: Host) -> None:
    host.phase("estimation")
    said = host.type("/estimate alerts 3.9M")
    assert "You said 3.9 million alerts a day: who reviews them?" in said
    assert host.of("followup")[0]["because"] == "alerts: 3.9 million alerts a day"
    assert "who reviews" not in host.type("/estimate alerts 4M")
    assert len(host.of("followup")) == 1


def test_a_small_number_fires_nothing(host: Host) -> None:
    host.phase("estimation")
    host.type("/estimate alerts 900", "/assume precision 30")
    assert not host.of("followup")


def test_a_follow_up_that_a_crash_swallowed_fires_later(host: Host) -> None:
    host.phase("estimation")
    host.record(
        "estimated", id="alerts", low=4e6, high=4e6, unit="alerts/day", text="4M"
    )
    host.round.poll(host)
    assert [event["id"] for event in host.of("followup")] == ["who-reviews"]


def test_a_decision_is_told_right_or_wrong_only_at_the_end(host: Host) -> None:
    host.phase("data")
    assert host.type("/decide split random") == "Decided: split = random."
    event = host.of("decided")[0]
    assert (event["right"], event["cap"]) == (False, "temporal")
    host.type("/decide split by-time")
    assert (host.of("decided")[1]["right"], host.of("decided")[1]["cap"]) == (True, "")
    host.round.end(host)
    assert "  split: by-time, right" in host.round.debrief


def test_nothing_is_decided_before_it_is_asked(host: Host) -> None:
    host.phase("framing")
    assert "none in this stage" in host.type("/decide split by-time")
    assert not host.of("decided")


def test_a_stage_is_locked_with_its_file_and_its_lines(host: Host) -> None:
    host.phase("framing")
    file = host.folder / "framing.md"
    assert "What does the system decide" in file.read_text()
    file.write_text(file.read_text() + "From the file.\n")
    host.type("Typed one.", "Typed two.")
    host.phase("data")
    locked = host.of("locked")
    assert [event["stage"] for event in locked] == ["framing"]
    assert locked[0]["text"] == "From the file.\nTyped one.\nTyped two."
    file.write_text("Later.")
    host.phase("model")
    host.round.end(host)
    assert [event["stage"] for event in host.of("locked")] == STAGES[:3]
    assert "Later" not in json.dumps(host.events)


def test_the_template_alone_counts_for_nothing(host: Host) -> None:
    for name in [*STAGES, "review"]:
        host.phase(name)
    assert [event["text"] for event in host.of("locked")] == [""] * 6
    assert "nothing to review" in "\n".join(host.said)
    assert host.round.complete
    assert not host.of("point")


def test_a_stage_that_was_never_reached_is_not_locked(host: Host) -> None:
    host.phase("framing")
    (host.folder / "serving.md").write_text("Ahead of its time.")
    host.round.end(host)
    assert [event["stage"] for event in host.of("locked")] == ["framing"]


def test_the_review_asks_for_the_candidates_own_words(host: Host) -> None:
    host.phase("framing")
    host.type(OWN)
    assert isinstance(host.round, DesignRound)
    before = host.round.takes_text
    assert host.round.unfinished == ""
    for name in [*STAGES[1:], "review"]:
        host.phase(name)
    assert (before, host.round.takes_text) == (True, False)
    assert host.round.unfinished == "3 points are left to review"
    assert "minimise the expected cost" in "\n".join(host.said)
    assert not host.round.complete
    said = host.type("y expected cost of each decision")
    assert "Accepted." in said
    host.type("n")
    assert host.round.unfinished == "1 point is left to review"
    host.type("n")
    points = host.of("point")
    assert [event["accepted"] for event in points] == [True, False, False]
    assert {event["item"] for event in points} == {"framing"}
    assert host.round.complete


def test_words_of_a_fact_are_not_the_candidates_own(host: Host) -> None:
    host.phase("framing")
    host.type("/ask cost")
    fact = host.of("unlocked")[0]["text"]
    host.type(fact)
    host.phase("data")
    host.phase("review")
    said = host.type(f"y {fact.split('.')[0]}")
    assert "Not accepted" in said


def test_the_end_may_come_twice(host: Host) -> None:
    host.phase("framing")
    host.type("/estimate alerts 3.9M")
    host.round.end(host)
    events = list(host.events)
    host.round.end(host)
    assert host.events == events
    assert "{" not in (host.folder / "exemplar.md").read_text()


def test_a_round_made_anew_from_its_events_is_the_same(host: Host) -> None:
    host.phase("framing")
    host.type(OWN, "/ask latency", "/assume tps 15000", "/estimate alerts 5M 7M")
    for name in [*STAGES[1:], "review"]:
        host.phase(name)
    host.type("y expected cost of each decision")
    again = Host(host.folder, DesignRound(spec(), tools()))
    again.round.open()
    for event in host.events:
        again.round.apply(event)
    for one in (host, again):
        one.said.clear()
        one.round.enter(one, "review")
        one.round.end(one)
    assert again.said == host.said
    assert again.round.debrief == host.round.debrief
    assert [event["event"] for event in again.events] == ["scored"] * 4


def test_the_debrief_tells_formula_and_exemplar(host: Host) -> None:
    host.phase("framing")
    host.round.end(host)
    told = " ".join(" ".join(host.round.debrief).split())
    assert "expected 3.89 million alerts a day, you gave nothing" in told
    assert "x base rate x recall, over precision" in told
    assert "exemplar.md" in told


class Ticket:
    """What the interviewer has to say, at once."""

    def __init__(self, **result: str) -> None:
        self.ready = True
        self._result: dict[str, object] = {"choice": "", "reply": "", "fallback": ""}
        self._result.update(result)

    def done(self) -> bool:
        """Tell whether it has been said."""
        return self.ready

    def result(self) -> dict[str, object]:
        """Return it."""
        return dict(self._result)


class Interviewer:
    """Says one thing, and keeps what it was asked."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.asked: list[tuple[str, str, dict[str, str], list[str], str]] = []

    def choose(
        self,
        stage: str,
        said: str,
        options: Mapping[str, str],
        facts: Sequence[str],
        words: str,
    ) -> Ticket:
        """Give the one thing."""
        self.asked.append((stage, said, dict(options), list(facts), words))
        return self.ticket


def interviewed(folder: Path, ticket: Ticket) -> tuple[Host, Interviewer]:
    interviewer = Interviewer(ticket)
    host = Host(folder, DesignRound(spec(), tools(interviewer)))
    host.phase("framing")
    host.type("/ask latency", OWN, "/estimate alerts 90000")
    host.phase("data")
    host.said.clear()
    host.round.poll(host)
    return host, interviewer


def test_the_interviewer_may_choose_a_follow_up_and_moves_no_score(
    tmp_path: Path,
) -> None:
    host, interviewer = interviewed(tmp_path, Ticket(choice="who-reviews"))
    stage, said, options, facts, words = interviewer.asked[0]
    assert (stage, said) == ("framing", OWN)
    assert list(options) == ["who-reviews"], "the rest is about numbers not given yet"
    assert len(facts) == 1
    assert words
    text = "You said 90,000 alerts a day: who reviews them?"
    assert host.of("interviewer") == [
        {"event": "interviewer", "text": text, "choice": "who-reviews", "fallback": ""}
    ]
    assert f"Interviewer (model): {text}" in host.said
    host.type("/estimate alerts 3.9M")
    assert not host.of("followup"), "it was asked already"
    host.round.end(host)
    alone = Host(tmp_path / "alone", DesignRound(spec(), tools()))
    alone.folder.mkdir()
    alone.phase("framing")
    alone.type("/estimate alerts 3.9M")
    alone.round.end(alone)
    assert alone.of("scored") == host.of("scored")


@pytest.mark.parametrize(
    "ticket", [Ticket(fallback="it took too long"), Ticket(choice="give-full-marks")]
)
def test_without_an_answer_the_script_goes_on_in_silence(
    tmp_path: Path, ticket: "Ticket"
) -> None:
    host, _ = interviewed(tmp_path, ticket)
    assert host.said == []
    event = host.of("interviewer")[0]
    assert (event["text"], event["choice"]) == ("", "")
    assert event["fallback"]


def test_the_end_does_not_wait_for_the_interviewer(tmp_path: Path) -> None:
    ticket = Ticket(reply="Hm.")
    ticket.ready = False
    host, _ = interviewed(tmp_path, ticket)
    assert not host.round.busy
    host.round.end(host)
    assert host.of("interviewer")[0]["fallback"] == "the round had ended"


def test_the_draw_is_the_same_for_the_same_seed_and_avoids_what_was_seen() -> None:
    shelf = prompts()
    asked = spec("")
    first = choose(shelf, asked, frozenset())
    assert choose(shelf, asked, frozenset()) == first
    if len(shelf) > 1:
        assert choose(shelf, asked, frozenset({first.id})) != first
    assert choose(shelf, spec("", tracks=("fraud-detection",)), frozenset()).id == (
        "fraud_detection"
    )


def test_an_unknown_prompt_is_refused_in_a_line() -> None:
    with pytest.raises(ValueError, match="no design prompt is named chess; there are"):
        DesignRound(spec("chess"), tools())
