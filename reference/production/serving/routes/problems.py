"""Every error has one body, ``Problem``; here it is documented and raised."""

from collections.abc import Mapping

from fastapi import HTTPException

from reference.production.serving.messages import Problem
from reference.production.serving.predictor import (
    ModelFailedError,
    ModelOverdueError,
    OverloadedError,
)

Responses = dict[int | str, dict[str, object]]

TOO_BUSY = {"Retry-After": "1"}
RETRY_AFTER: dict[str, object] = {
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "integer"},
    }
}
# What the door answers to any request that is work.
AT_THE_DOOR: Responses = {
    429: {
        "model": Problem,
        "description": "Too many requests of this client.",
        "headers": RETRY_AFTER,
    },
    503: {
        "model": Problem,
        "description": "Too much is waiting, or the service is shutting down.",
        "headers": RETRY_AFTER,
    },
}


def problems(meanings: Mapping[int | str, str]) -> Responses:
    """Document error statuses by what they mean."""
    return {
        status: {"model": Problem, "description": meaning}
        for status, meaning in meanings.items()
    }


def failure(error: ModelFailedError | OverloadedError) -> HTTPException:
    """Return the answer for a prediction that there is none of.

    It tells nothing of what happened in the model.
    """
    if isinstance(error, OverloadedError):
        return HTTPException(503, "too many predictions are waiting", headers=TOO_BUSY)
    if isinstance(error, ModelOverdueError):
        return HTTPException(504, "the model took too long")
    return HTTPException(500, "the model failed to predict")
