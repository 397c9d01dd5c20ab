"""Figures of an audit: utility against leakage, and rows of pictures."""

import base64
import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from mineral.audit.findings import Audit, Audited
from mineral.audit.pages.words import best, kept, leaked, secret
from mineral.audit.rows import Attack, Measure
from mineral.errors import MissingExtraError
from mineral.figures import HAIRLINE, INK, MUTED, SERIES, SMALL, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "osD^vP*X"


def frontier(audit: Audit) -> "list[Figure]":
    """Accuracy on what is kept against the strongest attack; and both in nats where they have any.

    Each is a figure of its own, so that a page may put them side by side or below each other.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    panels = (_success, _nats) if audit.hides == "label" else (_success,)
    return [_drawn(panel, audit) for panel in panels]


def _drawn(panel: "Callable[[Axes, Audit], None]", audit: Audit) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("A report", "audit") from None
    figure = Figure(figsize=(4.2, 4.2), layout="constrained")
    axes = figure.subplots()
    panel(axes, audit)
    handles, places = axes.get_legend_handles_labels()
    names = [audit.encoders[int(place)].encoder for place in places]
    legend = figure.legend(
        handles,
        list(map(str, range(len(names)))),
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=SMALL - 1,
        labelcolor=INK,
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set(text=short(name), parse_math=False)
    return figure


def _success(axes: "Axes", audit: Audit) -> None:
    """Attack across, task up."""
    name = {"label": "label", "numbers": "hidden numbers", "everything": "reconstruction"}
    wanted = name[audit.hides]
    for k, each in enumerate(audit.encoders):
        attack = each.attack(wanted)
        accuracy = next(row for row in each.utility if row.name == "accuracy")
        if attack is not None:
            _point(axes, attack, accuracy, each, k)
    if audit.guess is not None:
        axes.axvline(audit.guess, color=MUTED, linewidth=0.8, linestyle=":")
    across = {
        "label": f"share of {short(secret(audit))} guessed by the strongest attack",
        "numbers": f"R² of {short(secret(audit))}",
        "everything": "R² of reconstruction",
    }
    _label(axes, across[audit.hides], f"accuracy for {short(kept(audit))}")


def _nats(axes: "Axes", audit: Audit) -> None:
    for k, each in enumerate(audit.encoders):
        across = best(each.leakage, leaked(audit), "lower bound")
        up = best(each.utility, "I(L; Z)", "lower bound")
        if across is not None and up is not None:
            _point(axes, across, up, each, k)
    axes.axvline(audit.floor, color=MUTED, linewidth=0.8, linestyle=":")
    axes.axhline(audit.entropies["L"], color=MUTED, linewidth=0.8, linestyle=":")
    _label(axes, "I(S; Z) in nats, at least", "I(L; Z) in nats, at least")


def _point(
    axes: "Axes", across: Measure | Attack, up: Measure | Attack, each: Audited, k: int
) -> None:
    x, y = across.value, up.value
    ends: list[Any] = [
        [[max(0.0, v - row.interval[0])], [max(0.0, row.interval[1] - v)]]
        for v, row in ((x, across), (y, up))
    ]
    axes.errorbar(
        [x],
        [y],
        xerr=ends[0],
        yerr=ends[1],
        fmt=MARKERS[k % len(MARKERS)],
        color=SERIES[k % len(SERIES)],
        markersize=6,
        elinewidth=0.9,
        label=str(k),
    )


def _label(axes: "Axes", across: str, up: str) -> None:
    axes.set_xlabel(across, fontsize=SMALL, color=INK, parse_math=False)
    axes.set_ylabel(up, fontsize=SMALL, color=INK, parse_math=False)
    axes.tick_params(labelsize=SMALL - 1, labelcolor=INK, color=MUTED, length=3)
    axes.grid(color=HAIRLINE, linewidth=0.5)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=MUTED, linewidth=0.8)


def images(rows: Float[np.ndarray, "k d"], shape: Sequence[int] | None) -> str:
    """Rows as pictures side by side, as the address of an image that lies in the page itself.

    Args:
        rows: Each becomes one picture.
        shape: (height, width) or (channels, height, width); None for a square of all numbers, each
            picture scaled by itself.
    """
    from matplotlib.image import imsave

    tiles = [_tile(row, shape) for row in rows]
    border = np.ones((tiles[0].shape[0], 2, *tiles[0].shape[2:]))
    strip = np.concatenate([part for tile in tiles for part in (tile, border)][:-1], axis=1)
    content = io.BytesIO()
    imsave(content, strip, cmap="gray", vmin=0.0, vmax=1.0, format="png")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def _tile(row: Float[np.ndarray, " d"], shape: Sequence[int] | None) -> np.ndarray:
    if shape is None:
        side = math.ceil(math.sqrt(len(row)))
        low, high = float(row.min()), float(row.max())
        tile = np.ones(side * side)
        tile[: len(row)] = (row - low) / (high - low) if high > low else 0.5
        return tile.reshape(side, side)
    tile = np.clip(row, 0.0, 1.0).reshape(shape)
    if len(shape) == 2:
        return np.asarray(tile)
    return np.asarray(np.moveaxis(tile, 0, -1) if shape[0] == 3 else tile.mean(axis=0))
