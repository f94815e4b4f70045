"""Stands between the modules of the judge and whoever finds them."""

from collections.abc import Callable
from types import ModuleType


class Shield(ModuleType):
    """Stands for a module in ``sys.modules``, and asks who wants what of it."""

    def __init__(
        self,
        module: ModuleType,
        may_use: Callable[[ModuleType, str], None],
    ) -> None:
        super().__init__(module.__name__)
        own = object.__getattribute__(self, "__dict__")
        own["_module"], own["_may_use"] = module, may_use

    def __getattribute__(self, name: str) -> object:
        own = object.__getattribute__(self, "__dict__")
        module = own["_module"]
        # What is not there tells nothing: pickle asks every module for every name.
        told = name == "__dict__" or (name[:2] != "__" and name in vars(module))
        if told:
            own["_may_use"](module, name)
        return getattr(module, name)

    def __setattr__(self, name: str, value: object) -> None:
        own = object.__getattribute__(self, "__dict__")
        own["_may_use"](own["_module"], name)
        setattr(own["_module"], name, value)

    def __delattr__(self, name: str) -> None:
        own = object.__getattribute__(self, "__dict__")
        own["_may_use"](own["_module"], name)
        delattr(own["_module"], name)
