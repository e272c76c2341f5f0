"""The vendors whose files are recognised by their header: one table, and the names of the plain form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_NEW_YORK = "America/New_York"


@dataclass(frozen=True, slots=True)
class Vendor:
    """The header of a vendor's files, in lower case, by our names of the columns.

    `has` are the columns that must be there, in the vendor's order; `may` those that can be missing; a name that
    stands in `without` speaks against the vendor. `zone` is that of its times written without one, `date_format`
    how it always writes dates, `suffix` what it adds to symbols.
    """

    name: str
    has: Mapping[str, str]
    may: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    zone: str | None = None
    date_format: str | None = None
    suffix: str = ""


def _named(words: str) -> Mapping[str, str]:
    """`open; close=last`: our names, and the vendor's where it is another."""
    pairs = (word.partition("=") for word in words.split("; "))
    return {ours: theirs or ours for ours, _, theirs in pairs}


VENDORS: tuple[Vendor, ...] = (
    Vendor(
        "Stooq",
        _named("ts=<date>; time=<time>; open=<open>; high=<high>; low=<low>; close=<close>; volume=<vol>"),
        _named("symbol=<ticker>"),
        suffix=".US",
    ),
    Vendor("Yahoo", _named("ts=date; open; high; low; close; adjusted=adj close; volume"), _named("symbol")),
    Vendor(
        "Yahoo", _named("ts=datetime; open; high; low; close; adjusted=adj close; volume"), _named("symbol")
    ),
    Vendor("Yahoo", _named("ts=price; close; high; low; open; volume"), _named("adjusted=adj close")),
    Vendor(
        "Tiingo",
        _named("ts=date; close; high; low; open; volume; adjusted=adjclose"),
        _named("symbol; adjusted_volume=adjvolume"),
    ),
    Vendor(
        "Alpha Vantage",
        _named("ts=timestamp; open; high; low; close; adjusted=adjusted_close; volume"),
        _named("symbol"),
        zone=_NEW_YORK,
    ),
    Vendor(
        "Alpha Vantage",
        _named("ts=timestamp; open; high; low; close; volume"),
        without=("symbol", "ticker", "vwap"),
        zone=_NEW_YORK,
    ),
    Vendor("Alpaca", _named("ts=t; open=o; high=h; low=l; close=c; volume=v"), _named("symbol")),
    Vendor(
        "Alpaca", _named("ts=timestamp; open; high; low; close; volume; trade_count; vwap"), _named("symbol")
    ),
    Vendor("Polygon", _named("volume=v; open=o; close=c; high=h; low=l; ts=t"), _named("symbol=ticker")),
    Vendor("Polygon", _named("symbol=ticker; volume; open; close; high; low; ts=window_start")),
    Vendor(
        "Nasdaq",
        _named("ts=date; close=close/last; volume; open; high; low"),
        _named("symbol"),
        date_format="%m/%d/%Y",
    ),
)
"""Two vendors may have the same names; the one whose order the file has is taken, else the first."""

PLAIN: Mapping[str, tuple[str, ...]] = {
    "symbol": ("symbol", "ticker"),
    "ts": ("ts", "timestamp", "datetime", "date", "time"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume", "vol"),
    "time": ("time",),
    "adjusted": ("adj close", "adj_close", "adjclose", "adjusted_close"),
}
"""The names in a file of no vendor; where it has several of a line, the first is taken."""
