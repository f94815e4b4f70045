"""The part of the Compose file format that ``deploy/compose.yaml`` may use.

From the reference of the Compose specification: https://docs.docker.com/reference/compose-file/
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(strict=True)]


class Strict(BaseModel):
    """Only the keys that are named here: a misspelt one is found."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Check(Strict):
    """How a container is found well."""

    test: Annotated[list[str], Field(min_length=2)]
    interval: str
    timeout: str
    retries: int
    start_period: str = "0s"


class Limits(Strict):
    """What a container may take."""

    cpus: Annotated[str, Field(pattern=r"^[0-9.]+$")]
    memory: Annotated[str, Field(pattern=r"^[0-9]+[mg]$")]


class Resources(Strict):
    """The same, one level up."""

    limits: Limits


class Deployed(Strict):
    """The same, two levels up."""

    resources: Resources


class Build(Strict):
    """Where an image comes from."""

    context: str
    dockerfile: str
    args: dict[str, str]


class Logging(Strict):
    """How much of the logs is kept."""

    driver: str
    options: dict[str, str]


class Service(Strict):
    """One container."""

    image: Annotated[str, Field(pattern=r"^[a-z/-]+:[a-z0-9.-]+$")]
    restart: Literal["unless-stopped"]
    security_opt: list[str]
    logging: Logging
    healthcheck: Check
    deploy: Deployed
    build: Build | None = None
    command: list[str] = []
    environment: dict[str, Text] = {}
    ports: list[Annotated[str, Field(pattern=r"^127\.0\.0\.1:\d+:\d+$")]] = []
    volumes: list[str] = []
    depends_on: list[str] = []
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[str] = []
    stop_grace_period: str = "10s"


class Compose(Strict):
    """The whole file, without extensions."""

    name: str
    services: dict[str, Service]
    volumes: dict[str, None]
