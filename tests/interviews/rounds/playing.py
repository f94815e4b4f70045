"""Plays a round without a session: a host that keeps events, a judge by script."""

from collections.abc import Callable, Mapping
from pathlib import Path

from interviews.rounds.base import Opening, Round, Tools

ROOT = Path(__file__).parents[3]
Answer = dict[str, object]
Request = Mapping[str, object]


class Done:
    """A ticket that has its result, or waits until it is given."""

    def __init__(self, result: Answer | None) -> None:
        self.answer = result

    def done(self) -> bool:
        """Tell whether there is a result."""
        return self.answer is not None

    def result(self) -> Answer:
        """Return it."""
        assert self.answer is not None
        return self.answer


class Judge:
    """Answers every request by a function, and keeps the requests."""

    def __init__(self, answer: Callable[[Request], Answer | None]) -> None:
        self.answer = answer
        self.requests: list[Request] = []

    def submit(self, request: Request) -> Done:
        """Keep the request and answer it."""
        self.requests.append(request)
        return Done(self.answer(request))


class Table:
    """The host of one round, which can be made anew from its events."""

    def __init__(self, make: Callable[[], Round], folder: Path) -> None:
        self._make = make
        self.folder = folder
        self.now = 0.0
        self.left = 600.0
        self.events: list[dict[str, object]] = []
        self.said: list[str] = []
        self.round = make()
        self.opening: Opening = self.round.open()
        for name, text in self.opening.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        self.record("opened", subject=dict(self.opening.subject))

    def record(self, event: str, **data: object) -> None:
        """Keep an event and let the round take it."""
        kept = {"event": event, "at": self.now, "line": len(self.events) + 1, **data}
        self.events.append(kept)
        self.round.apply(kept)

    def say(self, *lines: str) -> None:
        """Keep what is shown."""
        self.said += lines

    def is_busy(self) -> bool:
        """Tell whether the round waits for the judge."""
        return self.round.busy

    def resume(self) -> None:
        """Make the round anew, as after a crash, and feed it its events."""
        self.round = self._make()
        self.round.open()
        for event in self.events:
            self.round.apply(event)

    def type(self, text: str) -> list[str]:
        """Type a line; return what is shown then."""
        self.said.clear()
        self.round.handle(self, text)
        self.round.poll(self)
        return list(self.said)

    def end(self) -> None:
        """End the round, and wait for it."""
        self.round.end(self)
        for _ in range(3):
            self.round.poll(self)

    def named(self, event: str) -> list[dict[str, object]]:
        """Return the events of a name."""
        return [kept for kept in self.events if kept["event"] == event]


def tools(judge: Judge, *seen: str) -> Tools:
    """Return tools with this judge."""
    return Tools(ROOT, judge, frozenset(seen))


def verdict(**held: bool) -> Answer:
    """Return a judge's answer with these properties."""
    results = [
        {"name": name, "sentence": f"{name} holds.", "core": True, "held": value}
        for name, value in held.items()
    ]
    state = "solved" if all(held.values()) else "wrong"
    return {"state": state, "refused": "", "results": results, "seconds": 0.1}
