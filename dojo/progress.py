"""What is kept between runs, below ``.dojo/``: verdicts, history, old attempts.

Verdicts are found by the content that gave them, so that none can outlive a
change. The history only grows, a line at a time. Every file is written whole
beside its place and moved there, or appended with one write that reaches the
disk before anything else happens: the process may die anywhere.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from dojo.catalogue import Catalogue, Kata
from dojo.targets import Target
from dojo.verdict import Verdict, verdict_from

FOLDER = ".dojo"
_IMPORTS = re.compile(rb"^\s*(?:from|import)\s+(reference[\w.]*)", re.MULTILINE)


def write_atomically(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a file that is there as a whole or not at all.

    ``durable`` waits for the disk; what can be made again need not wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def append_line(path: Path, record: dict[str, object]) -> None:
    """Append one line of JSON that is on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, ensure_ascii=False, default=str) + "\n"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            text = "\n" + text  # a line that a dying process did not finish
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


class Progress:
    """The learner's state below one root."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.folder = catalogue.root / FOLDER
        self._hashes: dict[Path, str] = {}

    @property
    def examples(self) -> Path:
        """Where Hypothesis keeps failing examples, to replay them first."""
        return self.folder / "examples"

    @property
    def history_file(self) -> Path:
        """The history of attempts, hints and peeks, one JSON object a line."""
        return self.folder / "history.jsonl"

    def key(self, kata: Kata, target: Target, seed: int) -> str:
        """Return the digest of everything that a verdict depends on."""
        files = self.sources(kata)
        judged = target.file(kata)
        if judged is not None:
            files.append(judged)
        digests = [self._digest(file) for file in files]
        about = [self._runner, target.name, str(seed), sys.version, repr(kata)]
        return hashlib.sha256("\n".join(about + digests).encode()).hexdigest()

    def sources(self, kata: Kata) -> list[Path]:
        """Return the author's files that a verdict on the kata depends on."""
        return [
            self._catalogue.test_file(kata),
            self._catalogue.solution_file(kata),
            self._catalogue.notes_file(kata),
            *self._reference_files(kata),
        ]

    def cached(self, kata: Kata, target: Target, seed: int) -> Verdict | None:
        """Return the verdict that exactly these files gave before, if any."""
        try:
            text = self._verdict_file(kata, target, seed).read_text(encoding="utf-8")
            return replace(verdict_from(json.loads(text)), cached=True)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep(self, kata: Kata, target: Target, verdict: Verdict) -> None:
        """Keep a verdict and note the attempt."""
        file = self._verdict_file(kata, target, verdict.seed)
        data = verdict.as_dict() | {"cached": False}
        # A torn verdict is no verdict: the kata is judged again.
        write_atomically(file, json.dumps(data, ensure_ascii=False), durable=False)
        self.note(
            "attempt",
            kata,
            target=target.name,
            state=verdict.state,
            held=verdict.held,
            properties=len(verdict.properties),
            broke=verdict.failure.property if verdict.failure else "",
            seconds=round(verdict.seconds, 3),
        )

    def note(self, event: str, kata: Kata, **about: object) -> None:
        """Append to the history."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        record = {"event": event, "kata": kata.name, "when": when, **about}
        append_line(self.history_file, record)

    def history(self) -> Iterator[dict[str, object]]:
        """Yield the history; a line that was cut off is passed over."""
        try:
            text = self.history_file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        for line in text.splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(record, dict):
                yield record

    def hints_seen(self, kata: Kata) -> int:
        """Return how many rungs of the ladder the learner has seen."""
        return sum(
            record.get("event") == "hint" and record.get("kata") == kata.name
            for record in self.history()
        )

    def archive(self, kata: Kata) -> Path | None:
        """Copy the learner's file aside, byte for byte; None where there is none."""
        file = self._catalogue.stub_file(kata)
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        when = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(content).hexdigest()[:8]
        copy = self.folder / "attempts" / kata.name / f"{when}-{digest}.py"
        copy.parent.mkdir(parents=True, exist_ok=True)
        with copy.open("wb") as kept:
            kept.write(content)
            kept.flush()
            os.fsync(kept.fileno())
        return copy

    def _verdict_file(self, kata: Kata, target: Target, seed: int) -> Path:
        return self.folder / "verdicts" / f"{self.key(kata, target, seed)}.json"

    def _digest(self, file: Path) -> str:
        if file not in self._hashes:
            try:
                content = file.read_bytes()
            except OSError:
                content = b"missing"
            self._hashes[file] = hashlib.sha256(content).hexdigest()
        return self._hashes[file]

    @cached_property
    def _runner(self) -> str:
        folder = Path(__file__).parent
        return "".join(self._digest(file) for file in sorted(folder.rglob("*.py")))

    def _reference_files(self, kata: Kata) -> list[Path]:
        """The reference modules that the kata names, and all that these import."""
        root = Path(__file__).parent.parent
        found: dict[Path, None] = {}
        waiting = list(kata.reference)
        while waiting:
            for file in _files_of(root, waiting.pop()):
                if file in found:
                    continue
                found[file] = None
                names = _IMPORTS.findall(file.read_bytes())
                waiting += [name.decode() for name in names]
        return sorted(found)


def _files_of(root: Path, module: str) -> list[Path]:
    path = root / Path(*module.split("."))
    if path.is_dir():
        return sorted(path.glob("*.py"))
    file = path.with_suffix(".py")
    return [file] if file.is_file() else []
