import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interviews import ml_theory_questions as theory
from interviews.ml_theory_questions.open import OpenQuestion
from interviews.rounds.base import LEVELS, Round, Spec, Tools
from interviews.rounds.theory import TheoryRound
from interviews.rounds.theory_draw import Paper, draw_paper
from tests.interviews.rounds.hosting import MemoryHost, NoJudging

OPEN = "l1-versus-l2"


def spec(item: str = "", minutes: float = 20, seed: int = 7) -> Spec:
    return Spec(1, "theory", minutes, "mid", seed, (), item)


def paper(asked: Spec, seen: frozenset[str] = frozenset()) -> Paper:
    return draw_paper(asked, seen)


def ids(drawn: Paper) -> frozenset[str]:
    numbers = {one.id for one in drawn.numbers}
    return frozenset(numbers | {one.id for one in drawn.open})


class Table:
    """A round, its host, and what a candidate does."""

    def __init__(self, folder: Path, asked: Spec) -> None:
        """Begin the round as the session does."""
        self.spec = asked
        self.paper = paper(asked)
        self.round: Round = self.make()
        self.host = MemoryHost(folder, self.round)
        opening = self.round.open()
        self.host.record("opened", subject=dict(opening.subject))
        for name, text in opening.files.items():
            (folder / name).write_text(text, "utf-8")
        self.phase(opening.phases[0].name)

    def make(self) -> TheoryRound:
        """Make the round."""
        return TheoryRound(self.spec, Tools(Path(), NoJudging()))

    def phase(self, name: str) -> None:
        """Begin a phase."""
        self.host.record("phase", name=name, by="time")
        self.round.enter(self.host, name)

    def type(self, *lines: str) -> str:
        """Type lines; return what was said to them."""
        self.host.said.clear()
        for line in lines:
            self.host.now += 10
            self.round.handle(self.host, line)
        return "\n".join(self.host.said)

    def right(self, place: int = 0) -> str:
        """Return the right answer to a number."""
        number = self.paper.numbers[place]
        return theory.show_answer(number.item, number.question)

    def restart(self) -> None:
        """Lose the process, and go on from the log."""
        self.round = self.make()
        self.host.playing = self.round
        for event in self.host.events:
            self.round.apply(event)
        self.host.said.clear()
        self.round.enter(self.host, str(self.host.of("phase")[-1]["name"]))


Deal = Callable[[Spec], Table]


@pytest.fixture
def deal(tmp_path: Path) -> Deal:
    return lambda asked: Table(tmp_path, asked)


@pytest.fixture
def table(deal: Deal) -> Table:
    return deal(spec())


@pytest.fixture
def open_table(deal: Deal) -> Table:
    return deal(spec(OPEN))


def question(table: Table) -> OpenQuestion:
    return table.paper.open[0]


# --- the draw


def test_the_draw_is_the_same_for_the_same_seed() -> None:
    assert paper(spec()) == paper(spec())
    drawn = {tuple(one.id for one in paper(spec(seed=s)).numbers) for s in range(9)}
    assert len(drawn) > 1


@pytest.mark.parametrize("minutes", [5, 15, 30, 60])
def test_what_is_drawn_fits_into_its_phase(minutes: float) -> None:
    drawn = paper(spec(minutes=minutes))
    numbers = sum(one.item.minutes for one in drawn.numbers)
    assert len(drawn.numbers) == 3 or numbers <= 0.7 * minutes
    own = sum(one.minutes for one in drawn.open)
    assert len(drawn.open) == 1 or own <= 0.3 * minutes
    assert len(drawn.numbers) >= 2
    assert drawn.open


def test_an_hour_fills_with_more_than_the_least() -> None:
    drawn = paper(spec(minutes=60))
    assert len(drawn.numbers) > 4
    assert len(drawn.open) > 2


def test_levels_are_at_most_one_away_and_topics_differ_first() -> None:
    for seed in range(9):
        drawn = paper(spec(minutes=30, seed=seed))
        levels = [one.item.level for one in drawn.numbers]
        levels += [one.level for one in drawn.open]
        assert all(abs(LEVELS.index(level) - 1) <= 1 for level in levels)
        topics = {one.item.topic for one in drawn.numbers}
        # A topic comes back only where no question of a new one fits the time left.
        assert len(topics) >= min(len(drawn.numbers), 5)


def test_what_was_seen_comes_last() -> None:
    first = paper(spec())
    seen = ids(first)
    assert not seen & ids(paper(spec(), seen))


def test_one_item_or_a_topic_may_be_asked_for() -> None:
    only = paper(spec(OPEN))
    assert [one.id for one in only.open] == [OPEN]
    assert only.numbers == ()
    number = theory.items()[0]
    assert [one.id for one in paper(spec(number.id)).numbers] == [number.id]
    topic = paper(spec("evaluation_metrics"))
    assert {one.topic for one in topic.open} == {"evaluation_metrics"}
    assert {one.item.topic for one in topic.numbers} == {"evaluation_metrics"}


def test_an_unknown_item_is_refused() -> None:
    with pytest.raises(ValueError, match="theory question or a topic, got 'nothing'"):
        paper(spec("nothing"))


def test_the_opening_tells_what_is_asked(table: Table) -> None:
    opening = table.round.open()
    assert [phase.name for phase in opening.phases] == ["numbers", "open"]
    assert [phase.share for phase in opening.phases] == [0.7, 0.3]
    subject = opening.subject["items"]
    assert isinstance(subject, list)
    assert {item["form"] for item in subject} == {"number", "open"}
    assert opening.par == sum(item["minutes"] for item in subject)
    assert opening == table.make().open()


# --- numbers


def test_a_number_is_asked_with_its_note(table: Table) -> None:
    asked = table.host.of("asked")
    assert len(asked) == 1
    assert asked[0]["prompt"] == table.paper.numbers[0].question.prompt
    shown = " ".join(table.host.said)
    assert " ".join(asked[0]["prompt"].split()) in " ".join(shown.split())
    assert asked[0]["note"] in " ".join(shown.split())


def test_an_answer_is_locked_with_its_confidence(table: Table) -> None:
    said = table.type(table.right(), "80 %")
    answer = table.host.of("answered")[0]
    assert answer["correct"]
    assert answer["confidence"] == 0.8
    assert answer["took"] == 20
    assert answer["steps"] == list(table.paper.numbers[0].question.steps)
    assert said.splitlines()[1] == "Locked."
    assert f"Question 2 of {len(table.paper.numbers)}" in said
    assert len(table.host.of("asked")) == 2


def test_a_wrong_answer_names_its_misconception_at_the_end_only(deal: Deal) -> None:
    table = deal(spec("precision-from-base-rate"))
    mistaken = table.paper.numbers[0].question.distractors[0]
    said = table.type(str(mistaken.value), "-")
    answer = table.host.of("answered")[0]
    assert not answer["correct"]
    assert answer["confidence"] is None
    assert answer["misconception"] == mistaken.misconception
    assert mistaken.misconception not in said
    debrief = " ".join(" ".join(table.round.debrief).split())
    assert "wrong: you said" in debrief
    assert mistaken.misconception in debrief
    assert table.right() in debrief
    assert " ".join(table.paper.numbers[0].question.steps[0].split()) in debrief


@pytest.mark.parametrize("text", ["what?", "/what"])
def test_what_is_no_answer_locks_nothing(deal: Deal, text: str) -> None:
    table = deal(spec("precision-from-base-rate"))
    said = table.type(text)
    assert table.host.of("wrote", "answered") == []
    assert len(said.splitlines()) <= 2
    assert said
    assert table.round.prompt == "answer> "


@pytest.mark.parametrize("text", ["49", "101", "sure", "0.8", "-5", "80 80"])
def test_a_confidence_out_of_range_is_asked_again(table: Table, text: str) -> None:
    said = table.type(table.right(), text)
    assert f"Expected 50 to 100 % or -, got {text}." in said
    assert table.host.of("answered") == []


@pytest.mark.parametrize(
    ("text", "share"), [("50", 0.5), ("100%", 1.0), ("99.5", 0.995), ("", None)]
)
def test_a_confidence_is_read(table: Table, text: str, share: float | None) -> None:
    table.type(table.right(), text)
    assert table.host.of("answered")[0]["confidence"] == share


def test_an_answer_may_be_changed_before_it_is_locked(deal: Deal) -> None:
    table = deal(spec("precision-from-base-rate"))
    table.type("0.99")
    assert ("= <value>", "change it") in table.round.keys
    assert "answer again" in table.type("= what?")
    said = table.type(f"= {table.right()}")
    assert "How sure are you" in said
    table.restart()
    assert f"Your answer: {table.right()}" in table.host.said
    table.type("90")
    typed = [event["text"] for event in table.host.of("wrote")]
    assert typed == ["0.99", table.right()]
    answer = table.host.of("answered")[0]
    assert (answer["text"], answer["correct"]) == (table.right(), True)


def test_too_few_values_are_told(deal: Deal) -> None:
    table = deal(spec("affine-quantization"))
    assert "2 values must be given, got 1. Nothing is locked" in table.type("70")
    assert table.host.of("wrote") == []


def test_a_question_may_be_skipped(table: Table) -> None:
    table.type("/skip")
    assert table.host.of("skipped") == [
        {"at": 10.0, "event": "skipped", "item": table.paper.numbers[0].id}
    ]
    assert len(table.host.of("asked")) == 2
    assert "not answered; it is" in "\n".join(table.round.debrief)


def test_a_typed_number_counts_when_the_phase_ends(table: Table) -> None:
    table.type(table.right())
    table.phase("open")
    answers = table.host.of("answered")
    assert [(a["correct"], a["confidence"]) for a in answers] == [(True, None)]
    asked = [event["item"] for event in table.host.of("asked")]
    assert asked == [table.paper.numbers[0].id, table.paper.open[0].id]
    table.round.end(table.host)
    assert len(table.host.of("answered")) == 1


def test_when_all_numbers_are_answered_the_candidate_goes_on(table: Table) -> None:
    assert isinstance(table.round, TheoryRound)
    assert table.round.unfinished == f"{len(table.paper.numbers)} questions are left"
    assert not table.round.takes_text
    said = table.type(*["/skip"] * len(table.paper.numbers))
    assert table.round.unfinished == ""
    assert "/next goes on" in said
    assert "/next goes on" in table.type("42")
    assert not table.round.complete
    assert table.host.of("answered") == []


def test_a_round_of_one_number_is_complete_with_it(deal: Deal) -> None:
    table = deal(spec("precision-from-base-rate"))
    assert not table.round.complete
    table.type(table.right(), "90")
    assert table.round.complete


# --- open questions


def test_lines_are_recorded_as_they_come_and_locked(open_table: Table) -> None:
    open_table.type("L2 shrinks the weights.", "L1 makes them exactly zero.")
    assert [event["text"] for event in open_table.host.of("wrote")] == [
        "L2 shrinks the weights.",
        "L1 makes them exactly zero.",
    ]
    point = question(open_table).points[0].text
    assert point not in "\n".join(open_table.host.said)
    assert isinstance(open_table.round, TheoryRound)
    before = open_table.round.takes_text
    said = open_table.type("/lock")
    assert (before, open_table.round.takes_text) == (True, False)
    assert open_table.round.unfinished == "1 question is left"
    answer = open_table.host.of("answered")[0]
    assert answer["text"] == "L2 shrinks the weights.\nL1 makes them exactly zero."
    assert answer["correct"] is None
    assert "Point 1 of 5" in said


def test_points_are_claimed_after_the_lock_only(open_table: Table) -> None:
    open_table.type("y L1 makes many of the weights exactly zero")
    assert open_table.host.of("point", "refused") == []
    open_table.type("/lock")
    open_table.type("n", "n", "y L1 makes many of the weights exactly zero", "n", "n")
    accepted = [point["accepted"] for point in open_table.host.of("point")]
    assert accepted == [False, False, True, False, False]
    assert open_table.round.complete
    assert "1 of 5 points shown" in "\n".join(open_table.round.debrief)


def test_the_exemplar_earns_every_point(open_table: Table) -> None:
    open_table.type(*question(open_table).exemplar.splitlines(), "/lock")
    open_table.type(*(f"y {point.quote}" for point in question(open_table).points))
    assert all(point["accepted"] for point in open_table.host.of("point"))
    assert len(open_table.host.of("point")) == 5


def test_what_is_typed_after_the_lock_is_no_answer(open_table: Table) -> None:
    open_table.type("L2 shrinks the weights.", "/lock")
    open_table.type("The lasso keeps one of several correlated features.")
    assert len(open_table.host.of("wrote")) == 1
    quote = "y The lasso keeps one of several correlated features"
    open_table.type("n", "n", "n", quote, quote)
    assert not any(point["accepted"] for point in open_table.host.of("point"))


@pytest.mark.parametrize("text", [(), ("...",), (" ",)])
def test_an_empty_answer_is_not_locked(
    open_table: Table, text: tuple[str, ...]
) -> None:
    said = open_table.type(*text, "/lock")
    assert "Nothing to lock" in said
    open_table.round.end(open_table.host)
    assert open_table.host.of("answered", "point") == []


def test_at_time_up_the_draft_counts_and_is_taken_once(open_table: Table) -> None:
    open_table.type("L2 shrinks the weights.")
    open_table.round.end(open_table.host)
    open_table.round.end(open_table.host)
    assert [a["text"] for a in open_table.host.of("answered")] == [
        "L2 shrinks the weights."
    ]
    assert open_table.host.of("point") == []


def test_the_file_counts_if_nothing_was_typed(open_table: Table) -> None:
    file = open_table.host.folder / "answers.md"
    file.write_text(file.read_text("utf-8") + "L2 shrinks.\n\nL1 selects.\n", "utf-8")
    open_table.type("/lock")
    assert open_table.host.of("answered")[0]["text"] == "L2 shrinks.\n\nL1 selects."


def test_what_was_typed_and_the_file_both_count(open_table: Table) -> None:
    (open_table.host.folder / "answers.md").write_text("From the file.", "utf-8")
    open_table.type("From the keys.", "/lock")
    text = open_table.host.of("answered")[0]["text"]
    assert text == "From the keys.\n\nFrom the file."


def test_a_file_without_headings_is_the_answer_to_the_only_question(
    open_table: Table,
) -> None:
    (open_table.host.folder / "answers.md").write_bytes(b"L2 shrinks weights \xff.")
    open_table.round.end(open_table.host)
    assert open_table.host.of("answered")[0]["text"].startswith("L2 shrinks weights")


def test_a_missing_file_is_empty(open_table: Table) -> None:
    (open_table.host.folder / "answers.md").unlink()
    assert "Nothing to lock" in open_table.type("/lock")


def test_each_question_has_its_section_of_the_file(deal: Deal) -> None:
    table = deal(spec("bias_variance_tradeoff", minutes=60))
    table.phase("open")
    file = table.host.folder / "answers.md"
    title = f"## 2. {table.paper.open[1].title}"
    text = file.read_text("utf-8").replace(title, f"First answer.\n\n{title}")
    file.write_text(text.replace("## 3.", "Second answer.\n\n## 3."), "utf-8")
    table.type("/lock", *["n"] * len(table.paper.open[0].points), "/lock")
    answers = [event["text"] for event in table.host.of("answered")]
    assert answers == ["First answer.", "Second answer."]


def test_a_skipped_open_question_goes_on_to_the_next(deal: Deal) -> None:
    table = deal(spec("bias_variance_tradeoff", minutes=60))
    table.phase("open")
    said = table.type("/skip")
    assert "Open question 2" in said


# --- resuming


def test_a_typed_number_survives_a_crash(table: Table) -> None:
    table.type(table.right())
    table.restart()
    assert f"Your answer: {table.right()}" in table.host.said
    assert len(table.host.of("asked")) == 1
    table.type("75")
    assert table.host.of("answered")[0]["confidence"] == 0.75


def test_a_draft_survives_a_crash(open_table: Table) -> None:
    open_table.type("L2 shrinks the weights.")
    open_table.restart()
    assert "  L2 shrinks the weights." in open_table.host.said
    open_table.type("L1 selects.", "/lock")
    text = open_table.host.of("answered")[0]["text"]
    assert text == "L2 shrinks the weights.\nL1 selects."


def test_points_go_on_where_they_were(open_table: Table) -> None:
    open_table.type("L1 makes many weights exactly zero.", "/lock", "n", "n")
    open_table.type("y these are not my words")
    open_table.restart()
    assert open_table.host.said[0].startswith("Point 3 of 5")
    open_table.type("y these are not my words either")
    assert not open_table.host.of("point")[-1]["accepted"]
    assert open_table.round.prompt == "y/n> "


def test_keys_tell_what_there_is(open_table: Table) -> None:
    assert [key for key, _ in open_table.round.keys] == ["/lock", "/skip"]
    open_table.type("L2 shrinks the weights.", "/lock")
    assert [key for key, _ in open_table.round.keys] == ["y <quote>", "n"]
    open_table.type("n", "n", "n", "n", "n")
    assert open_table.round.keys == ()
    assert not open_table.round.busy


def test_the_round_fits_the_session_and_stays_light() -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from interviews.rounds.base import Spec, Tools\n"
        "from interviews.rounds.theory import TheoryRound\n"
        "TheoryRound(Spec(1, 'theory', 60, 'mid', 7), Tools(Path(), None)).open()\n"
        "heavy = {'numpy', 'scipy', 'torch', 'pytest', 'hypothesis'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
