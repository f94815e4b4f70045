import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_close,
    assert_dtype,
    assert_holds,
    assert_raises_naming,
    assert_shape,
    floats,
    layouts,
    unchanged,
)
from katas.optimization.adam import Adam, AdamW, NAdam
from reference.core import optimization as reference

Array = NDArray[np.float64]

# Entries next to the default epsilon tell where it is added.
steep = st.sampled_from([0.0, 1e-12, 3e-8, -1e-8, -1e-3, 1.0, -2.0, 1e3, -1e5])
shapes = st.sampled_from([(), (1,), (3,), (2, 3), (3, 1, 2), (0,)])
# Gradients of 1 to 5 steps: shape (steps, *shape of the parameters).
runs = st.tuples(st.integers(1, 5), shapes).flatmap(
    lambda run: hnp.arrays(
        np.float64,
        (run[0], *run[1]),
        elements=st.one_of(steep, floats(10.0)),
        fill=st.nothing(),
    )
)
# learning_rate, beta1, beta2, epsilon. With beta1² < beta2 no step is much larger
# than the learning rate.
settings = st.tuples(
    st.sampled_from([0.001, 0.1, 1.0]),
    st.sampled_from([0.9, 0.5, 0.0]),
    st.sampled_from([0.999, 0.99, 0.9]),
    st.sampled_from([1e-8, 1e-3, 0.5]),
)
Settings = tuple[float, float, float, float]
DEFAULTS = (0.001, 0.9, 0.999, 1e-8)

FALLING = np.array([[2.0, 0.1], [1.0, -0.3], [0.5, 0.2], [0.25, 0.4]])
TINY = np.array([[3e-8], [-1e-8], [2e-8]])
WORKED = (0.1, 0.9, 0.99, 0.5)
# Each class of the kata and of the reference, with what it adds to the arguments.
CLASSES: list[tuple[type[Adam], type[reference.Adam], tuple[float, ...]]] = [
    (Adam, reference.Adam, ()),
    (AdamW, reference.AdamW, (0.5,)),
    (NAdam, reference.NAdam, (0.5,)),
]


def _start(gradients: Array) -> Array:
    shape = gradients.shape[1:]
    return np.linspace(-1.0, 2.0, int(np.prod(shape))).reshape(shape)


def _assert_step(
    actual: object, expected: object, rate: float, what: str = "the result"
) -> None:
    """Compare parameters after a step of the order of the learning rate."""
    assert_shape(actual, np.shape(expected), what)
    assert_dtype(actual, np.float64, what)
    # 1 − β₂ᵗ is at least 1e-3, so that its relative error is below 1e-12; a step is at
    # most some 30 times the learning rate. The parameters round by a few ulps.
    assert_close(
        np.asarray(actual),
        np.asarray(expected),
        what=what,
        rtol=1e-15,
        atol=1e-11 * rate,
    )


def _assert_same_steps(mine: Adam, theirs: reference.Adam, gradients: Array) -> None:
    params = _start(gradients)
    for count, gradient in enumerate(gradients, start=1):
        expected = theirs.step(params, gradient)
        what = f"the parameters after step {count}"
        _assert_step(mine.step(params, gradient), expected, theirs.learning_rate, what)
        params = expected


def _assert_worked(optimizer: Adam, expected: list[float]) -> None:
    """Compare three steps from 1 along the gradients 2, −1 and 0.5."""
    params = np.array([1.0])
    for gradient, value in zip((2.0, -1.0, 0.5), expected, strict=True):
        params = optimizer.step(params, np.array([gradient]))
        _assert_step(params, np.array([value]), 0.1)


def test_three_steps_of_adam_by_hand() -> None:
    """From 1 along 2, −1, 0.5 (α = 0.1, β = 0.9, 0.99, ε = 0.5): first to 0.92."""
    # m̂ = 2 and √v̂ = 2, so 1 − 0.1·2/2.5; the others in decimals of fifty digits.
    _assert_worked(Adam(*WORKED), [0.92, 0.899744945662627809, 0.874984005694390654])


@given(hnp.arrays(np.float64, (4,), elements=st.one_of(steep, floats(10.0))), settings)
@example(np.array([2.0, 1e-3, 3e-8, 0.0]), DEFAULTS)
def test_the_first_step_has_the_size_of_the_learning_rate(
    gradient: Array, setting: Settings
) -> None:
    """The first step is α·g / (|g| + ε) in each entry, whatever the betas."""
    rate, _, _, epsilon = setting
    expected = 0.0 - rate * gradient / (np.abs(gradient) + epsilon)
    result = Adam(*setting).step(np.zeros(4), gradient)
    _assert_step(result, expected, rate)


@given(
    hnp.arrays(np.float64, (3,), elements=st.one_of(steep, floats(10.0))),
    settings,
    st.integers(2, 20),
)
@example(np.array([2.0, 1e-3, 3e-8]), DEFAULTS, 10)
def test_a_constant_gradient_gives_equal_steps(
    gradient: Array, setting: Settings, steps: int
) -> None:
    """Along a constant gradient each step is as long as the first."""
    rate, _, _, epsilon = setting
    optimizer = Adam(*setting)
    move = rate * gradient / (np.abs(gradient) + epsilon)
    params = np.zeros(3)
    for count in range(1, steps + 1):
        params = optimizer.step(params, gradient)
        _assert_step(params, 0.0 - count * move, rate * count)


@given(runs, settings)
@example(FALLING, DEFAULTS)
@example(TINY, DEFAULTS)
def test_adam_agrees_with_the_reference(gradients: Array, setting: Settings) -> None:
    """θ moves by α·m̂ / (√v̂ + ε), for parameters of any shape, step after step."""
    _assert_same_steps(Adam(*setting), reference.Adam(*setting), gradients)


def test_three_steps_of_adamw_by_hand() -> None:
    """As Adam by hand, with decay 0.5: 1 shrinks to 0.95 and moves to 0.87."""
    _assert_worked(
        AdamW(*WORKED, 0.5), [0.87, 0.806244945662627809, 0.741171758411259264]
    )


@given(runs, settings, st.sampled_from([0.0, 0.01, 0.5]))
@example(FALLING, DEFAULTS, 0.01)
def test_adamw_agrees_with_the_reference(
    gradients: Array, setting: Settings, decay: float
) -> None:
    """AdamW shrinks θ to (1 − α·λ)·θ and takes Adam's step from there."""
    theirs = reference.AdamW(*setting, decay)
    _assert_same_steps(AdamW(*setting, decay), theirs, gradients)


@given(runs, settings, st.sampled_from([0.01, 0.5, 0.7]))
@example(FALLING, (0.1, 0.9, 0.999, 1e-8), 0.5)
def test_the_decay_stays_out_of_the_moments(
    gradients: Array, setting: Settings, decay: float
) -> None:
    """Whatever the parameters, the same gradients add the same: λ only shrinks."""
    rate = setting[0]
    near, far = AdamW(*setting, decay), AdamW(*setting, decay)
    shape = gradients.shape[1:]
    low, high = np.zeros(shape), np.full(shape, 8.0)
    for gradient in gradients:
        low, high = near.step(low, gradient), far.step(high, gradient)
    expected = np.full(shape, 8.0 * (1 - rate * decay) ** len(gradients))
    # Each step is below 30 times the rate, and rounds at that magnitude.
    atol = 1e-13 * (8.0 + 30 * rate)
    assert_close(np.asarray(high - low), expected, rtol=0, atol=atol)


def test_three_steps_of_nadam_by_hand() -> None:
    """As Adam by hand, with momentum that looks ahead: first to 0.91548…."""
    # μ₁ = 0.9·(1 − ½·0.96^0.004) = 0.450073…, μ₂ = 0.450146…, m = 0.2: so 1 − 0.1·
    # (μ₂·0.2 / (1 − μ₁·μ₂) + 2) / 2.5. All in decimals of fifty digits.
    _assert_worked(
        NAdam(*WORKED),
        [0.915483857731568941, 0.946748941683048277, 0.926961001254884651],
    )


@given(runs, settings, st.sampled_from([0.0, 0.004, 0.5, 3.0]))
@example(FALLING, DEFAULTS, 0.004)
@example(FALLING, DEFAULTS, 3.0)
def test_nadam_agrees_with_the_reference(
    gradients: Array, setting: Settings, momentum_decay: float
) -> None:
    """NAdam corrects m by μₜ₊₁ and Πₜ₊₁ and the gradient by μₜ and Πₜ."""
    theirs = reference.NAdam(*setting, momentum_decay)
    _assert_same_steps(NAdam(*setting, momentum_decay), theirs, gradients)


def test_the_defaults_are_those_of_the_field() -> None:
    """The defaults are α = 0.001, β = 0.9 and 0.999, ε = 1e-8, λ = 0.01, ψ = 0.004."""
    for mine, theirs, _ in CLASSES:
        _assert_same_steps(mine(), theirs(), np.hstack([FALLING, 1e-8 * FALLING]))


def test_the_learning_rate_may_change_between_steps() -> None:
    """Each step takes `learning_rate` as it is then, for the decay as well."""
    for mine, theirs, more in CLASSES:
        optimizer, expected = mine(*DEFAULTS, *more), theirs(*DEFAULTS, *more)
        params = _start(FALLING)
        for count, gradient in enumerate(FALLING):
            rate = 0.5 / (1 + count)
            optimizer.learning_rate = expected.learning_rate = rate
            wanted = expected.step(params, gradient)
            _assert_step(optimizer.step(params, gradient), wanted, rate)
            params = wanted


@given(layouts(runs))
@example(FALLING)
def test_the_arguments_are_neither_changed_nor_kept(gradients: Array) -> None:
    """The arguments stay as they were, and writing into them later is harmless."""
    for mine, theirs, more in CLASSES:
        optimizer, expected = mine(*DEFAULTS, *more), theirs(*DEFAULTS, *more)
        for gradient in gradients:
            params, slopes = _start(gradients), np.array(gradient)
            wanted = expected.step(params, slopes)
            with unchanged(params=params, gradients=gradient):
                result = optimizer.step(params, gradient)
            _assert_step(result, wanted, 0.001)
            result = np.asarray(optimizer.step(params, slopes))
            _assert_step(result, expected.step(params, slopes), 0.001)
            apart = not np.shares_memory(result, params)
            assert_holds(apart, "the result is a new array")
            params[...] = slopes[...] = 7.0
            if result.flags.writeable:
                result[...] = 7.0


def test_each_optimizer_has_its_own_state() -> None:
    """Two optimizers that take turns do not disturb each other."""
    for mine, theirs, more in CLASSES:
        one, other = mine(*DEFAULTS, *more), mine(*DEFAULTS, *more)
        first, second = theirs(*DEFAULTS, *more), theirs(*DEFAULTS, *more)
        params = _start(FALLING)
        for gradient in FALLING:
            _assert_step(
                one.step(params, gradient), first.step(params, gradient), 0.001
            )
            opposite = 1.0 - gradient
            _assert_step(
                other.step(params, opposite), second.step(params, opposite), 0.001
            )


def test_lists_and_whole_numbers_are_welcome() -> None:
    """Lists, integers and float32 are taken as float64, parameters and gradients."""
    for mine, theirs, more in CLASSES:
        for kind in (list, np.array, lambda x: np.array(x, dtype=np.float32)):
            optimizer, expected = mine(*WORKED, *more), theirs(*WORKED, *more)
            for gradient in ([2, -1, 0], [1, 1, 3]):
                result = optimizer.step(kind([1, 2, 3]), kind(gradient))
                wanted = expected.step([1, 2, 3], gradient)
                _assert_step(result, wanted, 0.1)


def test_a_refused_step_leaves_no_trace() -> None:
    """After a refusal the next step is what it would have been without it."""
    for mine, theirs, more in CLASSES:
        optimizer, expected = mine(*DEFAULTS, *more), theirs(*DEFAULTS, *more)
        params = _start(FALLING)
        for count, gradient in enumerate(FALLING):
            for shape in ((), (1,), (3,), (1, 2), (2, 1)):
                other = np.ones(shape)
                assert_raises_naming("gradients", optimizer.step, params, other)
                if count > 0:
                    assert_raises_naming("params", optimizer.step, other, other)
            for bad in (np.nan, np.inf, -np.inf):
                spoilt = np.array([1.0, bad])
                assert_raises_naming("gradients", optimizer.step, params, spoilt)
                assert_raises_naming("params", optimizer.step, spoilt, gradient)
            wanted = expected.step(params, gradient)
            _assert_step(optimizer.step(params, gradient), wanted, 0.001)


def test_bad_settings_are_refused() -> None:
    """A rate, beta, epsilon or decay without a meaning raises and says which."""
    for kind, _, _ in CLASSES:
        for argument in ("learning_rate", "epsilon"):
            for value in (0.0, -1e-3, np.nan):
                assert_raises_naming(argument, kind, **{argument: value})
        for argument in ("beta1", "beta2"):
            for value in (-0.1, 1.0, 1.5, np.nan):
                assert_raises_naming(argument, kind, **{argument: value})
    for value in (-0.1, np.nan):
        assert_raises_naming("weight_decay", AdamW, weight_decay=value)
        assert_raises_naming("momentum_decay", NAdam, momentum_decay=value)


def test_a_beta_of_zero_forgets_at_once() -> None:
    """With both betas 0 each step is α·g / (|g| + ε) for the latest gradient."""
    for kind, more in ((Adam, ()), (AdamW, (0.0,)), (NAdam, (0.0,))):
        optimizer = kind(0.1, 0.0, 0.0, 1.0, *more)
        for gradient in (3.0, -1.0, 0.0):
            result = optimizer.step([5.0], [gradient])
            move = 0.1 * gradient / (abs(gradient) + 1.0)
            _assert_step(result, np.array([5.0 - move]), 0.1)
