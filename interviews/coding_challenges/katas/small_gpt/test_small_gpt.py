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
from katas.small_gpt.small_gpt import (
    GPT,
    Config,
    generate,
    next_token_loss,
    train_step,
)

# Attention is judged against its definition. What is built on a part leans on it, and
# another property judges that part, so that one mistake breaks one property.
# Sizes that differ from one another, so that a swapped axis shows.
CONFIG = Config(vocabulary=11, context=7, width=12, heads=3, layers=2)
# Float64 throughout: sums of a hundred products of the order of one lose 1e-14, and two
# layers with their normalisations magnify that by less than a thousand.
CLOSE = 1e-10


def _model(seed: int, config: Config = CONFIG) -> GPT:
    """Return a model in float64 with weights that are far from their beginning."""
    torch.manual_seed(seed)
    model = GPT(config).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64) * 0.5)
    return model


def _tokens(seed: int, batch: int = 2, length: int = 5) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, CONFIG.vocabulary, (batch, length), generator=rng)


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


def _weights(model: GPT) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


@given(seed=seeds())
@example(seed=0)
def test_attention_agrees_with_its_definition(seed: int) -> None:
    """Attention is what its definition gives, head by head and query by query."""
    model = _model(seed)
    x = torch.randn(2, 5, CONFIG.width, dtype=torch.float64)
    found = model.blocks[0].attention(x)
    assert_shape(found, (2, 5, CONFIG.width))
    expected = _attention(_weights(model), "blocks.0.attention", x)
    assert_close(found.detach().numpy(), expected.numpy(), rtol=CLOSE, atol=CLOSE)


@given(seed=seeds(), place=st.integers(1, 4))
@example(seed=0, place=1)
def test_no_token_sees_the_future(seed: int, place: int) -> None:
    """Another token at a place changes no logits at the places before it."""
    model, tokens = _model(seed), _tokens(seed)
    before = model(tokens)
    tokens[:, place] = (tokens[:, place] + 1) % CONFIG.vocabulary
    after = model(tokens)
    assert_equal(after[:, :place].tolist(), before[:, :place].tolist(), "logits before")
    changed = bool((after[:, place] != before[:, place]).any())
    assert_holds(changed, "a token changes the logits at its own place")


@given(seed=seeds())
@example(seed=0)
def test_a_block_adds_to_the_stream(seed: int) -> None:
    """A block adds attention and perceptron, each of the normalised stream, to it."""
    model = _model(seed)
    x = torch.randn(2, 5, CONFIG.width, dtype=torch.float64) * 3
    # The attention is the model's own: this is about what is around it.
    block, weights = model.blocks[1], _weights(model)
    middle = x + block.attention(_norm(weights, "blocks.1.norm1", x))
    wide = _linear(weights, "blocks.1.mlp.0", _norm(weights, "blocks.1.norm2", middle))
    gelu = wide * 0.5 * (1 + torch.erf(wide / math.sqrt(2)))
    expected = middle + _linear(weights, "blocks.1.mlp.2", gelu)
    assert_close(
        block(x).detach().numpy(), expected.detach().numpy(), rtol=CLOSE, atol=CLOSE
    )


@given(seed=seeds(), length=st.integers(1, CONFIG.context))
@example(seed=0, length=3)
def test_logits_agree_with_the_whole_model(seed: int, length: int) -> None:
    """The logits come of tokens and positions, through all blocks and the last norm."""
    model, tokens = _model(seed), _tokens(seed, 3, length)
    found = model(tokens)
    assert_shape(found, (3, length, CONFIG.vocabulary))
    x = _weights(model)["tokens.weight"][tokens]
    x = x + _weights(model)["positions.weight"][:length]
    for block in model.blocks:
        x = block(x)
    expected = _norm(_weights(model), "norm", x) @ _weights(model)["tokens.weight"].T
    assert_close(
        found.detach().numpy(), expected.detach().numpy(), rtol=CLOSE, atol=CLOSE
    )


@given(seed=seeds())
def test_the_head_shares_the_embedding(seed: int) -> None:
    """The head's weight is the token embedding's, one parameter and no bias."""
    torch.manual_seed(seed)
    model = GPT(CONFIG)
    assert_holds(model.head.weight is model.tokens.weight, "one weight for both")
    assert_holds(model.head.bias is None, "the head has no bias")
    sizes = (model.head.in_features, model.head.out_features)
    assert_equal(sizes, (CONFIG.width, CONFIG.vocabulary), "the head's sizes")
    wide, width = 4 * CONFIG.width, CONFIG.width
    layer = (3 * width * width + 3 * width) + (width * width + width) + 4 * width
    layer += (width * wide + wide) + (wide * width + width)
    total = (CONFIG.vocabulary + CONFIG.context) * width + 2 * width
    total += CONFIG.layers * layer
    assert_equal(sum(p.numel() for p in model.parameters()), total, "parameters")


@given(seed=seeds(), layers=st.sampled_from([2, 8]))
@example(seed=0, layers=8)
def test_weights_begin_as_stated(seed: int, layers: int) -> None:
    """Weights begin with deviation 0.02, less where they write into the stream."""
    torch.manual_seed(seed)
    model = GPT(Config(vocabulary=60, context=50, width=48, heads=4, layers=layers))
    for name, parameter in model.named_parameters():
        values = parameter.detach().double()
        if name.endswith("bias"):
            assert_equal(values.abs().max().item(), 0.0, name)
        elif "norm" in name:
            assert_equal(values.unique().tolist(), [1.0], name)
        else:
            writes = name.endswith(("attention.out.weight", "mlp.2.weight"))
            deviation = 0.02 / math.sqrt(2 * layers) if writes else 0.02
            # Of 2,304 values at least, a deviation is off by 1.5 %, five times at most.
            assert_close(values.std().item(), deviation, rtol=0.08, what=name)


def test_more_than_the_context_is_refused() -> None:
    """Tokens up to the context are taken, one more is refused."""
    model = _model(0)
    model(_tokens(0, 1, CONFIG.context))
    assert_raises_naming("tokens", model, _tokens(0, 1, CONFIG.context + 1))


@given(seed=seeds(), batch=st.integers(1, 3), length=st.integers(2, CONFIG.context))
@example(seed=0, batch=2, length=5)
def test_the_loss_is_of_the_next_token(seed: int, batch: int, length: int) -> None:
    """The loss is the mean surprise at each token but the first, given those before."""
    model, tokens = _model(seed), _tokens(seed, batch, length)
    logs = model(tokens).log_softmax(-1)
    surprise = [
        -logs[row, place - 1, tokens[row, place]].item()
        for row in range(batch)
        for place in range(1, length)
    ]
    found = next_token_loss(model, tokens)
    assert_shape(found, ())
    assert_close(found.item(), sum(surprise) / len(surprise), rtol=CLOSE)


@given(seed=seeds())
@example(seed=0)
def test_a_step_uses_its_own_gradients(seed: int) -> None:
    """A step follows the gradients of its own loss, whatever was there before."""
    model, tokens = _model(seed), _tokens(seed)
    loss = next_token_loss(model, tokens)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    expected = [
        (p - 0.1 * g).detach()
        for p, g in zip(model.parameters(), gradients, strict=True)
    ]
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    told = train_step(model, tokens, rate=0.1, max_norm=1e9)
    assert_holds(isinstance(told, float), "the loss is told as a float")
    assert_close(told, loss.item(), rtol=CLOSE)
    for parameter, wanted in zip(model.parameters(), expected, strict=True):
        assert_close(parameter.detach().numpy(), wanted.numpy(), rtol=CLOSE, atol=CLOSE)


@given(seed=seeds(), share=st.sampled_from([0.5, 0.999, 1.001, 2.0]))
@example(seed=0, share=0.5)
def test_gradients_are_scaled_down_together(seed: int, share: float) -> None:
    """Gradients keep their direction, and their common norm is at most `max_norm`."""
    model, tokens = _model(seed), _tokens(seed)
    loss = next_token_loss(model, tokens)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    norm = math.sqrt(sum((g**2).sum().item() for g in gradients))
    before = [p.detach().clone() for p in model.parameters()]
    train_step(model, tokens, rate=1.0, max_norm=share * norm)
    for parameter, start, gradient in zip(
        model.parameters(), before, gradients, strict=True
    ):
        moved = start - parameter.detach()
        expected = gradient * min(1.0, share)
        assert_close(moved.numpy(), expected.numpy(), rtol=1e-8, atol=CLOSE)


@given(
    seed=seeds(), count=st.integers(1, 9), temperature=st.sampled_from([0.5, 1.0, 3.0])
)
@example(seed=0, count=4, temperature=3.0)
@example(seed=3, count=4, temperature=0.5)
def test_generation_draws_from_the_scaled_logits(
    seed: int, count: int, temperature: float
) -> None:
    """Each token is drawn from the logits of the last context, over the temperature."""
    model, tokens = _model(seed), _tokens(seed, 2, 3)
    found = generate(
        model, tokens, count, temperature, torch.Generator().manual_seed(seed)
    )
    assert_shape(found, (2, 3 + count))
    expected, generator = tokens, torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _ in range(count):
            logits = model(expected[:, -CONFIG.context :])[:, -1]
            weights = (logits / temperature).exp()
            drawn = torch.multinomial(
                weights / weights.sum(-1, keepdim=True), 1, generator=generator
            )
            expected = torch.cat([expected, drawn], dim=1)
    assert_equal(found.tolist(), expected.tolist(), "tokens")


def test_generation_goes_on_past_the_context() -> None:
    """A text that has outgrown the context goes on from its last tokens."""
    model, tokens = _model(4), _tokens(4, 1, CONFIG.context + 3)
    found = generate(model, tokens, 1, 1e-6, torch.Generator().manual_seed(0))
    last = model(tokens[:, -CONFIG.context :])[:, -1].argmax(-1)
    assert_equal(found[:, -1].tolist(), last.tolist(), "the next token")
    assert_equal(found[:, :-1].tolist(), tokens.tolist(), "the text so far")


@given(training=st.booleans())
@example(training=True)
@example(training=False)
def test_generation_leaves_the_model_as_it_came(training: bool) -> None:
    """Generation runs without gradients in evaluation mode, and gives the mode back."""
    model = _model(0).train(training)
    seen: list[tuple[bool, bool]] = []
    model.blocks[0].register_forward_hook(
        lambda module, _, out: seen.append((module.training, out.requires_grad))
    )
    generate(model, _tokens(0), 2, 1.0, torch.Generator().manual_seed(0))
    assert_equal(seen, [(False, False)] * 2, "training and gradients, at each token")
    assert_equal(model.training, training, "the mode afterwards")
    assert_equal(model.blocks[0].training, training, "the mode of a block afterwards")
