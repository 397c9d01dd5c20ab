"""Colours and letters of all pictures, and numbers and names as they are written in them."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, HAIRLINE = "#1d2329", "#5d6670", "#d5d9de"
ACCENT, ACCENT_PALE = "#1f5fa8", "#a8c5e6"
DIVERGING = ("#a3201c", "#e08468", "#c4c6c9", "#74a6d8", "#174f93")  # grey, not white: on paper
# Of lines and points. Any two, and ink, differ by 20 in CIELAB for normal vision, protanopia,
# deuteranopia and tritanopia (tests/test_colours.py); the Okabe-Ito colours differ by 16.
SERIES = (
    *("#1f5fa8", "#ef861a", "#049253", "#420a4e"),
    *("#3592ff", "#8a0718", "#965f00", "#5d6670"),
)
FOLDS = SERIES[:5]
SMALL = 9.0  # points
STEPS = (1, 2, 2.5, 5, 10)  # between ticks, times a power of ten


def rounded(value: float, stderr: float) -> str:
    """A number as exact as it is known: to two digits of its standard error."""
    if not (math.isfinite(value) and math.isfinite(stderr) and stderr > 0):
        return f"{value:.4g}".replace("-", "−")
    decimals = min(12, max(0, 1 - math.floor(math.log10(stderr))))
    return f"{value:,.{decimals}f}".replace("-", "−")


def finish(axes: "Axes", across: str, up: str, *, bins: int = 5) -> None:
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
