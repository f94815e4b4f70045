"""An embedding cache with single flight.

Embedding a text costs milliseconds and money, and the same texts come again and again:
within a batch, in later batches, and in batches of other threads at the same moment. A
cache alone does not help with the last: all of them miss together, and all compute.
Single flight does: what one caller is computing, others wait for.

Write `EmbeddingCache(cache_backend, hash_algorithm="sha256")`. The backend has
`get(key)`, which returns the stored value or None, and `set(key, value, ttl) -> bool`,
which may refuse (False). It takes what JSON can carry, and brings it back as JSON does;
any thread may call it.

- `get(text)` returns the embedding, an array of shape (d,), or None.
- `set(text, embedding, ttl=None)` stores an array of shape (d,) and returns what the
  backend returns.
- `get_or_compute(texts, embed_fn, ttl=None)` returns the embeddings of n texts, shape
  (n, d), row i for text i. `embed_fn(missing)` gets a list of the texts that miss, each
  once, in order of first appearance, and returns m rows, an array-like of shape (m, d).
  It is called once, or not at all where nothing is missing. New rows are stored for
  `ttl` seconds. No texts give shape (0, 0).

The key in the backend ends with the digest, in hex, of the text in UTF-8 by
`hash_algorithm`, one of hashlib's; what stands before it, if anything, is yours. So
keys are short whatever the texts are, and texts that differ at all are not mixed up.

Arrays are of float16, float32 or float64, and come back bit for bit in their own dtype,
with −0.0 and the payload of each NaN, so decimal numbers will not do. What is
returned is the caller's: to write to it, or to the array that was handed over, changes
no later answer.

Single flight, over any number of threads:

- A text that a call is computing is not computed by another one. That one waits for it,
  and gets it even where the backend refuses to store it.
- Where the computation fails, its own caller gets the exception and nothing is stored.
  Those who waited try for themselves: one of them computes again, the others wait.
- Calls for different texts do not wait for each other. However batches overlap, no call
  waits without end, and a failed call leaves nothing on which others would wait.

`TypeError` that names `texts` where it is a single text. `ValueError` that names the
argument: `hash_algorithm` that hashlib does not have; `embedding` without exactly one
axis; `embed_fn` where it does not return shape (m, d), and nothing is stored then.

Source: the package golang.org/x/sync/singleflight of the Go project, for the name and
the idea; RFC 4648, section 4, for base64.

In production: processes on several machines share the backend and compute a text once
each, which is mostly good enough; every model and version has keys of its own.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.floating[Any]]


class Backend(Protocol):
    """What the embeddings are kept in."""

    def get(self, key: str) -> object:
        """Return the value of `key`, or None."""

    def set(self, key: str, value: object, ttl: float | None = None) -> bool:
        """Store `value` for `ttl` seconds and return whether it was stored."""


class EmbeddingCache:
    """Embeddings by a digest of their text, each computed by one caller at a time."""

    def __init__(self, cache_backend: Backend, hash_algorithm: str = "sha256") -> None:
        """Keep embeddings in `cache_backend`."""
        raise NotImplementedError

    def get(self, text: str) -> Vector | None:
        """Return the embedding of `text`, shape (d,), or None."""
        raise NotImplementedError

    def set(self, text: str, embedding: ArrayLike, ttl: float | None = None) -> bool:
        """Store a vector of shape (d,) and return whether the backend has taken it."""
        raise NotImplementedError

    def get_or_compute(
        self,
        texts: Sequence[str],
        embed_fn: Callable[[list[str]], ArrayLike],
        ttl: float | None = None,
    ) -> Vector:
        """Return the embeddings of n texts, shape (n, d), computing those that miss."""
        raise NotImplementedError
