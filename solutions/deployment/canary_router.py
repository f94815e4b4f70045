"""Canary routing with automatic rollback.

A new version of a model, the canary, first gets a small share of the traffic. Who gets
it must not change from request to request, so the choice hangs on a key (a user, a
session) alone. A hash spreads the keys evenly over [0, 1):

    u(key) = (the first 8 bytes of SHA-256 of "salt:key", as a big-endian integer) / 2⁶⁴
    the canary answers  where  u(key) < share

A greater share only adds keys to the canary and takes none away, and another salt
draws other keys.

When is the canary so bad that it must go? Looking at a p-value after each request finds
a "significant" one sooner or later in any canary. Wald's sequential test may be looked
at each time. With p₀ the error rate that is acceptable and p₁ > p₀ one that is harmful,
let every answer of the canary add to

    S += log(p₁ / p₀)                  where it was an error
    S += log((1 − p₁) / (1 − p₀))      where it was not

and roll back when S ≥ log(1 / α). While the error rate is p₀ or less, exp(S) is a
supermartingale that begins at 1, and the chance that it ever reaches 1/α is at most α
(Ville's inequality). Good answers pull S down without end, which is the price: after
long success a canary that turns bad is found later.

Write `CanaryRouter(stable, canary, share=0.1, *, acceptable_error_rate=0.01,
harmful_error_rate=0.05, alpha=0.01, salt="")`; `stable` and `canary` are the names of
two versions.

- `route(key)` returns one of the two names.
- `record(version, error)` counts an answer of either version, and moves S where it is
  the canary's. Once S has reached log(1/α) the router is rolled back, for good: all
  keys go to `stable`, and later answers are counted only. `rolled_back` tells.
- `error_rate(version)` is errors divided by answers; None where there was no answer.
- `set_share(share)` changes the share. `rollback()` rolls back by hand. `promote()`
  gives all keys to the canary, where it goes on being watched; a bad one is still
  rolled back. After a rollback it raises `RuntimeError`, which names the canary.

`ValueError` that names the argument, before anything changes: `share` outside [0, 1];
`acceptable_error_rate` not in (0, 1); `harmful_error_rate` not above it and below 1;
`alpha` not in (0, 1); `canary` equal to `stable`; `version` that is neither.

Sources: Wald, "Sequential Tests of Statistical Hypotheses", Annals of Mathematical
Statistics 16 (1945), section 3; Ville, Étude critique de la notion de collectif (1939).

In production: an error is also an answer that came too late, the counts of all servers
flow together, and a person is told of the rollback.
"""

import hashlib
import math


class CanaryRouter:
    """Sends a share of the keys to the canary until it errs too often.

    `rolled_back` tells whether all keys go to the stable version for good.
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
        """Begin without any answer."""
        if canary == stable:
            raise ValueError(f"canary must not be the stable version, got {canary!r}")
        if not 0 < acceptable_error_rate < 1:
            message = (
                f"acceptable_error_rate must be in (0, 1), {acceptable_error_rate}"
            )
            raise ValueError(message)
        if not acceptable_error_rate < harmful_error_rate < 1:
            message = f"harmful_error_rate must be above, got {harmful_error_rate}"
            raise ValueError(message)
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be in (0, 1), got {alpha}")
        self.rolled_back = False
        self._stable = stable
        self._canary = canary
        self._salt = salt
        self._step = {
            True: math.log(harmful_error_rate / acceptable_error_rate),
            False: math.log((1 - harmful_error_rate) / (1 - acceptable_error_rate)),
        }
        self._limit = math.log(1 / alpha)
        self._evidence = 0.0
        self._answers = {stable: 0, canary: 0}
        self._errors = {stable: 0, canary: 0}
        self.set_share(share)

    def route(self, key: str) -> str:
        """Return the version that answers the requests of `key`."""
        digest = hashlib.sha256(f"{self._salt}:{key}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        if place < self._share and not self.rolled_back:
            return self._canary
        return self._stable

    def record(self, version: str, error: bool) -> None:
        """Count an answer of `version`, and roll back where the canary is too bad."""
        self._check(version)
        self._answers[version] += 1
        self._errors[version] += error
        if version == self._canary:
            self._evidence += self._step[error]
            if self._evidence >= self._limit:
                self.rollback()

    def error_rate(self, version: str) -> float | None:
        """Return the share of errors in the answers of `version`."""
        self._check(version)
        answers = self._answers[version]
        return self._errors[version] / answers if answers else None

    def set_share(self, share: float) -> None:
        """Give the canary this share of the keys."""
        if not 0 <= share <= 1:
            raise ValueError(f"share must be in [0, 1], got {share}")
        self._share = share

    def promote(self) -> None:
        """Give all keys to the canary."""
        if self.rolled_back:
            raise RuntimeError(f"{self._canary} was rolled back")
        self._share = 1.0

    def rollback(self) -> None:
        """Give all keys to the stable version, for good."""
        self.rolled_back = True

    def _check(self, version: str) -> None:
        if version not in self._answers:
            raise ValueError(f"version must be one of two, got {version!r}")
