"""The page in a real browser: nothing sticks out, and there is something to look at.

The screenshots lie in ``.dojo/artefacts``, or where ``INTERVIEW_ARTEFACTS`` says.
"""

import os
from pathlib import Path

import pytest

from interviews.report import write
from tests.interviews.report import browser
from tests.interviews.report.logs import Script, theory
from tests.interviews.report.showcase import showcase

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(
    not browser.CHROMIUM, reason="no Chromium is on the path to show the page in"
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    showcase().write(folder)
    return write(folder)[1]


@pytest.mark.parametrize("width", [320, 380, 768, 1440])
def test_nothing_is_wider_than_the_window(
    shown: Path, width: int, tmp_path: Path
) -> None:
    wide, sticking_out = browser.overflow(shown, width, tmp_path)
    assert (wide, sticking_out) == (width, "")


def test_words_of_a_score_are_whole_on_a_telephone(tmp_path: Path) -> None:
    script = theory(Script("mid", (("theory", 20.0), ("coding", 30.0))), "+-")
    script.open("coding").end("aborted").write(tmp_path)
    page = write(tmp_path)[1]
    assert "not measured" in page.read_text(encoding="utf-8")
    found = browser.lines_of(page, "not measured", 380, tmp_path)
    assert len(found) >= 2, "of a dimension, and of a round that did not end"
    assert max(found) <= 2, "broken elsewhere than between the two words"


@pytest.mark.parametrize("width", [380, 1440])
@pytest.mark.parametrize(
    ("name", "scheme"), [("light", browser.LIGHT), ("dark", browser.DARK)]
)
def test_screenshots(
    shown: Path, width: int, name: str, scheme: int, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("INTERVIEW_ARTEFACTS") or ROOT / ".dojo" / "artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    image = folder.resolve() / f"report-{width}-{name}.png"
    image.unlink(missing_ok=True)
    browser.screenshot(shown, image, width, scheme, 4200, tmp_path / "profile")
    assert image.read_bytes().startswith(b"\x89PNG")
    assert image.stat().st_size > 50_000
