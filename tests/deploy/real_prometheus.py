"""A real Prometheus that scrapes one address, with the rules of ``deploy/``."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.reference.production.serving.running import PATIENCE

DEPLOY = Path(__file__).parents[2] / "deploy"

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not on the path"
)
needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="prometheus is not on the path"
)

Labels = dict[str, str]


class Prometheus:
    """A server that runs."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def query(self, expression: str) -> list[tuple[Labels, float]]:
        """Return the labels and the value of each series that answers now."""
        data = self.get("/api/v1/query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(one["metric"], float(one["value"][1])) for one in data["result"]]

    def one(self, expression: str) -> float | None:
        """Return the value of the only series, None while there is none."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of its HTTP API, which must be a success."""
        answer = self._client.get(path, params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]


@contextmanager
def scraping(address: tuple[str, int], folder: Path) -> Iterator[Prometheus]:
    """Run Prometheus with ``deploy/prometheus.yml``, for one service, in a hurry."""
    configuration = yaml.safe_load((DEPLOY / "prometheus.yml").read_text("utf-8"))
    often = {"scrape_interval": "200ms", "evaluation_interval": "200ms"}
    configuration["global"].update(often)
    [api] = [one for one in configuration["scrape_configs"] if one["job_name"] == "api"]
    api["static_configs"] = [{"targets": [f"{address[0]}:{address[1]}"]}]
    configuration["scrape_configs"] = [api]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration), "utf-8")
    shutil.copy(DEPLOY / "alerts.yml", folder)
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--web.listen-address=127.0.0.1:0",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Prometheus(_port_of(process))
    finally:
        process.kill()
        process.wait(PATIENCE)


def _port_of(process: "subprocess.Popen[str]") -> int:
    """Return the port that it tells in its log, and read on so that it never waits."""
    told = threading.Event()
    lines: list[str] = []
    ports: list[int] = []

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            found = re.search(r'"Listening on" address=127\.0\.0\.1:(\d+)', line)
            if found:
                ports.append(int(found[1]))
                told.set()
        told.set()

    threading.Thread(target=read, daemon=True).start()
    assert told.wait(PATIENCE), lines
    assert ports, lines
    return ports[0]
