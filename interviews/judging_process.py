"""The process that judges for the interviews: ``python -m interviews.judging_process``.

It reads a request a line from standard input and answers with one line of JSON each.
What it prints otherwise goes nowhere, and the children that run the candidate's code
hold neither pipe.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from dojo.catalogue import Catalogue, Kata, catalogue, read_catalogue
from dojo.session import preload
from interviews.judging import broken

CHALLENGES = Path(__file__).resolve().parent / "coding_challenges"
# Two children share the properties, as in `kata check`.
_CHILDREN = min(2, os.cpu_count() or 1)
Answer = dict[str, object]
Request = Mapping[str, object]


@lru_cache(maxsize=2)
def shelf_called(name: str) -> Catalogue:
    """Return the catalogue of the shelf ``katas`` or ``challenges``."""
    if name == "katas":
        return catalogue()
    if name == "challenges":
        return read_catalogue(root=CHALLENGES)
    raise ValueError(f"shelf must be katas or challenges, got '{name}'")


_WARM: set[str] = set()


def warm(katas: Sequence[Kata]) -> None:
    """Import what the katas' properties need, once."""
    new = [kata for kata in katas if kata.path not in _WARM]
    if new:
        preload(new)
        _WARM.update(kata.path for kata in new)


def _warm(request: Request) -> Answer:
    shelf = shelf_called(str(request["shelf"]))
    warm(shelf.select(_texts(request, "katas")))
    return {"state": "solved", "refused": "", "results": []}


def _properties(request: Request) -> Answer:
    from dojo.child import Job
    from dojo.judge import judge
    from dojo.targets import Target
    from interviews.judging_answers import answer_of

    shelf, kata = _kata(request)
    explain = bool(request.get("explain", False))
    with tempfile.TemporaryDirectory(prefix="interview-") as folder:
        tree = Path(folder).resolve()
        target = Target(str(tree), tree)
        file = kata.file_in(tree)
        file.parent.mkdir()
        file.write_text(str(request["text"]), "utf-8", "surrogateescape")
        job = Job(
            kata,
            target,
            seed=_seed(request),
            only=_texts(request, "only"),
            explain=explain,
        )
        verdict = judge(job, shelf, children=_CHILDREN, prepare=lambda: warm([kata]))
        return answer_of(verdict, shelf.test_file(kata), job.only, explain=explain)


def _own_tests(request: Request) -> Answer:
    from interviews.judging_own_tests import judge_own_tests

    shelf, kata = _kata(request)
    warm([kata])
    return judge_own_tests(
        shelf, kata, str(request["text"]), _texts(request, "mistakes"), _CHILDREN
    )


def _kata(request: Request) -> tuple[Catalogue, Kata]:
    shelf = shelf_called(str(request["shelf"]))
    name = str(request["kata"])
    for kata in shelf.katas:
        if kata.name == name:
            return shelf, kata
    raise ValueError(f"no kata is called '{name}'")


def _seed(request: Request) -> int:
    seed = request.get("seed", 0)
    if not isinstance(seed, int):
        raise TypeError(f"seed must be a whole number, got {seed!r}")
    return seed


def _texts(request: Request, name: str) -> tuple[str, ...]:
    values = request.get(name, ())
    if not isinstance(values, list | tuple):
        raise TypeError(f"{name} must be a list, got {values!r}")
    return tuple(map(str, values))


_KINDS: dict[str, Callable[[Request], Answer]] = {
    "warm": _warm,
    "properties": _properties,
    "own_tests": _own_tests,
}


def answer(line: str) -> Answer:
    """Answer one request; whatever is wrong with it is told in a line."""
    try:
        request = json.loads(line)
        kind = str(request["kind"])
        if kind not in _KINDS:
            return broken(f"no request is called '{kind}'")
        return _KINDS[kind](request)
    except KeyError as error:
        return broken(f"the request has no {error}")
    except Exception as error:
        lines = str(error).splitlines() or [""]
        return broken(f"{type(error).__name__}: {lines[0]}")


def main() -> None:
    """Answer until the other side is gone."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nothing, stream)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - stays
    pipes = (requests.fileno(), answers.fileno())

    def let_go() -> None:
        for pipe in pipes:
            os.close(pipe)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=let_go)
    for line in requests:
        answers.write(json.dumps(answer(line), default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
