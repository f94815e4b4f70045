"""A cache of loaded models.

A server has more models than memory. It loads one when somebody asks for it, keeps
those that were used last, and swaps one for a newer version while requests go on.

Write `ModelCache(max_models=8)`. A model is any object but None; also one that is
false, as an empty list is. A name has at most one model, and at most `max_models`
models are kept: one more, and the least recently used one is dropped.

- `load_model(name, model)` keeps the model; one that the name had is swapped for it.
- `get_model(name)` returns the model, or None where there is none.
- `get_or_load(name, loader)` returns the model. Where there is none, it calls
  `loader()`, keeps what that returns, and returns it.
- `unload(name)` drops the model; it returns True if there was one, else False.
- `names()` returns a new list of the names that have a model, the least recently used
  one first. What `load_model`, `get_model` and `get_or_load` keep or return becomes the
  most recently used one; `unload` and `names` are no use of anything.

Threads share a cache: each change is one step for them. What they see of a load:

- Single flight: whoever asks `get_or_load` for a name while it is being loaded waits
  for that load and gets its outcome; no second loader is called. The loader runs in the
  thread of the one who came first.
- Nothing else waits for a load: meanwhile other names are loaded, and every other
  method answers at once, as if there were no model of that name yet. A loader may ask
  the cache for other names.
- Where a loader raises anything at all, SystemExit included, everyone who waits for it
  gets that exception. A loader that returns None is one that raises `TypeError`. A
  failure is not kept: who asks next loads again.
- `load_model` or `unload` of a name during its load settles that name: the late model
  still goes to those who wait for it, but it is not kept, and whoever asks from then on
  has nothing to do with that load. If it has to be loaded again, that is a new flight,
  which the end of the old one leaves alone.
- `RuntimeError` where a loader asks `get_or_load` for the name that it is to load,
  itself or by the loader of another name: it would wait for itself. For the loader this
  is an exception like any other.

`ValueError` that names the argument: `max_models` below 1. `TypeError`, likewise:
`model` is None. What is refused changes nothing.

Source: the package singleflight of golang.org/x/sync, which first stood in groupcache
(Fitzpatrick, 2013); for the policy, Silberschatz, Galvin, Gagne, Operating System
Concepts (9th edition, 2012), section 9.4.4.

In production: the bound is on bytes instead of models, a new version is warmed up
before it is swapped in, and requests that have the old one in their hands finish
with it.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

Model = TypeVar("Model")


class ModelCache(Generic[Model]):
    """Keeps the models that were used last, and loads each of them once."""

    def __init__(self, max_models: int = 8) -> None:
        """Begin without any model."""
        raise NotImplementedError

    def load_model(self, name: str, model: Model) -> None:
        """Keep `model` under this name, in place of the one that it had."""
        raise NotImplementedError

    def get_model(self, name: str) -> Model | None:
        """Return the model, or None where there is none."""
        raise NotImplementedError

    def get_or_load(self, name: str, loader: Callable[[], Model]) -> Model:
        """Return the model; load it first if there is none."""
        raise NotImplementedError

    def unload(self, name: str) -> bool:
        """Drop the model, and return whether there was one."""
        raise NotImplementedError

    def names(self) -> list[str]:
        """Return the names of the models, the least recently used one first."""
        raise NotImplementedError
