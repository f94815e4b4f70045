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

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

import numpy as np
from fastapi import Depends, FastAPI, HTTPException, Request
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_log = logging.getLogger(__name__)


class Model(Protocol):
    """What can be served."""

    @property
    def n_features(self) -> int:
        """Number of features, at least one."""

    def predict(self, features: NDArray[np.float64], /) -> ArrayLike:
        """Map float64 of shape (n, n_features) to n finite numbers."""


_Row = list[Annotated[float, Field(allow_inf_nan=False)]]


class _Asked(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    model_name: str | None = None


class _RowAsked(_Asked):
    features: _Row


class _BatchAsked(_Asked):
    features: list[_Row] = Field(min_length=1)


class _Answered(BaseModel):
    model_name: str


class _RowAnswered(_Answered):
    prediction: float


class _BatchAnswered(_Answered):
    predictions: list[float]


class _Info(BaseModel):
    model_id: str
    n_features: int


class _Models(BaseModel):
    models: list[_Info]


class _Health(BaseModel):
    status: str
    models_loaded: int


class _Problem(BaseModel):
    detail: str


_Body = TypeVar("_Body", bound=_Asked)
_MEDIA_TYPE = "application/json"
_Extra = dict[str, Any]


@dataclass(frozen=True)
class _Service:
    models: Mapping[str, Model]
    max_batch_size: int
    max_body_bytes: int

    async def read(self, request: Request) -> bytes:
        """Return the body, once it is known to be of the right type and size."""
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != _MEDIA_TYPE:
            raise HTTPException(415, f"Content-Type must be {_MEDIA_TYPE}")
        content = b""
        async for piece in request.stream():
            content += piece
            if len(content) > self.max_body_bytes:
                raise HTTPException(413, f"body has over {self.max_body_bytes} bytes")
        return content

    def find(self, name: str) -> Model:
        if name not in self.models:
            raise HTTPException(404, "no model of this name is loaded")
        return self.models[name]

    def answer(self, name: str | None, rows: list[_Row]) -> tuple[str, list[float]]:
        """Return the name of the model that answers, and its predictions."""
        if len(rows) > self.max_batch_size:
            raise HTTPException(422, f"features has over {self.max_batch_size} rows")
        if name is None:
            name = next(iter(self.models), "")
        model = self.find(name)
        for row in rows:
            if len(row) != model.n_features:
                raise HTTPException(422, f"rows must be of {model.n_features} features")
        return name, _predicted(model, rows)

    def describe(self, name: str) -> _Info:
        return _Info(model_id=name, n_features=self.find(name).n_features)


def create_app(
    models: Mapping[str, Model],
    *,
    max_batch_size: int = 1000,
    max_body_bytes: int = 1_000_000,
) -> FastAPI:
    """Return the application that serves `models`."""
    app = FastAPI()
    service = _Service(models, max_batch_size, max_body_bytes)
    problems: dict[int | str, _Extra] = {
        status: {"model": _Problem} for status in (404, 413, 415, 422, 500)
    }

    # By plain `def` a route runs in a worker thread; only `read` awaits anything.
    @app.post("/predict", responses=problems, openapi_extra=_takes(_RowAsked))
    def predict(content: Annotated[bytes, Depends(service.read)]) -> _RowAnswered:
        asked = _parsed(_RowAsked, content)
        name, predictions = service.answer(asked.model_name, [asked.features])
        return _RowAnswered(model_name=name, prediction=predictions[0])

    @app.post("/predict/batch", responses=problems, openapi_extra=_takes(_BatchAsked))
    def predict_batch(
        content: Annotated[bytes, Depends(service.read)],
    ) -> _BatchAnswered:
        asked = _parsed(_BatchAsked, content)
        name, predictions = service.answer(asked.model_name, asked.features)
        return _BatchAnswered(model_name=name, predictions=predictions)

    @app.get("/models")
    def list_models() -> _Models:
        return _Models(models=[service.describe(name) for name in models])

    @app.get("/models/{model_id}", responses={404: problems[404]})
    def describe_model(model_id: str) -> _Info:
        return service.describe(model_id)

    @app.get("/health")
    def health() -> _Health:
        status = "healthy" if models else "degraded"
        return _Health(status=status, models_loaded=len(models))

    return app


def _takes(body: type[_Asked]) -> _Extra:
    """Describe the body of a route, which FastAPI cannot: it sees bytes."""
    content = {_MEDIA_TYPE: {"schema": body.model_json_schema()}}
    return {"requestBody": {"content": content, "required": True}}


def _parsed(body: type[_Body], content: bytes) -> _Body:
    try:
        return body.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))[:100]
        raise HTTPException(422, f"body {place}: {first['msg']}") from error


def _predicted(model: Model, rows: list[_Row]) -> list[float]:
    try:
        output = np.asarray(model.predict(np.array(rows)), dtype=np.float64)
        if output.shape != (len(rows),) or not np.isfinite(output).all():
            raise ValueError(f"{len(rows)} finite numbers expected, got {output}")
        predictions: list[float] = output.tolist()
        return predictions
    except Exception as error:
        _log.exception("the model failed")
        raise HTTPException(500, "the model failed to predict") from error
