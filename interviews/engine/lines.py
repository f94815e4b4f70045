"""Lines of text: what the candidate typed, made harmless, and times to show."""

import math
import re
import unicodedata

LONGEST = 20_000
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def clean(text: str) -> tuple[str, bool]:
    """Return a line without control characters, and whether it was cut as too long.

    Line ends and tabs become spaces; what is no character (half a surrogate pair)
    goes, as do the codes that terminals send for keys and colours.
    """
    cut = len(text) > LONGEST
    text = _ESCAPE.sub("", re.sub(r"[\t\r\n]", " ", text[:LONGEST]))
    kept = (c for c in text if unicodedata.category(c) not in ("Cc", "Cs"))
    return "".join(kept).strip(), cut


def minutes_and_seconds(seconds: float) -> str:
    """Show a time that is left, as in 14:32; a begun second is still there."""
    whole = max(0, math.ceil(seconds - 1e-6))
    return f"{whole // 60}:{whole % 60:02d}"
