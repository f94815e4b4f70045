"""Counting and smoothing: by hand, by a slow derivation, and as a distribution."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.llm.language_model import (
    KneserNey,
    LanguageModel,
    Mixture,
    PassageIndex,
    Vocabulary,
    tokenize,
)
from reference.llm.language_model.kneser_ney import estimate_discounts

# Sums of a few dozen terms near one, in float64.
CLOSE = 1e-12
BEGIN = -1
END = 1
SIZE = 8

Texts = list[list[int]]

# Two popular tokens, so that counts of one to four are all there.
tokens = st.sampled_from([2, 2, 2, 3, 3, 4, 5, 6])
corpora = st.lists(st.lists(tokens, max_size=12), min_size=1, max_size=12)
contexts = st.lists(st.integers(0, SIZE - 1), max_size=5)


class SlowKneserNey:
    """The definition of Chen and Goodman, word for word, in dictionaries."""

    def __init__(self, texts: Texts, order: int) -> None:
        self.order = order
        self.counts: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(order)]
        for text in texts:
            padded = [BEGIN] * (order - 1) + text + [END]
            for last in range(order - 1, len(padded)):
                self.counts[-1][tuple(padded[last - order + 1 : last + 1])] += 1
        for length in range(order - 1, 0, -1):
            before: dict[tuple[int, ...], set[int]] = defaultdict(set)
            for first, *rest in self.counts[length]:
                before[tuple(rest)].add(first)
            self.counts[length - 1] = Counter({g: len(s) for g, s in before.items()})
        self.discounts = [slow_discounts(list(c.values())) for c in self.counts]

    def probability(self, token: int, context: tuple[int, ...]) -> float:
        """Return p(token | context) by recursion over ever shorter contexts."""
        length = len(context)
        lower = 1 / SIZE if length == 0 else self.probability(token, context[1:])
        counts = self.counts[length]
        after = {g[-1]: c for g, c in counts.items() if g[:-1] == context}
        total = sum(after.values())
        if total == 0:
            return lower
        one, two, more = self.discounts[length]
        n = Counter(min(count, 3) for count in after.values())
        gamma = (one * n[1] + two * n[2] + more * n[3]) / total
        count = after.get(token, 0)
        discount = [0.0, one, two, more][min(count, 3)]
        return max(count - discount, 0) / total + gamma * lower

    def probabilities(self, context: Sequence[int]) -> list[float]:
        """Return p(· | context), the context cut or filled to its length."""
        padded = [BEGIN] * (self.order - 1) + list(context)
        used = tuple(padded[len(padded) - self.order + 1 :])
        return [self.probability(token, used) for token in range(SIZE)]


def slow_discounts(counts: list[int]) -> tuple[float, float, float]:
    n1, n2, n3, n4 = (sum(c == k for c in counts) for k in (1, 2, 3, 4))
    if n1 == 0 or n2 == 0:
        return 0.5, 0.5, 0.5
    y = n1 / (n1 + 2 * n2)
    if n3 > 0 and n4 > 0:
        three = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
        if min(three) > 0:
            return three
    return y, y, y


def test_two_sentences_by_hand() -> None:
    # "a b" and "a c" with a = 2, b = 3, c = 4: five tokens with unknown and end.
    model = KneserNey([[2, 3], [2, 4]], vocabulary_size=5, order=2)
    # One token: 1, 1 and 1 different tokens before a, b and c, and 2 before the end.
    # Y = 3 / (3 + 2) = 0.6, so 4 · 0.6 / 5 = 0.48 is left over for the uniform.
    unknown, end, a = 0.48 / 5, 1.4 / 5 + 0.48 / 5, 0.4 / 5 + 0.48 / 5
    assert (unknown, end, a) == pytest.approx((0.096, 0.376, 0.176), abs=CLOSE)
    # Two tokens: one count of 2 and four of 1, Y = 4 / (4 + 2) = 2 / 3.
    start = [unknown / 3, end / 3, 2 / 3 + a / 3, a / 3, a / 3]
    after_a = [2 / 3 * unknown, 2 / 3 * end, 2 / 3 * a, *[1 / 6 + 2 / 3 * a] * 2]
    after_b = [2 / 3 * unknown, 1 / 3 + 2 / 3 * end, *[2 / 3 * a] * 3]
    assert model.probabilities([]) == pytest.approx(start, abs=CLOSE)
    assert model.probabilities([2]) == pytest.approx(after_a, abs=CLOSE)
    assert model.probabilities([3]) == pytest.approx(after_b, abs=CLOSE)
    # What never came before anything says nothing.
    single = [unknown, end, a, a, a]
    assert model.probabilities([0]) == pytest.approx(single, abs=CLOSE)


@settings(max_examples=150, deadline=None)
@given(corpora, contexts, st.integers(1, 4))
def test_it_is_the_slow_derivation(
    texts: Texts, context: list[int], order: int
) -> None:
    fast = KneserNey(texts, SIZE, order).probabilities(context)
    slow = SlowKneserNey(texts, order).probabilities(context)
    assert fast == pytest.approx(slow, abs=CLOSE)
    assert fast.sum() == pytest.approx(1, abs=CLOSE)
    assert (fast > 0).all()


def test_the_three_discounts_are_used_on_enough_counts() -> None:
    counts = np.repeat([1, 2, 3, 4, 9], [40, 15, 8, 5, 3])
    y = 40 / 70
    expected = [1 - 2 * y * 15 / 40, 2 - 3 * y * 8 / 15, 3 - 4 * y * 5 / 8]
    assert estimate_discounts(counts) == pytest.approx(expected, abs=CLOSE)
    # The slow derivation is compared on such a corpus as well, drawn once.
    generator = np.random.default_rng(3)
    shares = np.array([0.4, 0.3, 0.15, 0.1, 0.04, 0.01])
    texts: Texts = [
        generator.choice(np.arange(2, SIZE), 20, p=shares).tolist() for _ in range(12)
    ]
    fast, slow = KneserNey(texts, SIZE, 3), SlowKneserNey(texts, 3)
    assert len({round(d, 9) for d in slow.discounts[2]}) == 3
    for first in range(SIZE):
        for second in range(SIZE):
            expected = slow.probabilities([first, second])
            given_fast = fast.probabilities([first, second])
            assert given_fast == pytest.approx(expected, abs=CLOSE)


@pytest.mark.parametrize("counts", [[2, 2], [1, 1], [5], [1, 2, 3]])
def test_discounts_of_few_counts_leave_something_and_take_something(
    counts: list[int],
) -> None:
    discounts = estimate_discounts(np.array(counts))
    assert ((discounts > 0) & (discounts < [1, 2, 3])).all()


def test_a_mixture_is_the_weighted_mean() -> None:
    first = KneserNey([[2, 3]], SIZE)
    second = KneserNey([[2, 4]], SIZE)
    mixed = Mixture([(3, first), (1, second)]).probabilities([2])
    mean = 0.75 * first.probabilities([2]) + 0.25 * second.probabilities([2])
    assert mixed == pytest.approx(mean, abs=CLOSE)


@pytest.mark.parametrize(
    ("texts", "order", "message"),
    [
        ([[2]], 0, "order must be at least 1, got 0"),
        ([], 2, "texts must be at least one text, got 0"),
        ([[SIZE]], 2, "texts must be numbers from 0 to 7, got 8"),
        ([[-1]], 2, "texts must be numbers from 0 to 7, got -1"),
    ],
)
def test_wrong_arguments_are_named(texts: Texts, order: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KneserNey(texts, SIZE, order)


@given(st.text())
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokenize(text)) == text
    vocabulary = Vocabulary([text])
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_words_keep_their_space_and_marks_stand_alone() -> None:
    expected = ["Question", ":", " What", " is", " k-means", "?", "\n", "Answer"]
    assert tokenize("Question: What is k-means?\nAnswer") == expected


def test_unknown_tokens_share_a_number_and_have_no_text() -> None:
    vocabulary = Vocabulary(["a b"])
    assert vocabulary.encode("a x y") == [2 + 1, 0, 0]
    assert vocabulary.decode([0, 1]) == ""
    with pytest.raises(IndexError):
        vocabulary.decode([-1])
    with pytest.raises(IndexError):
        vocabulary.decode([len(vocabulary)])


TEXTS = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"]


def test_perplexity_is_the_inverse_geometric_mean_of_the_probabilities() -> None:
    model = LanguageModel(TEXTS, order=3)
    # "the", " cat", then the end; the last factor is that of token number one.
    numbers = [*model.vocabulary.encode("the cat"), END]
    factors = [
        model.probabilities(text)[number]
        for text, number in zip(["", "the", "the cat"], numbers, strict=True)
    ]
    expected = math.prod(factors) ** (-1 / 3)
    assert model.perplexity(["the cat"]) == pytest.approx(expected, rel=CLOSE)


def test_order_helps_on_the_training_text_and_strange_text_is_worse() -> None:
    perplexities = [
        LanguageModel(TEXTS, order).perplexity(TEXTS) for order in (1, 2, 3)
    ]
    assert perplexities == sorted(perplexities, reverse=True)
    model = LanguageModel(TEXTS, order=3)
    assert model.perplexity(["log the on mat"]) > 2 * model.perplexity(TEXTS)
    assert math.isfinite(model.perplexity(["words never seen"]))
    with pytest.raises(ValueError, match="texts must be at least one text"):
        model.perplexity([])


def test_focus_moves_the_probabilities_and_leaves_the_model() -> None:
    model = LanguageModel(TEXTS)
    dog = model.vocabulary.encode(" dog")[0]
    before = model.probabilities("the")
    focused = model.focused(TEXTS[1:2], weight=0.8)
    assert focused.probabilities("the")[dog] > 0.75
    assert focused.probabilities("the").sum() == pytest.approx(1, abs=CLOSE)
    assert (model.probabilities("the") == before).all()
    with pytest.raises(ValueError, match="weight must be from 0 to 1, got 2"):
        model.focused(TEXTS, weight=2)


def test_passages_are_ranked_by_what_is_rare() -> None:
    index = PassageIndex(TEXTS)
    assert index.nearest("logs", 3) == [1]
    assert index.nearest("the mat", 1) == [0]
    assert index.nearest("nothing known", 3) == []
    scores = index.scores(TEXTS[2])
    assert scores[2] == pytest.approx(1, abs=CLOSE)
    assert (scores[:2] < 0.9).all()
