"""Language models: a second derivation of every answer."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np
import torch
from torch import nn

from interviews.ml_theory_questions import draw
from interviews.ml_theory_questions.question import Answer
from tests.interviews.ml_theory_questions.derive import SEEDS, Given, check


def _check_words(item_id: str, derive: Callable[[Given], Answer]) -> None:
    """Compare words, which are right or wrong, without a tolerance."""
    for seed in range(SEEDS):
        question = draw(item_id, seed)
        assert question.answer == derive(Given(question.given)), question.prompt


def _texts(given: Given, name: str) -> list[str]:
    values = given.numbers[name]
    assert isinstance(values, tuple)
    return [str(value) for value in values]


def _matrix(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False, device="meta")


def _count(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def test_the_cache_is_the_bytes_of_its_tensors() -> None:
    def derive(given: Given) -> float:
        kind = {8: torch.int8, 16: torch.bfloat16}[given.whole("bits")]
        names = ("batch", "shared", "tokens", "width")
        shape = [given.whole(name) for name in names]
        one = [torch.empty(shape, dtype=kind, device="meta") for _ in ("key", "value")]
        layers = [one] * given.whole("layers")
        return sum(tensor.nbytes for layer in layers for tensor in layer) / 2**30

    check("kv-cache-bytes", derive)


def test_parameters_are_those_of_the_modules() -> None:
    def derive(given: Given) -> float:
        model, inner, width = (given.whole(n) for n in ("model", "inner", "width"))
        heads, shared = given.whole("heads"), given.whole("shared")
        block = nn.ModuleDict(
            {
                "query": _matrix(model, heads * width),
                "key": _matrix(model, shared * width),
                "value": _matrix(model, shared * width),
                "output": _matrix(heads * width, model),
                "gate": _matrix(model, inner),
                "up": _matrix(model, inner),
                "down": _matrix(inner, model),
            }
        )
        embedding = nn.Embedding(given.whole("words"), model, device="meta")
        tables = [embedding]
        if not given.whole("tied"):
            tables.append(nn.Embedding(given.whole("words"), model, device="meta"))
        return _count(*[block] * given.whole("layers"), *tables)

    check("decoder-parameters", derive)


def test_lora_parameters_are_those_of_the_factors() -> None:
    def derive(given: Given) -> float:
        model, out, rank = (given.whole(name) for name in ("model", "out", "rank"))
        factors = [
            nn.Sequential(_matrix(model, rank), _matrix(rank, size))
            for size in (model, out)
        ]
        return _count(*factors * given.whole("layers"))

    check("lora-parameters", derive)


def test_merges_over_the_written_corpus() -> None:
    def derive(given: Given) -> tuple[str, ...]:
        # The corpus in full, as text with spaces between letters and bars
        # between words; a merge removes the space.
        counts = given.wholes("counts")
        words = zip(_texts(given, "words"), counts, strict=True)
        text = "".join(f"| {' '.join(word)} |" * count for word, count in words)
        made = []
        for _ in range(3):
            tokens = text.replace("|", " | ").split()
            pairs = Counter(pair for pair in pairwise(tokens) if "|" not in pair)
            most = max(pairs.values())
            left, right = sorted(pair for pair in pairs if pairs[pair] == most)[0]
            text = text.replace(f" {left} {right} ", f" {left}{right} ")
            made.append(left + right)
        return tuple(made)

    _check_words("bpe-merges", derive)


def test_positions_are_read_from_the_mask() -> None:
    def derive(given: Given) -> frozenset[str]:
        lengths = given.wholes("lengths")
        document = np.repeat(range(len(lengths)), lengths)
        place = np.arange(len(document))
        first = np.diff(document, prepend=-1) > 0
        same = document[:, None] == document
        back = place[:, None] - place
        near = (back >= 0) & (back < given.whole("window"))
        mask = same & (near | (first[None, :] & (back >= 0)))
        return frozenset(map(str, np.flatnonzero(mask[given.whole("query")])))

    _check_words("visible-positions", derive)


def test_the_nucleus_is_the_smallest_of_all_subsets() -> None:
    def derive(given: Given) -> frozenset[str]:
        tokens = list(zip(_texts(given, "names"), given.wholes("shares"), strict=True))
        for size in range(1, 7):
            mass, best = max(
                (sum(share for _, share in some), [name for name, _ in some])
                for some in combinations(tokens, size)
            )
            if mass >= given.whole("limit"):
                return frozenset(best)
        raise AssertionError("all tokens together reach p")

    _check_words("top-p-set", derive)


def test_the_probability_is_a_masked_softmax() -> None:
    def derive(given: Given) -> float:
        scores = torch.tensor(given.reals("scores"), dtype=torch.float64)
        scores /= given.real("heat")
        kept = torch.full_like(scores, -torch.inf)
        best = scores.topk(given.whole("k"))
        kept[best.indices] = best.values
        return float(kept.softmax(0)[given.whole("asked")])

    check("top-k-probability", derive)
