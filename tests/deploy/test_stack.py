"""The files that build and start the stack: their shape, and that they fit together."""

import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Mapping

import yaml

from reference.production.serving.settings import Settings
from tests.deploy.compose_shape import Compose
from tests.deploy.real_prometheus import DEPLOY
from tests.reference.production.serving.running import ROOT, Server

COMPOSE = (DEPLOY / "compose.yaml").read_text("utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")


def parsed() -> Compose:
    content = yaml.safe_load(COMPOSE)
    return Compose.model_validate(
        {key: value for key, value in content.items() if not key.startswith("x-")}
    )


def test_the_services_and_their_ports() -> None:
    services = parsed().services
    assert {
        name: [port.removeprefix("127.0.0.1:") for port in service.ports]
        for name, service in services.items()
    } == {
        "api": ["8000:8000"],
        "redis": [],
        "postgres": [],
        "prometheus": ["9090:9090"],
        "grafana": ["3000:3000"],
    }
    for service in services.values():
        assert set(service.depends_on) <= set(services)
        assert not service.image.endswith(":latest")


def test_what_is_mounted_is_there() -> None:
    compose = parsed()
    for service in compose.services.values():
        for volume in service.volumes:
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), source
            elif not source.startswith("$"):
                assert source in compose.volumes


def test_every_variable_is_explained_and_no_password_is_written() -> None:
    used = set(re.findall(r"\$\{(\w+)", COMPOSE))
    example = (DEPLOY / ".env.example").read_text("utf-8")
    given = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    assert used == set(given)
    readme = (DEPLOY / "README.md").read_text("utf-8")
    for name, value in given.items():
        assert f"`{name}`" in readme
        if "PASSWORD" in name:
            assert value == ""
            # Compose itself refuses one that is empty.
            plain = COMPOSE.count(f"${{{name}}}")
            assert plain == 0, f"{name} may be empty"
            assert f"${{{name}:?" in COMPOSE


def test_the_service_understands_its_settings() -> None:
    given = substituted(parsed().services["api"].environment)
    known = {str(one.alias) for one in Settings.model_fields.values()}
    others = {"MODEL_SIGNING_KEY", "OPENBLAS_NUM_THREADS"}
    assert known <= set(given) <= known | others
    values = {name: given[name] for name in known if given[name]}
    settings = Settings.model_validate(values)
    assert settings.port == 8000
    assert settings.workers == 1
    assert settings.database_url is not None
    assert settings.database_url.host == "postgres"


def substituted(environment: Mapping[str, str]) -> dict[str, str]:
    """Put in what Compose would, with a password that is text."""

    def value(found: re.Match[str]) -> str:
        return found["default"] or ("" if found["default"] == "" else "secret")

    pattern = re.compile(r"\$\{\w+(?::-(?P<default>[^}]*)|:\?[^}]*)\}")
    return {name: pattern.sub(value, text) for name, text in environment.items()}


def test_the_image_runs_as_nobody_and_holds_what_it_needs() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", final, re.MULTILINE)
    assert re.search(r"^EXPOSE 8000$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(bases) == {"python:3.11-slim-bookworm"}
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)
    assert set(copied) == sent
    assert all((ROOT / path).exists() for path in copied)


def test_requirements_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (DEPLOY / "requirements.txt").read_text("utf-8").splitlines()
    wanted = [line for line in lines if not line.startswith("#")]
    assert wanted
    assert set(wanted) <= set(project["dependencies"])


def test_the_requirements_are_enough_to_serve() -> None:
    lines = (DEPLOY / "requirements.txt").read_text("utf-8").splitlines()
    wanted = [line for line in lines if not line.startswith("#")]
    done = subprocess.run(
        [sys.executable, "-m", "tests.deploy.serve_with_only", *wanted],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "served\n", done.stderr


def test_the_healthcheck(server: Server) -> None:
    def status(port: int) -> int:
        return subprocess.run(
            [sys.executable, DEPLOY / "healthcheck.py"],
            env={"PORT": str(port)},
            check=False,
        ).returncode

    assert status(server.address[1]) == 0
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert status(nobody.getsockname()[1]) == 1
