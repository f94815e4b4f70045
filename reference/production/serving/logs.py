"""Logs as one JSON object a line, with the id of the request that they belong to."""

import json
import logging
import sys
from datetime import UTC, datetime

from reference.production.serving.middleware import request_id

_FIELDS = ("method", "route", "status", "duration_ms")


class JSONFormatter(logging.Formatter):
    """Write a record as JSON: time in UTC, level, logger, message, what is known.

    Bodies and headers of requests are never logged, only method, route template,
    status and duration; an exception comes with its traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        identity = request_id.get()
        if identity is not None:
            entry["request_id"] = identity
        for name in _FIELDS:
            if hasattr(record, name):
                entry[name] = getattr(record, name)
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def configure_logging(level: str) -> None:
    """Send all logs from ``level`` on, and warnings, to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    # The server's own lines go the same way; its access log would double ours.
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True
