"""How the tests of the assertions look at a failure."""

from collections.abc import Callable

import pytest

from dojo.testing import Mismatch


def mismatch(
    assertion: Callable[..., object], *args: object, **kwargs: object
) -> Mismatch:
    """Call an assertion that must fail; return what it raises."""
    with pytest.raises(Mismatch) as caught:
        assertion(*args, **kwargs)
    return caught.value
