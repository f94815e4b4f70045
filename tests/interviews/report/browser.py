"""Headless Chromium, to look at a page and to measure it."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from html import escape
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), "")
LIGHT, DARK = 1, 0

_WRAPPER = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="page" style="width:{width}px;height:900px;border:0" srcdoc="{page}">
</iframe>
<script>
addEventListener("load", () => {{
  const root = document.getElementById("page").contentDocument.documentElement;
  const wide = [...root.querySelectorAll("body *")].filter(
    e => e.getBoundingClientRect().right > {width} + 0.5 && !e.closest("svg"));
  document.body.dataset.measured = root.scrollWidth + "|" +
    wide.map(e => e.tagName + "." + e.getAttribute("class")).slice(0, 5).join(" ");
}});
</script>"""

_LINES = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="page" style="width:{width}px;height:900px;border:0" srcdoc="{page}">
</iframe>
<script>
addEventListener("load", () => {{
  const page = document.getElementById("page").contentDocument;
  const cells = [...page.querySelectorAll("td")].filter(
    e => e.textContent.trim() == "{text}");
  document.body.dataset.measured = cells.map(cell => {{
    const range = page.createRange();
    range.selectNodeContents(cell);
    return new Set([...range.getClientRects()].map(r => Math.round(r.top))).size;
  }}).join(" ");
}});
</script>"""


def screenshot(
    page: Path, image: Path, width: int, scheme: int, height: int, profile: Path
) -> None:
    """Photograph a page as wide as ``width`` pixels, dark or light."""
    # A window is never narrower than 500 px: a narrow page stands in a frame.
    framed = image.with_suffix(".html")
    style = f"width:{width}px;height:{height}px;border:0"
    framed.write_text(
        '<!doctype html><body style="margin:0;background:#888">'
        f'<iframe src="{page.as_uri()}" style="{style}"></iframe>',
        encoding="utf-8",
    )
    _run(
        f"--screenshot={image}",
        f"--window-size={max(width, 500)},{height}",
        f"--blink-settings=preferredColorScheme={scheme}",
        framed.as_uri(),
        profile=profile,
    )
    framed.unlink()


def overflow(page: Path, width: int, folder: Path) -> tuple[int, str]:
    """Return how wide a page wants to be at ``width`` pixels, and what sticks out."""
    wrapper = folder / f"wrapper-{width}.html"
    framed = escape(page.read_text(encoding="utf-8"))
    wrapper.write_text(_WRAPPER.format(width=width, page=framed), encoding="utf-8")
    dumped = _run("--dump-dom", wrapper.as_uri(), profile=folder / "profile")
    found = re.search(r'data-measured="(\d+)\|([^"]*)"', dumped)
    assert found is not None, "the wrapper's script did not run"
    return int(found[1]), found[2]


def lines_of(page: Path, text: str, width: int, folder: Path) -> list[int]:
    """Return on how many lines each table cell with just this text stands."""
    wrapper = folder / f"lines-{width}.html"
    framed = escape(page.read_text(encoding="utf-8"))
    filled = _LINES.format(width=width, page=framed, text=text)
    wrapper.write_text(filled, encoding="utf-8")
    dumped = _run("--dump-dom", wrapper.as_uri(), profile=folder / "profile")
    found = re.search(r'data-measured="([\d ]*)"', dumped)
    assert found is not None, "the wrapper's script did not run"
    return [int(count) for count in found[1].split()]


def _run(*arguments: str, profile: Path) -> str:
    command: Sequence[str] = (
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--virtual-time-budget=2000",
        f"--user-data-dir={profile}",
        *arguments,
    )
    environment = {**os.environ, "HOME": str(profile.parent)}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=environment,
    )
    shutil.rmtree(profile, ignore_errors=True)
    return done.stdout
