import math

import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from dojo.testing import (
    assert_close,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    seeds,
)
from katas.small_gpt.kv_cache import (
    GPT,
    Cache,
    Config,
    generate_cached,
)

CONFIG = Config(vocabulary=11, context=9, width=12, heads=3, layers=2)
# Float64: the same sums in another order, through two layers.
CLOSE = 1e-10


def _model(seed: int) -> GPT:
    torch.manual_seed(seed)
    model = GPT(CONFIG).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64) * 0.5)
    return model


def _tokens(seed: int, batch: int, length: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, CONFIG.vocabulary, (batch, length), generator=rng)


def _in_pieces(model: GPT, tokens: Tensor, pieces: list[int]) -> tuple[Tensor, Cache]:
    cache, start, found = Cache(CONFIG), 0, []
    for size in pieces:
        found.append(model(tokens[:, start : start + size], cache))
        start += size
    return torch.cat(found, dim=1), cache


def _whole(model: GPT, tokens: Tensor) -> Tensor:
    """Return what the definition gives for the model's weights, without a cache."""
    weights = {name: value.detach() for name, value in model.state_dict().items()}
    return _logits(weights, tokens)


def _norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    mean, deviation = x.mean(-1, keepdim=True), x.var(-1, unbiased=False, keepdim=True)
    scaled = (x - mean) / (deviation + 1e-5).sqrt()
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _linear(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _attention(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Each head and each query by itself, as the definition reads."""
    q, k, v = _linear(weights, f"{name}.qkv", x).split(x.shape[-1], dim=-1)
    d = x.shape[-1] // CONFIG.heads
    gathered = torch.zeros_like(x)
    for h in range(CONFIG.heads):
        part = slice(h * d, (h + 1) * d)
        for place in range(x.shape[1]):
            keys, values = k[:, : place + 1, part], v[:, : place + 1, part]
            scores = torch.einsum("bd,bkd->bk", q[:, place, part], keys) / d**0.5
            gathered[:, place, part] = torch.einsum(
                "bk,bkd->bd", scores.softmax(-1), values
            )
    return _linear(weights, f"{name}.out", gathered)


def _block(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    x = x + _attention(weights, f"{name}.attention", _norm(weights, f"{name}.norm1", x))
    wide = _linear(weights, f"{name}.mlp.0", _norm(weights, f"{name}.norm2", x))
    gelu = wide * 0.5 * (1 + torch.erf(wide / math.sqrt(2)))
    return x + _linear(weights, f"{name}.mlp.2", gelu)


def _logits(weights: dict[str, Tensor], tokens: Tensor) -> Tensor:
    x = weights["tokens.weight"][tokens]
    x = x + weights["positions.weight"][: tokens.shape[1]]
    for layer in range(CONFIG.layers):
        x = _block(weights, f"blocks.{layer}", x)
    return _norm(weights, "norm", x) @ weights["tokens.weight"].T


cuts = st.lists(st.integers(1, 4), min_size=1, max_size=4).filter(
    lambda pieces: sum(pieces) <= CONFIG.context
)


@given(seed=seeds(), batch=st.integers(1, 3), pieces=cuts)
@example(seed=0, batch=2, pieces=[4, 1, 1])
@example(seed=0, batch=2, pieces=[3, 4])
@example(seed=1, batch=1, pieces=[1, 2, 4, 2])
def test_a_text_in_pieces_gives_the_logits_of_the_whole(
    seed: int, batch: int, pieces: list[int]
) -> None:
    """However a text is cut into calls, its logits are those of the whole."""
    model, tokens = _model(seed), _tokens(seed, batch, sum(pieces))
    found, _ = _in_pieces(model, tokens, pieces)
    assert_shape(found, (batch, sum(pieces), CONFIG.vocabulary))
    expected = _whole(model, tokens)
    assert_close(found.detach().numpy(), expected.numpy(), rtol=CLOSE, atol=CLOSE)


@given(pieces=cuts)
@example(pieces=[2, 1])
def test_the_cache_counts_its_tokens(pieces: list[int]) -> None:
    """A cache is empty at first, and then as long as the text that it has seen."""
    assert_equal(Cache(CONFIG).length, 0, "an empty cache's length")
    _, cache = _in_pieces(_model(0), _tokens(0, 2, sum(pieces)), pieces)
    assert_equal(cache.length, sum(pieces), "the length")


@given(pieces=cuts)
@example(pieces=[3, 1, 1])
def test_only_new_tokens_are_computed(pieces: list[int]) -> None:
    """Every linear layer and embedding sees the new tokens of a call and no others."""
    model, seen = _model(0), []
    watched = [model.tokens, model.blocks[1].attention.qkv, model.blocks[1].mlp[0]]
    for module in watched:
        module.register_forward_hook(lambda _, _given, out: seen.append(out.shape[1]))
    _in_pieces(model, _tokens(0, 1, sum(pieces)), pieces)
    assert_equal(seen, [size for size in pieces for _ in watched], "places, each call")


@given(seed=seeds())
@example(seed=0)
def test_caches_are_apart(seed: int) -> None:
    """Two texts in turn, each with its cache, give what each gives alone."""
    model, one, other = _model(seed), _tokens(seed, 1, 6), _tokens(seed + 1, 2, 6)
    caches, found = (Cache(CONFIG), Cache(CONFIG)), ([], [])
    for start in range(0, 6, 2):
        for text, cache, logits in zip((one, other), caches, found, strict=True):
            logits.append(model(text[:, start : start + 2], cache))
    for text, logits in zip((one, other), found, strict=True):
        assert_close(
            torch.cat(logits, dim=1).detach().numpy(),
            _whole(model, text).numpy(),
            rtol=CLOSE,
            atol=CLOSE,
        )


@given(old=st.integers(0, CONFIG.context))
@example(old=CONFIG.context)
@example(old=5)
def test_more_than_the_context_is_refused(old: int) -> None:
    """Old and new tokens up to the context are taken; one more changes nothing."""
    model, cache = _model(0), Cache(CONFIG)
    if old:
        model(_tokens(0, 1, old), cache)
    new = CONFIG.context - old
    assert_raises_naming("tokens", model, _tokens(0, 1, new + 1), cache)
    assert_equal(cache.length, old, "the length after a refusal")
    if new:
        assert_shape(model(_tokens(0, 1, new), cache), (1, new, CONFIG.vocabulary))


@given(seed=seeds(), length=st.integers(1, CONFIG.context))
@example(seed=0, length=5)
def test_without_a_cache_nothing_changes(seed: int, length: int) -> None:
    """Without a cache the model gives what a small GPT gives, and can be trained."""
    model, tokens = _model(seed), _tokens(seed, 2, length)
    for _ in range(2):
        found = model(tokens)
        assert_shape(found, (2, length, CONFIG.vocabulary))
        expected = _whole(model, tokens).numpy()
        assert_close(found.detach().numpy(), expected, rtol=CLOSE, atol=CLOSE)
        assert_holds(found.requires_grad, "the logits have gradients")


@given(seed=seeds(), count=st.integers(0, 6), temperature=st.sampled_from([0.5, 2.0]))
@example(seed=0, count=6, temperature=2.0)
@example(seed=2, count=6, temperature=0.5)
def test_generation_gives_the_same_text(
    seed: int, count: int, temperature: float
) -> None:
    """Generation from the cache draws the text that the whole text would draw."""
    model, tokens = _model(seed), _tokens(seed, 2, 3)
    arguments = (model, tokens, count, temperature)
    found = generate_cached(*arguments, torch.Generator().manual_seed(seed))
    expected, generator = tokens, torch.Generator().manual_seed(seed)
    for _ in range(count):
        weights = (_whole(model, expected)[:, -1] / temperature).exp()
        drawn = torch.multinomial(
            weights / weights.sum(-1, keepdim=True), 1, generator=generator
        )
        expected = torch.cat([expected, drawn], dim=1)
    assert_equal(found.tolist(), expected.tolist(), "the text")


def test_generation_computes_each_token_once() -> None:
    """The first call takes the whole text, each further one a single token."""
    model, seen = _model(0), []
    model.tokens.register_forward_hook(lambda _, _given, out: seen.append(out.shape[1]))
    generate_cached(model, _tokens(0, 1, 4), 3, 1.0, torch.Generator().manual_seed(0))
    assert_equal(seen, [4, 1, 1], "tokens in each call")


def test_generation_stays_within_the_context() -> None:
    """A text may fill the context, and is refused where it would outgrow it."""
    model, rng = _model(0), torch.Generator().manual_seed(0)
    full = generate_cached(model, _tokens(0, 1, 4), CONFIG.context - 4, 1.0, rng)
    assert_shape(full, (1, CONFIG.context))
    too_many = CONFIG.context - 3
    assert_raises_naming(
        "count", generate_cached, model, _tokens(0, 1, 4), too_many, 1.0, rng
    )


@given(training=st.booleans())
@example(training=True)
@example(training=False)
def test_generation_leaves_the_model_as_it_came(training: bool) -> None:
    """Generation runs without gradients in evaluation mode, and gives the mode back."""
    model, seen = _model(0).train(training), []
    model.blocks[0].register_forward_hook(
        lambda module, _, out: seen.append((module.training, out.requires_grad))
    )
    generate_cached(model, _tokens(0, 2, 3), 2, 1.0, torch.Generator().manual_seed(0))
    assert_equal(seen, [(False, False)] * 2, "training and gradients, at each token")
    assert_equal(model.training, training, "the mode afterwards")
