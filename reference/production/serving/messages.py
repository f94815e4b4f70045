"""The JSON bodies that the service takes and gives, as pydantic models.

OpenAPI is generated from these classes, so what is written here is the contract.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    model_validator,
)

# Fits in float32, in which many models compute, with room for a sum of products:
# a finite feature cannot make a sound model overflow.
LARGEST_FEATURE = 1e30

Status = Literal["healthy", "degraded", "unhealthy"]

Number = Annotated[
    float,
    Field(allow_inf_nan=False, ge=-LARGEST_FEATURE, le=LARGEST_FEATURE),
]


def _kind_of_row(value: object) -> str | None:
    """Name the one form that ``value`` can have, so that errors speak of it alone."""
    if isinstance(value, list):
        return "list"
    return "mapping" if isinstance(value, dict) else None


# The first wrong entry is enough: a hostile body could hold a million.
Row = Annotated[
    Annotated[list[Number], Field(min_length=1, fail_fast=True), Tag("list")]
    | Annotated[dict[str, Number], Field(min_length=1, fail_fast=True), Tag("mapping")],
    Discriminator(
        _kind_of_row,
        custom_error_type="row_type",
        custom_error_message=(
            "Input should be a list of numbers or a mapping of feature name to number"
        ),
    ),
]

Label = int | float | str
Probability = Annotated[float, Field(ge=0, le=1)]


class Problem(BaseModel):
    """Body of every error."""

    detail: str = Field(description="What was wrong, in words.")


class ModelChoice(BaseModel):
    """What one prediction and a batch have in common."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"not": {"required": ["model_name", "model_id"]}},
    )

    model_name: str | None = Field(
        default=None, description="The model to ask; the first one by default."
    )
    model_id: str | None = Field(
        default=None, description="Another word for `model_name`; give one of the two."
    )
    request_id: str | None = Field(
        default=None, max_length=128, description="Given back in the answer."
    )

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if {"model_name", "model_id"} <= self.model_fields_set:
            raise ValueError("model_name and model_id are the same, give one of them")
        return self

    @property
    def chosen_model(self) -> str | None:
        """The name of the wanted model, under either word."""
        return self.model_id if self.model_name is None else self.model_name


class PredictionRequest(ModelChoice):
    """One row of features."""

    features: Row = Field(
        description="One number for every feature: in the order of the model, or by "
        "name where the model has `feature_names`."
    )


class BatchPredictionRequest(ModelChoice):
    """Several rows of features."""

    features: list[Row] = Field(
        min_length=1, fail_fast=True, description="Rows, each as in `/predict`."
    )


class BatchPredictionResponse(BaseModel):
    """The answer to several rows, in their order."""

    predictions: list[Label] = Field(description="One for each row.")
    probabilities: list[list[Probability]] | None = Field(
        description="For each row one for each class, in the order of the model; "
        "null where the model gives none."
    )
    model_name: str
    model_id: str = Field(description="The same as `model_name`.")
    model_type: str = Field(description="Name of the class of the model.")
    model_version: str | None = Field(
        description="Its version in the registry; null where it came from none."
    )
    request_id: str | None
    latency_ms: float = Field(ge=0, description="Milliseconds spent on the answer.")
    processing_time: float = Field(ge=0, description="The same in seconds.")
    timestamp: datetime = Field(description="When it was answered, in UTC.")


class PredictionResponse(BatchPredictionResponse):
    """The answer to one row; `predictions` and `probabilities` have one entry."""

    prediction: Label
    confidence: Probability | None = Field(
        description="The greatest of the probabilities; null where there are none."
    )


Stage = Literal["received", "predicting", "completed", "failed"]


class PredictionStage(BaseModel):
    """One line of `/predict/stream`; the last is "completed" or "failed"."""

    stage: Stage
    model_name: str
    request_id: str | None
    result: PredictionResponse | None = None
    detail: str | None = Field(default=None, description="Why it failed, in words.")


class ModelInfo(BaseModel):
    """What is known of a loaded model."""

    model_id: str
    model_type: str = Field(description="Name of the class of the model.")
    n_features: int = Field(ge=1)
    feature_names: list[str] | None
    n_classes: int | None = Field(
        default=None, description="Null for a regressor, or where it is not told."
    )
    version: str | None = Field(
        default=None, description="Null where it came from no registry."
    )
    canary: str | None = Field(
        default=None, description="The version that is on trial beside this one."
    )
    metadata: dict[str, JsonValue] = Field(
        default_factory=dict, description="What was recorded when it was registered."
    )


class ModelList(BaseModel):
    """All loaded models; the first is the default."""

    models: list[ModelInfo]


class Reloaded(BaseModel):
    """What is served since the registry was read anew."""

    models_loaded: int = Field(ge=0)
    models: list[ModelInfo]


class Welcome(BaseModel):
    """Where to go from here."""

    message: str
    version: str
    documentation: str = Field(description="Path of the interactive documentation.")


class ComponentHealth(BaseModel):
    """State of one part of the service."""

    status: Status
    message: str


class Health(BaseModel):
    """State of the service: healthy with a model, degraded without."""

    status: Status
    models_loaded: int = Field(ge=0)
    timestamp: datetime
    uptime_seconds: float = Field(ge=0)
    components: dict[str, ComponentHealth]


class Readiness(BaseModel):
    """Whether requests should be sent here."""

    ready: bool
    detail: str = Field(description="Why, in words.")
