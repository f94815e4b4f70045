"""``/predict`` under load beside a bare FastAPI route and beside LitServe.

Every server is a process of its own, or several where it makes them, with one thread of
BLAS each; all are asked by the same client. The two that are compared run at the same
time and are asked in turns.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.commands import ROOT
from benchmarks.pairs import compare
from benchmarks.serving_apps import FEATURES
from benchmarks.serving_load import Outcome, load

_BODY = {"features": [0.5 * number for number in range(FEATURES)]}
_CONNECTIONS = 32
_PATIENCE = 60.0


class _Rival:
    """A server and what was measured of it."""

    def __init__(self, port: int, requests: int) -> None:
        self._port = port
        self._requests = requests
        self._outcomes: list[Outcome] = []

    def run(self) -> None:
        """Ask once for all requests."""
        outcome = load(
            self._port, _BODY, requests=self._requests, connections=_CONNECTIONS
        )
        self._outcomes.append(outcome)

    def describe(self) -> str:
        """Return requests a second and percentiles, over all but the first run."""
        measured = self._outcomes[1:]
        latencies = tuple(one for run in measured for one in run.latencies)
        seconds = sum(run.seconds for run in measured)
        whole = Outcome(seconds, latencies)
        shown = "/".join(f"{1e3 * one:.1f}" for one in whole.percentiles())
        return f"{len(latencies) / seconds:.0f} a second, {shown} ms"


@pytest.mark.parametrize(
    ("case", "ours", "peer", "model", "requests"),
    [
        ("serve_row", "ours_unbatched", "bare", "linear", 1000),
        ("serve_row_litserve", "ours_unbatched", "litserve_unbatched", "linear", 1000),
        ("serve_batched", "ours", "bare", "fixed", 300),
        ("serve_batched_litserve", "ours", "litserve", "fixed", 300),
    ],
)
def test_predict(
    benchmark: BenchmarkFixture,
    case: str,
    ours: str,
    peer: str,
    model: str,
    requests: int,
) -> None:
    with ExitStack() as stack:
        rivals = [
            _Rival(stack.enter_context(_serving(server, model)), requests)
            for server in (ours, peer)
        ]
        compare(benchmark, case, rivals[0].run, rivals[1].run)
        if "case" in benchmark.extra_info:
            mine, other = (rival.describe() for rival in rivals)
            benchmark.extra_info["detail"] = f"{mine}; peer {other}"


@contextmanager
def _serving(server: str, model: str) -> Iterator[int]:
    """Start a server in a group of processes of its own; give its port."""
    port = _free_port()
    process = subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "benchmarks.serving_apps", server, model, str(port)],
        cwd=ROOT,
        env={**os.environ, **_one_thread()},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for_an_answer(process, port)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_PATIENCE)


def _one_thread() -> Mapping[str, str]:
    return {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _wait_for_an_answer(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when a prediction is answered, which needs all of its processes."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server must run"
        try:
            answer = httpx.post(f"http://127.0.0.1:{port}/predict", json=_BODY)
        except httpx.HTTPError:
            continue
        if answer.status_code == httpx.codes.OK:
            assert isinstance(answer.json()["prediction"], float)
            return
    raise AssertionError("the server must answer within a minute")
