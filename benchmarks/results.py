"""The cases and goals of ``goals.toml`` with what one run measured of them."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

GOALS = Path(__file__).with_name("goals.toml")


@dataclass(frozen=True)
class Case:
    """What is measured beside whom; ``ratio`` or ``seconds`` is the goal, if any.

    ``short`` describes it in the picture; ``missed`` says why the goal is missed.
    ``unit`` is what is measured: ``s``, or ``bytes``.
    """

    name: str
    what: str
    short: str
    peer: str
    ratio: float | None = None
    seconds: float | None = None
    missed: str = ""
    unit: str = "s"


@dataclass(frozen=True)
class Measured:
    """The median of both, in the case's unit, and the ratios ours / peer of pairs."""

    ours: float
    peer: float
    ratio: float
    least: float
    most: float
    pairs: int
    detail: str = ""


@dataclass(frozen=True)
class Row:
    """A case and its measurement, which is None where the run left it out."""

    case: Case
    measured: Measured | None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is no goal or no measurement."""
        if self.measured is None:
            return None
        if self.case.ratio is not None:
            return self.measured.ratio <= self.case.ratio
        if self.case.seconds is not None:
            return self.measured.ours <= self.case.seconds
        return None


@dataclass(frozen=True)
class Group:
    """Cases of one kind, under one title."""

    title: str
    note: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Results:
    """One run: on which machine and when, and all groups."""

    machine: str
    date: str
    groups: tuple[Group, ...]


def read_results(file: Path, goals: Path = GOALS) -> Results:
    """Read what pytest-benchmark wrote to ``file``.

    Raises ``ValueError`` where it holds a case that ``goals`` does not know.
    """
    data = json.loads(file.read_text(encoding="utf-8"))
    told = [one["extra_info"] for one in data["benchmarks"]]
    measured = {info.pop("case"): Measured(**info) for info in told if "case" in info}
    groups = tuple(
        Group(
            entry["title"],
            entry["note"],
            tuple(
                Row(Case(**case), measured.pop(case["name"], None))
                for case in entry["case"]
            ),
        )
        for entry in tomllib.loads(goals.read_text(encoding="utf-8"))["group"]
    )
    if measured:
        raise ValueError(f"{goals.name} must name every case, got {sorted(measured)}")
    return Results(_machine(data["machine_info"]), data["datetime"][:10], groups)


def _machine(info: dict[str, object]) -> str:
    """Describe the machine, without its name."""
    cpu, versions = info.get("cpu"), info.get("versions")
    brand = cpu.get("brand_raw") if isinstance(cpu, dict) else None
    libraries = versions if isinstance(versions, dict) else {}
    parts = [
        str(brand or info["machine"]),
        f"{info.get('cores')} cores",
        str(info["system"]),
        f"Python {info['python_version']}",
        *(f"{name} {version}" for name, version in libraries.items()),
    ]
    return ", ".join(parts)
