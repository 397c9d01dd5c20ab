"""Pictures of an estimate, one idea each: the number, the samples, the training.

Each function returns a matplotlib Figure of its own. No setting of matplotlib's is changed, so that
a program that draws its own plots is left alone. pyplot manages the figure of `overview` only, and
only where the program uses pyplot already, so that `plt.show()` shows it.

style.py  colours and words
axes.py   what is drawn into one axes
card.py   the card in a notebook
lags.py   information by lag
          here: the figures
"""

import io
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mineral.errors import MissingExtraError
from mineral.figures.axes import (
    draw_colours,
    draw_curves,
    draw_interval,
    draw_pair,
    draw_samples,
)
from mineral.figures.lags import draw_lags
from mineral.figures.style import (
    ACCENT,
    HAIRLINE,
    INK,
    MUTED,
    SERIES,
    SMALL,
    rounded,
    short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mineral.results import Estimate, Evidence

SHOWN = 3  # coordinates of x and of y, at most
COMPARED = 1000  # coordinates of x and of y among which these are looked for


def overview(estimate: "Estimate") -> "Figure":
    """The value with its interval, the samples, and the training curves if there are any.

    Given a condition only the interval: x against y shows the dependence without it.
    """
    if estimate.dim_z is not None:
        figure = _figure(5.6, 1.7, shared=True)
        figure.suptitle(headline(estimate), color=INK, fontsize=11, parse_math=False, wrap=True)
        draw_interval(figure.subplots(), estimate)
        return figure
    shown = views(estimate.evidence)
    columns, rows = map(len, shown)
    heights = [1.5, max(3.0, 2.2 * rows)] + [2.4] * bool(estimate.evidence.curves)
    figure = _figure(max(5.6, 2.6 * columns + 0.8), sum(heights), shared=True)
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
    parts[0].suptitle(headline(estimate), color=INK, fontsize=11, parse_math=False, wrap=True)
    draw_interval(parts[0].subplots(), estimate)
    draw_samples(parts[1], estimate, *shown)
    if estimate.evidence.curves:
        draw_curves(parts[2].subplots(), estimate)
    return figure


def single(estimate: "Estimate", axes: "Axes") -> "Figure":
    """One pair of coordinates, the most dependent, in axes of the caller's; returns their figure.

    The title is the value with its interval. Given a condition, the interval is drawn in their
    place.
    """
    if estimate.dim_z is not None:
        draw_interval(axes, estimate)
        axes.set_title(headline(estimate), color=INK, fontsize=SMALL + 1, parse_math=False)
        return axes.figure.figure
    across, up = views(estimate.evidence, 1)
    draw_pair(axes, estimate, across[0], up[0])
    axes.set_title(headline(estimate), color=INK, fontsize=SMALL + 1, parse_math=False)
    return axes.figure.figure  # the root, where the axes lie in a part of a figure


def headline(estimate: "Estimate") -> str:
    """`I(height; weight) = 0.51 nats,  95% interval 0.45 to 0.57`."""
    low, high = (rounded(end, estimate.stderr) for end in estimate.interval)
    return (
        f"{short(estimate.symbol, 60)} = {rounded(estimate.value, estimate.stderr)} "
        f"{estimate.unit},  {100 * estimate.confidence:g}% interval {low} to {high}"
    )


def interval(estimate: "Estimate") -> "Figure":
    """The value as a dot and its interval as a bar, on a scale that shows zero."""
    figure = _figure(4.4, 1.2)
    draw_interval(figure.subplots(), estimate)
    return figure


def samples(estimate: "Estimate") -> "Figure":
    """Coordinates of x against coordinates of y, coloured by pointwise mutual information."""
    shown = views(estimate.evidence)
    columns, rows = map(len, shown)
    figure = _figure(max(4.6, 2.4 * columns + 0.8), max(3.2, 2.1 * rows))
    draw_samples(figure, estimate, *shown)
    return figure


def pair(estimate: "Estimate", i: int, j: int, *, width: float = 4.4) -> "Figure":
    """Coordinate i of x against coordinate j of y: one panel of `samples`, without its bar."""
    figure = _figure(width, 0.2 + 0.7 * width)
    draw_pair(figure.subplots(), estimate, i, j)
    return figure


def colours(estimate: "Estimate") -> "Figure | None":
    """The colour bar that panels share, or None where samples have no colour."""
    if estimate.evidence.pointwise is None:
        return None
    figure = _figure(2.4, 0.65)
    draw_colours(figure.subplots(), estimate, "horizontal")
    return figure


def curves(estimate: "Estimate") -> "Figure | None":
    """The bound on training and held-out rows while each network learned, if one did."""
    if not estimate.evidence.curves:
        return None
    figure = _figure(4.4, 3.0)
    draw_curves(figure.subplots(), estimate)
    return figure


def lag_curve(
    lags: tuple[int, ...], estimates: "tuple[Estimate, ...]", axes: "Axes | None" = None
) -> "Figure":
    """Values and intervals against lags, in a figure of its own or in axes of the caller's."""
    if axes is not None:
        draw_lags(axes, lags, estimates)
        return axes.figure.figure
    figure = _figure(6.0, 3.4, shared=True)
    draw_lags(figure.subplots(), lags, estimates)
    return figure


def views(evidence: "Evidence", most: int = SHOWN) -> tuple[list[int], list[int]]:
    """Which coordinates of x and of y are shown: those of the strongest rank correlations."""
    dim_x, dim_y = evidence.x.shape[1], evidence.y.shape[1]
    if max(dim_x, dim_y) <= most:
        return list(range(dim_x)), list(range(dim_y))
    among_x, among_y = (
        np.unique(np.linspace(0, dim - 1, min(dim, COMPARED)).astype(int)) for dim in (dim_x, dim_y)
    )
    strength = np.abs(_ranks(evidence.x[:, among_x]).T @ _ranks(evidence.y[:, among_y]))
    return (
        sorted(among_x[_first(strength.max(axis=1))[:most]].tolist()),
        sorted(among_y[_first(strength.max(axis=0))[:most]].tolist()),
    )


def _first(strength: np.ndarray) -> np.ndarray:
    return np.argsort(-strength, kind="stable")[:SHOWN]


def _ranks(columns: np.ndarray) -> np.ndarray:
    """Ranks of each column, centered and of unit length; zero for a constant column."""
    from scipy.stats import rankdata  # half a second to import: only when needed

    ranks = rankdata(columns, axis=0) - (len(columns) + 1) / 2
    length = np.sqrt((ranks**2).sum(axis=0))
    return np.asarray(ranks / np.where(length > 0, length, 1.0))


def _figure(width: float, height: float, *, shared: bool = False) -> "Figure":
    """A new figure. Where it is `shared`, and the program uses pyplot, `plt.show()` shows it.

    A notebook shows what a cell returns, and would show figures of pyplot's twice.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("Plotting", "report") from None
    options: Any = {"figsize": (width, height), "layout": "constrained", "facecolor": "white"}
    pyplot = sys.modules.get("matplotlib.pyplot") if shared else None
    if pyplot is not None and "inline" not in pyplot.get_backend():
        managed: Figure = pyplot.figure(**options)
        return managed
    figure = Figure(**options)
    # Notebooks show a figure by itself only once pyplot is loaded, and here it may never be.
    figure._repr_png_ = partial(png, figure)  # type: ignore[attr-defined]
    return figure


def png(figure: "Figure") -> bytes:
    """The figure as a PNG file."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=144)
    return content.getvalue()


__all__ = [
    "ACCENT",
    "HAIRLINE",
    "INK",
    "MUTED",
    "SERIES",
    "SMALL",
    "colours",
    "curves",
    "headline",
    "interval",
    "lag_curve",
    "overview",
    "pair",
    "rounded",
    "samples",
    "short",
    "single",
    "views",
]
