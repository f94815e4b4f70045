"""A small language model over words: counting, smoothing and sampling, in NumPy."""

from reference.llm.language_model.kneser_ney import Distribution, KneserNey, Mixture
from reference.llm.language_model.model import LanguageModel
from reference.llm.language_model.relevance import PassageIndex
from reference.llm.language_model.sampling import Sampling, draw, reshape
from reference.llm.language_model.stopping import StopFilter
from reference.llm.language_model.vocabulary import Vocabulary, tokenize

__all__ = [
    "Distribution",
    "KneserNey",
    "LanguageModel",
    "Mixture",
    "PassageIndex",
    "Sampling",
    "StopFilter",
    "Vocabulary",
    "draw",
    "reshape",
    "tokenize",
]
