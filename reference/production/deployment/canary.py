"""A canary release: a share of the keys, and a test that ends it when it harms.

Standard library and NumPy's bool only.
"""

import hashlib
import math
import threading
from dataclasses import dataclass

import numpy as np

from reference.core.validation import require

_HASHES = 2.0**64


@dataclass
class _Counts:
    requests: int = 0
    errors: int = 0


class CanaryRouter:
    """Send ``share`` of the keys to ``canary``, the others to ``stable``.

    A key's place is its hash, not chance: it always gets the same version, and a share
    that grows only adds keys to the canary's.

    After each recorded request of the canary, Wald's sequential probability ratio test
    (A. Wald, "Sequential tests of statistical hypotheses", Annals of Mathematical
    Statistics 16(2), 1945) weighs ``harmful_error_rate`` p1 against
    ``acceptable_error_rate`` p0; only its upper boundary ends anything. Once the
    likelihood ratio reaches 1 / ``alpha``, all traffic goes to ``stable`` for good. For
    any error rate up to p0 the ratio is a nonnegative supermartingale that starts at 1,
    so the probability that it *ever* gets there is at most ``alpha`` (Ville's
    inequality), however often one looks. The promise is for independent requests.

    ``salt`` sets one release's choice of keys apart from another's. The counts are
    those of this router: each process that has its own runs its own test. Thread-safe.
    """

    def __init__(
        self,
        stable: str,
        canary: str,
        share: float = 0.1,
        *,
        acceptable_error_rate: float = 0.01,
        harmful_error_rate: float = 0.05,
        alpha: float = 0.01,
        salt: str = "",
    ) -> None:
        for argument, text in (("stable", stable), ("canary", canary), ("salt", salt)):
            _require_text(argument, text)
        require(stable != canary, "canary", "another version than stable", canary)
        _require_share(share)
        _require_rate("acceptable_error_rate", acceptable_error_rate)
        _require_rate("harmful_error_rate", harmful_error_rate)
        _require_rate("alpha", alpha)
        require(
            acceptable_error_rate < harmful_error_rate,
            "harmful_error_rate",
            f"above acceptable_error_rate ({acceptable_error_rate})",
            harmful_error_rate,
        )
        self.stable = stable
        self.canary = canary
        self._salt = salt
        self._share = float(share)
        p0, p1 = acceptable_error_rate, harmful_error_rate
        self._step_error = math.log(p1) - math.log(p0)  # p1 / p0 may overflow
        # log1p: a step of rates near zero keeps its digits
        self._step_success = math.log1p(-p1) - math.log1p(-p0)
        self._boundary = -math.log(alpha)  # 1 / alpha may overflow
        self._counts = {stable: _Counts(), canary: _Counts()}
        self._rolled_back = False
        self._guard = threading.Lock()

    @property
    def share(self) -> float:
        """The share of keys asked for; a rollback leaves it as it was."""
        return self._share

    @property
    def rolled_back(self) -> bool:
        """Whether all traffic goes to ``stable``, for good."""
        return self._rolled_back

    @property
    def log_likelihood_ratio(self) -> float:
        """The evidence against the canary so far: rolled back from log(1/alpha) on."""
        with self._guard:
            return self._evidence()

    def route(self, key: str) -> str:
        """Return the version that serves ``key``."""
        _require_text("key", key)
        if self._rolled_back:
            return self.stable
        # a lone surrogate is a poor key, but no reason to refuse a request
        text = f"{self._salt}:{key}".encode("utf-8", "surrogatepass")
        place = int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
        # Scaling by a power of two and int < float are exact, so that share 1 is all.
        return self.canary if place < self._share * _HASHES else self.stable

    def record(self, version: str, error: bool) -> None:
        """Count a request that ``version`` served and whether it failed."""
        if not isinstance(error, bool | np.bool_):
            raise TypeError(f"error must be a bool, got {error!r}")
        with self._guard:
            counts = self._counts_of(version)
            counts.requests += 1
            counts.errors += bool(error)
            if self._evidence() >= self._boundary:
                self._rolled_back = True

    def error_rate(self, version: str) -> float | None:
        """Return the recorded share of errors of ``version``; None without requests."""
        with self._guard:
            counts = self._counts_of(version)
            return counts.errors / counts.requests if counts.requests else None

    def set_share(self, share: float) -> None:
        """Change the share of keys; after a rollback this moves no traffic."""
        _require_share(share)
        with self._guard:
            self._share = float(share)

    def promote(self) -> None:
        """Send all traffic to the canary; the test goes on and may still end it."""
        with self._guard:
            if self._rolled_back:
                raise RuntimeError(f"canary {self.canary!r} has been rolled back")
            self._share = 1.0

    def rollback(self) -> None:
        """Send all traffic to ``stable``, for good."""
        with self._guard:
            self._rolled_back = True

    def _evidence(self) -> float:
        # from the counts: no rounding adds up over millions of requests
        counts = self._counts[self.canary]
        successes = counts.requests - counts.errors
        return counts.errors * self._step_error + successes * self._step_success

    def _counts_of(self, version: str) -> _Counts:
        known = isinstance(version, str) and version in self._counts
        require(known, "version", f"{self.stable!r} or {self.canary!r}", version)
        return self._counts[version]


def _require_text(argument: str, value: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be text, got {value!r}")


def _require_number(argument: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating):
        raise TypeError(f"{argument} must be a number, got {value!r}")


def _require_share(share: float) -> None:
    _require_number("share", share)
    require(0 <= share <= 1, "share", "in [0, 1]", share)


def _require_rate(argument: str, value: float) -> None:
    _require_number(argument, value)
    require(0 < value < 1, argument, "in (0, 1)", value)
