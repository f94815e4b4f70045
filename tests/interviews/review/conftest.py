from tests.dojo.conftest import tree

__all__ = ["tree"]
