"""Lines of text: what the candidate typed, made harmless, and what is shown."""

import math
import re
import textwrap
import unicodedata

LONGEST = 20_000
WIDTH = 80
# Code, values and addresses stay as they are.
_VERBATIM = re.compile(
    r" {4}(?! *[✓✗•-] )|\s*(got|expected|detail|line \d+): |.*://|\s*/\S*$"
)
_INDENT = re.compile(r"\s*([✓✗•|-] )?")
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


def fitted(line: str) -> list[str]:
    """Break a line of prose that is wider than the screen, below its own beginning.

    Lines that fit are left as they are, and so is what is indented like code.
    """
    if len(line) <= WIDTH or _VERBATIM.match(line):
        return [line]
    found = _INDENT.match(line)
    further = " " * found.end() if found else ""
    return textwrap.wrap(
        line,
        WIDTH,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def no_such_key(text: str) -> str:
    """Say that a line begins with a command that there is not."""
    return f"No such key here: {text.split(maxsplit=1)[0]}. /help shows all keys."
