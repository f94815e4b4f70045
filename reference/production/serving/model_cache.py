"""The models that are loaded now: a bounded number, by name, each loaded once."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from reference.production.serving.arguments import (
    checked_callable,
    checked_count,
    checked_text,
)

M = TypeVar("M")


class ModelCache(Generic[M]):
    """At most ``max_models`` models by name; the least recently used one leaves first.

    ``load_model``, ``get_model`` and ``get_or_load`` are uses of a name. All methods
    may be called from several threads at once. No lock is held while a loader runs, so
    that a slow one delays only those who ask for its name.

    Raises ``TypeError`` where ``max_models`` is no integer, ``ValueError`` below one.
    """

    def __init__(self, max_models: int = 8) -> None:
        self._max_models = checked_count(max_models, "max_models")
        # Reentrant, as dropping a model may run its finalizer, which may come back.
        self._lock = threading.RLock()
        self._models: OrderedDict[str, M] = OrderedDict()  # least recently used first
        self._loading: dict[str, _Loading[M]] = {}

    def load_model(self, name: str, model: M) -> None:
        """Add ``model``, or swap it for the one of that name; it is the most recent.

        A loader of ``get_or_load`` that is still at work on the name comes too late:
        its model goes to those who wait for it, and is not kept. Raises ``TypeError``
        where ``name`` is no text or ``model`` is None, which means that there is none.
        """
        checked_text(name, "name")
        _check_model(model, "model")
        with self._lock:
            self._loading.pop(name, None)
            self._keep(name, model)

    def get_model(self, name: str) -> M | None:
        """Return the model, now the most recent one, or None where there is none."""
        with self._lock:
            return self._find(checked_text(name, "name"))

    def get_or_load(self, name: str, loader: Callable[[], M]) -> M:
        """Return the model of ``name``; where there is none, load it first.

        Callers who ask for one name at the same time share one call of ``loader``, in
        the thread of the first, and its outcome: the model, or the exception that it
        raised, which is not kept, so that the next caller tries again. Different names
        load at the same time. Raises ``RuntimeError`` where a loader asks for the model
        that it is to load, ``TypeError`` where it gives None.
        """
        checked_text(name, "name")
        checked_callable(loader, "loader")
        with self._lock:
            model = self._find(name)
            if model is not None:
                return model
            loading = self._loading.get(name)
            first = loading is None
            if loading is None:
                loading = self._loading[name] = _Loading()
        if first:
            return self._load(name, loader, loading)
        if loading.thread == threading.get_ident():
            raise RuntimeError(f"the loader of {name!r} asks for its own model")
        return loading.outcome.result()

    def unload(self, name: str) -> bool:
        """Remove the model and return whether it was there.

        One that is being loaded goes to those who wait for it, and is not kept.
        """
        checked_text(name, "name")
        with self._lock:
            self._loading.pop(name, None)
            return self._models.pop(name, None) is not None

    def names(self) -> list[str]:
        """Return the names of the loaded models, the least recently used one first."""
        with self._lock:
            return list(self._models)

    def __len__(self) -> int:
        """Return the number of loaded models."""
        with self._lock:
            return len(self._models)

    def _find(self, name: str) -> M | None:
        model = self._models.get(name)
        if model is not None:
            self._models.move_to_end(name)
        return model

    def _keep(self, name: str, model: M) -> None:
        self._models[name] = model
        self._models.move_to_end(name)
        while len(self._models) > self._max_models:
            self._models.popitem(last=False)

    def _load(self, name: str, loader: Callable[[], M], loading: "_Loading[M]") -> M:
        try:
            model = loader()
            _check_model(model, f"what the loader of {name!r} returns")
        except BaseException as error:
            with self._lock:
                self._end(name, loading)
            loading.outcome.set_exception(error)
            raise
        with self._lock:
            if self._end(name, loading):
                self._keep(name, model)
        loading.outcome.set_result(model)
        return model

    def _end(self, name: str, loading: "_Loading[M]") -> bool:
        """End a load; return whether nobody has settled the name in the meantime."""
        if self._loading.get(name) is not loading:
            return False
        del self._loading[name]
        return True


class _Loading(Generic[M]):
    """One call of a loader, in the thread that made this."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.outcome: Future[M] = Future()


def _check_model(model: object, argument: str) -> None:
    if model is None:
        raise TypeError(f"{argument} must be a model, got None")
