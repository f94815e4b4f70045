"""Judges many files of one kata in one process: JSON in, JSON out, for test_barrier."""

import json
import os
import sys
from pathlib import Path

from dojo.catalogue import catalogue
from dojo.child import Job
from dojo.judge import judge
from dojo.session import preload
from dojo.targets import Target


def main() -> None:
    """Judge each text that standard input names, as the kata ``double``."""
    import reference.core.math_operations  # noqa: F401 - loaded, as for other katas

    shelf = catalogue()
    (kata,) = shelf.find("double")
    preload([kata])
    found = {}
    for number, (name, text) in enumerate(json.load(sys.stdin).items()):
        tree = shelf.root / f"attempt{number}"
        file = kata.file_in(tree)
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        os.chdir(file.parent)
        job = Job(kata, Target(str(tree), tree), explain=False)
        verdict = judge(job, shelf, children=2)
        failure = verdict.failure
        found[name] = {
            "state": str(verdict.state),
            "held": verdict.held,
            "kind": failure.kind if failure else "",
            "message": failure.message if failure else "",
            "line": failure.place.text if failure and failure.place else "",
        }
    Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
