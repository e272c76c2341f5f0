"""Plugin `momentum`: the features that momentum strategies are made of, as polars expressions.

Each function is a factory: it returns an expression over one symbol's bars, oldest first. A window that is
not yet full gives null, and so does a ratio over 0. Rates are fractions; RSI is 0 to 100. Where the `ta`
library has the indicator, its seeds and its warm-up are followed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from momentum import hookimpl

_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = (pl.col(name) for name in ("open", "high", "low", "close", "volume"))
_BARS = ("open", "high", "low", "close", "volume")


def _window(window: object, least: int = 1) -> int:
    if isinstance(window, bool) or not isinstance(window, int) or window < least:
        raise ValueError(f"a window is a whole number of bars, at least {least}, not {window!r}")
    return window


def bar(column: str = "close") -> pl.Expr:
    """A column of the bar itself, for use with `lag`: `{bar: low, lag: 1}` is the previous low."""
    if column not in _BARS:
        raise ValueError(f"{column!r} is not a column of a bar: {', '.join(_BARS)}")
    return pl.col(column)


def change() -> pl.Expr:
    """close / previous close - 1."""
    return _CLOSE / _CLOSE.shift(1) - 1


def roc(window: int = 10) -> pl.Expr:
    """Rate of change: close / close `window` bars ago - 1."""
    return _CLOSE / _CLOSE.shift(_window(window)) - 1


def gap_up() -> pl.Expr:
    """open / previous close - 1."""
    return _OPEN / _CLOSE.shift(1) - 1


def follow_through() -> pl.Expr:
    """True where the bar closed above its open."""
    return _CLOSE > _OPEN


def prior_high(window: int = 5) -> pl.Expr:
    """The highest of the `window` highs before this bar."""
    return _HIGH.shift(1).rolling_max(_window(window))


def prior_low(window: int = 5) -> pl.Expr:
    """The lowest of the `window` lows before this bar."""
    return _LOW.shift(1).rolling_min(_window(window))


def breakout(window: int = 5) -> pl.Expr:
    """True where the bar closed above the highest of the `window` highs before it."""
    return _CLOSE > prior_high(window)


def breakout_5d() -> pl.Expr:
    """`breakout` over five bars."""
    return breakout(5)


def rvol() -> pl.Expr:
    """Relative volume: (volume so far / share of a day's volume usual by now) / the previous bar's volume."""
    return _VOLUME / pl.col("day_fraction") / _VOLUME.shift(1)


def volume_surge(window: int = 20) -> pl.Expr:
    """As `rvol`, over the mean volume of the `window` bars before this one."""
    return _VOLUME / pl.col("day_fraction") / _VOLUME.shift(1).rolling_mean(_window(window))


def intraday_strength() -> pl.Expr:
    """Where the bar closed within its range, 0 at the low to 1 at the high: (close - low) / (high - low)."""
    return (_CLOSE - _LOW) / (_HIGH - _LOW)


def sma(window: int = 20) -> pl.Expr:
    """Simple moving average of the close.

    Reckoned as the close less the steps that led to it, each window anew: a running sum keeps the roundings of
    older bars, and puts a close an ulp below the mean of closes that are equal to it.
    """
    mean = _CLOSE.rolling_mean(_window(window))
    if window == 1:
        return mean
    step = (_CLOSE - _CLOSE.shift(1)).fill_null(0.0)
    behind = step.rolling_sum(window - 1, weights=[float(n) for n in range(1, window)])
    return pl.when(mean.is_not_null()).then(_CLOSE - behind / window)


def ema(window: int = 20) -> pl.Expr:
    """Exponential moving average of the close, alpha = 2 / (window + 1), seeded with the first close."""
    return _where_known(_ema(_CLOSE, _window(window)))


def _ema(series: pl.Expr, window: int) -> pl.Expr:
    """The average, carried over missing bars as ta carries it into averages of averages."""
    return series.ewm_mean(span=window, adjust=False, min_samples=window).forward_fill()


def _where_known(value: pl.Expr) -> pl.Expr:
    return pl.when(_CLOSE.is_not_null()).then(value)


def rsi(window: int = 14) -> pl.Expr:
    """Wilder's relative strength index, 0 to 100; 100 where there was no loss at all.

    The averages are exponential with alpha = 1 / window, seeded with 0 at the first bar.
    """
    alpha = 1 / _window(window)
    move = _CLOSE.diff()
    gain = move.clip(lower_bound=0).fill_null(0).ewm_mean(alpha=alpha, adjust=False, min_samples=window)
    loss = (-move).clip(lower_bound=0).fill_null(0).ewm_mean(alpha=alpha, adjust=False, min_samples=window)
    index = pl.when(loss == 0).then(100.0).otherwise(100 - 100 / (1 + gain / loss))
    return _where_known(index)


def atr(window: int = 14) -> pl.Expr:
    """Wilder's average true range in dollars, seeded with the mean of the first `window` true ranges."""
    _window(window)
    previous = _CLOSE.shift(1)
    true_range = pl.max_horizontal(_HIGH - _LOW, (_HIGH - previous).abs(), (_LOW - previous).abs())
    place = pl.int_range(pl.len())
    seed = true_range.head(window).mean()
    seeded = pl.when(place == window - 1).then(seed).when(place >= window).then(true_range)
    return seeded.ewm_mean(alpha=1 / window, adjust=False)


def macd(fast: int = 12, slow: int = 26) -> pl.Expr:
    """The difference of a fast and a slow exponential moving average of the close, in dollars."""
    _check_spans(fast, slow)
    return _where_known(_macd(fast, slow))


def _macd(fast: int, slow: int) -> pl.Expr:
    return _ema(_CLOSE, fast) - _ema(_CLOSE, slow)


def macd_signal(fast: int = 12, slow: int = 26, signal: int = 9) -> pl.Expr:
    """The exponential moving average of `macd`."""
    _check_spans(fast, slow)
    return _where_known(_ema(_macd(fast, slow), _window(signal)))


def _check_spans(fast: int, slow: int) -> None:
    if _window(fast) >= _window(slow):
        raise ValueError(f"fast ({fast}) must be shorter than slow ({slow})")


def macd_diff(fast: int = 12, slow: int = 26, signal: int = 9) -> pl.Expr:
    """`macd` less its signal line: below 0 once MACD has crossed down."""
    return macd(fast, slow) - macd_signal(fast, slow, signal)


@hookimpl
def momentum_features() -> Mapping[str, Callable[..., pl.Expr]]:
    """All of the above by name."""
    return {
        factory.__name__: factory
        for factory in (
            bar,
            change,
            roc,
            gap_up,
            follow_through,
            prior_high,
            prior_low,
            breakout,
            breakout_5d,
            rvol,
            volume_surge,
            intraday_strength,
            sma,
            ema,
            rsi,
            atr,
            macd,
            macd_signal,
            macd_diff,
        )
    }
