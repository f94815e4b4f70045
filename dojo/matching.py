"""Which known mistake answers as the learner's code does.

The calls of the smallest failing example are made again, on the worked solution
with each known mistake in it; a mistake whose every answer is the learner's own
is the one that the learner most likely made.
"""

import sys
import types
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dojo.catalogue import ROOT, CatalogueError, Kata, catalogue
from dojo.notes import Mistake, read_notes
from dojo.paste import is_tensor
from dojo.recording import Call, Step

if TYPE_CHECKING:
    from dojo.child import Job


def matching_mistake(
    job: "Job", calls: Sequence[Call | Step], property_name: str
) -> str:
    """Return the name of the mistake that explains the answers, or an empty text."""
    shelf = catalogue(ROOT)
    try:
        notes = read_notes(shelf.notes_file(job.kata))
        source = shelf.solution_file(job.kata).read_text(encoding="utf-8")
    except (OSError, CatalogueError):
        return ""
    # The property that a mistake is pinned to is the likeliest to have broken.
    ordered = sorted(notes.mistakes, key=lambda m: m.breaks != property_name)
    replayable = [call for call in calls if isinstance(call, Call) and call.finished]
    if replayable and len(replayable) == len(calls):
        for mistake in ordered:
            if _answers_alike(mistake, source, job.kata, replayable):
                return mistake.name
    if any(call.raised is not None for call in replayable):
        return ""  # what an exception means, its own line tells better
    pinned = [m.name for m in ordered if m.breaks == property_name]
    return pinned[0] if len(pinned) == 1 else ""


def _answers_alike(
    mistake: Mistake, source: str, kata: Kata, calls: Sequence[Call]
) -> bool:
    try:
        module = _load(mistake.patch(source), kata)
        return _replay(module, calls)
    except Exception:
        return False


def _load(source: str, kata: Kata) -> types.ModuleType:
    module = types.ModuleType(f"{kata.module}_mistaken")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(compile(source, "<mistake>", "exec"), vars(module))  # noqa: S102 - our own file
    finally:
        del sys.modules[module.__name__]
    return module


def _replay(module: types.ModuleType, calls: Sequence[Call]) -> bool:
    objects: dict[int, object] = {}
    for call in calls:
        args = [objects.get(id(value), value) for value in call.args]
        kwargs = {
            key: objects.get(id(value), value) for key, value in call.kwargs.items()
        }
        if call.constructs:
            function = getattr(module, type(call.owner).__name__)
        elif call.owner is not None:
            function = getattr(objects[id(call.owner)], call.name)
        else:
            function = getattr(module, call.name)
        try:
            answer = function(*args, **kwargs)
        except Exception as error:
            if type(error) is not type(call.raised):
                return False
            continue
        if call.raised is not None:
            return False
        if call.constructs:
            objects[id(call.owner)] = answer
        elif call.returned is call.owner:
            continue
        elif not _alike(answer, call.returned):
            return False
    return True


def _alike(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if is_tensor(one) and is_tensor(other):
        return _alike(np.asarray(one.detach()), np.asarray(other.detach()))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        if one.dtype.kind not in "fc":
            return bool(np.array_equal(one, other))
        # Two ways to the same wrong answer differ by rounding only.
        return bool(np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True))
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True))
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)
