"""Costs of language models: a second derivation of every answer."""

from collections import deque
from fractions import Fraction
from itertools import product

import torch
from scipy.optimize import brentq
from torch import nn

from tests.interviews.ml_theory_questions.derive import Given, check


def _matrix(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False, device="meta")


def _count(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def test_active_parameters_are_those_of_the_modules_used() -> None:
    def derive(given: Given) -> float:
        model, inner = given.whole("model"), given.whole("inner")
        attention = nn.ModuleList([_matrix(model, model) for _ in range(4)])
        router = _matrix(model, given.whole("experts"))
        sizes = ((model, inner), (model, inner), (inner, model))
        expert = nn.ModuleList([_matrix(*size) for size in sizes])
        used = [attention, router, *[expert] * given.whole("active")]
        return _count(*used * given.whole("layers"))

    check("mixture-of-experts-parameters", derive)


def test_days_by_the_passes_of_one_second() -> None:
    def derive(given: Given) -> float:
        # A multiplication and an addition a weight: once forward, and backward
        # once for the inputs' gradients and once for the weights'.
        size = Fraction(str(given.real("size"))) * 10**9
        a_token = sum(2 * size for _ in ("forward", "inputs", "weights"))
        a_second = given.whole("cards") * given.whole("peak") * 10**12
        useful = a_second * Fraction(str(given.real("use")))
        tokens_a_day = useful * 60 * 60 * 24 / a_token
        return float(Fraction(str(given.real("data"))) * 10**12 / tokens_a_day)

    check("training-days", derive)


def test_the_optimum_spends_the_budget() -> None:
    def derive(given: Given) -> float:
        budget, ratio = given.real("budget"), given.whole("ratio")

        def surplus(tokens: float) -> float:
            return tokens / budget * (6 * tokens / ratio) - 1

        return float(brentq(surplus, 1e9, 1e16, rtol=1e-14, xtol=1e-3))

    check("compute-optimal-tokens", derive)


def test_states_are_the_bytes_of_the_tensors() -> None:
    def derive(given: Given) -> float:
        cards, stage = given.whole("cards"), given.whole("stage")
        size = round(given.real("size") * 10**9)
        kinds = [(torch.float32, 1)] * 3 + [(torch.float16, 2), (torch.float16, 3)]
        return sum(
            torch.empty(
                size // cards if stage >= split else size, dtype=kind, device="meta"
            ).nbytes
            / 1e9
            for kind, split in kinds
        )

    check("sharded-training-memory", derive)


def test_the_bubble_of_a_simulated_pipeline() -> None:
    def derive(given: Given) -> float:
        stages, batches = given.whole("stages"), given.whole("batches")
        waiting = [deque(range(batches)), *(deque[int]() for _ in range(stages))]
        slots = busy = 0
        while len(waiting[-1]) < batches:
            ready = [place for place in range(stages) if waiting[place]]
            for place, batch in [(p, waiting[p].popleft()) for p in ready]:
                waiting[place + 1].append(batch)
            slots, busy = slots + 1, busy + len(ready)
        return 100 * (1 - busy / (slots * stages))

    check("pipeline-bubble", derive)


def test_the_speed_by_all_outcomes_of_a_round() -> None:
    def derive(given: Given) -> float:
        rate, drafts = Fraction(str(given.real("rate"))), given.whole("drafts")
        tokens = Fraction(0)
        for accepted in product((True, False), repeat=drafts):
            heads = sum(accepted)
            chance = rate**heads * (1 - rate) ** (drafts - heads)
            tokens += chance * ([*accepted, False].index(False) + 1)
        return float(tokens / (1 + drafts * Fraction(str(given.real("cost")))))

    check("speculative-decoding-speed", derive)


def test_the_rate_by_reading_in_turn() -> None:
    def derive(given: Given) -> float:
        speed = given.real("band") * 1e12
        seconds = given.whole("size") * 1e9 * given.whole("width") / speed
        for _ in range(given.whole("batch")):
            seconds += given.real("cache") * 1e9 / speed
        return given.whole("batch") / seconds

    check("decoding-rate", derive)


def test_sequences_are_admitted_until_none_fits() -> None:
    def derive(given: Given) -> int:
        names = ("context", "shared", "layers")
        shape = [given.whole(name) for name in names]
        one = 2 * torch.empty([*shape, 128], dtype=torch.half, device="meta").nbytes
        left = given.whole("cards") * given.whole("memory") * 9 * 10**8
        left -= given.whole("size") * 10**9 * torch.half.itemsize
        admitted = 0
        while left >= one:
            left -= one
            admitted += 1
        return admitted

    check("concurrent-sequences", derive)
