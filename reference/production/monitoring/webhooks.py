"""Alerts to Slack and PagerDuty over HTTP."""

import hashlib
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from reference.core.validation import require
from reference.production.monitoring.alerts import Alert

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"

_LONGEST_SUMMARY = 1024  # PagerDuty refuses a longer one
_LONGEST_TEXT = 40_000  # Slack cuts a longer one off

Message = dict[str, object]


_TRANSPORTS = ("connection", "http11", "http2", "proxy", "socks")
_is_sending = ContextVar("_is_sending", default=False)


class WebhookError(RuntimeError):
    """An alert that was not accepted. Its text holds no URL, which may be a secret."""


class WebhookHandler:
    """Post each alert as JSON; a handler for ``AlertManager.add_handler``.

    ``slack`` makes one for a Slack incoming webhook, ``pagerduty`` one for the
    PagerDuty Events API v2; for another receiver ``message`` makes the body from the
    alert. ``timeout`` seconds is the limit to connect, to send, and between two parts
    of the answer. One attempt is made, redirects are not followed, and any answer but
    2xx raises ``WebhookError``, which the manager counts and logs. The URL may hold a
    secret, so httpx and httpcore log nothing of the request.
    """

    def __init__(
        self,
        url: str,
        message: Callable[[Alert], Message],
        *,
        timeout: float = 5.0,
        name: str = "webhook",
    ) -> None:
        web = isinstance(url, str) and url.startswith(("https://", "http://"))
        require(web, "url", "one that begins with https:// or http://", type(url))
        positive = timeout > 0 and math.isfinite(timeout)
        require(positive, "timeout", "a finite number above zero", timeout)
        self.name = name
        self._url = url
        self._message = message
        self._timeout = timeout

    @classmethod
    def slack(cls, url: str, *, timeout: float = 5.0) -> "WebhookHandler":
        """Return a handler for the incoming webhook at ``url``."""
        return cls(url, slack_message, timeout=timeout, name="slack")

    @classmethod
    def pagerduty(
        cls,
        routing_key: str,
        *,
        source: str = "ml-service",
        url: str = PAGERDUTY_URL,
        timeout: float = 5.0,
    ) -> "WebhookHandler":
        """Return a handler that triggers incidents where ``routing_key`` leads."""
        filled = isinstance(routing_key, str) and bool(routing_key)
        require(filled, "routing_key", "a text that is not empty", type(routing_key))
        return cls(
            url,
            lambda alert: pagerduty_event(alert, routing_key, source),
            timeout=timeout,
            name="pagerduty",
        )

    def __call__(self, alert: Alert) -> None:
        """Send ``alert``; ``WebhookError`` where it was not accepted."""
        import httpx

        body = json.dumps(_plain(self._message(alert)), allow_nan=False)
        headers = {"Content-Type": "application/json"}
        try:
            with (
                _unlogged(),
                httpx.Client(timeout=self._timeout, follow_redirects=False) as client,
                client.stream("POST", self._url, content=body, headers=headers) as got,
            ):
                status = got.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kind = type(error).__name__
            # The original may quote the URL.
            raise WebhookError(f"{self.name} was not reached: {kind}") from None
        if not 200 <= status < 300:
            raise WebhookError(f"{self.name} answered with status {status}")

    def __repr__(self) -> str:
        return f"WebhookHandler({self.name})"


def _is_no_webhook(_: logging.LogRecord) -> bool:
    return not _is_sending.get()


@contextmanager
def _unlogged() -> Iterator[None]:
    """Drop what the HTTP client logs in this thread: URLs, and headers that hold them.

    A filter serves one logger only, not those below it.
    """
    for name in ("httpx", *(f"httpcore.{part}" for part in _TRANSPORTS)):
        logging.getLogger(name).addFilter(_is_no_webhook)  # once, if repeated
    token = _is_sending.set(True)
    try:
        yield
    finally:
        _is_sending.reset(token)


def slack_message(alert: Alert) -> Message:
    """Return the body for a Slack incoming webhook.

    Slack reads &, < and > as markup, so they are written as entities.
    """
    lines = [f"*{alert.severity.upper()}* {_escaped(alert.message)}"]
    lines += [
        f"• {_escaped(name)}: {_escaped(value)}"
        for name, value in alert.metadata.items()
    ]
    if alert.suppressed:
        lines.append(f"{alert.suppressed} more like this were held back")
    return {"text": "\n".join(lines)[:_LONGEST_TEXT]}


def pagerduty_event(alert: Alert, routing_key: str, source: str) -> Message:
    """Return a trigger event of the PagerDuty Events API v2.

    Equal alerts have an equal ``dedup_key``, so that they join one incident. The time
    is left to the receiver: the alert's is that of any clock.
    """
    identity = json.dumps([source, alert.severity, alert.message])
    return {
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": hashlib.sha256(identity.encode()).hexdigest(),
        "payload": {
            "summary": alert.message[:_LONGEST_SUMMARY] or alert.severity,
            "source": source,
            "severity": alert.severity,
            "custom_details": {**alert.metadata, "suppressed": alert.suppressed},
        },
    }


def _plain(value: object) -> object:
    """Return ``value`` with text in the place of what JSON lacks."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    return str(value)


def _escaped(value: object) -> str:
    text = str(value)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
