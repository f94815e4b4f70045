"""Saving models without trusting files.

A pickle is a program: `pickle.loads` calls whatever function the bytes name, with the
arguments that they name. Whoever can write the model file can therefore run code where
it is loaded. The remedy is a signature, checked before one byte is unpickled:

    tag = HMAC(key, content) = H((key ⊕ opad) ‖ H((key ⊕ ipad) ‖ content)),  H = SHA-256

Without the key nobody can make the tag of another content, and one tag over the whole
content (metadata, model, and where the one ends and the other begins) leaves nothing
to change or to swap between two files. A plain SHA-256 of the content would say that
the file is undamaged, not who wrote it.

`ModelMetadata` and `IntegrityError`, a `ValueError`, are given; `features` are names,
`metrics` finite numbers by name. Write `ModelSerializer(key)`, with `key` of bytes:

- `save(model, path, format="pickle", metadata=None)` writes one file, which holds the
  pickle and the metadata, and returns the path as text. `path` is text or a `Path`.
- `load(path)` returns the model, `get_metadata(path)` the metadata, equal to what was
  saved, or None where there was none. The latter unpickles nothing of the model: to
  read about a model must not run it.

Both raise `IntegrityError`, naming `path`, for any file that `save` did not write with
this key: a foreign pickle, another key, a byte changed, cut off or added, parts of two
files put together. The tags are compared in constant time (`hmac.compare_digest`), for
`==` stops at the first difference, and its time tells how much of a guess was right.
The file is read once: what is unpickled are the very bytes that were verified, even if
the file is exchanged meanwhile. `FileNotFoundError` where there is none.

Whoever reads while `save` runs, or after it fails, finds the old file or the new one:
write a temporary file in the same folder (a move between disks is not atomic), bring
all of it to the disk with `os.fsync`, then put it in place with `os.replace`. A save
that fails for any reason (the model cannot be pickled, the disk is full, Ctrl-C)
raises that very error, leaves the old file as it was, and no temporary file. Several
may save to one path at once, so each temporary file has a name of its own.

`ValueError` that names the argument: `key` shorter than 16 bytes; `format` other than
"pickle", before anything is written.

Sources: RFC 2104 (HMAC), section 2; the warning at the head of the documentation of
Python's `pickle`; POSIX.1-2017, `rename`.

In production: the folder is synced as well, so that the new name survives a power cut;
the key comes from a secret store; and formats that cannot hold code (ONNX, PyTorch
with `weights_only`) are preferred. A signature does not stop an old file of ours.
"""

import hmac
import json
import os
import pickle
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

_TAG_BYTES = 32
_LENGTH_BYTES = 4


class IntegrityError(ValueError):
    """A file is not what this key signed."""


@dataclass(frozen=True)
class ModelMetadata:
    """What a model is called, what it takes and how good it is."""

    name: str = ""
    version: str = ""
    features: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    created_at: str = ""


class ModelSerializer:
    """Writes and reads model files that `key` signs."""

    def __init__(self, key: bytes) -> None:
        """Keep the key, of 16 bytes at least."""
        if len(key) < 16:
            raise ValueError(f"key must have at least 16 bytes, got {len(key)}")
        self._key = key

    def save(
        self,
        model: object,
        path: str | Path,
        format: str = "pickle",  # noqa: A002 - the name that the track's classes share
        metadata: ModelMetadata | None = None,
    ) -> str:
        """Write a signed file, wholly or not at all, and return its path as text."""
        if format != "pickle":
            raise ValueError(f"format must be 'pickle', got {format!r}")
        about = json.dumps(None if metadata is None else asdict(metadata)).encode()
        content = len(about).to_bytes(_LENGTH_BYTES, "big") + about
        content += pickle.dumps(model)
        _write(Path(path), self._tag(content) + content)
        return str(path)

    def load(self, path: str | Path) -> object:
        """Return the model of a file that this key signed."""
        _, payload = self._verified(path)
        return pickle.loads(payload)  # noqa: S301 - verified

    def get_metadata(self, path: str | Path) -> ModelMetadata | None:
        """Return the metadata of a file that this key signed, None for none."""
        about, _ = self._verified(path)
        values = json.loads(about)
        if values is None:
            return None
        return ModelMetadata(**{**values, "features": tuple(values["features"])})

    def _verified(self, path: str | Path) -> tuple[bytes, bytes]:
        """Return the metadata and the pickle, once the tag over both is right."""
        everything = Path(path).read_bytes()
        tag, content = everything[:_TAG_BYTES], everything[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(content)):
            raise IntegrityError(f"path must be a file that this key signed, {path}")
        length, rest = content[:_LENGTH_BYTES], content[_LENGTH_BYTES:]
        end = int.from_bytes(length, "big")
        return rest[:end], rest[end:]

    def _tag(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")


def _write(path: Path, everything: bytes) -> None:
    """Replace the file at `path`, or leave all as it was."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(everything)
            file.flush()
            os.fsync(handle)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise
