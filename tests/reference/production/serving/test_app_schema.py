"""The applications against their own OpenAPI documents, by schemathesis."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sklearn.linear_model import LogisticRegression

from reference.production.serving import create_app
from reference.production.serving.production import make_app
from reference.production.serving.settings import Settings
from tests.reference.production.serving.support import APP, FittedClassifier

Operation = APIOperation[Any, Any, Any, Any]


def operations(app: FastAPI) -> dict[str, Operation]:
    """Return the documented operations by method and path."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    found = (one.ok() for one in schema.get_all_operations() if isinstance(one, Ok))
    return {operation.label: operation for operation in found}


# One feature, so that rows made from the schema, which knows no model, often fit.
SIGN = LogisticRegression().fit([[-1.0], [1.0]], ["minus", "plus"])
OPERATIONS = operations(create_app({"m": FittedClassifier(SIGN, n_features=1)}))
FULL_APP = make_app(Settings())
FULL = operations(FULL_APP)
# Not positive_data_acceptance: no schema can say how wide the rows of a model are.
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
    negative_data_rejection,
]
GIVES_200 = ("/predict", "/predict/batch", "/models", "/metadata", "/", "/health")


def modes(found: dict[str, Operation]) -> Sequence[tuple[str, GenerationMode]]:
    """Pair operations and modes: only a body, or a parameter, can be wrong."""
    return [
        (label, mode)
        for label, operation in found.items()
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or list(operation.body)
    ]


def statuses_of(operation: Operation, mode: GenerationMode, examples: int) -> set[int]:
    """Send requests made from the schema, check the answers, return the statuses."""
    statuses = set()

    @settings(max_examples=examples, deadline=None, derandomize=True)
    @given(case=operation.as_strategy(mode))
    def conforms(case: Case[Operation]) -> None:
        statuses.add(case.call_and_validate(checks=CHECKS).status_code)

    conforms()
    return statuses


@pytest.mark.parametrize(("label", "mode"), modes(OPERATIONS))
def test_answers_are_as_the_schema_says(label: str, mode: GenerationMode) -> None:
    statuses = statuses_of(OPERATIONS[label], mode, 25)
    path = label.partition(" ")[2]
    if mode is GenerationMode.POSITIVE and path in GIVES_200:
        assert 200 in statuses, "nothing but refusals was tried"


@pytest.mark.parametrize(("label", "mode"), modes(FULL))
def test_the_full_application_answers_as_its_schema_says(
    label: str, mode: GenerationMode
) -> None:
    statuses = statuses_of(FULL[label], mode, 10)
    assert not {status for status in statuses if status >= 500}


def test_a_known_model_is_described_as_the_schema_says() -> None:
    operation = OPERATIONS["GET /models/{model_id}"]
    case = operation.Case(path_parameters={"model_id": "m"})
    assert case.call_and_validate(checks=CHECKS).status_code == 200


def test_every_operation_is_documented() -> None:
    plain = {
        "POST /predict",
        "POST /predict/batch",
        "GET /models",
        "GET /models/{model_id}",
        "POST /models/reload",
        "GET /metadata",
        "GET /",
        "GET /health",
        "GET /ready",
    }
    assert set(OPERATIONS) == plain
    assert set(FULL) == plain | {
        "POST /predict/stream",
        "POST /chat/completions",
        "POST /v1/chat/completions",
        "GET /metrics",
    }
    schemas = APP.openapi()["components"]["schemas"]
    for name in ("PredictionRequest", "BatchPredictionRequest"):
        assert schemas[name]["not"] == {"required": ["model_name", "model_id"]}
        assert schemas[name]["additionalProperties"] is False
    problem = {"$ref": "#/components/schemas/Problem"}
    paths = APP.openapi()["paths"]
    for path in ("/predict", "/predict/batch"):
        responses = paths[path]["post"]["responses"]
        problems = {*("404", "408", "413", "415", "422", "429", "500", "503", "504")}
        assert set(responses) == {"200"} | problems
        for status in set(responses) - {"200"}:
            assert responses[status]["content"]["application/json"]["schema"] == problem
    assert "at most 4" in paths["/predict/batch"]["post"]["description"]


def test_importing_is_light() -> None:
    heavy = "{'torch', 'scipy', 'sklearn', 'numba'}"
    code = (
        "import sys, reference.production.serving; "
        f"raise SystemExit(' '.join({heavy} & sys.modules.keys()) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
