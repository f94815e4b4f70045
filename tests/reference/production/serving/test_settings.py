"""Settings from the environment: right, or one clear line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reference.production.serving.settings import SettingsError, read_settings


def test_the_defaults() -> None:
    settings = read_settings({})
    assert (settings.port, settings.workers, settings.log_level) == (8000, 1, "info")
    assert settings.rate_limit == 100
    assert settings.forwarded_allow_ips is None
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.model_path is None
    assert read_settings({"PORT": "", "MODEL_PATH": ""}) == settings


def test_all_are_read(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "DATABASE_URL": "postgresql+psycopg://user:secret@db:5433/name",
            "REDIS_URL": "redis://cache:6379/1",
            "MODEL_PATH": str(tmp_path),
            "PORT": "9000",
            "LOG_LEVEL": "WARNING",
            "WORKERS": "2",
            "RATE_LIMIT": "2.5",
            "FORWARDED_ALLOW_IPS": "10.0.0.1,10.1.0.0/16",
        }
    )
    assert settings.database_url is not None
    assert (settings.database_url.host, settings.database_url.port) == ("db", 5433)
    assert settings.redis_url == "redis://cache:6379/1"
    assert settings.model_path == tmp_path
    assert (settings.port, settings.workers) == (9000, 2)
    assert settings.log_level == "warning"
    assert settings.rate_limit == 2.5
    assert settings.forwarded_allow_ips == "10.0.0.1,10.1.0.0/16"


WRONG = {
    "PORT": ["x", "-1", "65536", "80.5"],
    "WORKERS": ["0", "many", "65"],
    "LOG_LEVEL": ["loud"],
    "RATE_LIMIT": ["-1", "nan", "inf", "fast"],
    "MODEL_PATH": ["/nowhere/at/all"],
    "REDIS_URL": [
        "http://secret@host",
        "cache:6379/secret",
        "redis://:pass@host:secret/0",
        "redis://:secret/word@host:6379/0",
        "redis://:secret@host:6379/0?socket_timeout=soon",
    ],
    "DATABASE_URL": ["secret", "postgresql:///secret"],
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name in WRONG for text in WRONG[name]]
)
def test_a_wrong_one_is_named_in_one_line(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: text})
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    assert "secret" not in message


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "reference.production.serving"],
        ["-m", "uvicorn", "reference.production.serving:app"],
        ["-m", "uvicorn", "reference.production.api:app"],
    ],
)
@pytest.mark.parametrize(
    ("name", "text"), [("WORKERS", "none"), ("MODEL_PATH", "{empty}")]
)
def test_a_program_ends_with_that_line(
    command: list[str], name: str, text: str, tmp_path: Path
) -> None:
    environment = {**os.environ, name: text.format(empty=tmp_path)}
    ended = subprocess.run(
        [sys.executable, *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    [line] = ended.stderr.splitlines()
    assert line.startswith("error: ")
    assert text.format(empty=tmp_path) in line
