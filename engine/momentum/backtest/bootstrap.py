"""The stationary bootstrap: other histories that could have come from the same source as the one that did.

Source: Politis and Romano (1994), The Stationary Bootstrap, Journal of the American Statistical Association 89(428).
"""

from __future__ import annotations

import math

import numpy as np

from momentum.backtest.ratios import Numbers

_ROUNDING = 1e-12
_QUIET = 2.0  # an autocorrelation below this many sqrt(log10(n) / n) counts as none


def resampled(values: Numbers, block: float, samples: int, rng: np.random.Generator) -> Numbers:
    """Draw `samples` series as long as `values` (n,) from them; the shape is (samples, n).

    Each is put together of blocks that begin anywhere and have geometric lengths of mean `block` (1 or more);
    a block that reaches the end goes on at the beginning. Blocks keep what follows upon what: good and bad days
    that come in runs stay in runs.
    """
    count = values.size
    begins = rng.random((samples, count)) < 1 / block
    begins[:, 0] = True
    places = np.flatnonzero(begins)
    lengths = np.diff(places, append=samples * count)
    offsets = rng.integers(count, size=places.size) - places % count
    index = np.repeat(offsets, lengths).reshape(samples, count) + np.arange(count)
    # A block runs over the end at most once, so that twice the values serve where a remainder would be slow.
    # An offset is negative where a block begins later in the sample than in the values; the sum never is.
    return np.asarray(np.concatenate((values, values))[index])


def block_length(values: Numbers) -> float:
    """The mean length of blocks that suits a series, from how long its autocorrelation lasts; 1 at least.

    b = (2 G**2 n / D) ** (1/3), with G = sum of lambda(k/M) |k| R(k) and D = 2 (sum of lambda(k/M) R(k)) ** 2 over
    k = -M..M, R the autocovariance, lambda a flat top that falls to 0, and M twice the lag from which the
    autocorrelation stays quiet. No longer than min(3 sqrt(n), n / 3).
    Source: Politis and White (2004), Automatic Block-Length Selection for the Dependent Bootstrap, Econometric
    Reviews 23(1), as corrected by Patton, Politis and White (2009), Econometric Reviews 28(4).
    """
    if not varies(values):
        return 1.0
    count = values.size
    longest = math.ceil(min(3 * math.sqrt(count), count / 3))
    run = max(5, math.ceil(math.log10(count)))
    most = min(math.ceil(math.sqrt(count)) + run, count - 1)
    apart = values - values.mean()
    covariance = np.array([apart[: count - lag] @ apart[lag:] for lag in range(most + 1)]) / count
    bandwidth = min(2 * max(_last_loud_lag(covariance / covariance[0], run, count), 1), most)
    lags = np.arange(1, bandwidth + 1)
    tapered = np.minimum(1.0, 2 * (1 - lags / bandwidth)) * covariance[1 : bandwidth + 1]
    spectrum = covariance[0] + 2 * tapered.sum()
    if spectrum == 0:
        return 1.0
    slope = 2 * (lags * tapered).sum()
    return float(np.clip((slope**2 * count / spectrum**2) ** (1 / 3), 1.0, longest))


def varies(values: Numbers) -> bool:
    """True where the values differ by more than the rounding of float64."""
    return bool(np.ptp(values) > _ROUNDING * np.abs(values).max())


def _last_loud_lag(correlation: Numbers, run: int, count: int) -> int:
    """The lag after which `run` autocorrelations in a row are quiet; else the last loud one."""
    loud = np.abs(correlation[1:]) >= _QUIET * math.sqrt(math.log10(count) / count)
    for lag in range(loud.size - run + 1):
        if not loud[lag : lag + run].any():
            return lag
    return int(np.flatnonzero(loud)[-1]) + 1
