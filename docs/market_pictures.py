"""The pictures of docs/sample-market.md: the sample market's curves beside real ones, as small PNG files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from market_portraits import CLASSES, EDGES, GAPS, LAGS, MARKS, ROCS, Portrait

_SAMPLE, _REAL = "#d1495b", ("#1f4e79", "#6ba3d6")
_WIDE, _SINGLE = (9.0, 3.2), (6.4, 3.6)
_STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}


def draw(
    directory: Path, days: Mapping[str, Portrait], minutes: Mapping[str, Portrait], real: Mapping[str, Any]
) -> None:
    """Write all pictures: `days` are the sample's daily portraits by size class, `minutes` those within the day."""
    directory.mkdir(exist_ok=True)
    with mpl.rc_context(_STYLE):
        pictures = {
            "returns": _by_class(days, real, "returns", _middles(EDGES), _returns),
            "clusters": _by_class(days, real, "clusters", LAGS, _clusters),
            "gaps": _by_class(days, real, "gaps", _percents(GAPS), _gaps),
            "momentum": _by_class(days, real, "rocs", _percents(ROCS), _rocs),
            "volume": _volume(minutes, real["intraday"]),
            "widths": _widths(minutes, real["intraday"]),
        }
        for name, figure in pictures.items():
            figure.savefig(directory / f"sample-{name}.png", dpi=100, metadata={"Software": None})


def _by_class(
    days: Mapping[str, Portrait],
    real: Mapping[str, Any],
    curve: str,
    across: Sequence[float],
    finish: Callable[[Axes, Sequence[float]], None],
) -> Figure:
    """Three panels, one a size class: the sample's curve and those of the real periods."""
    figure = Figure(figsize=_WIDE, layout="constrained")
    for axes, cap in zip(figure.subplots(1, 3, sharey=True), CLASSES, strict=True):
        for (period, portrait), colour in zip(real["daily"][cap].items(), _REAL, strict=False):
            axes.plot(across, _counted(portrait["curves"][curve]), color=colour, label=f"real, {period}")
        axes.plot(across, _counted(days[cap]["curves"][curve]), color=_SAMPLE, lw=1.8, label="sample, seed 7")
        finish(axes, across)
        axes.set_title(cap)
    figure.axes[0].legend(frameon=False, fontsize=8)
    return figure


def _counted(values: Sequence[float]) -> list[float]:
    """Gaps where nothing was counted, which a logarithmic scale cannot show."""
    return [value if value != 0 else float("nan") for value in values]


def _middles(edges: Sequence[float]) -> list[float]:
    return [(low + high) / 2 for low, high in pairwise(edges)]


def _percents(fractions: Sequence[float]) -> list[float]:
    return [100 * fraction for fraction in fractions]


def _returns(axes: Axes, across: Sequence[float]) -> None:
    bell = np.exp(-(np.array(across) ** 2) / 2) / np.sqrt(2 * np.pi)
    axes.plot(across, bell, color="grey", lw=1, ls="--", label="normal")
    axes.set_yscale("log")
    axes.set_ylim(2e-5, 2)
    axes.set_xlabel("daily return, standard deviations")
    _upright(axes, "density")


def _clusters(axes: Axes, _: Sequence[float]) -> None:
    axes.axhline(0, color="grey", lw=1)
    axes.set_xlabel("sessions on")
    _upright(axes, "autocorrelation of |return|")


def _gaps(axes: Axes, _: Sequence[float]) -> None:
    _shares(axes, "open this far from the close before, %")


def _rocs(axes: Axes, _: Sequence[float]) -> None:
    _shares(axes, "up over ten sessions, %")


def _shares(axes: Axes, label: str) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.set_xlabel(label)
    _upright(axes, "share of sessions beyond")


def _upright(axes: Axes, label: str) -> None:
    """The label of the shared scale, on the panel that shows it."""
    if axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]
        axes.set_ylabel(label)


def _volume(minutes: Mapping[str, Portrait], real: Mapping[str, Portrait]) -> Figure:
    figure = Figure(figsize=_SINGLE, layout="constrained")
    axes = figure.subplots()
    lines = (
        (real["1 minute"], _REAL[0], "-", "real, 8 stocks and SPY"),
        (real["5 minutes"], _REAL[1], "-", "real, leveraged funds on one exchange"),
        (minutes["1 minute"], _SAMPLE, "--", "sample, seed 7"),
    )
    for portrait, colour, stroke, label in lines:
        axes.plot(MARKS, _percents(portrait["curves"]["volume"]), color=colour, ls=stroke, label=label)
    axes.set_xlabel("minutes since the open")
    axes.set_ylabel("% of the day's volume")
    axes.legend(frameon=False)
    return figure


def _widths(minutes: Mapping[str, Portrait], real: Mapping[str, Portrait]) -> Figure:
    figure = Figure(figsize=_WIDE, layout="constrained")
    for axes, (key, name) in zip(
        figure.subplots(1, 2, sharey=True),
        (("1 minute", "minutes"), ("5 minutes", "5-minute bars")),
        strict=True,
    ):
        at = [15 * place + 7.5 for place in range(26)]
        axes.plot(at, real[key]["curves"]["widths"], color=_REAL[0], label="real")
        axes.plot(at, minutes[key]["curves"]["widths"], color=_SAMPLE, lw=1.8, label="sample, seed 7")
        axes.set_title(name)
        axes.set_ylim(0, 3)
        axes.set_xlabel("minutes since the open")
        _upright(axes, "high less low, over the day's mean")
    figure.axes[0].legend(frameon=False)
    return figure
