"""A signal under load, on the real server: nothing that was accepted is lost."""

import os
import signal
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.reference.production.serving.running import Server, poll, running

GATED = ("-m", "uvicorn", "tests.reference.production.serving.gated_app:app")


def in_progress(server: Server) -> float:
    text = httpx.get(f"{server.url}/metrics", timeout=30).text
    [value] = [
        line.split()[1]
        for line in text.splitlines()
        if line.startswith("http_requests_in_progress ")
    ]
    return float(value)


def status(server: Server, path: str) -> int | None:
    """Return the status, None where nobody listens any more."""
    try:
        return httpx.get(f"{server.url}{path}", timeout=30).status_code
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        # Refused, or closed by a server that stopped to listen just then.
        return None


def predict(server: Server, number: int) -> httpx.Response:
    body = {"features": [number]}
    return httpx.post(f"{server.url}/predict", json=body, timeout=60)


def test_what_was_accepted_is_answered_and_cleanups_run_in_reverse(
    tmp_path: Path,
) -> None:
    gate, diary = tmp_path / "gate", tmp_path / "diary"
    os.mkfifo(gate)
    command = (*GATED, "--port", "0")
    with (
        # The notice is ended by a second signal, when all is ready for that.
        running(command, GATE=str(gate), DIARY=str(diary), NOTICE="600") as server,
        ThreadPoolExecutor(9) as threads,
    ):
        waiting = [threads.submit(predict, server, n) for n in range(1, 9)]
        # Those, and the request for the metrics itself.
        poll(lambda: in_progress(server) == 9)
        assert status(server, "/ready") == 200
        server.terminate()
        poll(lambda: status(server, "/ready") == 503)
        # Not wanted any more, but while the notice runs still taken.
        late: Future[httpx.Response] = threads.submit(predict, server, 9)
        poll(lambda: in_progress(server) == 10)
        server.terminate()
        poll(lambda: status(server, "/health") is None)
        assert not any(request.done() for request in waiting)
        assert not diary.exists()
        with gate.open("wb"):
            answers = [request.result(60) for request in waiting]
            assert late.result(60).status_code == 200
            assert server.wait() == -signal.SIGTERM
    assert [answer.status_code for answer in answers] == [200] * 8
    assert [answer.json()["prediction"] for answer in answers] == [*range(1, 9)]
    assert diary.read_text(encoding="utf-8").splitlines() == [
        "added last",
        "added first",
    ]


@pytest.mark.parametrize("keep_alive", [True, False])
def test_load_that_stops_when_it_is_told_loses_nothing(keep_alive: bool) -> None:
    stop = threading.Event()

    def load(server: Server) -> list[int]:
        statuses = []
        connections = httpx.Limits(max_keepalive_connections=int(keep_alive))
        with httpx.Client(base_url=server.url, limits=connections) as client:
            while not stop.is_set():
                body = {"features": [3, 5, 40]}
                statuses.append(client.post("/predict", json=body).status_code)
        return statuses

    with running() as server, ThreadPoolExecutor(4) as threads:
        running_loads = [threads.submit(load, server) for _ in range(4)]
        poll(lambda: any(server.lines) and len(server.lines) > 100)
        server.terminate()
        # As a load balancer does: from the first 503 on it sends nothing more.
        poll(lambda: status(server, "/ready") == 503)
        stop.set()
        statuses = [one for loads in running_loads for one in loads.result(60)]
        assert server.wait() == -signal.SIGTERM
    assert len(statuses) > 50
    assert set(statuses) == {200}


def test_a_model_that_hangs_does_not_keep_the_process(tmp_path: Path) -> None:
    gate, diary = tmp_path / "gate", tmp_path / "diary"
    os.mkfifo(gate)
    command = (*GATED, "--port", "0", "--timeout-graceful-shutdown", "1")
    with (
        running(command, GATE=str(gate), DIARY=str(diary)) as server,
        ThreadPoolExecutor(1) as threads,
    ):
        hanging = threads.submit(predict, server, 1)
        poll(lambda: in_progress(server) == 2)
        server.terminate()
        # The gate never opens.
        assert server.wait() == -signal.SIGTERM
        with pytest.raises(httpx.HTTPError):
            hanging.result(60).raise_for_status()
    assert "added first" in diary.read_text(encoding="utf-8")


def test_a_server_without_a_bound_of_its_own_ends_in_time(tmp_path: Path) -> None:
    gate, diary = tmp_path / "gate", tmp_path / "diary"
    os.mkfifo(gate)
    given = {"GATE": str(gate), "DIARY": str(diary), "NOTICE": "0", "TIMEOUT": "0.2"}
    with (
        running((*GATED, "--port", "0"), **given) as server,
        socket.create_connection(server.address, timeout=60) as unfinished,
        ThreadPoolExecutor(1) as threads,
    ):
        hanging = threads.submit(predict, server, 1)
        unfinished.sendall(
            b"POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n"
            b"Content-Type: application/json\r\n\r\n{"
        )
        poll(lambda: in_progress(server) == 3)
        server.terminate()
        # Neither does the gate open nor the body end.
        assert server.wait() == -signal.SIGTERM
        with pytest.raises(httpx.HTTPError):
            hanging.result(60).raise_for_status()
    assert "added first" in diary.read_text(encoding="utf-8")


def test_a_client_that_reads_nothing_does_not_keep_the_process(tmp_path: Path) -> None:
    given = {"DIARY": str(tmp_path / "diary"), "NOTICE": "0", "TIMEOUT": "0.2"}
    request = b"GET /openapi.json HTTP/1.1\r\nHost: t\r\n\r\n"
    with (
        running((*GATED, "--port", "0"), GATE="", **given) as server,
        socket.create_connection(server.address, timeout=60) as deaf,
    ):
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(request * 1000)
        poll(lambda: in_progress(server) == 2)
        server.terminate()
        assert server.wait() == -signal.SIGTERM
    assert (tmp_path / "diary").exists()
