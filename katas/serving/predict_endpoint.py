"""A prediction endpoint: models behind HTTP.

Predicting is one line. The work is at the border: whatever a client sends, it gets a
clean answer, what it did wrong is told it as a 4xx, and nothing wrong reaches a model.

Write `create_app(models, *, max_batch_size=1000, max_body_bytes=1_000_000)`, which
returns a FastAPI application. `models` maps names to models, in order; the first one is
the default; there may be none. A model has an integer `n_features` ≥ 1, and a method
`predict` that maps a float64 array of shape (n, n_features) to n finite numbers, in an
array or a list.

| request | answer with status 200 |
|---|---|
| `POST /predict` | `{"prediction": number, "model_name": text}` |
| `POST /predict/batch` | `{"predictions": [number, …], "model_name": text}` |
| `GET /models` | `{"models": [model, …]}`, in order |
| `GET /models/{model_id}` | model: `{"model_id": text, "n_features": integer}` |
| `GET /health` | `{"status": "healthy", "models_loaded": integer}` |

`status` is "degraded" where there is no model. The body of `/predict` is
`{"features": [number, …], "model_name": text or null}`, that of `/predict/batch` the
same with a list of at least one row, `"features": [[number, …], …]`. `model_name` may
be left out; without it, and for null, the default model answers. A batch is one call
of `predict`, with the rows in their order. Answers may hold more fields than these.

Every other answer has the body `{"detail": text}` and nothing else, the text not empty
and of at most 2000 characters whatever was sent. The first of these that applies:

- 415: `Content-Type` is not `application/json`, in any case of letters, with or
  without parameters such as `; charset=utf-8`.
- 413: the body has more than `max_body_bytes` bytes. A client need not send
  `Content-Length`, so count what arrives, and read no further than that.
- 422: the body is not JSON as the standard has it (UTF-8, no NaN, no Infinity,
  whatever depth and whatever escapes), has a field too few or too many, or one of
  another type; a feature is not a finite number (true, "3" and 1e999 are none); a
  batch has no row, or more than `max_batch_size`.
- 404: there is no such model; without any model that is every prediction.
- 422: a row has not `n_features` numbers.
- 500: the model raises, or gives anything but n finite numbers. The text says no word
  of the exception: that belongs in the log.

`GET /openapi.json`, which FastAPI makes, must tell the truth: for both POST routes the
schema of the body, which is required, and each of these statuses with the schema of its
answer.

Sources: RFC 9110 (HTTP semantics), section 15.5; RFC 8259 (JSON), sections 6 and 8.

In production: models run in worker threads, so that a slow one does not stop the health
check, and the time, the model's name and the status of every request are measured.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from fastapi import FastAPI
from numpy.typing import ArrayLike, NDArray


class Model(Protocol):
    """What can be served."""

    @property
    def n_features(self) -> int:
        """Number of features, at least one."""

    def predict(self, features: NDArray[np.float64], /) -> ArrayLike:
        """Map float64 of shape (n, n_features) to n finite numbers."""


def create_app(
    models: Mapping[str, Model],
    *,
    max_batch_size: int = 1000,
    max_body_bytes: int = 1_000_000,
) -> FastAPI:
    """Return the application that serves `models`."""
    raise NotImplementedError
