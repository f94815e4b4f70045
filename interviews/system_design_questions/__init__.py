"""System design prompts: staged questions whose numbers are computed.

One prompt is three files: ``<id>.toml`` (what is asked, told and looked for),
``<id>.py`` (pure functions for every derived number; ``NUMBERS`` names them, each
with its unit) and ``<id>.md`` (an exemplar answer, ``## <stage>`` by stage). In all
texts ``{name}`` stands for the number of that function, or of that assumption.
"""

from functools import lru_cache
from pathlib import Path

from interviews.system_design_questions.prompt import Prompt
from interviews.system_design_questions.reading import read_prompt
from interviews.system_design_questions.table import PromptError

__all__ = ["Prompt", "PromptError", "prompts"]


@lru_cache
def prompts(folder: Path = Path(__file__).parent) -> tuple[Prompt, ...]:
    """Return every prompt of ``folder``, by id; raise PromptError for a broken one."""
    return tuple(read_prompt(file) for file in sorted(folder.glob("*.toml")))
