"""What is drawn into one axes: the interval, a pair of coordinates, colours, training curves.

Colour means pointwise mutual information: blue pairs are more likely together than by chance, red
ones less, grey ones neither. Limits are robust, so that one outlier does not hide the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mineral.basics.types import NATS_PER_UNIT, PerSample
from mineral.figures.style import (
    ACCENT,
    ACCENT_PALE,
    DIVERGING,
    FOLDS,
    HAIRLINE,
    INK,
    MUTED,
    SMALL,
    STEPS,
    finish,
    rounded,
    short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import FigureBase

    from mineral.results import Curve, Estimate

FEW_VALUES = 20  # a coordinate with at most so many different values is discrete
REACH = 6.0  # quartile distances beyond the quartiles: 8.8 standard deviations of a Gaussian
MOST_NAMED = 8  # categories with a tick
LONGEST_LEVEL = 14  # letters of a category under its tick
LETTERS_ACROSS = 30  # of all ticks together, from which they are turned
LARGEST = 1e307  # that matplotlib can place without overflow
COLOUR_PERCENTILE = 98.0


def draw_interval(axes: "Axes", estimate: "Estimate") -> None:
    """The value as a dot and its interval as a bar."""
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
    finish(axes, f"mutual information in {estimate.unit}", "", bins=6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def draw_samples(
    figure: "FigureBase", estimate: "Estimate", of_x: list[int], of_y: list[int]
) -> None:
    """A panel for each of these coordinates of x and of y, and a colour bar."""
    grid = figure.subplots(len(of_y), len(of_x), squeeze=False)
    for row, j in zip(grid, of_y, strict=True):
        for axes, i in zip(row, of_x, strict=True):
            draw_pair(axes, estimate, i, j)
    pointwise = _pointwise(estimate)
    if pointwise is not None:
        bar = figure.colorbar(
            _colour_scale(pointwise),
            ax=grid,
            label=f"pointwise information in {estimate.unit}",
            extend="both",
            aspect=30,
            pad=0.02,
        )
        __finish_bar(bar)


def draw_pair(axes: "Axes", estimate: "Estimate", i: int, j: int) -> None:
    """Coordinate i of x against coordinate j of y."""
    evidence = estimate.evidence
    x_name, y_name = evidence.x_names[i], evidence.y_names[j]
    across = _Axis.of(evidence.x[:, i], seed=0, levels=evidence.x_levels.get(x_name))
    up = _Axis.of(evidence.y[:, j], seed=1, levels=evidence.y_levels.get(y_name))
    values = _pointwise(estimate)
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
    finish(axes, x_name, y_name)
    for axis, set_limits, set_ticks in (
        (across, axes.set_xlim, axes.set_xticks),
        (up, axes.set_ylim, axes.set_yticks),
    ):
        set_limits(axis.low, axis.high)
        if axis.ticks:
            set_ticks(axis.ticks, axis.labels or None)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)
    if len("".join(across.labels)) > LETTERS_ACROSS:
        axes.tick_params("x", rotation=30)


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """One coordinate as it is drawn: where each sample goes, and what part of the line is seen."""

    places: PerSample
    low: float
    high: float
    outside: np.ndarray
    ticks: tuple[float, ...]
    labels: tuple[str, ...] = ()

    @classmethod
    def of(cls, column: np.ndarray, *, seed: int, levels: Sequence[str] | None) -> "_Axis":
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
            ticks=tuple(distinct) if len(distinct) <= 6 else cls._named(distinct, levels),
            labels=tuple(
                short(levels[int(code)], LONGEST_LEVEL)
                for code in (distinct if len(distinct) <= 6 else cls._named(distinct, levels))
            )
            if levels
            else (),
        )

    @staticmethod
    def _named(distinct: np.ndarray, levels: Sequence[str] | None) -> tuple[float, ...]:
        """The most frequent categories, whose codes come first; no ticks of its own for numbers."""
        return tuple(distinct[:MOST_NAMED]) if levels else ()


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


def draw_colours(axes: "Axes", estimate: "Estimate", orientation: str) -> None:
    """The colour bar that panels share; samples must have pointwise values."""
    pointwise = _pointwise(estimate)
    assert pointwise is not None
    bar = axes.figure.colorbar(
        _colour_scale(pointwise),
        cax=axes,
        orientation=orientation,
        label=f"pointwise information in {estimate.unit}",
        extend="both",
    )
    __finish_bar(bar)


def __finish_bar(bar: Any) -> None:  # noqa: ANN401
    from matplotlib.ticker import MaxNLocator

    bar.locator = MaxNLocator(5, symmetric=True, steps=STEPS)
    bar.update_ticks()
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=SMALL, labelcolor=INK, color=MUTED, length=2)
    for axis in (bar.ax.xaxis, bar.ax.yaxis):
        axis.label.set(fontsize=SMALL + 0.5, color=INK)


def draw_curves(axes: "Axes", estimate: "Estimate") -> None:
    """The bound on training and held-out rows while each network learned."""
    runs = tuple(_in_unit(run, estimate) for run in estimate.evidence.curves)
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
    finish(axes, "gradient steps", f"bound in {estimate.unit}")
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


def _pointwise(estimate: "Estimate") -> PerSample | None:
    """In the estimate's unit."""
    values = estimate.evidence.pointwise
    return None if values is None else values / NATS_PER_UNIT[estimate.unit]


def _in_unit(run: "Curve", estimate: "Estimate") -> "Curve":
    nats = NATS_PER_UNIT[estimate.unit]
    return replace(
        run,
        training=tuple(value / nats for value in run.training),
        validation=tuple(value / nats for value in run.validation),
    )


def _curve_limits(runs: "tuple[Curve, ...]") -> tuple[float, float]:
    """Room for zero and for every check that was kept, but not for a bound that explodes."""
    kept = max(0.1, *(run.validation[run.best] for run in runs))
    values = np.concatenate([(0.0, *run.training, *run.validation) for run in runs])
    values = values[np.isfinite(values)]
    high = min(max(kept, values.max()), max(4 * kept, 5.0))
    low = max(values.min(), -high / 2)
    return low - 0.05 * (high - low), high + 0.08 * (high - low)
