"""Which class plays which kind of round; imported only where it is played."""

from collections.abc import Mapping
from importlib import import_module

from interviews.rounds.base import Round, Spec, Tools

_CLASSES = {
    "coding": ("interviews.rounds.coding", "CodingRound"),
    "levels": ("interviews.rounds.levels", "LevelsRound"),
    "repair": ("interviews.rounds.repair", "RepairRound"),
    "tests": ("interviews.rounds.own_tests", "OwnTestsRound"),
    "theory": ("interviews.rounds.theory", "TheoryRound"),
    "design": ("interviews.rounds.design", "DesignRound"),
}


def make_round(spec: Spec, tools: Tools) -> Round:
    """Make a round; raise ``ValueError`` for a kind that there is not."""
    if spec.kind not in _CLASSES:
        raise ValueError(
            f"kind must be one of {', '.join(_CLASSES)}, got '{spec.kind}'"
        )
    module, name = _CLASSES[spec.kind]
    made: Round = getattr(import_module(module), name)(spec, tools)
    return made


def drawn(subject: Mapping[str, object]) -> frozenset[str]:
    """Return what a round's subject has used up, for the rounds after it.

    These are the names that ``Tools.seen`` holds: a kata, a codebase, the id of a
    design prompt, the ids of theory items.
    """
    names = {subject.get(name) for name in ("kata", "codebase", "prompt_id")}
    items = subject.get("items")
    if isinstance(items, list):
        names |= {item.get("id") for item in items if isinstance(item, dict)}
    return frozenset(name for name in names if isinstance(name, str) and name)
