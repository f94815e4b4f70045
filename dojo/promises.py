"""Compares what a module defines with what its stub promises."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from dojo.inspection import place_in
from dojo.stub import Signature
from dojo.verdict import Failure, Place


def broken_signature(
    module: ModuleType, expected: Mapping[str, Signature], file: Path | None
) -> Failure | None:
    """Return a failure for the first public name that is missing or changed."""
    for name, signature in expected.items():
        owner, _, member = name.rpartition(".")
        holder: object = getattr(module, owner, None) if owner else module
        thing = getattr(holder, member or name, None)
        if thing is None:
            message = f"`{name}` is missing: the statement asks for `{signature.text}`"
            return Failure(message, kind="signature")
        if signature.is_property or not callable(thing):
            continue
        if not inspect.isclass(thing) and not _agrees(thing, signature):
            message = f"the signature of `{name}` changed"
            return Failure(
                message,
                kind="signature",
                got=f"{name}{_signature_text(thing)}",
                expected=signature.text,
                place=_place_of(thing, file),
            )
    return None


def _signature_text(thing: object) -> str:
    try:
        return str(inspect.signature(thing))  # type: ignore[arg-type]  # TypeError below
    except (TypeError, ValueError):
        return "(…)"


def _agrees(thing: object, expected: Signature) -> bool:
    """Same parameters in order; more of them only with defaults."""
    try:
        found = list(inspect.signature(thing).parameters.values())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    if any(p.kind is p.VAR_KEYWORD or p.kind is p.VAR_POSITIONAL for p in found):
        promised = {p.name for p in expected.parameters}
        return promised <= {p.name for p in found}
    wanted = expected.parameters
    for ours, theirs in zip(wanted, found, strict=False):
        if ours.name != theirs.name or ours.kind != theirs.kind:
            return False
        if ours.has_default != (theirs.default is not theirs.empty):
            return False
    extra = found[len(wanted) :]
    return len(found) >= len(wanted) and all(
        parameter.default is not parameter.empty for parameter in extra
    )


def _place_of(thing: object, file: Path | None) -> Place | None:
    code = getattr(inspect.unwrap(thing), "__code__", None)  # type: ignore[arg-type]
    if file is None or code is None or Path(code.co_filename) != file:
        return None
    return place_in(file, code.co_firstlineno)
