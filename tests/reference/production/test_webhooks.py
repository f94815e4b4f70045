"""Webhooks against a local server that answers as Slack and PagerDuty document.

Slack: a JSON object with a text; 200 "ok", or 400 with a word. PagerDuty Events API v2:
the required members of a trigger event; 202, or 400 with the errors.
"""

import json
import logging
import math
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from reference.production.monitoring import (
    Alert,
    AlertManager,
    WebhookError,
    WebhookHandler,
    pagerduty_event,
    slack_message,
)

KEY = "R0UTINGKEY0123456789ABCDEF012345"
ALERT = Alert(
    "critical", "p99 < 1 s & rising", {"model": "churn<2>", "p99": 1.5}, 12.0, 3
)


def slack_answer(body: object) -> tuple[int, str]:
    if not isinstance(body, dict):
        return 400, "invalid_payload"
    if not isinstance(body.get("text"), str) or not body["text"]:
        return 400, "no_text"
    return 200, "ok"


def pagerduty_answer(body: object) -> tuple[int, str]:
    errors = []
    if not isinstance(body, dict) or body.get("routing_key") != KEY:
        return 400, json.dumps({"status": "invalid event"})
    payload = body.get("payload", {})
    if body.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        errors.append("event_action")
    if len(body.get("dedup_key", "")) > 255:
        errors.append("dedup_key")
    if payload.get("severity") not in ("info", "warning", "error", "critical"):
        errors.append("severity")
    if not 0 < len(payload.get("summary", "")) <= 1024 or not payload.get("source"):
        errors.append("summary or source")
    if not isinstance(payload.get("custom_details", {}), dict):
        errors.append("custom_details")
    return (400, json.dumps({"errors": errors})) if errors else (202, "{}")


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent; ``/slow`` does not answer until it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.received: list[tuple[str, dict[str, object]]] = []
        self.released = threading.Event()

    def url(self, path: str) -> str:
        """Return the address of ``path`` here."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class Answer(BaseHTTPRequestHandler):
    """Answers by the path."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep the body, and answer."""
        length = int(self.headers["Content-Length"])
        assert self.headers["Content-Type"] == "application/json"
        body = json.loads(self.rfile.read(length), parse_constant=self._no_constant)
        self.server.received.append((self.path, body))
        if self.path == "/slow":
            self.server.released.wait(30)
            return  # the sender has left
        status, text = 404, "no_service"
        if self.path == "/slack":
            status, text = slack_answer(body)
        elif self.path == "/v2/enqueue":
            status, text = pagerduty_answer(body)
        elif self.path in ("/moved", "/loop"):
            status, text = 302, ""
        self.send_response(status)
        if status == 302:
            # A server may well lead to the same secret elsewhere.
            self.send_header("Location", "/slack" if self.path == "/moved" else "/loop")
        self.end_headers()
        self.wfile.write(text.encode())

    @staticmethod
    def _no_constant(name: str) -> object:
        raise AssertionError(f"{name} is no JSON")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Print nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def test_slack_accepts_the_message(receiver: Receiver) -> None:
    WebhookHandler.slack(receiver.url("/slack"))(ALERT)
    ((_, body),) = receiver.received
    assert body == slack_message(ALERT)
    assert body["text"] == (
        "*CRITICAL* p99 &lt; 1 s &amp; rising\n"
        "• model: churn&lt;2&gt;\n"
        "• p99: 1.5\n"
        "3 more like this were held back"
    )


def test_pagerduty_accepts_the_event(receiver: Receiver) -> None:
    handler = WebhookHandler.pagerduty(
        KEY, source="scores", url=receiver.url("/v2/enqueue")
    )
    handler(ALERT)
    ((_, body),) = receiver.received
    assert body == pagerduty_event(ALERT, KEY, "scores")
    assert body["payload"] == {
        "summary": "p99 < 1 s & rising",
        "source": "scores",
        "severity": "critical",
        "custom_details": {"model": "churn<2>", "p99": 1.5, "suppressed": 3},
    }


@pytest.mark.parametrize("severity", ["info", "warning", "error", "critical"])
@pytest.mark.parametrize("message", ["", "x", "long " * 20_000, "ä\n\x00𝄞"])
def test_both_accept_every_alert(
    receiver: Receiver, severity: str, message: str
) -> None:
    metadata = {"nan": math.nan, "set": {1}, "deep": [{"a": math.inf}], "none": None}
    alert = Alert(severity, message, metadata, 0.0)
    WebhookHandler.slack(receiver.url("/slack"))(alert)
    WebhookHandler.pagerduty(KEY, url=receiver.url("/v2/enqueue"))(alert)
    assert [path for path, _ in receiver.received] == ["/slack", "/v2/enqueue"]


def test_equal_alerts_join_one_incident() -> None:
    def dedup_key(severity: str, message: str, source: str = "a") -> object:
        alert = Alert(severity, message, {"n": len(message)}, 1.0)
        return pagerduty_event(alert, KEY, source)["dedup_key"]

    keys = {
        dedup_key("error", "disk"),
        dedup_key("error", "disk full"),
        dedup_key("info", "disk"),
        dedup_key("error", "disk", "b"),
    }
    assert len(keys) == 4
    assert dedup_key("error", "disk") in keys


@pytest.mark.parametrize("path", ["/secret/elsewhere", "/moved", "/v2/enqueue"])
def test_other_answers_are_failures_without_the_secret(
    receiver: Receiver, path: str
) -> None:
    handler = WebhookHandler.slack(receiver.url(path))
    with pytest.raises(WebhookError, match=r"^slack answered with status \d+$") as told:
        handler(ALERT)
    assert path not in str(told.value) + repr(handler)
    assert len(receiver.received) == 1  # neither repeated nor redirected


@pytest.mark.parametrize(
    ("path", "accepted"), [("/slack", True), ("/secret", False), ("/loop", False)]
)
def test_nothing_is_logged_of_the_url(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, path: str, accepted: bool
) -> None:
    manager = AlertManager()
    manager.add_handler(WebhookHandler.slack(receiver.url(path)))
    with caplog.at_level(logging.DEBUG):
        manager.alert("error", "drift")
        assert manager.failures == 1 - accepted
        assert path not in caplog.text
        assert not [one for one in caplog.records if one.name.startswith("http")]
        # Requests of others are logged as ever.
        httpx.post(receiver.url("/other"), json={})
    assert "/other" in caplog.text


def test_a_url_in_an_error_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    manager = AlertManager()
    manager.add_handler(WebhookHandler.slack("http://127.0.0.1:SECRET/"))
    with caplog.at_level(logging.DEBUG):
        manager.alert("error", "drift")
    assert "slack was not reached: InvalidURL" in caplog.text
    assert "SECRET" not in caplog.text


def test_a_slow_receiver_is_left_in_time(receiver: Receiver) -> None:
    handler = WebhookHandler.slack(receiver.url("/slow"), timeout=0.05)
    with pytest.raises(WebhookError, match=r"^slack was not reached: ReadTimeout$"):
        handler(ALERT)


def test_nobody_there() -> None:
    with socket.socket() as bound:  # bound, and listening to nobody
        bound.bind(("127.0.0.1", 0))
        handler = WebhookHandler.slack(f"http://127.0.0.1:{bound.getsockname()[1]}/")
        with pytest.raises(
            WebhookError, match=r"^slack was not reached: ConnectError$"
        ):
            handler(ALERT)


def test_a_failing_webhook_stops_no_other(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    manager = AlertManager()
    manager.add_handler(WebhookHandler.slack(receiver.url("/secret")))
    manager.add_handler(WebhookHandler.slack(receiver.url("/slack")), "error")
    with caplog.at_level(logging.ERROR):
        assert manager.alert("critical", "drift", {"feature": "age"})
    assert [path for path, _ in receiver.received] == ["/secret", "/slack"]
    assert manager.failures == 1
    assert "/secret" not in caplog.text


@pytest.mark.parametrize("wrong", ["", "ftp://x", "hooks.slack.com", 3])
def test_wrong_urls_are_not_quoted(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^url must be one that begins with"):
        WebhookHandler.slack(wrong)


def test_other_wrong_settings() -> None:
    for timeout in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=r"^timeout must be"):
            WebhookHandler.slack("https://example.org", timeout=timeout)
    with pytest.raises(ValueError, match=r"^routing_key must be"):
        WebhookHandler.pagerduty("")


def test_httpx_is_imported_with_the_first_alert_only() -> None:
    code = (
        "import sys, reference.production.monitoring as m; "
        "m.WebhookHandler.slack('https://example.org'); "
        "print({'httpx', 'scipy', 'sklearn', 'numba', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
