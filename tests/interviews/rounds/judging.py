"""Stands for the session and for the judge in the tests of rounds on code."""

from collections.abc import Callable, Mapping
from pathlib import Path

from interviews.rounds.base import Event, Round, Ticket


class Done:
    """A ticket whose result is there when it is told so."""

    def __init__(self, result: dict[str, object], *, done: bool = True) -> None:
        self.is_done = done
        self._result = result

    def done(self) -> bool:
        """Tell what it was told."""
        return self.is_done

    def result(self) -> dict[str, object]:
        """Return the result."""
        return self._result


class FakeJudging:
    """Answers at once, or when ``slow`` is over, by the text of a request."""

    def __init__(
        self, answer: Callable[[Mapping[str, object]], dict[str, object]]
    ) -> None:
        self.requests: list[Mapping[str, object]] = []
        self.tickets: list[Done] = []
        self.slow = False
        self._answer = answer

    def submit(self, request: Mapping[str, object]) -> Ticket:
        """Keep the request."""
        ticket = Done(self._answer(request), done=not self.slow)
        if request["kind"] != "warm":
            self.requests.append(request)
            self.tickets.append(ticket)
        return ticket


class FakeHost:
    """Keeps what a round records and says."""

    def __init__(self, folder: Path, round_: Round) -> None:
        self.folder = folder
        self.now = 0.0
        self.left = 600.0
        self.events: list[Event] = []
        self.lines: list[str] = []
        self.round = round_

    def record(self, event: str, **data: object) -> None:
        """Append, then apply."""
        entry: Event = {"event": event, "round": 1, "at": self.now, **data}
        self.events.append(entry)
        self.round.apply(entry)

    def say(self, *lines: str) -> None:
        """Keep the lines."""
        self.lines += lines

    def begin(self) -> None:
        """Open the round and write its files, as the session does."""
        opening = self.round.open()
        self.record(
            "opened", wall="2030-01-01T00:00:00+00:00", subject=dict(opening.subject)
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in opening.files.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def named(self, event: str) -> list[Event]:
        """Return the events of that name."""
        return [entry for entry in self.events if entry["event"] == event]
