"""Serve one prediction and one chat where only some distributions can be imported.

``python -m tests.deploy.serve_with_only "fastapi>=0.120" "numpy"`` hides everything
that is installed here but would not be by ``pip install`` of the arguments.
"""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.metadata import packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from starlette.types import Message


def brought(lines: Iterable[str]) -> set[str]:
    """Return the names of the distributions that an installation of these brings."""
    found: set[str] = set()
    waiting = [Requirement(line) for line in lines]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        wanted = one.marker is None or one.marker.evaluate({"extra": ""})
        if wanted and name not in found:
            found.add(name)
            waiting += [Requirement(line) for line in requires(name) or ()]
    return found


class Refusal(MetaPathFinder):
    """Finds nothing, and refuses what belongs to another distribution."""

    def __init__(self, allowed: set[str]) -> None:
        self.hidden = {
            top
            for top, owners in packages_distributions().items()
            if not allowed & {canonicalize_name(owner) for owner in owners}
        }

    def find_spec(self, name: str, *_: object) -> None:
        """Raise for a hidden name; leave others to the other finders."""
        if name.partition(".")[0] in self.hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


async def ask(path: str, body: object) -> None:
    """Ask the application as a server would; fail unless it answers 200."""
    from reference.production.serving import app

    sent: list[Message] = []
    parts = [{"type": "http.request", "body": json.dumps(body).encode()}]

    async def receive() -> Message:
        if not parts:
            # A client that waits for its answer says nothing more.
            await asyncio.Event().wait()
        return parts.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 200, sent


def main(requirements: Sequence[str]) -> None:
    """Hide, import, ask."""
    # Nobody is there, but the client for it is loaded.
    os.environ["REDIS_URL"] = "unix:///nowhere/redis.sock"
    refusal = Refusal(brought(requirements) | {"ml-dojo"})
    sys.meta_path.insert(0, refusal)
    import reference.production.deployment.serializer
    import reference.production.serving.__main__  # noqa: F401 - what the image runs

    asyncio.run(ask("/predict", {"features": [3, 5, 40]}))
    question = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 3}
    asyncio.run(ask("/chat/completions", question))
    # What reads the models of a registry.
    importlib.import_module("joblib")
    # What uvicorn takes where it is there.
    for name in ("httptools", "uvloop"):
        importlib.import_module(name)
    loaded = {name.partition(".")[0] for name in sys.modules}
    # Nothing is missing, be it only when it is needed, and nothing is needless.
    assert "redis" in loaded
    for line in requirements:
        assert Requirement(line).name.replace("-", "_") in loaded, line
    for name in ("torch", "scipy", "sklearn"):
        assert name in refusal.hidden
        assert name not in loaded
    sys.stdout.write("served\n")


if __name__ == "__main__":
    main(sys.argv[1:])
