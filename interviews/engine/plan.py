"""What a session asks: its rounds, level and seed; chosen by preset or composed."""

import hashlib
import json
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from interviews.rounds.base import LEVELS, Spec

KINDS = ("coding", "levels", "repair", "tests", "theory", "design")
PRESETS = Path(__file__).resolve().parent.parent / "presets.toml"
LONGEST = 180.0
_T = TypeVar("_T")
_FORM = "a round is <kind>:<minutes> or <kind>:<minutes>:<item>"


@dataclass(frozen=True)
class Asked:
    """One round that is asked for; ``item`` is empty where the seed draws it."""

    kind: str
    minutes: float
    item: str = ""


@dataclass(frozen=True)
class Plan:
    """All that a session is begun with."""

    preset: str
    level: str
    seed: int
    tracks: tuple[str, ...]
    ai_policy: str
    claim: str
    rounds: tuple[Asked, ...]

    @property
    def minutes(self) -> float:
        """The minutes of all rounds, breaks not counted."""
        return sum(asked.minutes for asked in self.rounds)

    @property
    def specs(self) -> tuple[Spec, ...]:
        """What each round is made from."""
        return tuple(
            Spec(
                number,
                asked.kind,
                asked.minutes,
                self.level,
                derive(self.seed, "round", number),
                self.tracks,
                asked.item,
            )
            for number, asked in enumerate(self.rounds, start=1)
        )


@dataclass(frozen=True)
class Preset:
    """A loop by name; ``claim`` is what ``source`` told of real loops on ``date``."""

    name: str
    title: str
    level: str
    ai_policy: str
    claim: str
    source: str
    date: str
    rounds: tuple[Asked, ...]


def derive(seed: int, *words: object) -> int:
    """Return a seed of 32 bits for what the words name, the same on every machine."""
    text = json.dumps([seed, *map(str, words)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def parse_round(text: str) -> Asked:
    """Read ``coding:30`` or ``coding:30:softmax``; ``ValueError`` in one line."""
    kind, _, rest = text.strip().partition(":")
    minutes, _, item = rest.partition(":")
    if kind not in KINDS:
        raise ValueError(f"round '{text}': {_FORM}; kinds are {', '.join(KINDS)}")
    try:
        number = float(minutes)
    except ValueError:
        raise ValueError(f"round '{text}': {_FORM}, as in {kind}:30") from None
    if not 1 <= number <= LONGEST:  # false for nan as well
        raise ValueError(
            f"round '{text}': minutes must be from 1 to {LONGEST:g}, got {minutes}"
        )
    return Asked(kind, number, item.strip())


def read_presets(file: Path = PRESETS) -> tuple[Preset, ...]:
    """Read the presets; raise ``ValueError`` naming what is off."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{file.name}: {error}") from error
    presets = tuple(_preset(entry, file.name) for entry in data.get("preset", []))
    names = [preset.name for preset in presets]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{file.name}: two presets are called '{name}'")
    return presets


def plan_of(
    *,
    preset: str = "",
    rounds: Sequence[str | Asked] = (),
    level: str = "",
    tracks: Sequence[str] = (),
    seed: int | None = None,
    presets: Sequence[Preset] | None = None,
) -> Plan:
    """Return the plan of a preset or of composed rounds.

    ``level`` is the preset's or "mid" where not given, ``seed`` a random one. Raise
    ``ValueError`` in one line for what cannot be a plan.
    """
    if bool(preset) == bool(rounds):
        raise ValueError("choose a preset or compose rounds: one of the two")
    known = read_presets() if presets is None else presets
    chosen = _named(preset, known) if preset else None
    level = level or (chosen.level if chosen else "mid")
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}, got '{level}'")
    if seed is not None and seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    return Plan(
        preset=preset,
        level=level,
        seed=secrets.randbelow(2**32) if seed is None else seed,
        tracks=tuple(tracks),
        ai_policy=chosen.ai_policy if chosen else "",
        claim=chosen.claim if chosen else "",
        rounds=chosen.rounds if chosen else tuple(map(_asked, rounds)),
    )


def data_of(plan: Plan) -> dict[str, object]:
    """Return what the log keeps of a plan."""
    return {
        "seed": plan.seed,
        "level": plan.level,
        "tracks": list(plan.tracks),
        "preset": plan.preset,
        "minutes": plan.minutes,
        "ai_policy": plan.ai_policy,
        "claim": plan.claim,
        "rounds": [
            {"kind": asked.kind, "minutes": asked.minutes, "item": asked.item}
            for asked in plan.rounds
        ],
    }


def plan_from(data: Mapping[str, object]) -> Plan:
    """Return the plan that ``data_of`` gave; raise ``ValueError`` if it is none."""
    try:
        return Plan(
            preset=_of(str, data["preset"]),
            level=_of(str, data["level"]),
            seed=_of(int, data["seed"]),
            tracks=tuple(_of(str, track) for track in _of(list, data["tracks"])),
            ai_policy=_of(str, data["ai_policy"]),
            claim=_of(str, data["claim"]),
            rounds=tuple(
                Asked(entry["kind"], float(entry["minutes"]), entry.get("item", ""))
                for entry in _of(list, data["rounds"])
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"the log's first line tells no plan: {error}") from error


def _asked(value: str | Asked) -> Asked:
    return parse_round(value) if isinstance(value, str) else value


def _named(name: str, presets: Sequence[Preset]) -> Preset:
    for preset in presets:
        if preset.name == name:
            return preset
    known = ", ".join(preset.name for preset in presets)
    raise ValueError(f"no preset is called '{name}'; there are: {known}")


_FIELDS = ("name", "title", "level", "ai_policy", "claim", "source", "date")


def _preset(entry: dict[str, object], file: str) -> Preset:
    where = f"{file}: preset '{entry.get('name', '?')}'"
    missing = [name for name in (*_FIELDS, "rounds") if not entry.get(name)]
    if missing:
        raise ValueError(f"{where}: {', '.join(missing)} must be given")
    if entry["level"] not in LEVELS:
        raise ValueError(f"{where}: level must be one of {', '.join(LEVELS)}")
    try:
        rounds = tuple(parse_round(_of(str, r)) for r in _of(list, entry["rounds"]))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from error
    return Preset(
        name=str(entry["name"]),
        title=str(entry["title"]),
        level=str(entry["level"]),
        ai_policy=str(entry["ai_policy"]),
        claim=str(entry["claim"]),
        source=str(entry["source"]),
        date=str(entry["date"]),
        rounds=rounds,
    )


def _of(kind: type[_T], value: object) -> _T:
    """Return the value, which must be of that type."""
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} must be {kind.__name__}")
    return value
