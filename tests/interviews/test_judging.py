"""The judging process answers, survives and hides nothing it was not asked."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dojo.catalogue import ROOT
from interviews.judging import JudgeProcess

SOLUTION = (ROOT / "solutions/activations/softmax.py").read_text(encoding="utf-8")
Answer = dict[str, object]


@pytest.fixture(scope="module")
def judging() -> Iterator[JudgeProcess]:
    process = JudgeProcess()
    yield process
    process.close()


def properties(judging: JudgeProcess, text: str, **more: object) -> Answer:
    request: dict[str, object] = {
        "kind": "properties", "shelf": "katas", "kata": "softmax", "text": text,
        "seed": 3, "explain": False, "only": [],
    }  # fmt: skip
    return judging.submit(request | more).result()


def own_tests(judging: JudgeProcess, text: str, mistakes: list[str]) -> Answer:
    head = (
        "import numpy as np\nimport pytest\n"
        "from katas.activations.softmax import log_softmax, softmax\n"
    )
    return judging.submit(
        {"kind": "own_tests", "shelf": "katas", "kata": "softmax",
         "text": head + text, "mistakes": mistakes}
    ).result()  # fmt: skip


def test_a_solution_is_solved_and_warm_judging_is_quick(judging: JudgeProcess) -> None:
    warm = {"kind": "warm", "shelf": "katas", "katas": ["softmax"]}
    assert judging.submit(warm).result()["state"] == "solved"
    answer = properties(judging, SOLUTION)
    assert (answer["state"], answer["refused"]) == ("solved", "")
    results = answer["results"]
    assert isinstance(results, list)
    assert [entry["core"] for entry in results] == [True] * 5 + [False] * 4
    assert all(entry["held"] for entry in results)
    assert answer["failure"] is None


def test_one_property_alone_keeps_its_place(judging: JudgeProcess) -> None:
    name = "test_bad_input_is_refused"
    results = properties(judging, SOLUTION, only=[name])["results"]
    assert isinstance(results, list)
    (result,) = results
    assert (result["name"], result["core"], result["held"]) == (name, False, True)


def test_only_who_asks_is_told_why(judging: JudgeProcess) -> None:
    wrong = SOLUTION.replace("np.exp", "np.cosh")
    assert properties(judging, wrong)["failure"] is None
    failure = properties(judging, wrong, explain=True)["failure"]
    assert isinstance(failure, dict)
    assert failure["sentence"]
    assert failure["calls"]


@pytest.mark.parametrize(
    ("text", "state", "refused"),
    [
        ("", "broken", False),
        ("def softmax(x:\n", "broken", False),
        ("import reference\n", "wrong", True),
        (SOLUTION + "\n__import__('ref' + 'erence')\n", "wrong", True),
        (SOLUTION + "\nimport numpy\nnumpy.exp = None\n", "broken", True),
        ("while True: pass\n", "too slow", False),
        ("print('{}')\nimport os; os.write(1, b'{}')\n", "broken", False),
    ],
)
def test_what_cannot_be_judged_holds_nothing(
    judging: JudgeProcess, text: str, state: str, refused: bool
) -> None:
    answer = properties(judging, text)
    assert answer["state"] == state
    assert bool(answer["refused"]) is refused
    results = answer["results"]
    assert isinstance(results, list)
    assert len(results) == 9
    assert not any(entry["held"] for entry in results)


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"kind": "dance"},
        {"kind": "properties", "shelf": "books", "kata": "softmax", "text": ""},
        {"kind": "properties", "shelf": "katas", "kata": "nothing", "text": ""},
        {"kind": "properties", "shelf": "katas", "kata": "softmax"},
        {"kind": "warm", "shelf": "katas", "katas": 3},
    ],
)
def test_a_broken_request_is_answered_in_a_line(
    judging: JudgeProcess, request_: dict[str, object]
) -> None:
    answer = judging.submit(request_).result()
    assert (answer["state"], answer["results"]) == ("broken", [])
    assert "\n" not in str(answer["error"])


def test_tests_catch_mistakes_and_false_alarms_catch_nothing(
    judging: JudgeProcess,
) -> None:
    text = """
def test_sums_to_one():
    assert np.allclose(softmax([1.0, 2.0]).sum(), 1)

def test_large():
    assert np.isfinite(softmax([1e4, 1e4])).all()

def test_wrong():
    assert softmax([1.0, 1.0])[0] == 0.3

@pytest.mark.parametrize("axis", [0, 1])
def test_axes(axis):
    x = np.arange(6.0).reshape(2, 3)
    assert np.allclose(softmax(x, axis=axis).sum(axis=axis), 1)
"""
    from dojo.notes import read_notes

    notes = read_notes(ROOT / "solutions/activations/softmax.toml")
    names = [mistake.name for mistake in notes.mistakes]
    answer = own_tests(judging, text, names)
    assert (answer["error"], answer["refused"]) == ("", "")
    assert answer["false_alarms"] == ["test_wrong"]
    tests = answer["tests"]
    assert isinstance(tests, list)
    assert len(tests) == 5
    caught = answer["caught"]
    assert isinstance(caught, dict)
    assert caught
    assert len(caught) < len(names)
    assert all("test_wrong" not in by for by in caught.values())


def test_tests_that_always_fail_or_pass_catch_nothing(judging: JudgeProcess) -> None:
    from dojo.notes import read_notes

    notes = read_notes(ROOT / "solutions/activations/softmax.toml")
    names = [mistake.name for mistake in notes.mistakes][:3]
    failing = own_tests(judging, "def test_it():\n    assert False\n", names)
    assert (failing["false_alarms"], failing["caught"]) == (["test_it"], {})
    passing = own_tests(judging, "def test_it():\n    pass\n", names)
    assert (passing["false_alarms"], passing["caught"]) == ([], {})
    assert passing["tests"] == ["test_it"]


@pytest.mark.parametrize(
    ("text", "error", "refused"),
    [
        ("", "there are no tests", ""),
        ("def test_a(:\n", "not Python", ""),
        ("import nowhere_at_all\ndef test_a(): pass\n", "nowhere_at_all", ""),
        ("def test_a():\n    while True: pass\n", "test_a does not end", ""),
        ("from reference import core\ndef test_a(): pass\n", "", "`reference.core`"),
        ("def test_a():\n    __import__('ref' + 'erence')\n", "", "`reference`"),
        (
            "def test_a():\n    import inspect; inspect.getsource(softmax)\n",
            "",
            "in your tests: they must not read the solution",
        ),
    ],
)
def test_what_is_no_fair_test_catches_nothing(
    judging: JudgeProcess, text: str, error: str, refused: str
) -> None:
    answer = own_tests(judging, text, [])
    assert error in str(answer["error"])
    assert refused in str(answer["refused"])
    assert bool(answer["error"]) is bool(error)
    assert bool(answer["refused"]) is bool(refused)
    assert answer["caught"] == {}


COUNTING = """
import os, pathlib, tempfile, time
def count(file):
    file = pathlib.Path(file)
    n = int(file.read_text()) if file.exists() else 0
    {write}
    return n
"""


@pytest.mark.parametrize(
    "write",
    [
        "open(file, 'w').write(str(n + 1))",
        "os.write(os.open(file, os.O_CREAT | os.O_WRONLY), str(n + 1).encode())",
        "os.symlink('1', str(file) + 'x')",
        "os.mkdir(str(file) + 'y')",
    ],
)
def test_tests_that_keep_count_of_their_runs_are_refused(
    judging: JudgeProcess, tmp_path: Path, write: str
) -> None:
    text = COUNTING.format(write=write)
    text += f"def test_it():\n    assert count('{tmp_path}/count') < 3\n"
    answer = own_tests(judging, text, _some_mistakes(8))
    assert answer["refused"], answer
    assert "temporary folder only" in str(answer["refused"])
    assert answer["caught"] == {}
    assert not list(tmp_path.iterdir())


def test_what_a_library_writes_for_the_tests_is_not_kept(
    judging: JudgeProcess, tmp_path: Path
) -> None:
    text = COUNTING.format(write="file.write_text(str(n + 1))")
    text += f"def test_it():\n    assert count('{tmp_path}/count') < 3\n"
    answer = own_tests(judging, text, _some_mistakes(8))
    assert (answer["false_alarms"], answer["caught"]) == (["test_it"], {})
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_an_earlier_run(judging: JudgeProcess) -> None:
    text = COUNTING.format(write="file.write_text(str(n + 1))")
    text += """
def test_here():
    assert count("count") == 0

def test_temporary(tmp_path):
    assert count(tempfile.gettempdir() + "/other") == 0
    assert count(tmp_path / "third") == 0
    with tempfile.TemporaryDirectory() as folder:
        assert count(folder + "/fourth") == 0
"""
    answer = own_tests(judging, text, _some_mistakes(8))
    assert (answer["refused"], answer["error"]) == ("", "")
    assert (answer["false_alarms"], answer["caught"]) == ([], {})


def test_tests_that_go_by_the_clock_give_a_false_alarm(judging: JudgeProcess) -> None:
    # The sleep is the candidate's, in the process that is judged.
    text = f"""
import time
def test_it():
    time.sleep(0.05)
    assert time.time() < {time.time()} + 0.4
"""
    answer = own_tests(judging, text, _some_mistakes(8))
    assert (answer["false_alarms"], answer["caught"]) == (["test_it"], {})


def test_the_name_of_the_file_tells_nothing(judging: JudgeProcess) -> None:
    text = """
import sys
def test_code():
    code = softmax.__wrapped__.__code__ if hasattr(softmax, "__wrapped__") else None
    assert code is None or "mistake" not in code.co_filename
    import katas.activations.softmax as module
    assert "mistake" not in str(vars(module).get("__file__"))

def test_finder():
    for finder in sys.meta_path:
        if hasattr(finder, "target"):
            assert "mistake" not in str(finder.target)
"""
    answer = own_tests(judging, text, _some_mistakes(8))
    assert (answer["refused"], answer["error"]) == ("", "")
    assert (answer["false_alarms"], answer["caught"]) == ([], {})


def test_tests_may_draw_texts(judging: JudgeProcess) -> None:
    text = """
from hypothesis import given, strategies as st
@given(st.text(), st.floats(-5, 5))
def test_it(words, x):
    assert softmax([x, x])[0] == 0.5
"""
    answer = own_tests(judging, text, [])
    assert (answer["refused"], answer["error"]) == ("", "")
    assert (answer["tests"], answer["false_alarms"]) == (["test_it"], [])


def _some_mistakes(most: int) -> list[str]:
    from dojo.notes import read_notes

    notes = read_notes(ROOT / "solutions/activations/softmax.toml")
    return [mistake.name for mistake in notes.mistakes][:most]


def test_a_process_that_dies_is_started_again() -> None:
    process = JudgeProcess()
    try:
        assert properties(process, SOLUTION)["state"] == "solved"
        assert process._process is not None
        os.kill(process._process.pid, signal.SIGKILL)
        assert properties(process, SOLUTION)["state"] == "solved"
        waiting = process.submit(
            {"kind": "properties", "shelf": "katas", "kata": "softmax",
             "text": "while True: pass\n", "seed": 1}
        )  # fmt: skip
        began = time.monotonic()
        process.close()
        assert waiting.result()["state"] == "broken"
        assert time.monotonic() - began < 5
        assert properties(process, SOLUTION)["error"] == "the judge was closed"
    finally:
        process.close()
