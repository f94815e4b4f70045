"""Verdicts as the interviews' rounds read them."""

import ast
from collections.abc import Sequence
from pathlib import Path

from dojo.verdict import Failure, Verdict

Result = dict[str, object]
# Code that touches the judge instead of the task.
_REFUSED = ("forbidden", "tampering")


def answer_of(
    verdict: Verdict, test_file: Path, only: Sequence[str] = (), *, explain: bool
) -> dict[str, object]:
    """Return a verdict as plain data, with a result for every property asked for."""
    failure = verdict.failure
    refused = failure.message if failure and failure.kind in _REFUSED else ""
    answer: dict[str, object] = {
        "state": str(verdict.state),
        "refused": refused,
        "results": _results(verdict, test_file, only, counts=not refused),
        "seconds": round(verdict.seconds, 3),
        "failure": _explained(failure) if failure and explain else None,
    }
    if failure is not None and failure.kind == "judge":
        answer["error"] = failure.message
    return answer


def _explained(failure: Failure) -> dict[str, object]:
    place = failure.place
    return {
        "message": failure.message,
        "property": failure.property,
        "sentence": failure.sentence,
        "calls": list(failure.calls),
        "got": failure.got,
        "expected": failure.expected,
        "detail": failure.detail,
        "mistake": failure.mistake,
        "line": place.line if place else 0,
        "text": place.text if place else "",
    }


def _results(
    verdict: Verdict, test_file: Path, only: Sequence[str], *, counts: bool
) -> list[Result]:
    written = properties_in(test_file)
    found = [(p.name, p.sentence, p.outcome == "held") for p in verdict.properties]
    # Where the code did not get as far as its properties, none of them held.
    missing = [(n, s, False) for n, s in written.items() if not only or n in only]
    core = set(list(written)[: (len(written) + 1) // 2])
    return [
        {
            "name": name,
            "sentence": sentence,
            "held": held and counts,
            "core": name.partition("[")[0] in core,
        }
        for name, sentence, held in found or missing
    ]


def properties_in(test_file: Path) -> dict[str, str]:
    """Return the properties of a test module in its order, each with its sentence."""
    tree = ast.parse(test_file.read_text(encoding="utf-8"))
    return {
        node.name: _first_paragraph(ast.get_docstring(node) or node.name)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _first_paragraph(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())
