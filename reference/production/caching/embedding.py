"""A cache of embeddings by the text they are of."""

import base64
import binascii
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from reference.production.caching.interface import CacheInterface, check_ttl
from reference.production.caching.lru import LRUCache
from reference.production.caching.single_flight import Publish, SingleFlight
from reference.production.caching.workers import Workers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Vector: TypeAlias = NDArray[np.generic]
    EmbedFunction: TypeAlias = Callable[[list[str]], ArrayLike]
    AsyncEmbedFunction: TypeAlias = Callable[[list[str]], Awaitable[ArrayLike]]

_LOGGER = logging.getLogger(__name__)


class Backend(Protocol):
    """What an embedding cache needs of its backend: every ``CacheInterface`` has it."""

    def get(self, key: str) -> object:
        """Return what is stored under ``key``, or None."""

    def set(self, key: str, value: Any, ttl: float | None = None) -> bool:
        """Store ``value`` for ``ttl`` seconds and return whether it was stored."""


class EmbeddingCache:
    """Embeddings by a hash of their text, each computed by one caller at a time.

    What goes to ``cache_backend`` (default: an ``LRUCache``) is a dict that JSON can
    carry: dtype, shape, and the bytes in base64. So any backend does, and vectors
    come back bit for bit: of the dtype they had, with NaN payloads and negative zero.
    Vectors are of real numbers of at most eight bytes each.

    The key is ``hash_algorithm`` of the text's exact code points (UTF-8, not
    normalised: models tell the forms apart), with ``namespace`` before it. Give each
    model and version a namespace of its own where they share a backend.

    Single flight: a text that one caller computes is not computed by another, in
    whatever thread or event loop; the other waits. Where the computation fails, the
    exception goes to the caller whose it was, nothing is stored, and those who waited
    try for themselves.

    What a method returns is the caller's own: writing to it changes no later answer.
    A backend's value that is no embedding is a miss, and logged.

    Raises ``TypeError`` where an argument is of the wrong type, and ``ValueError``
    where ``hash_algorithm`` is none of hashlib's with a digest of fixed size.
    """

    def __init__(
        self,
        cache_backend: Backend | None = None,
        hash_algorithm: str = "sha256",
        *,
        namespace: str = "",
    ) -> None:
        _check_algorithm(hash_algorithm)
        if not isinstance(namespace, str):
            raise TypeError(f"namespace must be a text, got {namespace!r}")
        self._backend: Backend = LRUCache[Any]()
        if cache_backend is not None:  # an empty cache is no less one
            self._backend = cache_backend
        self._algorithm = hash_algorithm
        self._namespace = namespace
        self._flights: SingleFlight[Vector] = SingleFlight()
        self._workers = Workers()

    def get(self, text: str) -> "Vector | None":
        """Return the embedding of ``text``, shape (d,), or None where there is none."""
        return _unpack(self._backend.get(self._key(text)))

    def set(self, text: str, embedding: "ArrayLike", ttl: float | None = None) -> bool:
        """Store a vector of shape (d,) and return whether the backend has taken it."""
        key = self._key(text)
        vector = _as_numbers(embedding, "embedding")
        if vector.ndim != 1:
            raise ValueError(
                f"embedding must be a vector of shape (d,), got shape {vector.shape}"
            )
        return self._backend.set(key, _pack(vector), ttl)

    def get_batch(self, texts: Sequence[str]) -> "list[Vector | None]":
        """Return what ``get`` does for each text, by few calls of the backend."""
        wanted = _check_texts(texts)
        found = self._read(wanted)
        return [found[text].copy() if text in found else None for text in wanted]

    def set_batch(
        self, texts: Sequence[str], embeddings: "ArrayLike", ttl: float | None = None
    ) -> bool:
        """Store row i of ``embeddings``, shape (n, d), for text i; the last one wins.

        Return whether the backend has taken all.
        """
        wanted = _check_texts(texts)
        rows = _as_rows(embeddings, len(wanted), "embeddings")
        return self._write(dict(zip(wanted, rows, strict=True)), ttl)

    def get_or_compute(
        self,
        texts: Sequence[str],
        embed_fn: "EmbedFunction",
        ttl: float | None = None,
    ) -> "Vector":
        """Return the embeddings of n texts, shape (n, d), computing those that miss.

        ``embed_fn`` gets the missing texts, each once, in order of first appearance,
        and returns an array-like of shape (m, d). It is called once, or not at all
        where nothing misses; again only where another caller failed to compute a text
        that this one waited for. Rows of one dtype keep it; rows of several get their
        common one. No texts give shape (0, 0).

        Raises ``TypeError`` where ``texts`` is no sequence of texts, ``ValueError``
        where the number of rows is not m or their length not that of the rows in the
        cache; nothing is stored then. Must not wait for itself: it raises
        ``RuntimeError`` from within an ``embed_fn`` of this cache, and from a
        coroutine whose event loop is computing one of the texts.
        """
        wanted = _check_call(texts, ttl)

        def work(claimed: list[str], publish: "Publish[Vector]") -> None:
            hits = self._read(claimed)
            publish(hits)
            missing = [text for text in claimed if text not in hits]
            if missing:
                vectors = _name_rows(missing, embed_fn(list(missing)), hits)
                self._write(vectors, ttl)
                publish(vectors)

        return _stack(wanted, self._flights.collect(list(dict.fromkeys(wanted)), work))

    async def aget_or_compute(
        self,
        texts: Sequence[str],
        embed_fn: "AsyncEmbedFunction",
        ttl: float | None = None,
    ) -> "Vector":
        """Do as ``get_or_compute``, with an async ``embed_fn``.

        The backend is asked in a thread of the cache's own, so that the event loop
        never waits for it. A computation that is cancelled, or whose loop is closed,
        has failed: those who waited try for themselves.
        """
        wanted = _check_call(texts, ttl)

        async def work(claimed: list[str], publish: "Publish[Vector]") -> None:
            hits = await self._workers.run(self._read, claimed)
            publish(hits)
            missing = [text for text in claimed if text not in hits]
            if missing:
                vectors = _name_rows(missing, await embed_fn(list(missing)), hits)
                await self._workers.run(self._write, vectors, ttl)
                publish(vectors)

        distinct = list(dict.fromkeys(wanted))
        return _stack(wanted, await self._flights.acollect(distinct, work))

    def _read(self, texts: Iterable[str]) -> "dict[str, Vector]":
        """Return the embeddings that the backend has."""
        keys = {self._key(text): text for text in texts}
        if isinstance(self._backend, CacheInterface):
            stored = self._backend.get_many(keys)
        else:  # anything with get and set will do
            stored = {key: self._backend.get(key) for key in keys}
        unpacked = {keys[key]: _unpack(value) for key, value in stored.items()}
        return {text: each for text, each in unpacked.items() if each is not None}

    def _write(self, vectors: "Mapping[str, Vector]", ttl: float | None) -> bool:
        packed = {self._key(text): _pack(each) for text, each in vectors.items()}
        if isinstance(self._backend, CacheInterface):
            return self._backend.set_many(packed, ttl)
        stored = True
        for key, each in packed.items():
            stored = self._backend.set(key, each, ttl) and stored
        return stored

    def _key(self, text: str) -> str:
        if not isinstance(text, str):
            raise TypeError(f"text must be a text, got {text!r:.60}")
        data = text.encode("utf-8", "surrogatepass")
        digest = hashlib.new(self._algorithm, data, usedforsecurity=False).hexdigest()
        # The digest comes last and has a fixed length: no namespace imitates another.
        return f"embedding:{self._namespace}:{self._algorithm}:{digest}"


def _pack(vector: "Vector") -> dict[str, Any]:
    return {
        "dtype": vector.dtype.str,
        "shape": list(vector.shape),
        "data": base64.b64encode(vector.tobytes()).decode("ascii"),
    }


def _unpack(stored: object) -> "Vector | None":
    """Return the vector, a new array; None where ``stored`` is not a packed one."""
    import numpy as np

    if stored is None:
        return None
    try:
        fields = cast("dict[str, Any]", stored)
        dtype = np.dtype(fields["dtype"])
        if dtype.kind not in "biuf" or len(fields["shape"]) != 1:
            raise ValueError("no vector of real numbers")
        data = base64.b64decode(fields["data"], validate=True)
        return np.frombuffer(data, dtype).reshape(fields["shape"]).copy()
    except (TypeError, ValueError, KeyError, binascii.Error) as error:
        _LOGGER.warning("the backend's value is no embedding: %s", error)
        return None


def _as_numbers(value: "ArrayLike", argument: str) -> "Vector":
    """Convert to an array of its own, of real numbers in their own dtype."""
    import numpy as np

    try:
        array = np.array(value)
    except ValueError as error:
        raise ValueError(f"{argument} must be a regular array, {error}") from error
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(
            f"{argument} must be real numbers of at most 8 bytes, got {array.dtype}"
        )
    return cast("Vector", array)


def _as_rows(value: "ArrayLike", count: int, argument: str) -> "list[Vector]":
    rows = _as_numbers(value, argument)
    if rows.ndim != 2 or rows.shape[0] != count:
        raise ValueError(
            f"{argument} must give shape ({count}, d), a row a text, "
            f"got shape {rows.shape}"
        )
    return list(rows)


def _name_rows(
    texts: Sequence[str], value: "ArrayLike", known: "Mapping[str, Vector]"
) -> "dict[str, Vector]":
    """Return the rows that embed_fn gave by text, once they fit those known."""
    rows = _as_rows(value, len(texts), "embed_fn")
    _check_lengths([*known.values(), *rows])
    return dict(zip(texts, rows, strict=True))


def _check_lengths(vectors: "Iterable[Vector]") -> None:
    lengths = sorted({each.size for each in vectors})
    if len(lengths) > 1:
        raise ValueError(
            "embed_fn must give rows as long as those in the cache, "
            f"got lengths {', '.join(map(str, lengths))}"
        )


def _stack(texts: Sequence[str], vectors: "Mapping[str, Vector]") -> "Vector":
    """Return a new array with the vector of each text as a row."""
    import numpy as np

    if not texts:
        return np.empty((0, 0))
    _check_lengths(vectors.values())
    dtypes = {each.dtype for each in vectors.values()}
    # result_type of one dtype would turn it to the machine's byte order.
    dtype = dtypes.pop() if len(dtypes) == 1 else np.result_type(*dtypes)
    stacked = np.empty((len(texts), vectors[texts[0]].size), dtype)
    for row, text in enumerate(texts):
        stacked[row] = vectors[text]
    return stacked


def _check_call(texts: Sequence[str], ttl: float | None) -> list[str]:
    # Before anything is computed: the backend would refuse it too late.
    if ttl is not None:
        check_ttl(ttl, "ttl")
    return _check_texts(texts)


def _check_texts(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise TypeError(f"texts must be a sequence of texts, got {texts!r:.60}")
    wanted = list(texts)
    for text in wanted:
        if not isinstance(text, str):
            raise TypeError(
                f"texts must be a sequence of texts, got {text!r:.60} in it"
            )
    return wanted


def _check_algorithm(name: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"hash_algorithm must be a text, got {name!r}")
    try:
        # Digests of free length (SHAKE) have size zero here.
        usable = hashlib.new(name, usedforsecurity=False).digest_size > 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            "hash_algorithm must be one of hashlib's with a digest of fixed size, "
            f"got {name!r}"
        )
