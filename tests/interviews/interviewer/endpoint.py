"""A stub of an OpenAI-compatible server, on loopback."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[dict[str, object]], tuple[int, bytes]]


def says(content: object) -> tuple[int, bytes]:
    """Return a chat completion with this content."""
    message = {"choices": [{"message": {"role": "assistant", "content": content}}]}
    return 200, json.dumps(message).encode()


def heard(body: dict[str, object]) -> dict[str, object]:
    """Return what the interviewer was given, from the request's body."""
    messages = body["messages"]
    assert isinstance(messages, list)
    material = json.loads(messages[1]["content"])
    assert isinstance(material, dict)
    return material


class Endpoint:
    """The server; ``answer`` decides what comes back, ``hangs`` what never does."""

    def __init__(self) -> None:
        self.asked: list[dict[str, object]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer = lambda _: says('{"choice": "reviewers"}')
        self.hangs = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(size))
                endpoint.asked.append({"path": self.path} | body)
                endpoint.headers.append(dict(self.headers))
                status, content = endpoint.answer(body)
                self.send_response(status)
                self.send_header("Location", "http://192.0.2.1/")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        serving = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        serving.daemon = True
        serving.start()

    @property
    def url(self) -> str:
        """The base of the API."""
        return f"http://127.0.0.1:{self.server.server_port}/v1"


@contextmanager
def endpoint_here() -> Iterator[Endpoint]:
    """Serve for a while."""
    made = Endpoint()
    try:
        yield made
    finally:
        made.hangs.set()
        made.server.shutdown()
        made.server.server_close()
