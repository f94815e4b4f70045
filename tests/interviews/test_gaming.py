"""What does not answer earns nothing: whole sessions, from first line to report.

Every loop here is long enough for a verdict (two rounds, 30 minutes, six items), so
that "no hire" comes from what was scored and not from too little evidence.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from interviews.engine.log import LOG, LogError
from interviews.engine.session import Session
from interviews.report import write
from tests.interviews.loops import Knowing, Loop, Patient, found, right, solution

Say = Callable[[str, Sequence[str]], str]
ALL_KINDS = (
    "coding:30:softmax",
    "levels:30:cache_codebase",
    "repair:30:softmax",
    "tests:30:softmax",
    "theory:20",
    "design:30:fraud_detection",
)


@pytest.fixture(scope="module")
def real() -> Iterator[Patient]:
    judge = Patient()
    yield judge
    judge.process.close()


def measured(loop: Loop, number: int = 1) -> set[int]:
    """Return the scores that a round has."""
    return {score for score in loop.scores(number).values() if score is not None}


# Nothing, and words that say nothing --------------------------------------------------


@pytest.mark.parametrize("empty", [False, True])
def test_nothing_earns_nothing(empty: bool, tmp_path: Path) -> None:
    """No answer in any round, files left as they are or emptied, until the time is up.

    All that was offered and not done counts as not done: the stub is no code, the
    planted file no repair, the template no test, and a question asked is asked.
    """
    loop = Loop(tmp_path / "s", *ALL_KINDS, judging=Knowing())
    while not loop.session.over:
        if empty and loop.files.is_dir():
            for file in loop.files.iterdir():
                file.write_text("", "utf-8")
        loop.wait(1)
    for number in range(1, len(ALL_KINDS) + 1):
        assert measured(loop, number) == {1}, ALL_KINDS[number - 1]
    assert loop.decision == "no hire"
    assert loop.report.decision.score == 1


def fine(asked: str, terms: Sequence[str]) -> str:
    del asked, terms
    return "fine"


def fine_at_length(asked: str, terms: Sequence[str]) -> str:
    del asked, terms
    return "it is all fine really, and I would do it very well"


def gibberish(asked: str, terms: Sequence[str]) -> str:
    del asked, terms
    return "asdf qwer zxcv poiu lkjh mnbv the wert of sdfg is hjkl"


def stuffed(asked: str, terms: Sequence[str]) -> str:
    """All that is looked for, in a row: whoever reads the files knows the terms."""
    del asked
    return ", ".join(["the model", *terms][:40])


def copied(asked: str, terms: Sequence[str]) -> str:
    del terms
    return " ".join(asked.split()[:50])


@pytest.mark.parametrize("say", [fine, fine_at_length, gibberish, stuffed, copied])
def test_words_that_say_nothing_earn_nothing(say: Say, tmp_path: Path) -> None:
    """«fine», gibberish, stuffed keywords and the prompt itself, wherever words go.

    A number is not read from words; a quotation must be prose of one's own about the
    point; what is written moves no measured score without an estimate or a decision
    that earns one. So even the self-reported part stays at its lowest.
    """
    loop = Loop(tmp_path / "s", "theory:20", "design:30", judging=Knowing())
    loop.talk_through_theory(say)
    loop.type("/next")
    loop.talk_through_design(say)
    assert loop.session.over
    assert loop.of("point"), "points were claimed"
    assert not [event for event in loop.of("point") if event["accepted"]]
    assert not [event for event in loop.of("answered") if event["correct"]]
    assert loop.claims(1) == loop.claims(2) == [1]
    assert measured(loop, 1) == measured(loop, 2) == {1}
    assert loop.decision == "no hire"


def test_words_in_the_place_of_code_earn_nothing(tmp_path: Path) -> None:
    """An explanation is kept as the candidate's own word; it is not code."""
    rounds = ("coding:30:softmax", "repair:30:softmax")
    loop = Loop(tmp_path / "s", *rounds, judging=Knowing())
    for _ in rounds:
        loop.save("softmax.py", "fine\n")
        loop.type("/next", "/next", "It is all fine.")
        loop.end_round()
    assert loop.session.over
    assert loop.of("said")
    assert measured(loop, 1) <= {1, 2}
    assert loop.scores(1)["core correctness"] == 1
    assert loop.scores(2)["mistakes fixed"] == 1
    assert loop.decision == "no hire"


def test_estimates_that_cover_everything_earn_nothing(tmp_path: Path) -> None:
    """An interval wider than two decades says nothing, though the truth is in it."""
    rounds = ("design:30:fraud_detection", "coding:30:softmax")
    loop = Loop(tmp_path / "s", *rounds, judging=Knowing())
    for estimate in loop.prompt.estimates:
        value = estimate.expected(loop.prompt.defaults)
        low, high = value / 1e4, value * 1e4
        loop.type(f"/estimate {estimate.id} {low:.6g} {high:.6g} {estimate.unit}")
    assert len(loop.of("estimated")) == len(loop.prompt.estimates)
    loop.wait_out()
    assert [event["credit"] for event in loop.of("scored")] == [0.0] * 4
    assert measured(loop) == {1}
    assert loop.decision == "no hire"


# Too late -----------------------------------------------------------------------------


def test_answers_after_the_time_score_nothing(tmp_path: Path) -> None:
    """Right answers, but the round is over: they are kept as late, in no round."""
    rounds = ("theory:20", "design:30:fraud_detection", "coding:30:softmax")
    loop = Loop(tmp_path / "s", *rounds, judging=Knowing())
    answer = right(loop.paper.numbers[0])
    loop.clock.advance(20 * 60)
    loop.type(answer, "100", "/next")
    loop.clock.advance(30 * 60)
    loop.type("/estimate alerts 3.9M", "/decide split by-time", "/next")
    loop.wait_out()
    assert len(loop.of("late")) == 4
    assert not loop.of("answered", "estimated", "decided")
    assert measured(loop, 1) == measured(loop, 2) == {1}
    assert loop.decision == "no hire"
    assert "4 lines came after the time" in " ".join(n.text for n in loop.report.notes)


def late(file: Path, loop: Loop) -> None:
    """Make a file look as if it was saved an hour from now on the loop's clock."""
    changed = loop.clock.wall().timestamp() + 3600
    os.utime(file, (changed, changed))


def test_a_file_changed_after_the_time_does_not_count(tmp_path: Path) -> None:
    """The machine slept through the end, the file was saved later: the draft counts."""
    rounds = ("coding:30:softmax", "repair:30:softmax")
    loop = Loop(tmp_path / "s", *rounds, judging=Knowing())
    for _ in rounds:
        loop.save("softmax.py", solution("softmax"))
        late(loop.files / "softmax.py", loop)
        loop.wait(30)
        loop.type("/next")
    assert loop.session.over
    assert "after the time" in " ".join(loop.shown)
    assert measured(loop, 1) == measured(loop, 2) == {1}
    assert loop.decision == "no hire"


def test_files_edited_after_the_loop_change_nothing(tmp_path: Path) -> None:
    """The report is rebuilt from the log alone; no file of the candidate is read."""
    loop = Loop(tmp_path / "s", *ALL_KINDS, judging=Knowing())
    loop.wait_out()
    before = [file.read_bytes() for file in write(loop.folder)]
    for file in loop.folder.rglob("*"):
        if file.is_file() and file.name not in (LOG, "lock"):
            file.write_text(solution("softmax"), "utf-8")
    assert [file.read_bytes() for file in write(loop.folder)] == before
    assert loop.decision == "no hire"


# The log ------------------------------------------------------------------------------


def edited(file: Path, number: int, **changes: object) -> None:
    """Change the data of one line, and leave its chain as it was."""
    lines = file.read_text("utf-8").splitlines()
    lines[number - 1] = json.dumps(json.loads(lines[number - 1]) | changes)
    file.write_text("\n".join(lines) + "\n", "utf-8")


def wrong_answers(loop: Loop) -> None:
    """Answer every number with one that is far off; leave the rest."""
    for _ in loop.paper.numbers:
        loop.type("123456789", "100")
    loop.end_round()


def test_an_edited_log_is_no_evidence(tmp_path: Path) -> None:
    """A wrong answer made right by hand: the chain breaks there, and so does trust.

    Nothing from that line on counts, so that a later round cannot be invented either;
    the decision is that there is too little evidence, whatever came before.
    """
    loop = Loop(tmp_path / "s", "coding:30:softmax", "theory:20", judging=Knowing())
    loop.answer_coding("softmax")
    wrong_answers(loop)
    loop.wait_out()
    honest = loop.decision
    answered = loop.of("answered")[0]["line"]
    assert isinstance(answered, int)
    edited(loop.folder / LOG, answered, correct=True)
    assert (honest, loop.decision) == ("no hire", "insufficient evidence")
    assert f"changed at line {answered}" in loop.report.decision.reason
    assert loop.scores(2)["accuracy"] in (1, None)


def test_lines_cut_out_or_added_are_no_evidence(tmp_path: Path) -> None:
    """A wrong answer taken out, or a right one put in, breaks the chain as well."""
    loop = Loop(tmp_path / "s", "theory:20", "theory:20", judging=Knowing())
    wrong_answers(loop)
    loop.wait_out()
    file = loop.folder / LOG
    lines = file.read_text("utf-8").splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if '"answered"' in line)
    before, line, after = lines[:place], lines[place], lines[place + 1 :]
    made_right = line.replace("false", "true")
    for changed in ([*before, *after], [*before, line, made_right, *after]):
        file.write_text("".join(changed), "utf-8")
        assert loop.decision == "insufficient evidence"


def test_an_edited_log_cannot_be_resumed(tmp_path: Path) -> None:
    """A session goes on from its log, so it must be the one that was written."""
    loop = Loop(tmp_path / "s", "coding:30:softmax", "theory:20", judging=Knowing())
    loop.session.close()
    edited(loop.folder / LOG, 2, minutes=90)
    with pytest.raises(LogError, match="line 2 of the log was changed"):
        Session.resume(
            loop.folder, clock=loop.clock, tools=loop.tools, show=loop.shown.append
        )


# Code ---------------------------------------------------------------------------------

TAKEN = "softmax, log_softmax = m.softmax, m.log_softmax\n"
TAKEN_OVER = {
    "the solution": "from solutions.activations.softmax import *\n",
    "the reference": f"import reference.core.math_operations.activations as m\n{TAKEN}",
    "by parts": "import importlib\n"
    f"m = importlib.import_module('solut' + 'ions.activations.softmax')\n{TAKEN}",
    "by its file": "exec(open(FILE).read())\n",
    "among the modules": "import sys\n"
    f"m = sys.modules['reference.core.math_operations.activations']\n{TAKEN}",
    "among the objects": "import gc\n"
    f"m = next(o for o in gc.get_objects() if hasattr(o, 'log_softmax'))\n{TAKEN}",
    "a forbidden call": "from scipy.special import log_softmax, softmax\n",
    "a forbidden call by parts": "p = __import__('sci' + 'py.special')\n"
    f"m = getattr(p, 'special')\n{TAKEN}",
}


@pytest.mark.parametrize("text", TAKEN_OVER.values(), ids=TAKEN_OVER)
def test_code_that_has_another_answer_for_it_is_refused(
    text: str, real: Patient, tmp_path: Path
) -> None:
    """The solution or the reference taken over, or the library call that is forbidden.

    However it is spelled, the guard in the judge's child refuses it and no property
    counts. The round's core is then 1, and with that no other round makes a hire.
    """
    shelf, kata = found("softmax")
    text = text.replace("FILE", repr(str(shelf.solution_file(kata))))
    loop = Loop(tmp_path / "s", "coding:30:softmax", "theory:20", judging=real)
    loop.save("softmax.py", text)
    loop.type("/judge")
    loop.end_round()
    loop.answer_theory()
    assert loop.session.over
    assert all(event["refused"] for event in loop.of("judged"))
    assert measured(loop, 1) == {1}
    assert loop.scores(2)["accuracy"] == 4
    assert loop.decision == "no hire"


def test_a_solution_that_is_taken_over_after_an_honest_run_is_refused(
    real: Patient, tmp_path: Path
) -> None:
    """What counts is the file at the end: an honest run before does not whiten it."""
    loop = Loop(tmp_path / "s", "coding:30:softmax", "theory:20", judging=real)
    loop.save("softmax.py", solution("softmax"))
    loop.type("/judge")
    loop.save("softmax.py", TAKEN_OVER["the solution"])
    loop.end_round()
    loop.answer_theory()
    assert measured(loop, 1) == {1}
    assert loop.decision == "no hire"


# Tests --------------------------------------------------------------------------------

HEAD = "from katas.activations.softmax import log_softmax, softmax\n\n\n"
TESTS = {
    "always fails": "def test_it():\n    assert False\n",
    "always passes": "def test_it():\n    assert True\n",
    "passes by asking nothing": "def test_it():\n    softmax([1.0, 2.0])\n",
    "fails by chance": "import random\n\n\ndef test_it():\n"
    "    assert random.SystemRandom().random() < 0\n",
    "reads the mistakes": "from dojo.notes import read_notes\n\n\n"
    "def test_it():\n    assert softmax\n",
    "no test": "x = 1\n",
}


@pytest.mark.parametrize("body", TESTS.values(), ids=TESTS)
def test_tests_that_tell_nothing_earn_nothing(
    body: str, real: Patient, tmp_path: Path
) -> None:
    """Always red catches every mistake and the right code with it; always green none.

    A test that fails on right code is a false alarm and catches nothing, so neither
    earns more than 1 anywhere; with such a core no other round makes a hire.
    """
    loop = Loop(tmp_path / "s", "tests:30:softmax", "theory:20", judging=real)
    loop.save("test_softmax.py", HEAD + body)
    loop.end_round()
    loop.answer_theory()
    assert loop.session.over
    (tested,) = loop.of("tested")
    assert tested["caught"] == []
    assert measured(loop, 1) == {1}
    assert loop.scores(2)["accuracy"] == 4
    assert loop.decision == "no hire"
