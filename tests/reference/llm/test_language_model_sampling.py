"""Sampling: the exact distribution, what is drawn from it, seeds, and stops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from reference.core.validation import Array
from reference.llm.language_model import (
    LanguageModel,
    Sampling,
    StopFilter,
    draw,
    reshape,
)

CLOSE = 1e-12
TEXTS = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"]

weights = st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any)
# Multiples of 0.05 hit sums of probabilities exactly, where it matters.
shares = st.integers(0, 20).map(lambda twentieths: twentieths / 20)


def normalised(values: list[int]) -> Array:
    array = np.array(values, dtype=float)
    result: Array = array / array.sum()
    return result


@given(weights, st.floats(0.05, 3))
def test_temperature_raises_to_a_power(values: list[int], temperature: float) -> None:
    p = normalised(values)
    expected = (p / p.max()) ** (1 / temperature)
    shaped = reshape(p, Sampling(temperature=temperature))
    assert shaped == pytest.approx(expected / expected.sum(), abs=CLOSE)


@given(weights, shares, st.integers(1, 8) | st.none())
def test_the_nucleus_is_the_smallest_set_of_enough_mass(
    values: list[int], top_p: float, top_k: int | None
) -> None:
    p = normalised(values)
    shaped = reshape(p, Sampling(top_p=top_p, top_k=top_k))
    # In whole numbers, where nothing is rounded.
    ranked = sorted(range(len(values)), key=lambda i: (-values[i], i))[:top_k]
    sums = list(itertools.accumulate(values[i] for i in ranked))
    # Twentieths: 20 · mass ≥ (20 · top_p) · total.
    enough = [20 * mass >= round(20 * top_p) * sums[-1] for mass in sums]
    kept = ranked[: enough.index(True) + 1]
    expected = np.zeros(len(values))
    expected[kept] = [values[i] for i in kept]
    assert shaped == pytest.approx(expected / expected.sum(), abs=CLOSE)


@pytest.mark.parametrize("p", [(9, 9, 2), (10, 6, 4), (10, 7, 3), (13, 5, 2)])
def test_a_nucleus_that_is_met_exactly_does_not_grow_by_rounding(
    p: tuple[int, int, int],
) -> None:
    top_p = (p[0] + p[1]) / 20
    shaped = reshape(np.array(p) / 20, Sampling(top_p=top_p))
    two = p[0] + p[1]
    assert shaped == pytest.approx([p[0] / two, p[1] / two, 0], abs=CLOSE)


def test_zero_temperature_is_greedy_and_takes_the_first_of_equals() -> None:
    shaped = reshape(np.array([0.2, 0.4, 0.4]), Sampling(temperature=0))
    assert shaped.tolist() == [0, 1, 0]


def test_a_tiny_temperature_neither_overflows_nor_underflows() -> None:
    shaped = reshape(np.array([1e-300, 2e-300, 0]), Sampling(temperature=1e-3))
    assert shaped == pytest.approx([0, 1, 0], abs=CLOSE)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("temperature", [1e-320, 5e-324])
def test_the_smallest_temperatures_are_greedy(temperature: float) -> None:
    shaped = reshape(np.array([0.3, 0.5, 0.2, 0]), Sampling(temperature))
    assert shaped.tolist() == [0, 1, 0, 0]


def test_an_empty_nucleus_is_greedy_at_any_temperature() -> None:
    p = np.array([0.3, 0.4, 0.2, 0.1])
    hot = reshape(p, Sampling(temperature=2, top_p=0))
    assert hot.tolist() == reshape(p, Sampling(temperature=0)).tolist()


def test_draws_follow_the_distribution() -> None:
    p = np.array([0.0, 0.5, 0.3, 0.0, 0.15, 0.05, 0.0])
    generator = np.random.default_rng(7)
    counts = np.bincount([draw(p, generator) for _ in range(20_000)], minlength=7)
    assert counts[p == 0].sum() == 0
    # One seeded sample, so that this fails always or never.
    assert chisquare(counts[p > 0], 20_000 * p[p > 0]).pvalue > 0.001


def test_the_model_draws_its_own_distribution() -> None:
    model = LanguageModel(TEXTS, order=3)
    sampling = Sampling(temperature=1.3, top_p=0.8, max_tokens=1)
    p = model.probabilities("the")
    p[0] = 0
    expected = reshape(p, sampling)
    seen = np.zeros(len(p))
    for seed in range(3000):
        options = Sampling(temperature=1.3, top_p=0.8, max_tokens=1, seed=seed)
        piece = "".join(model.generate("the", options))
        seen[model.vocabulary.encode(piece)[0] if piece else 1] += 1
    assert seen[expected == 0].sum() == 0
    kept = expected > 0
    assert chisquare(seen[kept], 3000 * expected[kept]).pvalue > 0.001


def test_seeds_reproduce_and_differ() -> None:
    model = LanguageModel(TEXTS, order=2)
    answers = [
        ["".join(model.generate("the", Sampling(seed=seed))) for seed in range(20)]
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert len(set(answers[0])) > 10


def test_greedy_text_and_its_limit() -> None:
    model = LanguageModel(TEXTS[:1] * 5)
    greedy = list(model.generate("the cat", Sampling(temperature=0)))
    assert greedy == [" sat", " on", " the", " mat"]
    limited = model.generate("the cat", Sampling(temperature=0, max_tokens=2))
    assert list(limited) == [" sat", " on"]


def test_the_unknown_token_is_never_said() -> None:
    # At this temperature every token is about as likely as the unknown one.
    model = LanguageModel(TEXTS[:1])
    for seed in range(200):
        options = Sampling(temperature=100, max_tokens=5, seed=seed)
        assert "" not in list(model.generate("the", options))


def test_generation_is_lazy() -> None:
    model = LanguageModel(["word " * 50])
    # As many tokens as these would take for ever.
    pieces = model.generate("word", Sampling(temperature=0, max_tokens=10**15))
    assert next(pieces) == " word"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ([" on"], " sat"),
        (["at on t"], " s"),
        (["the m"], " sat on "),
        (["mat?"], " sat on the mat"),
        ([" sat"], ""),
        (["zebra", "n the"], " sat o"),
    ],
)
def test_stops_across_pieces(stop: list[str], expected: str) -> None:
    model = LanguageModel(TEXTS[:1] * 5)
    pieces = model.generate("the cat", Sampling(temperature=0), stop)
    assert "".join(pieces) == expected


def run_filter(pieces: list[str], stops: list[str]) -> str:
    stopping = StopFilter(stops)
    shown = [part for piece in pieces for part in stopping.push(piece)]
    return "".join([*shown, *stopping.finish()])


def cut_by_definition(text: str, stops: list[str]) -> str:
    """Return what stands before the sequence that is complete first."""
    for end in range(1, len(text) + 1):
        ending = [stop for stop in stops if text[:end].endswith(stop)]
        if ending:
            return text[: end - max(map(len, ending))]
    return text


@settings(max_examples=300)
@given(
    st.lists(st.text("ab", max_size=4), max_size=8),
    st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
)
def test_pieces_do_not_matter_to_stops(pieces: list[str], stops: list[str]) -> None:
    assert run_filter(pieces, stops) == cut_by_definition("".join(pieces), stops)


def test_only_what_may_begin_a_stop_is_held_back() -> None:
    stopping = StopFilter(["\nQuestion"])
    assert stopping.push("one") == ["one"]
    assert stopping.push(" two\nQ") == [" two"]
    assert stopping.push("ues") == []
    assert stopping.push("t") == []
    assert stopping.push("!") == ["\nQ", "ues", "t", "!"]
    assert stopping.push("\nQuestions") == []
    assert stopping.stopped
    assert stopping.push("more") == []
    assert stopping.finish() == []


def test_an_empty_stop_is_refused() -> None:
    with pytest.raises(ValueError, match="stop must be of non-empty sequences"):
        StopFilter(["a", ""])


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 1.1}, "top_p"),
        ({"top_k": 0}, "top_k"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_options_are_named(options: dict[str, float], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be "):
        Sampling(**options)  # type: ignore[arg-type]  # wrong on purpose


def test_no_distribution_is_refused() -> None:
    with pytest.raises(ValueError, match="probabilities must be of a positive sum"):
        reshape(np.zeros(3), Sampling())
