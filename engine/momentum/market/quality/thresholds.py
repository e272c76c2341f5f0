"""Every number by which daily bars are judged, in one place."""

from __future__ import annotations

from dataclasses import dataclass

SPLIT_RATIOS: tuple[tuple[int, int], ...] = (
    (2, 3), (1, 2), (2, 5), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7), (1, 8), (1, 9), (1, 10), (1, 12), (1, 15),
    (1, 20), (1, 25), (1, 30), (1, 35), (1, 40), (1, 50), (1, 60), (1, 75), (1, 100),
)  # fmt: skip
"""The usual splits as (old shares, new shares); a reverse split is the same pair turned round."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What counts as a finding. Prices in dollars, volume as dollars traded, shares of something as fractions."""

    step: float = 1.4
    """From here on a close that is so many times the one before, or that many times less, is a step."""
    step_price: float = 1.0
    """Steps below this price say nothing: a cent is a large part of it. The higher of the two closes counts."""
    jump_price: float = 5.0
    """A step that no other kind explains is told from this price on."""
    overnight: float = 0.75
    """A split or another security shows at the open: at least this part of the step lies between close and open."""
    overnight_most: float = 1.4
    """And at most this many times the step: a real jump that was half undone by the close opens beyond it."""
    split_tolerance: float = 0.045
    """How far, in logarithm, open and close may both be from the split's ratio in a quiet symbol."""
    split_noise: float = 1.5
    """How many usual daily moves of the symbol are added to the tolerance."""
    split_tolerance_most: float = 0.06
    """The tolerance of the wildest symbol: beyond it any step would fit some ratio."""
    split_volume: float = 4.0
    """A split leaves the dollars traded as they were; up to so many times more or less may be chance."""
    split_day: float = 2.0
    """A ratio such as 2 to 3 fits a day of news too easily: there the day may trade only so many times the usual."""
    split_range: float = 1.25
    """High over low on the day of a split: a day that trades wider than this has news."""
    split_bars: int = 5
    """So many bars must stand before a split, or nothing is known of the usual volume."""
    split_dollars: float = 5000.0
    """And so many dollars a day traded: where nobody trades, volume proves nothing."""
    crowd: int = 5
    """So many symbols that step on one day have news in common: none of them split."""
    crowd_share: float = 0.005
    """The same as a share of all symbols; the larger number counts."""
    level_bars: int = 20
    """Bars on either side of a step that make up the usual price and volume there."""
    other_volume: float = 5.0
    """A step at which the dollars traded become so many times less is another security: news never quietens."""
    other_volume_up: float = 20.0
    """The same for a rise in volume that stays, where there was no burst on the day itself."""
    quiet_day: float = 2.0
    """And the day of the step itself trades so many times less than before."""
    known_bars: int = 10
    """So many bars make the volume of a level known; fewer may all be days of news."""
    burst: float = 4.0
    """A day that trades so many times what the days after it do had news."""
    back: float = 1.25
    """Two prices are the same level while the one is less than so many times the other."""
    spike_bars: int = 3
    """A price that is left and found again within so many bars is a bad print."""
    long_gap: int = 20
    """So many sessions in a row without a bar, and another company may have taken the ticker."""
    first_bars: int = 5
    """So few bars before a first step are those of the ticker's former user, or were made up before a listing."""
    identical_run: int = 5
    """So many bars in a row with the same prices and the same volume are copies."""
    ended: int = 5
    """A symbol whose last bar is at least so many sessions before the data's end is delisted, or stale."""
    gap_warning: float = 0.05
    """A symbol that lacks more than this share of its sessions is a warning; with fewer it is a note."""
    silent_warning: float = 0.5
    """A symbol with volume 0 on more than this share of its bars is a warning; with fewer it is a note."""
    survivors: float = 100.0
    """So many years of listed symbols without a single end, and the data holds survivors only."""
    market: int = 20
    """So many symbols on a day, and their median move is the market's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on the data is unfit: what is above one of these distorts what a scan or a backtest finds."""

    impossible: float = 0.001
    """Share of the rows read that cannot be true and were left out."""
    duplicates: float = 0.001
    """Share of the rows read whose symbol and day were there twice."""
    missing_sessions: float = 0.005
    """Share of the exchange's sessions, first to last day, on which no symbol has a bar."""
    closed_days: float = 0.005
    """Share of the data's days on which the exchange was closed."""
    missing_bars: float = 0.10
    """Share of the bars missing between each symbol's first and last."""
    splits: float = 0.01
    """Share of the symbols with a split that the prices do not take into account."""
    other_security: float = 0.05
    """Share of the symbols with bars of another security."""
    copies: float = 0.01
    """Share of the symbols with a run of copied bars."""


THRESHOLDS = Thresholds()
LIMITS = Limits()
