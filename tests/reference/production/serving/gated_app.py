"""An application for a server that a test ends: its model waits at a named pipe.

``GATE`` is the pipe, which opens when the test opens it for writing; ``DIARY`` the file
that the cleanups write their names to. ``NOTICE`` and ``TIMEOUT`` are in seconds.
"""

import os
from pathlib import Path

from numpy.typing import ArrayLike

from reference.core.validation import Array
from reference.production.serving import GracefulShutdown, create_app


class Gated:
    """A model of one feature that waits for the gate, if the feature is positive."""

    n_features = 1

    def predict(self, features: Array, /) -> ArrayLike:
        """Return the features."""
        if (features > 0).any():
            # Blocks until there is a writer.
            with Path(os.environ["GATE"]).open("rb"):
                pass
        return features[:, 0]


def note(name: str) -> None:
    """Write a name to the diary."""
    with Path(os.environ["DIARY"]).open("a", encoding="utf-8") as diary:
        diary.write(f"{name}\n")


shutdown = GracefulShutdown(float(os.environ.get("TIMEOUT", "30")))


def added_first() -> None:
    """Run last, the models are closed."""
    note("added first")


async def added_last() -> None:
    """Run first."""
    note("added last")


shutdown.add_cleanup(added_first)
app = create_app(
    {"gated": Gated()},
    shutdown=shutdown,
    notice=float(os.environ.get("NOTICE", "1")),
)
shutdown.add_cleanup(added_last)
