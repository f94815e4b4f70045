"""A session in memory, for rounds that judge no code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class Applied(Protocol):
    """What takes events and lines."""

    def apply(self, event: Mapping[str, object]) -> None:
        """Take an event into the state."""


class NoJudging:
    """Nothing here is judged as code."""

    def submit(self, request: Mapping[str, object]) -> Any:
        """Refuse."""
        raise AssertionError(f"nothing is judged here, got {request}")


@dataclass
class MemoryHost:
    """Keeps what is recorded, as it comes back from a log, and what is said."""

    folder: Path
    playing: Applied
    events: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    now: float = 0.0
    left: float = 60.0

    def record(self, event: str, **data: object) -> None:
        """Append, and apply."""
        whole = json.loads(json.dumps({"at": self.now, "event": event, **data}))
        self.events.append(whole)
        self.playing.apply(whole)

    def say(self, *lines: str) -> None:
        """Keep what was said."""
        self.said.extend(lines)

    def of(self, *names: str) -> list[dict[str, Any]]:
        """Return the events with these names."""
        return [event for event in self.events if event["event"] in names]
