"""The child as a fresh process: ``python -m dojo.spawned '{"kata": …}'``."""

import json
import os
import sys
from pathlib import Path

from dojo.catalogue import catalogue
from dojo.child import Job, run
from dojo.judge import stub_of
from dojo.session import preload
from dojo.stub import public_signatures
from dojo.targets import resolve_target


def main() -> None:
    """Judge what the one argument orders; events go to standard output."""
    order = json.loads(sys.argv[1])
    shelf = catalogue()
    (kata,) = shelf.find(order["kata"])
    examples = order["examples"]
    job = Job(
        kata,
        resolve_target(order["target"], shelf.root),
        seed=order["seed"],
        only=tuple(order["only"]),
        stop_first=order["stop_first"],
        examples=Path(examples) if examples else None,
        publish=order["publish"],
        explain=order["explain"],
        part=tuple(order["part"]),
        arguments=tuple(order["arguments"]),
        watched=Path(order["watched"]) if order["watched"] else None,
        room=Path(order["room"]) if order["room"] else None,
    )
    preload([kata])
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    run(job, shelf, events, public_signatures(stub_of(kata, shelf)))


if __name__ == "__main__":
    main()
