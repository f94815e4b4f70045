"""The container of a model file: a header and a payload under one signature.

Layout, without gaps::

    8 bytes   magic, which ends in the version of this layout
    32 bytes  HMAC-SHA256 (RFC 2104) of the magic and of all that follows the signature
    4 bytes   length of the header, big-endian
    n bytes   header, a JSON object in ASCII
    the rest  payload

The signature covers header and payload together, so that neither can be changed or
taken from another file, and it is checked before anything is parsed.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

from reference.core.validation import require
from reference.production.files import IntegrityError

MINIMUM_KEY_BYTES = 16
_MAGIC = b"\x89MODEL\n\x01"
_SIGNATURE_BYTES = hashlib.sha256().digest_size
_START = len(_MAGIC) + _SIGNATURE_BYTES
_LENGTH_BYTES = 4


def require_key(key: bytes, source: str = "") -> None:
    """Raise unless ``key`` is bytes and long enough; no message shows the key."""
    if not isinstance(key, bytes):
        raise TypeError(f"key must be bytes, got {type(key).__name__}")
    if len(key) < MINIMUM_KEY_BYTES:
        raise ValueError(
            f"key must be at least {MINIMUM_KEY_BYTES} bytes, got {len(key)}{source}"
        )


def seal(key: bytes, header: Mapping[str, object], payload: bytes) -> bytes:
    """Return the bytes of a file that holds ``header`` and ``payload``, signed."""
    text = json.dumps(header).encode("ascii")
    signed = len(text).to_bytes(_LENGTH_BYTES, "big") + text + payload
    return _MAGIC + _signature(key, memoryview(signed)) + signed


def unseal(key: bytes, content: bytes, path: Path) -> tuple[dict[str, object], bytes]:
    """Return header and payload of ``content``, which was read from ``path``.

    Raises ``IntegrityError`` unless ``seal`` made exactly these bytes with this key.
    """
    if len(content) < _START + _LENGTH_BYTES or not content.startswith(_MAGIC):
        raise IntegrityError(_refusal(path, "a file of another kind, or a torn one"))
    given = content[len(_MAGIC) : _START]
    signed = memoryview(content)[_START:]
    if not hmac.compare_digest(given, _signature(key, signed)):
        raise IntegrityError(_refusal(path, "another signature"))
    start = _LENGTH_BYTES + int.from_bytes(signed[:_LENGTH_BYTES], "big")
    try:
        header = json.loads(bytes(signed[_LENGTH_BYTES:start]))
        require(isinstance(header, dict), "header", "a JSON object", header)
    except (ValueError, RecursionError) as error:
        raise another_version(path, error) from error
    return header, bytes(signed[start:])


def another_version(path: Path, reason: object) -> IntegrityError:
    """Return the error for a sound file that another version of this program wrote."""
    found = f"one of another version ({reason})"
    return IntegrityError(
        f"path must be a model file of this version, got {found} at {path}"
    )


def _signature(key: bytes, signed: memoryview) -> bytes:
    code = hmac.new(key, _MAGIC, hashlib.sha256)
    code.update(signed)
    return code.digest()


def _refusal(path: Path, found: str) -> str:
    return f"path must be a model file signed with this key, got {found} at {path}"
