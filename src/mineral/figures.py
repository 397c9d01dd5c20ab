"""Pictures of an estimate, one idea each: the number, the samples, the training.

Each function returns a matplotlib Figure of its own. Nothing here knows pyplot, a backend or a
setting of matplotlib's, so that a program that draws its own plots is left alone.

Colour means pointwise mutual information: blue pairs are more likely together than by chance, red
ones less, grey ones neither. Limits are robust, so that one outlier does not hide the rest.
"""

import io
import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mineral.errors import MissingExtraError
from mineral.types import PerSample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure, FigureBase

    from mineral.results import Curve, Estimate, Evidence

INK, MUTED, HAIRLINE = "#1d2329", "#5d6670", "#d5d9de"
ACCENT, ACCENT_PALE = "#1f5fa8", "#a8c5e6"
DIVERGING = ("#a3201c", "#e08468", "#c4c6c9", "#74a6d8", "#174f93")  # grey, not white: on paper
FOLDS = ("#1f5fa8", "#c2571a", "#2e7d4f", "#7a4ba0", "#8a6d1a")
SMALL = 9.0  # points
STEPS = (1, 2, 2.5, 5, 10)  # between ticks, times a power of ten

SHOWN = 3  # coordinates of x and of y, at most
COMPARED = 1000  # coordinates of x and of y among which these are looked for
FEW_VALUES = 20  # a coordinate with at most so many different values is discrete
REACH = 6.0  # quartile distances beyond the quartiles: 8.8 standard deviations of a Gaussian
LARGEST = 1e307  # that matplotlib can place without overflow
COLOUR_PERCENTILE = 98.0


def overview(estimate: "Estimate") -> "Figure":
    """The value with its interval, the samples, and the training curves if there are any."""
    shown = views(estimate.evidence)
    columns, rows = map(len, shown)
    heights = [1.5, max(3.0, 2.2 * rows)] + [2.4] * bool(estimate.evidence.curves)
    figure = _figure(max(5.6, 2.6 * columns + 0.8), sum(heights))
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
    low, high = (rounded(end, estimate.stderr) for end in estimate.interval)
    parts[0].suptitle(
        f"I(X; Y) = {rounded(estimate.value, estimate.stderr)} {estimate.unit},  "
        f"{100 * estimate.confidence:g}% interval {low} to {high}",
        color=INK,
        fontsize=11,
    )
    _draw_interval(parts[0].subplots(), estimate)
    _draw_samples(parts[1], estimate.evidence, *shown)
    if estimate.evidence.curves:
        _draw_curves(parts[2].subplots(), estimate.evidence.curves)
    return figure


def interval(estimate: "Estimate") -> "Figure":
    """The value as a dot and its interval as a bar, on a scale that shows zero."""
    figure = _figure(4.4, 1.2)
    _draw_interval(figure.subplots(), estimate)
    return figure


def samples(estimate: "Estimate") -> "Figure":
    """Coordinates of x against coordinates of y, coloured by pointwise mutual information."""
    shown = views(estimate.evidence)
    columns, rows = map(len, shown)
    figure = _figure(max(4.6, 2.4 * columns + 0.8), max(3.2, 2.1 * rows))
    _draw_samples(figure, estimate.evidence, *shown)
    return figure


def pair(estimate: "Estimate", i: int, j: int, *, width: float = 4.4) -> "Figure":
    """Coordinate i of x against coordinate j of y: one panel of `samples`, without its bar."""
    figure = _figure(width, 0.2 + 0.7 * width)
    _draw_pair(figure.subplots(), estimate.evidence, i, j)
    return figure


def colours(estimate: "Estimate") -> "Figure | None":
    """The colour bar that panels share, or None where samples have no colour."""
    if estimate.evidence.pointwise is None:
        return None
    figure = _figure(2.4, 0.65)
    _draw_colours(figure.subplots(), estimate.evidence.pointwise, "horizontal")
    return figure


def curves(estimate: "Estimate") -> "Figure | None":
    """The bound on training and held-out rows while each network learned, if one did."""
    if not estimate.evidence.curves:
        return None
    figure = _figure(4.4, 3.0)
    _draw_curves(figure.subplots(), estimate.evidence.curves)
    return figure


def views(evidence: "Evidence") -> tuple[list[int], list[int]]:
    """Which coordinates of x and of y are shown: those of the strongest rank correlations."""
    dim_x, dim_y = evidence.x.shape[1], evidence.y.shape[1]
    if max(dim_x, dim_y) <= SHOWN:
        return list(range(dim_x)), list(range(dim_y))
    among_x, among_y = (
        np.unique(np.linspace(0, dim - 1, min(dim, COMPARED)).astype(int)) for dim in (dim_x, dim_y)
    )
    strength = np.abs(_ranks(evidence.x[:, among_x]).T @ _ranks(evidence.y[:, among_y]))
    return (
        sorted(among_x[_first(strength.max(axis=1))].tolist()),
        sorted(among_y[_first(strength.max(axis=0))].tolist()),
    )


def rounded(value: float, stderr: float) -> str:
    """A number as exact as it is known: to two digits of its standard error."""
    if not (math.isfinite(value) and math.isfinite(stderr) and stderr > 0):
        return f"{value:.4g}".replace("-", "−")
    decimals = min(12, max(0, 1 - math.floor(math.log10(stderr))))
    return f"{value:,.{decimals}f}".replace("-", "−")


def _first(strength: np.ndarray) -> np.ndarray:
    return np.argsort(-strength, kind="stable")[:SHOWN]


def _ranks(columns: np.ndarray) -> np.ndarray:
    """Ranks of each column, centered and of unit length; zero for a constant column."""
    from scipy.stats import rankdata  # half a second to import: only when needed

    ranks = rankdata(columns, axis=0) - (len(columns) + 1) / 2
    length = np.sqrt((ranks**2).sum(axis=0))
    return np.asarray(ranks / np.where(length > 0, length, 1.0))


def _figure(width: float, height: float) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("Plotting", "report") from None
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    # Notebooks show a figure by itself only once pyplot is loaded, and here it may never be.
    figure._repr_png_ = partial(_png, figure)  # type: ignore[attr-defined]
    return figure


def _png(figure: "Figure") -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=144)
    return content.getvalue()


def _draw_interval(axes: "Axes", estimate: "Estimate") -> None:
    low, high = estimate.interval
    # A tenth is always in view: noise around zero should look small.
    ends = np.array([v for v in (0.0, 0.1, low, estimate.value, high) if np.isfinite(v)])
    margin = 0.08 * np.ptp(ends)
    axes.set_xlim(ends.min() - margin, ends.max() + margin)
    axes.set_ylim(-1.2, 1.6)
    axes.axvline(0, ymax=0.62, color=MUTED, linewidth=1)
    axes.annotate(
        "independent",
        (0, -0.8),
        (4, 0),
        textcoords="offset points",
        va="center",
        color=MUTED,
        fontsize=SMALL,
    )
    axes.plot([low, high], [0, 0], color=ACCENT_PALE, linewidth=9, solid_capstyle="butt")
    for end in (low, high):
        axes.plot([end, end], [-0.4, 0.4], color=ACCENT, linewidth=1.4)
    axes.plot([estimate.value], [0], "o", color=ACCENT, markersize=8)
    axes.annotate(
        rounded(estimate.value, estimate.stderr),
        (estimate.value, 0),
        (0, 13),
        textcoords="offset points",
        ha="center",
        color=INK,
        fontsize=SMALL + 1,
    )
    _finish(axes, f"mutual information in {estimate.unit}", "", bins=6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _draw_samples(
    figure: "FigureBase", evidence: "Evidence", of_x: list[int], of_y: list[int]
) -> None:
    grid = figure.subplots(len(of_y), len(of_x), squeeze=False)
    for row, j in zip(grid, of_y, strict=True):
        for axes, i in zip(row, of_x, strict=True):
            _draw_pair(axes, evidence, i, j)
    if evidence.pointwise is not None:
        bar = figure.colorbar(
            _colour_scale(evidence.pointwise),
            ax=grid,
            label="pointwise information in nats",
            extend="both",
            aspect=30,
            pad=0.02,
        )
        _finish_bar(bar)


def _draw_pair(axes: "Axes", evidence: "Evidence", i: int, j: int) -> None:
    across, up = _Axis.of(evidence.x[:, i], seed=0), _Axis.of(evidence.y[:, j], seed=1)
    values = evidence.pointwise
    shades: dict[str, Any] = {"color": ACCENT}
    order = np.arange(len(evidence.x))
    if values is not None:
        values = np.where(np.isfinite(values), values, 0.0)
        order = np.argsort(np.abs(values), kind="stable")  # so that no strong pair lies buried
        scale = _colour_scale(values)
        shades = {"c": values[order], "cmap": scale.cmap, "norm": scale.norm}
    axes.scatter(
        across.places[order],
        up.places[order],
        s=float(np.clip(9000 / len(order), 9, 30)),
        linewidths=0,
        alpha=0.85,
        rasterized=True,
        clip_on=False,
        zorder=2,
        **shades,
    )
    outside = float((across.outside | up.outside).mean())
    if outside:
        axes.set_title(
            f"{outside:.1%} of the pairs lie beyond, drawn on the edge",
            loc="right",
            color=MUTED,
            fontsize=SMALL - 1,
        )
    _finish(axes, evidence.x_names[i], evidence.y_names[j])
    for axis, set_limits, set_ticks in (
        (across, axes.set_xlim, axes.set_xticks),
        (up, axes.set_ylim, axes.set_yticks),
    ):
        set_limits(axis.low, axis.high)
        if axis.ticks:
            set_ticks(axis.ticks)


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """One coordinate as it is drawn: where each sample goes, and what part of the line is seen."""

    places: PerSample
    low: float
    high: float
    outside: np.ndarray
    ticks: tuple[float, ...]

    @classmethod
    def of(cls, column: np.ndarray, *, seed: int) -> "_Axis":
        column = np.clip(column, -LARGEST, LARGEST)
        distinct = np.unique(column)
        places = column
        if 1 < len(distinct) <= min(FEW_VALUES, len(column) // 5):
            # Shaken for the eye only, and by less than to a neighbouring value.
            step = np.diff(distinct).min()
            places = column + np.random.default_rng(seed).uniform(-0.22, 0.22, len(column)) * step
        low, high = _readable(places)
        margin = 0.05 * (high - low) or max(0.5, 0.05 * abs(high))
        return cls(
            places=np.clip(places, low, high),
            low=low - margin,
            high=high + margin,
            outside=(places < low) | (places > high),
            ticks=tuple(distinct) if len(distinct) <= 6 else (),
        )


def _readable(values: np.ndarray) -> tuple[float, float]:
    """The range to show: all of it, unless most of it would be empty for the sake of a few."""
    least, lower, upper, most = np.percentile(values, [0, 25, 75, 100])
    low = max(least, lower - REACH * (upper - lower))
    high = min(most, upper + REACH * (upper - lower))
    if most - least <= 2 * (high - low) or low == high:
        return float(least), float(most)
    return float(low), float(high)


def _colour_scale(pointwise: np.ndarray) -> "ScalarMappable":
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    sizes = np.abs(pointwise[np.isfinite(pointwise)])
    limit = max(0.1, np.percentile(sizes, COLOUR_PERCENTILE)) if len(sizes) else 1.0
    shades = LinearSegmentedColormap.from_list("pointwise", DIVERGING)
    return ScalarMappable(Normalize(-limit, limit), shades)


def _draw_colours(axes: "Axes", pointwise: np.ndarray, orientation: str) -> None:
    bar = axes.figure.colorbar(
        _colour_scale(pointwise),
        cax=axes,
        orientation=orientation,
        label="pointwise information in nats",
        extend="both",
    )
    _finish_bar(bar)


def _finish_bar(bar: Any) -> None:  # noqa: ANN401
    from matplotlib.ticker import MaxNLocator

    bar.locator = MaxNLocator(5, symmetric=True, steps=STEPS)
    bar.update_ticks()
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=SMALL, labelcolor=INK, color=MUTED, length=2)
    for axis in (bar.ax.xaxis, bar.ax.yaxis):
        axis.label.set(fontsize=SMALL + 0.5, color=INK)


def _draw_curves(axes: "Axes", runs: "tuple[Curve, ...]") -> None:
    for k, run in enumerate(runs):
        colour = FOLDS[k % len(FOLDS)]
        first = k == 0
        axes.plot(
            run.steps,
            run.training,
            color=colour,
            linewidth=1,
            alpha=0.55,
            linestyle=(0, (3, 1.5)),
            label="training" if first else None,
        )
        axes.plot(
            run.steps,
            run.validation,
            color=colour,
            linewidth=1.5,
            label="held out" if first else None,
        )
        axes.plot(
            [run.steps[run.best]],
            [run.validation[run.best]],
            "o",
            color=colour,
            markersize=6,
            markeredgecolor="white",
            label="kept" if first else None,
            zorder=3,
        )
    axes.axhline(0, color=HAIRLINE, linewidth=1, zorder=0)
    axes.set_ylim(*_curve_limits(runs))
    _finish(axes, "gradient steps", "bound in nats")
    legend = axes.legend(
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        ncols=3,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0,
        handlelength=1.8,
        columnspacing=1.2,
    )
    for handle in legend.get_lines():
        handle.set_color(INK)  # of no fold in particular


def _curve_limits(runs: "tuple[Curve, ...]") -> tuple[float, float]:
    """Room for zero and for every check that was kept, but not for a bound that explodes."""
    kept = max(0.1, *(run.validation[run.best] for run in runs))
    values = np.concatenate([(0.0, *run.training, *run.validation) for run in runs])
    values = values[np.isfinite(values)]
    high = min(max(kept, values.max()), max(4 * kept, 5.0))
    low = max(values.min(), -high / 2)
    return low - 0.05 * (high - low), high + 0.08 * (high - low)


def _finish(axes: "Axes", across: str, up: str, *, bins: int = 5) -> None:
    """Labels as they are written (a `$` in a column's name is no formula), and quiet lines."""
    from matplotlib.ticker import MaxNLocator

    for set_label, text in ((axes.set_xlabel, across), (axes.set_ylabel, up)):
        set_label(short(text), labelpad=6, color=INK, fontsize=SMALL + 0.5, parse_math=False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(bins, steps=STEPS))
        axis.get_offset_text().set(fontsize=SMALL, color=MUTED)
    axes.set_facecolor("white")
    axes.grid(visible=False)
    axes.tick_params(labelsize=SMALL, labelcolor=INK, color=MUTED, length=3)
    for side, spine in axes.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=MUTED, linewidth=0.8)


def short(name: str, longest: int = 32) -> str:
    """A column's name on one line, without characters that a picture cannot hold."""
    name = "".join(c if c.isprintable() else " " for c in name)
    return name if len(name) <= longest else name[: longest - 1] + "…"
