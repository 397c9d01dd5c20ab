"""Pictures of a matrix: a heat map in the order of clusters, and bars of the strongest pairs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from mineral.errors import MissingExtraError
from mineral.figures import ACCENT, INK, MUTED, SMALL, short
from mineral.figures.style import ACCENT_PALE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mineral.pairs.result import Matrix

DRAWN = 400  # columns of a heat map, those of the strongest pairs: more are thinner than a pixel
NAMED = 60  # columns, up to which each has its name beside it
BARS = 30
NAME = 24  # letters
PerBar = Float[np.ndarray, " bars"]


def heat_map(matrix: "Matrix") -> "Figure":
    """The values of all pairs, columns in the order of hierarchical clustering; not of targets."""
    columns = shown(matrix)
    values = matrix.array()[np.ix_(columns, columns)]
    order = clustered(values)
    columns, values = columns[order], values[np.ix_(order, order)]
    named = len(columns) <= NAMED
    size = max(4.4, 0.16 * len(columns) + 2.2) if named else 6.4
    figure = new_figure(size + 0.9, size)
    axes = figure.subplots()
    axes.set_facecolor("#eceef0")  # of pairs without a value
    top = np.nanmax(values) if np.isfinite(values).any() else 1.0
    image = axes.imshow(values, cmap=_colours(), vmin=0.0, vmax=max(top, 1e-9), aspect="equal")
    bar = figure.colorbar(image, ax=axes, shrink=0.7)
    bar.set_label(matrix.unit, color=INK, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL - 1, labelcolor=INK, color=MUTED)
    bar.outline.set_visible(False)
    for side in axes.spines.values():
        side.set_visible(False)
    ticks = range(len(columns)) if named else []
    names = [short(matrix.names[i], NAME) for i in columns] if named else []
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    for axis, turned in ((axes.xaxis, 90), (axes.yaxis, 0)):
        axis.set_ticklabels(names, rotation=turned)
        for label in axis.get_ticklabels():
            label.set(parse_math=False, fontsize=SMALL - 1.5, color=INK)
    axes.tick_params(length=0)
    return figure


def overview(matrix: "Matrix") -> "Figure":
    """The heat map, or bars of the strongest pairs where only those with targets have values."""
    return bars(matrix) if matrix.plan.targets else heat_map(matrix)


def bars(matrix: "Matrix") -> "Figure":
    """The strongest pairs, the strongest on top, with their intervals."""
    pairs = matrix.strongest(BARS)
    x, y = matrix.plan.places()
    labels = [
        f"{short(matrix.names[x[k]], NAME)} · {short(matrix.names[y[k]], NAME)}" for k in pairs
    ]
    ends = (matrix.value[pairs], matrix.lower[pairs], matrix.upper[pairs])
    figure = new_figure(6.4, 0.8 + 0.24 * max(1, len(pairs)))
    draw_bars(figure.subplots(), labels, ends, matrix.unit)
    return figure


def draw_bars(
    axes: "Axes",
    labels: Sequence[str],
    ends: tuple[PerBar, PerBar, PerBar],
    unit: str,
    colours: str | Sequence[str] = ACCENT_PALE,
) -> None:
    """A bar with an interval for each label, the first one on top.

    Args:
        axes: To draw on.
        labels: Of the bars.
        ends: Values, and both ends of their intervals.
        unit: Of these.
        colours: Of all bars, or of each.
    """
    value, low, high = ends
    up = np.arange(len(labels))
    axes.barh(up, value, height=0.62, color=colours)
    axes.hlines(up, low, high, color=INK, linewidth=1.2)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(up, labels)
    for label in axes.get_yticklabels():
        label.set(parse_math=False, fontsize=SMALL - 1, color=INK)
    axes.set_ylim(max(1, len(labels)) - 0.4, -0.6)
    axes.set_xlabel(unit, color=INK, fontsize=SMALL)
    axes.tick_params(axis="x", labelsize=SMALL - 1, labelcolor=INK, color=MUTED)
    axes.tick_params(axis="y", length=0)
    for name, spine in axes.spines.items():
        spine.set(visible=name == "bottom", color=MUTED, linewidth=0.8)


def shown(matrix: "Matrix") -> Int[np.ndarray, " k"]:
    """Places of the columns of a heat map: all, or those of the strongest pairs."""
    if len(matrix.names) <= DRAWN:
        return np.arange(len(matrix.names))
    x, y = matrix.plan.places()
    pairs = matrix.strongest(DRAWN * DRAWN)
    both = np.column_stack([x[pairs], y[pairs]]).ravel()
    _, first = np.unique(both, return_index=True)
    return np.sort(both[np.sort(first)[:DRAWN]])


def clustered(values: Float[np.ndarray, "p p"]) -> Int[np.ndarray, " p"]:
    """An order of columns in which those with much mutual information are neighbours.

    Average linkage of the distances exp(−I), with optimal order of the leaves. A pair without a
    value counts as independent.

    References:
        Bar-Joseph, Gifford & Jaakkola (2001), doi:10.1093/bioinformatics/17.suppl_1.S22.
    """
    from scipy.cluster import hierarchy  # slow to import: only when needed
    from scipy.spatial.distance import squareform

    if len(values) < 3:
        return np.arange(len(values))
    distances = np.exp(-np.nan_to_num(values).clip(min=0))
    np.fill_diagonal(distances, 0.0)
    linkage = hierarchy.linkage(
        squareform(distances, checks=False), "average", optimal_ordering=True
    )
    return np.asarray(hierarchy.leaves_list(linkage))


def _colours() -> Any:  # noqa: ANN401
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "information", ["#ffffff", "#a8c5e6", ACCENT, "#0b2748"]
    )


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("Plotting", "report") from None
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")
