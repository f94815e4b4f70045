"""What a coding round asks is unseen, of the level, in time, and the same again."""

import subprocess
import sys
from pathlib import Path

import pytest

from dojo.catalogue import ROOT, Kata
from interviews.rounds.base import Spec
from interviews.rounds.draw import DIFFICULTY, LONGEST, draw, shelves

ALL = frozenset(k.name for s in shelves(ROOT).values() for k in s.katas)


def spec(
    level: str = "mid",
    seed: int = 1,
    minutes: float = 45,
    tracks: tuple[str, ...] = (),
    item: str = "",
) -> Spec:
    return Spec(1, "coding", minutes, level, seed, tracks, item)


def here(kata: Kata) -> str:
    """Let every machine be one that can judge everything."""
    del kata
    return ""


@pytest.mark.parametrize("level", DIFFICULTY)
def test_the_level_the_time_and_the_round_are_kept_to(level: str) -> None:
    low, high = DIFFICULTY[level]
    for seed in range(40):
        drawn = draw(spec(level, seed, 45), ROOT, frozenset(), lacks=here)
        assert low <= drawn.kata.difficulty <= high
        assert drawn.kata.minutes <= LONGEST * 45
        assert not {"levels", "repair"} & set(drawn.kata.tags)
        assert drawn.kata.track != "small_gpt"
        assert drawn.notes == ()
        assert drawn.pool >= 1


def test_the_same_seed_draws_the_same_and_seeds_differ() -> None:
    names = [draw(spec(seed=s), ROOT, ALL, lacks=here).kata.name for s in range(30)]
    again = [draw(spec(seed=s), ROOT, ALL, lacks=here).kata.name for s in range(30)]
    assert names == again
    assert len(set(names)) > 5


def test_what_was_seen_is_not_drawn_until_all_was() -> None:
    seen: frozenset[str] = frozenset()
    tracks = ("linear_algebra",)
    for _ in range(2):
        drawn = draw(spec("junior", tracks=tracks), ROOT, seen)
        assert drawn.kata.name not in seen
        seen |= {drawn.kata.name}
    drawn = draw(spec("junior", tracks=tracks), ROOT, seen)
    assert drawn.kata.name in seen
    assert "seen" in drawn.notes[0]


def test_katas_whose_needs_are_met_come_first() -> None:
    for seed in range(20):
        first = draw(
            spec("junior", seed, tracks=("linear_algebra",)), ROOT, frozenset()
        )
        assert first.kata.name == "vectors"
        assert first.needs_unmet == ()
    alone = draw(spec("junior", item="power_iteration"), ROOT, frozenset())
    assert alone.needs_unmet == ("vectors",)


def test_a_track_without_the_level_gives_the_nearest() -> None:
    drawn = draw(spec("staff", tracks=("activations",)), ROOT, frozenset())
    assert drawn.kata.name == "softmax"
    assert "level staff" in drawn.notes[0]


def test_a_short_round_gets_the_shortest() -> None:
    drawn = draw(spec("staff", minutes=2), ROOT, frozenset(), lacks=here)
    assert "par" in drawn.notes[0]


def test_what_this_machine_lacks_is_left_out() -> None:
    def no_torch(kata: Kata) -> str:
        return "PyTorch" if kata.torch else ""

    with pytest.raises(ValueError, match="no kata in attention"):
        draw(spec("senior", tracks=("attention",)), ROOT, frozenset(), lacks=no_torch)
    with pytest.raises(ValueError, match="needs PyTorch"):
        draw(
            spec(item="scaled_dot_product_attention"),
            ROOT,
            frozenset(),
            lacks=no_torch,
        )


def test_a_name_draws_directly_and_a_wrong_one_says_so() -> None:
    for item in ("softmax", "activations/softmax"):
        drawn = draw(spec("staff", item=item), ROOT, ALL)
        assert (drawn.kata.name, drawn.pool, drawn.shelf) == ("softmax", 1, "katas")
    with pytest.raises(ValueError, match="did you mean 'softmax'"):
        draw(spec(item="softmx"), ROOT, frozenset())


def test_the_rounds_are_light() -> None:
    heavy = "numpy", "torch", "hypothesis", "pytest", "scipy"
    code = (
        "import sys; from interviews.rounds import coding; "
        "from interviews import judging; from pathlib import Path; "
        "from interviews.rounds.draw import draw; "
        "from interviews.rounds.base import Spec; "
        "draw(Spec(1, 'coding', 45, 'mid', 1), Path.cwd(), frozenset()); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(ROOT),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
