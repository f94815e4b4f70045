"""Turns an exception from a property into a failure that a learner can read."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from dojo.inspection import place_in
from dojo.paste import show
from dojo.recording import Call, Recorder, Step
from dojo.verdict import Failure, Place

if TYPE_CHECKING:
    from dojo.child import Job

_LONGEST_MESSAGE = 400


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def find_place(
    file: Path | None,
    *,
    error: BaseException | None = None,
    frame: FrameType | None = None,
) -> Place | None:
    """Return the innermost line of the learner's file in a traceback or a stack."""
    if file is None:
        return None
    found: int | None = None
    if error is not None:
        for current, line in _frames(error):
            if current.f_code.co_filename == str(file):
                found = line
        if found is None and isinstance(error, SyntaxError) and error.lineno:
            found = error.lineno
    while frame is not None and found is None:
        if frame.f_code.co_filename == str(file):
            found = frame.f_lineno
        frame = frame.f_back
    return place_in(file, found) if found else None


def _message(error: BaseException) -> str:
    text = str(error).strip()
    head = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return head if len(head) <= _LONGEST_MESSAGE else f"{head[:_LONGEST_MESSAGE]}…"


def _function_at(error: BaseException, file: Path) -> str:
    name = ""
    for frame, _ in _frames(error):
        if frame.f_code.co_filename == str(file):
            name = (
                frame.f_code.co_qualname if hasattr(frame.f_code, "co_qualname") else ""
            )
            name = name or frame.f_code.co_name
    return name


def describe_failure(
    error: BaseException,
    file: Path | None,
    recorder: Recorder,
    job: "Job",
    property_name: str,
    printed: str,
) -> Failure:
    """Return what broke, on which input, what came back and what was expected."""
    from dojo.matching import matching_mistake

    error = _unwrapped(error)
    place = find_place(file, error=error)
    calls = list(recorder.calls)
    script = tuple(recorder.script())
    common: dict[str, object] = {
        "property": property_name,
        "calls": script,
        "printed": printed.strip(),
    }
    if isinstance(error, NotImplementedError) and place and not str(error):
        name = _function_at(error, file) if file else ""
        return Failure(
            f"`{name}` is not written yet", kind="not written", place=place,
            property=property_name,
        )  # fmt: skip
    if job.explain and not isinstance(error, NotImplementedError):
        common["mistake"] = matching_mistake(job, calls, property_name)
    return _by_kind(error, place, calls, common)


def _by_kind(
    error: BaseException,
    place: Place | None,
    calls: Sequence[Call | Step],
    common: dict[str, object],
) -> Failure:
    if _is_flaky(error):
        message = "the same input gave different answers in two runs"
        return Failure(message, kind="flaky", **common)  # type: ignore[arg-type]
    if hasattr(error, "actual") and hasattr(error, "detail"):
        expected = getattr(error, "expected", "")
        return Failure(
            str(getattr(error, "what", "")),
            got="" if _is_unstated(error.actual) else show(error.actual),
            expected="" if _is_unstated(expected) else show(expected),
            detail=str(error.detail),
            **common,  # type: ignore[arg-type]  # fields of Failure
        )
    if place is not None:
        return Failure(
            f"the code raised {_message(error)}",
            kind="raised",
            place=place,
            **common,  # type: ignore[arg-type]  # fields of Failure
        )
    last = calls[-1] if calls else None
    got = show(last.returned) if isinstance(last, Call) and last.finished else ""
    if isinstance(error, AssertionError):
        return Failure(_message(error), kind="claim", got=got, **common)  # type: ignore[arg-type]
    message = f"what came back cannot be used: {_message(error)}"
    return Failure(message, kind="unusable", got=got, **common)  # type: ignore[arg-type]


def _is_unstated(value: object) -> bool:
    import dojo.testing

    return value is dojo.testing.UNSTATED


def _is_flaky(error: BaseException) -> bool:
    return type(error).__name__ in ("Flaky", "FlakyFailure", "FlakyReplay")


def _unwrapped(error: BaseException) -> BaseException:
    """Take the one error out of a group that Hypothesis made, unless it is flaky."""
    while (
        isinstance(error, BaseExceptionGroup)
        and not _is_flaky(error)
        and error.exceptions
    ):
        error = error.exceptions[0]
    return error
