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
        raise NotImplementedError

    def route(self, key: str) -> str:
        """Return the version that answers the requests of `key`."""
        raise NotImplementedError

    def record(self, version: str, error: bool) -> None:
        """Count an answer of `version`, and roll back where the canary is too bad."""
        raise NotImplementedError

    def error_rate(self, version: str) -> float | None:
        """Return the share of errors in the answers of `version`."""
        raise NotImplementedError

    def set_share(self, share: float) -> None:
        """Give the canary this share of the keys."""
        raise NotImplementedError

    def promote(self) -> None:
        """Give all keys to the canary."""
        raise NotImplementedError

    def rollback(self) -> None:
        """Give all keys to the stable version, for good."""
        raise NotImplementedError
