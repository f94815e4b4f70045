"""Each format against the predictions of the model that went in."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reference.ml.classical.decision_tree import DecisionTreeScratch
from reference.ml.classical.knn import KNNScratch
from reference.ml.classical.linear_regression import LinearRegressionScratch
from reference.production.deployment import (
    IntegrityError,
    ModelFormat,
    ModelSerializer,
    OnnxModel,
    load_pytorch_model,
    load_sklearn_model,
)

SERIALIZER = ModelSerializer(b"a key of thirty-two bytes, fixed")
GENERATOR = np.random.default_rng(0)
# Exact in float32, so that no feature moves across a tree's threshold in ONNX.
X = GENERATOR.normal(size=(120, 4)).astype(np.float32).astype(np.float64)
VALUES = X @ np.array([1.0, -2.0, 0.5, 3.0]) + GENERATOR.normal(size=120)
CLASSES = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)
TEXTS = np.where(CLASSES, "yes", "no")


class Network(torch.nn.Module):
    """A network with a buffer, dropout and an argument."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, width)
        self.norm = torch.nn.BatchNorm1d(width)
        self.dropout = torch.nn.Dropout(0.5)
        self.last = torch.nn.Linear(width, 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (n, 4) to (n, 2)."""
        hidden = self.dropout(torch.relu(self.norm(self.first(features))))
        answer: torch.Tensor = self.last(hidden)
        return answer


class TwoInputs(torch.nn.Module):
    """A module of a batch of numbers and a batch of indices."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(5, 4)

    def forward(self, features: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """Map (n, 4) and (n,) to (n,)."""
        rows: torch.Tensor = self.table(index)
        return (features * rows).sum(dim=1)


class SideEffect:
    """An object in a module's state that would run code when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("ran",))


class WithState(torch.nn.Module):
    """A module whose extra state is no plain data."""

    def get_extra_state(self) -> object:
        """Return what only a pickle holds."""
        return SideEffect()

    def set_extra_state(self, state: object) -> None:
        """Take it back."""


@pytest.fixture
def network() -> Iterator[Network]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Network()
        made(torch.tensor(X, dtype=torch.float32))  # moves the running statistics
        yield made


def assert_close(found: ArrayLike, expected: ArrayLike) -> None:
    """Equal within 1e-5: graphs of float32 round by 2^-24, here a few dozen times."""
    np.testing.assert_allclose(
        np.asarray(found, dtype=float),
        np.asarray(expected, dtype=float),
        rtol=1e-5,
        atol=1e-5,
    )


def answers(module: torch.nn.Module, *inputs: torch.Tensor) -> NDArray[np.float32]:
    with torch.no_grad():
        found: NDArray[np.float32] = module(*inputs).numpy()
    return found


@pytest.mark.parametrize("format", ["pickle", "joblib"])
@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression().fit(X, TEXTS),
        make_pipeline(StandardScaler(), LinearRegression()).fit(X, VALUES),
        RandomForestClassifier(5, random_state=0).fit(X, CLASSES),
        LinearRegressionScratch().fit(X, VALUES),
        DecisionTreeScratch().fit(X, CLASSES),
        KNNScratch().fit(X, CLASSES),
    ],
    ids=lambda model: f"{type(model).__module__.split('.')[0]}.{type(model).__name__}",
)
def test_pickle_and_joblib_predict_the_same(
    tmp_path: Path,
    model: LinearRegression,
    format: str,  # noqa: A002 - the parameter of save
) -> None:
    path = SERIALIZER.save(model, tmp_path / "model", format)
    loaded = SERIALIZER.load(path)
    assert type(loaded) is type(model)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    again = load_sklearn_model(path, serializer=SERIALIZER)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression().fit(X, CLASSES),
        make_pipeline(StandardScaler(), LogisticRegression()).fit(X, TEXTS),
        RandomForestClassifier(5, random_state=0).fit(X, TEXTS),
    ],
    ids=["logistic", "pipeline", "forest"],
)
def test_onnx_classifiers(tmp_path: Path, model: LogisticRegression) -> None:
    path = SERIALIZER.save(model, tmp_path / "model", ModelFormat.ONNX)
    loaded = SERIALIZER.load(path)
    assert isinstance(loaded, OnnxModel)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert_close(loaded.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X[:1]), model.predict(X[:1]))
    second = SERIALIZER.load(SERIALIZER.save(loaded, tmp_path / "second", "onnx"))
    np.testing.assert_array_equal(second.predict(X), model.predict(X))


def test_onnx_regressor(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(X, VALUES)
    loaded = SERIALIZER.load(SERIALIZER.save(model, tmp_path / "model", "onnx"))
    assert loaded.predict(X).shape == (120,)
    assert_close(loaded.predict(X), model.predict(X))
    with pytest.raises(AttributeError, match="probabilities"):
        loaded.predict_proba(X)
    with pytest.raises(ValueError, match=r"^inputs must be 1"):
        loaded.predict(X, X)


@pytest.mark.parametrize("rows", [1, 3])
def test_onnx_module_for_any_batch(tmp_path: Path, network: Network, rows: int) -> None:
    network.first.eval()  # a part that its owner froze stays so
    example = torch.zeros(rows, 4)
    path = SERIALIZER.save(
        network, tmp_path / "model", "onnx", example_inputs=(example,)
    )
    assert network.training
    assert not network.first.training
    loaded = SERIALIZER.load(path)
    network.eval()
    for size in (1, 2, 120):
        batch = torch.tensor(X[:size], dtype=torch.float32)
        assert_close(loaded.predict(X[:size]), answers(network, batch))


def test_onnx_module_of_two_inputs(tmp_path: Path) -> None:
    module = TwoInputs()
    index = torch.arange(120) % 5
    features = torch.tensor(X, dtype=torch.float32)
    path = SERIALIZER.save(
        module, tmp_path / "model", "onnx", example_inputs=(features[:3], index[:3])
    )
    found = SERIALIZER.load(path).predict(X, index.numpy())
    assert_close(found, answers(module, features, index))


def test_pytorch_state(tmp_path: Path, network: Network) -> None:
    path = SERIALIZER.save(network, tmp_path / "model", ModelFormat.PYTORCH)
    assert network.training
    for loaded in (
        SERIALIZER.load(path, model_class=Network),
        load_pytorch_model(path, lambda: Network(8), serializer=SERIALIZER),
    ):
        assert not loaded.training
        batch = torch.tensor(X, dtype=torch.float32)
        np.testing.assert_array_equal(
            answers(loaded, batch), answers(network.eval(), batch)
        )


def test_pytorch_refusals(tmp_path: Path, network: Network) -> None:
    path = tmp_path / "model"
    SERIALIZER.save(network, path, "pytorch")
    with pytest.raises(ValueError, match=r"^model_class must be given"):
        SERIALIZER.load(path)
    with pytest.raises(ValueError, match=r"^model_class must fit the saved state"):
        SERIALIZER.load(path, model_class=lambda: Network(9))
    with pytest.raises(TypeError, match=r"^model_class must build"):
        SERIALIZER.load(path, model_class=dict)  # type: ignore[arg-type]  # wrong on purpose
    other = tmp_path / "other"
    with pytest.raises(TypeError, match=r"^model must be a torch.nn.Module"):
        SERIALIZER.save({"w": 1}, other, "pytorch")
    with pytest.raises(TypeError, match=r"^model must have a state"):
        SERIALIZER.save(WithState(), other, "pytorch")
    with pytest.raises(ValueError, match=r"^example_inputs must be"):
        SERIALIZER.save(network, other, "onnx")
    assert not other.exists()
    foreign = tmp_path / "foreign.pt"
    torch.save(network.state_dict(), foreign)
    with pytest.raises(IntegrityError):
        load_pytorch_model(foreign, Network, serializer=SERIALIZER)


def test_models_without_a_conversion_to_onnx(tmp_path: Path) -> None:
    class Unknown(LinearRegression):  # type: ignore[misc] # sklearn has no types
        """A model that skl2onnx has never met."""

    for model in (
        {"a": 1},
        LinearRegressionScratch().fit(X, VALUES),
        LinearRegression(),
    ):
        with pytest.raises(TypeError, match=r"^model must be a fitted"):
            SERIALIZER.save(model, tmp_path / "model", "onnx")
    with pytest.raises(TypeError, match=r"^model must have a conversion"):
        SERIALIZER.save(Unknown().fit(X, VALUES), tmp_path / "model", "onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_predict_is_no_sklearn_model(tmp_path: Path) -> None:
    path = SERIALIZER.save([1], tmp_path / "model")
    with pytest.raises(TypeError, match=r"^path must hold a model"):
        load_sklearn_model(path, serializer=SERIALIZER)


@pytest.mark.parametrize(
    ("package", "format"),
    [("joblib", "joblib"), ("skl2onnx", "onnx"), ("onnxruntime", "onnx")],
)
def test_a_missing_package_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    format: str,  # noqa: A002 - the parameter of save
) -> None:
    model = LinearRegression().fit(X, VALUES)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"needs the package {package}"):
        SERIALIZER.load(SERIALIZER.save(model, tmp_path / "model", format))


def test_heavy_packages_are_not_imported_until_needed() -> None:
    heavy = ["torch", "sklearn", "scipy", "joblib", "onnx", "onnxruntime", "skl2onnx"]
    program = (
        "import sys, reference.production.deployment\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_names_of_serving_are_importable_from_here() -> None:
    package = import_module("reference.production.deployment")
    health = import_module("reference.production.serving.health")
    shutdown = import_module("reference.production.serving.shutdown")
    assert package.HealthChecker is health.HealthChecker
    assert package.HealthCheckResult is health.HealthCheckResult
    assert package.GracefulShutdown is shutdown.GracefulShutdown
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = package.Nothing
