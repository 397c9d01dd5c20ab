"""The strongest dependent pairs as a graph: columns on a circle, and a line for each pair."""

import math
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from mineral.figures import ACCENT, INK, MUTED, SMALL, short
from mineral.pairs.pages.pictures import NAME, clustered, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mineral.pairs.result import Matrix

LINES = 80  # pairs, the strongest
NODES = 40  # columns, so that names do not touch
PULL = 0.35  # of lines towards the middle
THICKEST = 5.0  # points, of the strongest pair


def links(matrix: "Matrix", fdr: float) -> Int[np.ndarray, " k"]:
    """Numbers of the strongest dependent pairs, of at most `NODES` columns.

    Args:
        matrix: The matrix.
        fdr: Pairs above this q-value are no links; without tests, those whose interval holds 0.
    """
    pairs = matrix.strongest(LINES)
    is_tested = not np.isnan(matrix.p_value).all()
    is_link = matrix.q_value[pairs] <= fdr if is_tested else matrix.lower[pairs] > 0
    x, y = matrix.plan.places()
    kept, columns = list[int](), set[int]()
    for pair in pairs[is_link]:
        ends = columns | {int(x[pair]), int(y[pair])}
        if len(ends) <= NODES:
            columns = ends
            kept.append(int(pair))
    return np.array(kept, dtype=np.int64)


def graph(matrix: "Matrix", pairs: Int[np.ndarray, " k"]) -> "Figure":
    """Columns in the order of clusters around a circle; thicker lines for larger values.

    Args:
        matrix: The matrix.
        pairs: Numbers of those that are drawn: `links`.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    figure = new_figure(6.4, 6.4)
    axes = figure.subplots()
    x, y = (ends[pairs] for ends in matrix.plan.places())
    columns = np.unique(np.concatenate([x, y]))
    columns = columns[clustered(matrix.array()[np.ix_(columns, columns)])]
    angles = 2 * math.pi * np.arange(len(columns)) / max(1, len(columns))
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    places = dict(zip(columns.tolist(), around, strict=True))
    top = float(matrix.value[pairs].max()) if len(pairs) else 1.0
    for pair, one, other in zip(pairs[::-1], x[::-1], y[::-1], strict=True):  # strongest on top
        start, end = places[int(one)], places[int(other)]
        share = float(matrix.value[pair]) / top
        curve = Path([start, PULL * (start + end) / 2, end], [Path.MOVETO, *[Path.CURVE3] * 2])
        width = 0.6 + (THICKEST - 0.6) * share
        line = PathPatch(curve, facecolor="none", edgecolor=ACCENT, linewidth=width)
        line.set(alpha=0.25 + 0.65 * share, capstyle="round")
        axes.add_patch(line)
    for column, angle in zip(columns, angles, strict=True):
        across, up = places[int(column)]
        axes.plot(across, up, marker="o", markersize=5, color=INK)
        is_left = math.cos(angle) < -1e-9
        turned = math.degrees(angle) + (180 if is_left else 0)
        text = axes.text(1.05 * across, 1.05 * up, short(matrix.names[column], NAME))
        text.set(
            rotation=turned, rotation_mode="anchor", ha="right" if is_left else "left", va="center"
        )
        text.set(parse_math=False, fontsize=SMALL - 1, color=INK)
    if not len(pairs):
        axes.text(0, 0, "no dependent pair", ha="center", color=MUTED, fontsize=SMALL)
    axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal")
    axes.axis("off")
    return figure
