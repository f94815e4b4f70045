"""``python -m reference.production.serving [--host HOST] [--port PORT]``."""

import argparse
import asyncio
import importlib.util
import sys
from collections.abc import Sequence

import uvicorn

from reference.production.serving.logs import configure_logging
from reference.production.serving.production import make_app
from reference.production.serving.service import RegistryError
from reference.production.serving.settings import (
    Settings,
    SettingsError,
    read_settings,
)

# The application ends its requests after 30 s; this is for what it cannot reach, as an
# answer that its client does not read.
_PATIENCE = 33


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; return the exit status."""
    given = _parser().parse_args(arguments)
    try:
        settings = read_settings()
        configure_logging(settings.log_level)
        # Also where each of several processes will make its own: what cannot be served
        # is told once, instead of by processes that are started over and over.
        app = make_app(settings)
    except (SettingsError, RegistryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    uvicorn.run(
        app if settings.workers == 1 else "reference.production.serving:app",
        host=given.host,
        port=settings.port if given.port is None else given.port,
        workers=settings.workers,
        http=_protocol(),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_PATIENCE,
        # uvicorn would believe whoever comes from loopback.
        proxy_headers=settings.forwarded_allow_ips is not None,
        forwarded_allow_ips=settings.forwarded_allow_ips,
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    names = [str(field.alias) for field in Settings.model_fields.values()]
    parser = argparse.ArgumentParser(
        prog="python -m reference.production.serving",
        description="Serve models over HTTP. Settings come from the environment: "
        f"{', '.join(names)}.",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: loopback)"
    )
    parser.add_argument("--port", type=_port, help="overrides PORT (default: 8000)")
    return parser


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"must be from 0 to 65535, got {number}")
    return number


def _protocol() -> type[asyncio.Protocol] | str:
    """Return how HTTP is spoken: with a bound to what a head may hold in either way."""
    if importlib.util.find_spec("httptools") is None:
        return "h11"
    from reference.production.serving.protocol import BoundedProtocol

    return BoundedProtocol


if __name__ == "__main__":
    sys.exit(main())
