"""The market around a scan: SPY and its trend, volatility."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import sqrt

import polars as pl

from momentum.market.panel import SPY, Panel
from momentum.model.market import MarketContext, Trend
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
    is_price = pl.col("close") > 0  # neither is a null
    closes = panel.bars.filter(pl.col("symbol") == SPY, pl.col("ts") <= panel.session, is_price)
    vix = data.vix(at)
    context = MarketContext(vix=vix, vix_source="index" if vix is not None else None)
    if closes.is_empty() or closes["ts"][-1] != panel.session:
        return context
    close = closes["close"]
    mean = close.rolling_mean(_TREND_WINDOW)
    price, now, before = close[-1], mean[-1], mean[-2] if len(mean) > 1 else None
    returns = close.pct_change().tail(_VOLATILITY_WINDOW).drop_nulls()
    if vix is None and len(returns) == _VOLATILITY_WINDOW:
        deviation = float(returns.std())  # type: ignore[arg-type]
        context = replace(context, vix=deviation * sqrt(_SESSIONS_A_YEAR) * 100, vix_source="proxy")
    return replace(
        context,
        spy_price=price,
        spy_change=price / close[-2] - 1 if len(close) > 1 else None,
        spy_sma_20=now,
        spy_trend=_trend(price, now, before),
    )


def _trend(price: float, mean: float | None, before: float | None) -> Trend | None:
    if mean is None or before is None:
        return None
    if price > mean and mean > before:
        return "up"
    if price < mean and mean < before:
        return "down"
    return "sideways"
