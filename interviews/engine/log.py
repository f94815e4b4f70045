"""The log of a session: one JSON object a line, only ever appended to, on disk at once.

Each line has ``line`` (from one), ``at`` (seconds since the session began, never
falling), ``wall`` (UTC), ``event``, ``round`` (0 is the session), the event's own
data and ``chain``: a hash of the line and of the chain before it, so that a line
that was edited, taken out or moved is found. Whoever knows this file can forge the
chain; it shows an accident or a careless hand, no more.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

Event = dict[str, object]

LOG = "log.jsonl"
TORN = "log.torn"
LOCK = "lock"
_OWN = ("line", "at", "wall", "event", "round", "chain")


class LogError(ValueError):
    """A folder or a log that cannot be used, in one line."""


class Log:
    """The log of one session, held by one process: see ``create`` and ``open``."""

    def __init__(self, folder: Path, *, new: bool) -> None:
        self.folder = folder
        self.repaired = ""
        self._events: list[Event] = []
        self._lock = _lock(folder)
        self._file = -1
        try:
            flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT | os.O_EXCL if new else 0)
            self._file = os.open(folder / LOG, flags, 0o644)
            if new:
                _sync_folder(folder)
            self._read()
        except BaseException as error:
            self.close()
            if isinstance(error, FileExistsError):
                raise LogError(f"{folder}: a session began here already") from error
            if isinstance(error, FileNotFoundError):
                raise LogError(f"{folder}: no session began here") from error
            raise

    @classmethod
    def create(cls, folder: Path) -> "Log":
        """Begin a log; raise ``LogError`` where there is one or another holds it."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, new=True)

    @classmethod
    def open(cls, folder: Path) -> "Log":
        """Go on with a log, and repair its last line if that was torn.

        Raise ``LogError`` where there is no log, where a line that is not the last
        cannot be read, or where another process holds it.
        """
        if not (folder / LOG).is_file():
            raise LogError(f"{folder}: no session began here")
        return cls(folder, new=False)

    @property
    def events(self) -> tuple[Event, ...]:
        """All events, those read and those appended."""
        return tuple(self._events)

    @property
    def last(self) -> Event | None:
        """The last event, if there is one."""
        return self._events[-1] if self._events else None

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._file < 0

    def append(
        self,
        event: str,
        round: int,  # noqa: A002  the field is called so in the file
        at: float,
        wall: str,
        **data: object,
    ) -> Event:
        """Append an event and return it as the file has it, on disk.

        ``at`` is raised to that of the line before where it would fall. Raise
        ``ValueError`` or ``TypeError`` for data that JSON cannot hold, ``LogError``
        once closed; nothing is written then.
        """
        if self.closed:
            raise LogError(f"{self.folder}: the log is closed")
        for name in _OWN:
            if name in data:
                raise ValueError(f"data must not be called '{name}': each line has one")
        last = self.last
        at = max(float(f"{at:.3f}"), _seconds(last))
        body = {"line": len(self._events) + 1, "at": at, "wall": wall}
        body |= {"event": event, "round": round, **data}
        recorded = _as_kept(body)
        recorded["chain"] = _chain(str(last["chain"]) if last else "", recorded)
        self._write(_line(recorded) + b"\n")
        self._events.append(recorded)
        return recorded

    def close(self) -> None:
        """Let go of the file and of the lock; may be called twice."""
        for handle in (self._file, self._lock):
            if handle >= 0:
                os.close(handle)
        self._file = self._lock = -1

    def _write(self, line: bytes) -> None:
        """Append a whole line, or leave the file as it was."""
        size = os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(f"{self.folder / LOG}: the line could not be written")
            os.fsync(self._file)
        except BaseException:
            os.ftruncate(self._file, size)
            raise

    def _read(self) -> None:
        file = self.folder / LOG
        content = file.read_bytes()
        self._events, good = _parse(content, file)
        torn = content[good:]
        if torn:
            _keep(self.folder / TORN, torn)
            os.ftruncate(self._file, good)
            os.fsync(self._file)
            self.repaired = (
                f"the last line was torn: {len(torn)} bytes of it were cut off and "
                f"kept in {TORN}"
            )


def read_log(file: Path) -> tuple[Event, ...]:
    """Read a log without holding it; a torn last line is left out.

    Raise ``LogError`` where there is none, or where another line cannot be read.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise LogError(f"{file}: {error.strerror}") from error
    return tuple(_parse(content, file)[0])


def is_held(folder: Path) -> bool:
    """Tell whether a process holds the session in a folder; changes nothing there."""
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False  # none ever did
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def altered(events: Iterable[Event]) -> int:
    """Return the number of the first line that is not as it was written; 0 if none."""
    before = ""
    for number, event in enumerate(events, start=1):
        body = {name: value for name, value in event.items() if name != "chain"}
        if event.get("line") != number or event.get("chain") != _chain(before, body):
            return number
        before = str(event["chain"])
    return 0


def _parse(content: bytes, file: Path) -> tuple[list[Event], int]:
    """Return the events and how many bytes they take; what follows is torn."""
    lines = content.split(b"\n")
    lines.pop()  # what stands behind the last line end: nothing, or a torn line
    events: list[Event] = []
    good = 0
    for number, line in enumerate(lines, start=1):
        event = _event(line)
        if event is None:
            if number == len(lines):
                break
            raise LogError(f"{file}: line {number} cannot be read")
        events.append(event)
        good += len(line) + 1
    return events, good


def _event(line: bytes) -> Event | None:
    """Return the event of a line, or None where it is not one."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or any(name not in event for name in _OWN):
        return None
    right = isinstance(event["at"], float) and isinstance(event["round"], int)
    return event if right and isinstance(event["event"], str) else None


def _line(event: Event) -> bytes:
    """Return an event as JSON; half a surrogate pair becomes a question mark."""
    text = json.dumps(event, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace")


def _as_kept(event: Event) -> Event:
    """Return an event as it will be read again: lists for tuples, and so on."""
    kept: Event = json.loads(_line(event))
    return kept


def _chain(before: str, body: Event) -> str:
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return hashlib.sha256(before.encode() + text).hexdigest()[:16]


def _seconds(event: Event | None) -> float:
    at = event["at"] if event else 0.0
    return at if isinstance(at, float) else 0.0


def _lock(folder: Path) -> int:
    """Hold the folder; the system lets go of it when the process ends, however."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise LogError(f"{folder.name}: another process holds this session") from error
    return handle


def _keep(file: Path, torn: bytes) -> None:
    with file.open("ab") as kept:
        kept.write(torn + b"\n")
        kept.flush()
        os.fsync(kept.fileno())


def _sync_folder(folder: Path) -> None:
    """See to it that a new file is found again after a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
