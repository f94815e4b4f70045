"""Settings from the environment, checked before anything is started."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import (
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

Level = Literal["debug", "info", "warning", "error", "critical"]

_SECRET = {"DATABASE_URL", "REDIS_URL"}
_REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


class SettingsError(ValueError):
    """A setting is wrong; the message is one line that names it."""


class Settings(BaseModel):
    """What the environment says.

    ``database_url``: nothing is stored in a database; that it can be reached is shown
    as a component of ``/health`` that only degrades. ``redis_url``: predictions are
    cached there. ``model_path``: the registry of models; without it two examples are
    served. ``workers``: processes, each with models, limits and metrics of its own.
    ``rate_limit``: requests a second of each client address, 0 for no limit.
    ``forwarded_allow_ips``: the proxies, by addresses or networks, whose
    ``X-Forwarded-For`` is believed; without them none.
    """

    model_config = ConfigDict(frozen=True)

    database_url: AnyUrl | None = Field(default=None, alias="DATABASE_URL")
    redis_url: str | None = Field(default=None, alias="REDIS_URL")
    model_path: Path | None = Field(default=None, alias="MODEL_PATH")
    port: int = Field(default=8000, ge=0, le=65535, alias="PORT")
    log_level: Level = Field(default="info", alias="LOG_LEVEL")
    workers: int = Field(default=1, ge=1, le=64, alias="WORKERS")
    rate_limit: float = Field(default=100, ge=0, le=1e6, alias="RATE_LIMIT")
    forwarded_allow_ips: str | None = Field(default=None, alias="FORWARDED_ALLOW_IPS")

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, level: object) -> object:
        return level.lower() if isinstance(level, str) else level

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(_REDIS_SCHEMES):
            raise ValueError(f"should begin with {' or '.join(_REDIS_SCHEMES)}")
        if url is not None and not _redis_understands(url):
            raise ValueError("should be a URL of Redis, redis://:PASSWORD@HOST:PORT/DB")
        return url

    @field_validator("database_url")
    @classmethod
    def _host(cls, url: AnyUrl | None) -> AnyUrl | None:
        if url is not None and not url.host:
            raise ValueError("should name a host")
        return url

    @field_validator("model_path")
    @classmethod
    def _folder(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_dir():
            raise ValueError("should be a folder that exists")
        return path


def _redis_understands(url: str) -> bool:
    from redis import ConnectionPool

    try:
        ConnectionPool.from_url(url)
    except (TypeError, ValueError):
        # Its message would show a part of the URL.
        return False
    return True


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings; a variable that is empty counts as not set.

    Raises ``SettingsError`` for the first that is wrong. Of URLs, which may hold
    passwords, the message does not show the value.
    """
    given = os.environ if environment is None else environment
    names = [str(field.alias) for field in Settings.model_fields.values()]
    values = {name: given[name] for name in names if given.get(name)}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        [first, *_] = error.errors()
        name = str(first["loc"][0])
        reason = first["msg"].removeprefix("Value error, ")
        shown = "" if name in _SECRET else f", got {values[name]!r}"
        raise SettingsError(f"{name}: {reason}{shown}") from error
