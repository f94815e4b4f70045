"""What the judge says of one kata, as data."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum


class State(StrEnum):
    """The five verdicts."""

    NOT_STARTED = "not started"
    BROKEN = "broken"
    WRONG = "wrong"
    TOO_SLOW = "too slow"
    SOLVED = "solved"


@dataclass(frozen=True)
class Place:
    """A line of a file; ``text`` is the line itself, without indentation."""

    file: str
    line: int
    text: str = ""


@dataclass(frozen=True)
class PropertyResult:
    """How one property came out: ``outcome`` is held, broken, slow or unchecked."""

    name: str
    sentence: str
    outcome: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Failure:
    """Why a kata is not solved.

    ``calls`` is the smallest input that breaks the property, as lines that can be
    pasted; ``got`` and ``expected`` are texts; ``mistake`` names the known mistake
    that answers in the same way, and ``hint`` the rung of the ladder it names.
    """

    message: str
    property: str = ""
    sentence: str = ""
    kind: str = "mismatch"
    calls: tuple[str, ...] = ()
    got: str = ""
    expected: str = ""
    detail: str = ""
    place: Place | None = None
    printed: str = ""
    mistake: str = ""
    hint: int = 0
    hint_text: str = ""


@dataclass(frozen=True)
class Warned:
    """A warning that the learner's code gave, and how many times."""

    category: str
    message: str
    place: Place
    times: int


@dataclass(frozen=True)
class Verdict:
    """The verdict on one kata; ``seconds`` is the time from asking to knowing."""

    kata: str
    track: str
    target: str
    state: State
    file: str
    properties: tuple[PropertyResult, ...] = ()
    failure: Failure | None = None
    warnings: tuple[Warned, ...] = ()
    seconds: float = 0.0
    seed: int = 0
    cached: bool = field(default=False, compare=False)

    @property
    def held(self) -> int:
        """How many properties hold."""
        return sum(result.outcome == "held" for result in self.properties)

    def as_dict(self) -> dict[str, object]:
        """Return plain data for JSON."""
        return asdict(self)


def failure_from(data: dict[str, object]) -> Failure:
    """Rebuild a ``Failure`` from ``asdict`` data."""
    values = dict(data)
    values["calls"] = tuple(values.get("calls", ()))  # type: ignore[arg-type]  # JSON
    place = values.get("place")
    values["place"] = Place(**place) if isinstance(place, dict) else None
    return Failure(**values)  # type: ignore[arg-type]  # the fields of asdict


def verdict_from(data: dict[str, object]) -> Verdict:
    """Rebuild a ``Verdict`` from ``as_dict`` data; ``TypeError`` if it is none."""
    values: dict[str, object] = dict(data)
    failure = values.get("failure")
    properties = values.get("properties", ())
    warnings = values.get("warnings", ())
    if not isinstance(properties, list | tuple) or not isinstance(
        warnings, list | tuple
    ):
        raise TypeError("properties and warnings must be lists")
    values["state"] = State(str(values["state"]))
    values["properties"] = tuple(PropertyResult(**entry) for entry in properties)
    values["warnings"] = tuple(
        Warned(**{**entry, "place": Place(**entry["place"])}) for entry in warnings
    )
    values["failure"] = failure_from(failure) if isinstance(failure, dict) else None
    return Verdict(**values)  # type: ignore[arg-type]  # the fields of as_dict
