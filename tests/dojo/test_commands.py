"""The commands that are not about judging."""

import subprocess

import pytest

from dojo.catalogue import read_catalogue
from dojo.progress import Progress
from tests.dojo.tree import COUNTER, DOUBLE, ROOT, Tree


def test_hints_come_one_at_a_time_and_are_remembered(tree: Tree) -> None:
    first = tree.kata("hint", "double").screen
    assert "Hint 1 of 2" in first
    assert "Two times x." not in first
    assert "Two times x." in tree.kata("hint", "double").screen
    last = tree.kata("hint", "double").screen
    assert "That was the last one" in last
    shelf = read_catalogue(tree.root)
    (kata,) = shelf.find("double")
    assert Progress(shelf).hints_seen(kata) == 2


@pytest.mark.parametrize("command", ["solution", "diff"])
def test_the_solution_is_for_who_solved_it_or_asks_outright(
    tree: Tree, command: str
) -> None:
    refused = tree.kata(command, "double")
    assert refused.code == 2
    assert "not solved yet" in refused.errors
    assert "2.0 *" not in refused.screen
    assert "2.0 *" in tree.kata(command, "double", "--peek").screen
    history = list(Progress(read_catalogue(tree.root)).history())
    assert [record["event"] for record in history] == ["peek"]
    mine = DOUBLE.replace("2.0 * np.asarray(x, dtype=np.float64)", "np.add(x, x) + 0.0")
    tree.double.write_text(mine)
    solved = tree.kata(command, "double")
    assert solved.code == 0
    assert "2.0 *" in solved.screen


def test_reset_archives_every_byte(tree: Tree) -> None:
    stub = tree.double.read_bytes()
    attempt = b"# my work\r\n\xff not even text"
    tree.double.write_bytes(attempt)
    answer = tree.kata("reset", "double")
    assert answer.code == 0
    assert tree.double.read_bytes() == stub
    (kept,) = (tree.root / ".dojo" / "attempts" / "double").iterdir()
    assert kept.read_bytes() == attempt
    assert kept.name in answer.screen.replace("\n", "")


def test_next_follows_needs(tree: Tree) -> None:
    assert "kata watch double" in tree.kata("next").screen
    tree.double.write_text(DOUBLE)
    tree.kata("check")
    assert "kata watch counter" in tree.kata("next").screen
    tree.counter.write_text(COUNTER)
    tree.kata("check")
    assert "All solved." in tree.kata("next").screen


def test_a_mistyped_name_gets_the_nearest(tree: Tree) -> None:
    for command in ("check", "hint", "solution", "diff", "reset", "watch", "truth"):
        answer = tree.kata(command, "duoble")
        assert answer.code == 2, command
        assert answer.errors == (
            "kata: no kata or track is called 'duoble': did you mean 'double'?\n"
        )
        assert answer.screen == ""


def test_a_mistyped_command_or_option_is_one_line_of_help(tree: Tree) -> None:
    for arguments in (("chekc",), ("check", "--sed", "1"), ("check", "--seed", "x")):
        answer = tree.kata(*arguments)
        assert answer.code == 2
        assert "Traceback" not in answer.errors
        assert "Error" in answer.errors


def test_a_new_kata_holds_until_it_is_written(tree: Tree) -> None:
    answer = tree.kata("new", "arithmetic/triple")
    assert answer.code == 0
    for name in ("triple.py", "test_triple.py", "triple.toml", "track.toml"):
        assert name in answer.screen
    assert "✓ SOLVED" in tree.kata("check", "triple", "--target", "solutions").screen
    assert "NOT STARTED" in tree.kata("check", "triple").screen
    again = tree.kata("new", "arithmetic/triple")
    assert again.code == 2
    assert "already" in again.errors
    assert "track/name" in tree.kata("new", "triple").errors
    assert "no track is called" in tree.kata("new", "algebra/triple").errors


def test_refresh_never_overwrites_work(tree: Tree) -> None:
    solution = tree.root / "solutions" / "arithmetic" / "double.py"
    solution.write_text(solution.read_text().replace("Doubling.", "Doubling numbers."))
    assert tree.kata("new", "--refresh", "arithmetic/double").code == 0
    assert "Doubling numbers." in tree.double.read_text()
    tree.double.write_text(DOUBLE)
    refused = tree.kata("new", "--refresh", "arithmetic/double")
    assert refused.code == 2
    assert "kata reset double" in refused.errors
    assert tree.double.read_text() == DOUBLE


def test_a_broken_track_file_is_one_line(tree: Tree) -> None:
    track = tree.double.parent / "track.toml"
    good = track.read_text()
    for find, replace, said in (
        ('asked = "rarely"', 'asked = "never"', "asked must be one of"),
        ("difficulty = 1", "difficulty = 9", "difficulty must be from 1 to 5"),
        ("seconds = 2", "second = 2", "has no seconds"),
        ('needs = ["double"]', 'needs = ["dubble"]', "unknown katas"),
        ('name = "counter"', 'name = "double"', "two katas"),
        ("[[kata]]", "[[kata", "track.toml"),
    ):
        track.write_text(good.replace(find, replace, 1))
        answer = tree.kata("check")
        assert answer.code == 2
        assert said in answer.errors
        assert answer.errors.count("\n") == 1


def test_names_complete_in_the_shell(tree: Tree) -> None:
    done = subprocess.run(
        [str(ROOT / ".venv" / "bin" / "kata")],
        env=tree.environment(
            _KATA_COMPLETE="complete_bash", COMP_WORDS="kata check dou", COMP_CWORD="2"
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["double"]
