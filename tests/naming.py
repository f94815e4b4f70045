"""Names of cases that are the same in every process."""

import re


def shown(value: object) -> str:
    """Return the repr without addresses: processes that share tests must agree."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
