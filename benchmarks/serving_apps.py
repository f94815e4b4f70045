"""The servers that are measured, each with the same two models.

``python -m benchmarks.serving_apps SERVER MODEL PORT`` serves on loopback until it is
killed. Servers: ours, ours_unbatched, bare, litserve, litserve_unbatched.
"""

import sys
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI
from litserve import LitAPI, LitServer  # type: ignore[import-untyped]  # no types
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel

from reference.core.validation import Array
from reference.production.serving import Batching, Model, create_app

FEATURES = 8
# At most so many rows at once, by every server that batches.
_BATCH = 32
_WIDTH = 2048


class Linear:
    """A linear model: next to nothing, so that what is measured is the server."""

    n_features = FEATURES

    def __init__(self) -> None:
        self._weights = np.random.default_rng(0).standard_normal(FEATURES)

    def predict(self, features: Array, /) -> ArrayLike:
        """Return one number for each row."""
        scores: Array = features @ self._weights
        return scores


class Fixed:
    """A layer for batches of one size, as compiled graphs have.

    One row costs as much as a whole batch, some milliseconds.
    """

    n_features = FEATURES

    def __init__(self) -> None:
        generator = np.random.default_rng(0)
        self._first = generator.standard_normal((FEATURES, _WIDTH), np.float32)
        self._second = generator.standard_normal((_WIDTH, _WIDTH), np.float32)

    def predict(self, features: Array, /) -> ArrayLike:
        """Return one number for each row."""
        rows: NDArray[np.float32] = np.zeros((_BATCH, FEATURES), np.float32)
        rows[: len(features)] = features
        hidden = np.tanh(rows @ self._first)
        scores: NDArray[np.float32] = np.tanh(hidden @ self._second).mean(axis=1)
        return scores[: len(features)]


def model(name: str) -> Model:
    """Return a model by its name."""
    return Linear() if name == "linear" else Fixed()


class Row(BaseModel):
    """One row of features."""

    features: list[float]


class Answer(BaseModel):
    """One prediction."""

    prediction: float


def bare(served: Model) -> FastAPI:
    """Return what one writes first: a route that checks the body and asks the model.

    The route is a plain function, which FastAPI runs in a thread, as a model must not
    hold up the event loop.
    """
    app = FastAPI()

    @app.post("/predict")
    def predict(row: Row) -> Answer:
        features = np.array([row.features], dtype=np.float64)
        return Answer(prediction=float(np.asarray(served.predict(features))[0]))

    return app


class Lit(LitAPI):  # type: ignore[misc]  # it publishes no types
    """The same for LitServe, row by row or a batch at once."""

    name: str
    batched: bool

    def setup(self, _: object) -> None:
        """Make the model, in the worker's process."""
        self.model = model(self.name)

    def decode_request(self, request: dict[str, Any]) -> Array:
        """Return the row."""
        return np.array(request["features"], dtype=np.float64)

    def predict(self, rows: Any) -> Any:
        """Return one number, or several where LitServe has put rows together."""
        if self.batched:
            return self.model.predict(np.asarray(rows))
        return np.asarray(self.model.predict(rows[np.newaxis]))[0]

    def encode_response(self, output: Any) -> dict[str, float]:
        """Return the answer."""
        return {"prediction": float(output)}


def litserve(name: str, port: int, *, batched: bool) -> None:
    """Serve by LitServe, which makes processes for itself."""
    # With a timeout of 0 its worker would take a core also while the rival is asked.
    api = Lit(max_batch_size=_BATCH, batch_timeout=0.002) if batched else Lit()
    api.name, api.batched = name, batched
    server = LitServer(api, accelerator="cpu", devices=1, workers_per_device=1)
    server.run(
        host="127.0.0.1", port=port, generate_client_file=False, log_level="warning"
    )


def main(server: str, name: str, port: int) -> None:
    """Serve until killed."""
    if server.startswith("litserve"):
        litserve(name, port, batched=server == "litserve")
        return
    if server == "bare":
        app = bare(model(name))
    else:
        size = _BATCH if server == "ours" else 1
        app = create_app({name: model(name)}, batching=Batching(size=size))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
