"""The market around a scan: SPY and its trend, volatility."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from math import sqrt
from typing import Any

import polars as pl

from momentum.market.panel import SPY, Panel
from momentum.model.market import MarketContext
from momentum.ports import MarketData

_TREND_WINDOW = 20
_VOLATILITY_WINDOW = 20
_SESSIONS_A_YEAR = 252


def market_context(panel: Panel, data: MarketData, at: datetime) -> MarketContext:
    """SPY and the VIX at the scan's moment; breadth comes with the screen.

    SPY's trend is up where it is above a rising 20-day mean, down where it is below a falling one, else
    sideways. Without the index itself, `vix` is the standard deviation of SPY's last 20 daily returns,
    annualised by the root of 252, in percent. Where SPY's last close is not known, nothing of it is.
    """
    spy = panel.bars.filter(pl.col("symbol") == SPY, pl.col("ts") <= panel.session)
    vix = data.vix(at)
    known = of_spy(spy.lazy()).last().collect().to_dicts()
    if not known or known[0]["ts"] != panel.session:
        return with_vix(MarketContext(), vix)
    return context_of(known[0], vix)


def of_spy(bars: pl.LazyFrame) -> pl.LazyFrame:
    """What SPY's bars, oldest first, say of the market at each of them: ts, and the columns of `context_of`."""
    close = pl.col("close")
    mean = close.rolling_mean(_TREND_WINDOW)
    deviation = close.pct_change().rolling_std(_VOLATILITY_WINDOW)
    trend = (
        pl.when((close > mean) & (mean > mean.shift(1)))
        .then(pl.lit("up"))
        .when((close < mean) & (mean < mean.shift(1)))
        .then(pl.lit("down"))
        .when(mean.shift(1).is_not_null())
        .then(pl.lit("sideways"))
    )
    return bars.filter(close > 0).select(  # neither is a null
        "ts",
        spy_price=close,
        spy_change=close / close.shift(1) - 1,
        spy_sma_20=mean,
        spy_trend=trend,
        volatility=deviation * sqrt(_SESSIONS_A_YEAR) * 100,
    )


def context_of(row: Mapping[str, Any], vix: float | None) -> MarketContext:
    """The context that a row of `of_spy` describes, with the index where it is known."""
    found = MarketContext(row["spy_price"], row["spy_change"], row["spy_sma_20"], row["spy_trend"])
    return with_vix(found, vix, row["volatility"])


def with_vix(context: MarketContext, index: float | None, proxy: float | None = None) -> MarketContext:
    """The context with the index where it is known, else with the proxy."""
    if index is not None:
        return replace(context, vix=index, vix_source="index")
    return context if proxy is None else replace(context, vix=proxy, vix_source="proxy")
