"""What the tests of the service share: models, and ways to ask an application."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import httpx
import numpy as np
from fastapi import FastAPI
from numpy.typing import ArrayLike
from sklearn.linear_model import LinearRegression, LogisticRegression

from reference.core.validation import Array
from reference.production.serving import Model, create_app

BODY_LIMIT = 2000
ROWS_LIMIT = 4
NAMES = ["age", "income", "rooms"]


@dataclass
class Fitted:
    """A scikit-learn regressor as a ``Model``."""

    estimator: LinearRegression
    n_features: int = 3
    feature_names: Sequence[str] | None = None

    def predict(self, features: Array, /) -> ArrayLike:
        """Return the estimator's predictions."""
        output: ArrayLike = self.estimator.predict(features)
        return output


@dataclass
class FittedClassifier:
    """A scikit-learn classifier as a ``Model`` with probabilities."""

    estimator: LogisticRegression
    n_features: int = 3

    def predict(self, features: Array, /) -> ArrayLike:
        """Return the estimator's predictions."""
        output: ArrayLike = self.estimator.predict(features)
        return output

    def predict_proba(self, features: Array, /) -> ArrayLike:
        """Return the estimator's probabilities."""
        output: ArrayLike = self.estimator.predict_proba(features)
        return output


@dataclass
class Scripted:
    """A model of one feature that does what it is told, mostly something wrong."""

    respond: Callable[[Array], ArrayLike] = lambda features: features[:, 0]
    n_features: int = 1
    feature_names: Sequence[str] | None = None

    def predict(self, features: Array, /) -> ArrayLike:
        """Return what was asked for."""
        return self.respond(features)


@dataclass
class ScriptedClassifier(Scripted):
    """The same with probabilities."""

    chances: ArrayLike = ((0.5, 0.5),)

    def predict_proba(self, _: Array, /) -> ArrayLike:
        """Return what was asked for, whatever the number of rows."""
        return self.chances


RNG = np.random.default_rng(7)
X = RNG.normal(size=(40, 3))
REGRESSOR = LinearRegression().fit(X, X @ [1.0, -2.0, 0.5] + 3)
CLASSIFIER = LogisticRegression().fit(X, np.where(X[:, 0] > 0, "high", "low"))
MODELS: dict[str, Model] = {
    "linear": Fitted(REGRESSOR, feature_names=NAMES),
    "unnamed": Fitted(REGRESSOR),
    "logistic": FittedClassifier(CLASSIFIER),
}
APP = create_app(MODELS, max_batch_size=ROWS_LIMIT, max_body_bytes=BODY_LIMIT)
EMPTY_APP = create_app()


async def ask_async(
    app: FastAPI,
    method: str,
    path: str,
    content: bytes | str | AsyncIterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        given = {"content-type": "application/json"} if headers is None else headers
        return await client.request(method, path, content=content, headers=given)


def ask(
    app: FastAPI,
    method: str,
    path: str,
    content: bytes | str | AsyncIterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    return asyncio.run(ask_async(app, method, path, content, headers))


def post(path: str, body: object, app: FastAPI = APP) -> httpx.Response:
    return ask(app, "POST", path, json.dumps(body))


def strict_json(response: httpx.Response) -> dict[str, object]:
    """Parse an answer, refusing the NaN and Infinity that Python would accept."""

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} was sent out")

    body = json.loads(response.content.decode("utf-8"), parse_constant=refuse)
    assert isinstance(body, dict)
    return body


def assert_problem(response: httpx.Response, status: int) -> str:
    body = strict_json(response)
    assert response.status_code == status, body
    assert list(body) == ["detail"]
    detail = body["detail"]
    assert isinstance(detail, str)
    assert 0 < len(detail) < BODY_LIMIT
    return detail
