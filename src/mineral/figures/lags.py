"""Information against lag, with the interval of each value."""

from typing import TYPE_CHECKING

from mineral.figures.style import ACCENT, ACCENT_PALE, MUTED, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mineral.results import Estimate


def draw_lags(axes: "Axes", lags: "tuple[int, ...]", estimates: "tuple[Estimate, ...]") -> None:
    """A dot and a bar at each lag, and a line at zero."""
    unit = estimates[0].unit
    axes.axhline(0, color=MUTED, linewidth=1)
    for lag, estimate in zip(lags, estimates, strict=True):
        low, high = estimate.interval
        axes.plot([lag, lag], [low, high], color=ACCENT_PALE, linewidth=3, solid_capstyle="butt")
    values = [estimate.value for estimate in estimates]
    axes.plot(lags, values, color=ACCENT, linewidth=1, marker="o", markersize=4)
    finish(axes, "lag in rows (x before y)", f"information in {unit}", bins=8)
