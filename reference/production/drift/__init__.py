"""Drift between a reference sample and a current one, by feature and in streams."""

from reference.production.drift.chi_square import (
    ChiSquareResult,
    chi_square_survival,
    chi_square_test,
)
from reference.production.drift.correction import benjamini_hochberg, bonferroni
from reference.production.drift.detector import DriftDetector, DriftResult
from reference.production.drift.kolmogorov import kolmogorov_survival
from reference.production.drift.kolmogorov_smirnov import KSResult, ks_test
from reference.production.drift.sketch import QuantileSketch
from reference.production.drift.stability import psi, psi_critical_value
from reference.production.drift.streaming import (
    StreamingDriftDetector,
    StreamingDriftResult,
)
from reference.production.drift.summary import StreamSummary

__all__ = [
    "ChiSquareResult",
    "DriftDetector",
    "DriftResult",
    "KSResult",
    "QuantileSketch",
    "StreamSummary",
    "StreamingDriftDetector",
    "StreamingDriftResult",
    "benjamini_hochberg",
    "bonferroni",
    "chi_square_survival",
    "chi_square_test",
    "kolmogorov_survival",
    "ks_test",
    "psi",
    "psi_critical_value",
]
