"""Files that are there whole or not at all, and a lock between processes.

Standard library only. The order survives a crash at any point: write beside the place,
wait for the disk, move, wait for the folder.
"""

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK = "lock"  # the name of the lock of a folder
# How temporary files begin: of anybody, and of who holds the lock of the folder, which
# alone may take it that others of that name are a dead writer's.
_TEMPORARY = ".writing-"
_LOCKED_TEMPORARY = ".locked-writing-"
_BINARY = getattr(os, "O_BINARY", 0)  # Windows only: no translation of line ends
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # a named pipe must not hold a reader up


class IntegrityError(ValueError):
    """A file is not what this program wrote; nothing in it has been run."""


def write_atomically(
    path: Path,
    pieces: Iterable[bytes | memoryview],
    *,
    mode: int = 0o666,
    locked: bool = False,
) -> None:
    """Replace ``path`` by the ``pieces`` in a row: readers see the old file or the new.

    ``mode`` is reduced by the umask, as for any new file. A symbolic link at ``path``
    is itself replaced; what it points to stays as it is. Returns when the file and its
    name are on disk.

    A failure leaves the old file and nothing else, with one exception: an ``OSError``
    of the last step, waiting for the folder, finds the new file in place, and a power
    cut may yet bring the old one back. A process that is killed may leave a temporary
    file; for ``locked`` writers, who hold the lock of the folder, see
    ``remove_leftovers``.
    """
    start = _LOCKED_TEMPORARY if locked else _TEMPORARY
    temporary = path.with_name(f"{start}{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
    try:
        try:
            for piece in pieces:
                _write_all(handle, piece)
            os.fsync(handle)
        finally:
            os.close(handle)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def read_whole(
    path: Path, *, follow_links: bool = True, private: bool = False
) -> bytes:
    """Return the bytes of a regular file, read from one opening of it.

    Raises ``FileNotFoundError`` where there is none and ``IntegrityError`` where there
    is a folder, a pipe, a device or, without ``follow_links``, a symbolic link. With
    ``private``, raises ``PermissionError`` for a file that is another user's or that
    others may read or write (not on Windows, which has no such modes).
    """
    flags = os.O_RDONLY | _BINARY | _NO_WAIT | (0 if follow_links else _NO_FOLLOW)
    try:
        handle = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise IntegrityError(_not_regular(path, "a symbolic link")) from error
        raise
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise IntegrityError(_not_regular(path, "something else"))
        if private:
            _require_private(path, about)
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Delete what killed ``locked`` writers left in ``folder``.

    Only for who holds the lock of the folder. What is no file is not theirs and stays.
    """
    for leftover in folder.glob(f"{_LOCKED_TEMPORARY}*"):
        if leftover.is_file():
            leftover.unlink(missing_ok=True)


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold the file ``lock`` for oneself, against threads and other processes alike.

    Waits until it is free. The system frees it when its holder dies. The file stays:
    to delete it would let two holders lock two different files of one name.
    """
    flags = os.O_RDWR | os.O_CREAT | _BINARY | _NO_FOLLOW
    handle = os.open(lock, flags, 0o666)
    try:
        _lock(handle)
        try:
            yield
        finally:
            _unlock(handle)  # not left to close: a forked child may hold a copy
    finally:
        os.close(handle)


if sys.platform == "win32":

    def _lock(handle: int) -> None:
        while True:
            try:
                msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
                return
            except OSError as error:
                if error.errno != errno.EDEADLOCK:  # given up after ten seconds
                    raise

    def _unlock(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:

    def _lock(handle: int) -> None:
        # flock, not lockf: it belongs to this opening, so it excludes threads too.
        fcntl.flock(handle, fcntl.LOCK_EX)

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)


def _write_all(handle: int, content: bytes | memoryview) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # a folder cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _require_private(path: Path, about: os.stat_result) -> None:
    if sys.platform == "win32":
        return
    if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
        raise PermissionError(f"path must be for its owner only, who runs this: {path}")


def _not_regular(path: Path, found: str) -> str:
    return f"path must be a regular file, got {found} at {path}"
