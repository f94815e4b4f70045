"""How the service is started: arguments, settings, processes, logs."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

from reference.production.serving import __main__ as program
from reference.production.serving.production import make_app
from reference.production.serving.protocol import BoundedProtocol
from reference.production.serving.settings import Settings, read_settings
from tests.reference.production.serving.running import ROOT, poll, running
from tests.reference.production.serving.support import ask_async, post, strict_json

MODULE = ("-m", "reference.production.serving")
UVICORN = ("-m", "uvicorn", "reference.production.serving:app")
BODY = {"features": [3, 5, 40]}

Start = Callable[[Settings, list[str]], dict[str, object]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """Return what the program gives to uvicorn, for settings and arguments."""
    given: dict[str, object] = {}

    def run(app: object, **options: object) -> None:
        given.update(options, app=app)

    def started(settings: Settings, arguments: list[str]) -> dict[str, object]:
        monkeypatch.setattr(program, "read_settings", lambda: settings)
        assert program.main(arguments) == 0
        return given

    monkeypatch.setattr(program, "configure_logging", lambda _: None)
    monkeypatch.setattr(uvicorn, "run", run)
    return started


def test_everything_is_bounded_and_nobody_is_believed(start: Start) -> None:
    given = start(read_settings({"PORT": "9000"}), [])
    assert given["port"] == 9000
    assert given["http"] is BoundedProtocol
    # After the 30 s that the application gives its requests.
    assert isinstance(given["timeout_graceful_shutdown"], int)
    assert 30 < given["timeout_graceful_shutdown"] < 45
    assert given["proxy_headers"] is False
    assert start(read_settings({}), ["--port", "0"])["port"] == 0


def test_named_proxies_are_believed(start: Start) -> None:
    given = start(read_settings({"FORWARDED_ALLOW_IPS": "10.0.0.1"}), [])
    assert given["proxy_headers"] is True
    assert given["forwarded_allow_ips"] == "10.0.0.1"


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_a_wrong_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        program.main([f"--port={port}"])
    assert caught.value.code == 2
    assert "argument --port: " in capsys.readouterr().err


@pytest.mark.parametrize("command", [MODULE, UVICORN])
@pytest.mark.parametrize(
    "environment",
    [
        {"REDIS_URL": "redis://:secret@host:port/0"},
        {"WORKERS": "2", "MODEL_PATH": "{empty}"},
    ],
)
def test_what_cannot_be_served_is_one_line(
    command: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    given = {key: text.format(empty=tmp_path) for key, text in environment.items()}
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == (2 if command == MODULE else 1)
    [line] = ended.stderr.splitlines()
    assert line.startswith("error: ")
    assert "secret" not in line


def test_the_port_comes_from_the_environment() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with running(MODULE, PORT=str(free)) as server:
        assert server.address[1] == free
        assert httpx.get(f"{server.url}/ready", timeout=30).status_code == 200


def test_two_processes_answer_and_end() -> None:
    with running(WORKERS="2") as server:
        # The port is told before the processes are there to answer.
        poll(lambda: sum("startup complete" in line for line in server.lines) == 2)
        answers = [
            httpx.post(f"{server.url}/predict", json=BODY, timeout=60) for _ in range(8)
        ]
        assert {answer.status_code for answer in answers} == {200}
        server.terminate()
        assert server.wait() == 0
        assert server.entries()


@pytest.mark.parametrize("command", [MODULE, UVICORN])
def test_only_what_is_wanted_is_logged(command: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]

    def is_ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{free}/ready").status_code == 200
        except httpx.NetworkError:
            return False

    with subprocess.Popen(
        [sys.executable, *command, "--port", str(free)],
        cwd=ROOT,
        env={**os.environ, "LOG_LEVEL": "warning"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            poll(is_ready)
            process.terminate()
            _, logged = process.communicate(timeout=60)
        finally:
            process.kill()
    assert logged == ""


def test_warnings_are_lines_of_json() -> None:
    code = (
        "import warnings\n"
        "from reference.production.serving.logs import configure_logging\n"
        "configure_logging('info')\n"
        "warnings.warn('mind the gap', stacklevel=1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    [line] = done.stderr.splitlines()
    assert line.startswith("{")
    assert "mind the gap" in line


def test_the_rate_is_limited_as_it_is_set() -> None:
    app = make_app(read_settings({"RATE_LIMIT": "0.001"}))
    statuses = [post("/predict", BODY, app).status_code for _ in range(2)]
    assert statuses == [200, 429]
    unlimited = make_app(read_settings({"RATE_LIMIT": "0"}))
    statuses = [post("/predict", BODY, unlimited).status_code for _ in range(20)]
    assert statuses == [200] * 20


def test_what_is_refused_at_the_door_is_counted_by_its_route() -> None:
    app = make_app(read_settings({"RATE_LIMIT": "0.001"}))
    post("/predict", BODY, app)
    for path in ("/models/reload", "/v1/chat/completions", "/nowhere"):
        assert post(path, {}, app).status_code == 429

    async def metrics() -> str:
        return (await ask_async(app, "GET", "/metrics")).text

    text = asyncio.run(metrics())
    for endpoint in ("/models/reload", "/v1/chat/completions", "unmatched"):
        labels = f'endpoint="{endpoint}",method="POST",status="429"'
        assert f"http_requests_total{{{labels}}} 1.0" in text


def test_chat_errors_have_one_shape_wherever_they_arise() -> None:
    app = make_app(read_settings({}))
    for method, path, status in (
        ("POST", "/chat/completions/", 404),
        ("GET", "/v1/chat/completions", 405),
    ):
        response = asyncio.run(ask_async(app, method, path))
        assert response.status_code == status
        assert set(strict_json(response)) == {"error"}


def test_a_second_lifespan_serves_again() -> None:
    app = make_app(read_settings({}))
    for _ in range(2):
        with TestClient(app) as client:
            assert client.post("/predict", json=BODY).status_code == 200
            assert client.get("/ready").status_code == 200
    assert post("/predict", BODY, app).status_code == 503
