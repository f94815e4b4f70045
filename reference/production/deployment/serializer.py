"""Models on disk: signed, written atomically, verified before anything in them runs."""

import hashlib
import os
import secrets
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from reference.core.validation import require
from reference.production.deployment import formats
from reference.production.deployment.formats import (
    ModelFormat,
    ModuleBuilder,
    as_format,
)
from reference.production.deployment.sealing import (
    another_version,
    require_key,
    seal,
    unseal,
)
from reference.production.files import (
    LOCK,
    IntegrityError,
    exclusive,
    read_whole,
    write_atomically,
)

__all__ = [
    "IntegrityError",
    "ModelFormat",
    "ModelMetadata",
    "ModelSerializer",
    "VerifiedModel",
    "load_pytorch_model",
    "load_sklearn_model",
]

KEY_VARIABLE = "MODEL_SIGNING_KEY"
_PRIVATE = 0o600
_FAST = 1  # zlib level: weights hardly shrink, and slower levels hardly help


@dataclass(frozen=True)
class ModelMetadata:
    """What a model is: equal by value, and equal again after a round trip.

    ``metrics`` are numbers by name; ``created_at`` is ISO 8601 text by convention.
    """

    name: str = ""
    version: str = ""
    features: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    created_at: str = ""
    target: str = ""

    def __post_init__(self) -> None:
        for argument in ("name", "version", "created_at", "target"):
            _require_text(argument, getattr(self, argument))
        # copies: what is frozen must not change through the caller's objects
        object.__setattr__(self, "features", _names("features", self.features))
        object.__setattr__(self, "metrics", checked_metrics(self.metrics))


class ModelSerializer:
    """Write and read model files that ``key`` signs (HMAC-SHA256).

    A file is read, verified and only then unpacked, from the same bytes in memory, so
    that nobody can change it in between; that takes memory of about twice the file's
    size. The signature says that a holder of the key wrote the file; it does not tell
    an older file of that holder from a newer one.

    Without ``key``: the text of the environment variable ``MODEL_SIGNING_KEY``, else
    the content of ``key_file`` (default: ``ml-dojo/model-signing.key`` in the user's
    configuration folder). Where there is none, the first ``save`` makes it with a
    random key, for its owner only; reading never makes a key, which would fit no file.
    A key has at least 16 bytes.
    """

    def __init__(
        self, key: bytes | None = None, *, key_file: str | Path | None = None
    ) -> None:
        self._key_file = None if key_file is None else Path(key_file)
        self._key = _key_there_is(self._key_file) if key is None else key
        if self._key is not None:
            require_key(self._key)

    def save(
        self,
        model: object,
        path: str | os.PathLike[str],
        format: str = ModelFormat.PICKLE,  # noqa: A002 - the documents' name
        metadata: ModelMetadata | None = None,
        compress: bool = True,
        *,
        example_inputs: Sequence[object] | None = None,
    ) -> str:
        """Write ``model`` to ``path`` and return the path; makes missing folders.

        ``example_inputs`` are the arguments of one call, for a PyTorch module in ONNX.
        Atomic: a failure leaves the old file and nothing else; only an ``OSError`` from
        waiting for the folder, the last step, finds the new file in place.
        """
        place = _as_path(path)
        content = self.pack(
            model, format, metadata, compress, example_inputs=example_inputs
        )
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, [content])
        return str(place)

    def load(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,  # noqa: A002 - the documents' name
        model_class: ModuleBuilder | None = None,
    ) -> Any:  # the type of a model is known to its file only
        """Verify the file at ``path`` and return its model.

        ``format``, where given, must be the file's own; ``model_class`` builds the
        module for a PyTorch state. Raises ``FileNotFoundError`` where there is no file,
        ``ValueError`` where there is no key, and ``IntegrityError`` where the file is
        not one that this key signed or is another version's.
        """
        wanted = None if format is None else as_format(format)
        verified = self.open(path)
        if wanted is not None and wanted is not verified.format:
            raise ValueError(
                f"format must be {verified.format}, the file's own, got {format!r}"
            )
        return verified.unpack(model_class)

    def get_metadata(self, path: str | os.PathLike[str]) -> ModelMetadata | None:
        """Verify the file at ``path`` and return the metadata it was saved with."""
        return self.open(path).metadata

    def open(
        self, path: str | os.PathLike[str], *, follow_links: bool = True
    ) -> "VerifiedModel":
        """Verify the file at ``path``; nothing in it has run when this returns."""
        place = _as_path(path)
        content = read_whole(place, follow_links=follow_links)
        header, payload = unseal(self._key_to_read(), content, place)
        try:
            return VerifiedModel(header, payload, hashlib.sha256(content).hexdigest())
        except (KeyError, TypeError, ValueError) as error:
            raise another_version(place, error) from error

    def pack(
        self,
        model: object,
        format: str = ModelFormat.PICKLE,  # noqa: A002 - the documents' name
        metadata: ModelMetadata | None = None,
        compress: bool = True,
        *,
        example_inputs: Sequence[object] | None = None,
    ) -> bytes:
        """Return the bytes that ``save`` writes."""
        chosen = as_format(format)
        if metadata is not None and not isinstance(metadata, ModelMetadata):
            raise TypeError(f"metadata must be a ModelMetadata, got {metadata!r}")
        payload = formats.dump(model, chosen, example_inputs)
        header = {
            "format": chosen.value,
            "compressed": bool(compress),
            "metadata": None if metadata is None else asdict(metadata),
        }
        return seal(
            self._key_to_sign(),
            header,
            zlib.compress(payload, _FAST) if compress else payload,
        )

    def _key_to_sign(self) -> bytes:
        if self._key is None:
            self._key = _make_key(_key_place(self._key_file))
        return self._key

    def _key_to_read(self) -> bytes:
        if self._key is None:
            self._key = _key_there_is(self._key_file)  # made in the meantime?
        if self._key is None:
            raise ValueError(
                f"key must be given, in {KEY_VARIABLE} or in "
                f"{_key_place(self._key_file)}, to read a model file, got none"
            )
        return self._key


class VerifiedModel:
    """What a signed file holds, not yet unpacked; made by ``ModelSerializer.open``."""

    def __init__(self, header: Mapping[str, Any], payload: bytes, digest: str) -> None:
        self.digest = digest  # SHA-256 of the whole file
        self.format = as_format(header["format"])
        about = header["metadata"]
        self.metadata = None if about is None else ModelMetadata(**about)
        self._compressed = header["compressed"]
        if not isinstance(self._compressed, bool):
            raise TypeError(f"compressed must be a bool, got {self._compressed!r}")
        self._payload = payload

    def unpack(self, model_class: ModuleBuilder | None = None) -> Any:
        """Return the model; this runs what a pickle says."""
        content = zlib.decompress(self._payload) if self._compressed else self._payload
        return formats.load(content, self.format, model_class)


def load_sklearn_model(
    path: str | os.PathLike[str], *, serializer: ModelSerializer | None = None
) -> Any:
    """Return the scikit-learn model of a signed file, by default with the default key.

    Raises ``TypeError`` where the file holds something that cannot predict.
    """
    model = (serializer or ModelSerializer()).load(path)
    if not hasattr(model, "predict"):
        raise TypeError(f"path must hold a model, got {type(model).__name__} at {path}")
    return model


def load_pytorch_model(
    path: str | os.PathLike[str],
    model_class: ModuleBuilder,
    *,
    serializer: ModelSerializer | None = None,
) -> Any:
    """Return the module of a signed file, built by ``model_class``, ready to serve."""
    chosen = serializer or ModelSerializer()
    return chosen.load(path, ModelFormat.PYTORCH, model_class)


def checked_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return a copy of ``metrics`` as plain floats by name."""
    if not isinstance(metrics, Mapping):
        raise TypeError(f"metrics must be numbers by name, got {metrics!r}")
    for name, value in metrics.items():
        _require_text("metrics", name)
        if not isinstance(value, int | float | np.integer | np.floating):
            raise TypeError(f"metrics must be numbers, got {value!r} for {name!r}")
    return {str(name): float(value) for name, value in metrics.items()}


def _names(argument: str, names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise TypeError(f"{argument} must be a sequence of names, got {names!r}")
    copied = tuple(names)
    for name in copied:
        _require_text(argument, name)
    return copied


def _require_text(argument: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be text, got {value!r}")


def _as_path(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be text or a path, got {path!r}")
    require("\0" not in os.fspath(path), "path", "without a NUL character", path)
    return Path(path)


def _key_place(key_file: Path | None) -> Path:
    if key_file is not None:
        return key_file
    settings = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(settings) / "ml-dojo" / "model-signing.key"


def _key_there_is(key_file: Path | None) -> bytes | None:
    text = os.environ.get(KEY_VARIABLE)
    if text is not None:
        key = text.encode("utf-8", "surrogateescape")
        require_key(key, f" in {KEY_VARIABLE}")
        return key
    try:
        return _read_key(_key_place(key_file))
    except FileNotFoundError:
        return None


def _make_key(file: Path) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(file.with_name(LOCK)):
        if not file.exists():  # nobody was faster
            key = secrets.token_hex(32).encode()
            write_atomically(file, [key], mode=_PRIVATE, locked=True)
    return _read_key(file)


def _read_key(file: Path) -> bytes:
    key = read_whole(file, follow_links=False, private=True)
    require_key(key, f" in {file}")
    return key
