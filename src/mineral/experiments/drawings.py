"""Common parts of the figures of experiments: panels, and the bytes of a file."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mineral.errors import MissingExtraError
from mineral.figures import INK, MUTED, SERIES, SMALL
from mineral.report.drawings import own_settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = SERIES
TRUTH = INK


def canvas(width: float, height: float) -> "Figure":
    """An empty figure, in inches.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("An experiment's figure", "report") from None
    with own_settings():
        return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def panels(
    count: int, *, columns: int, width: float = 3.0, height: float = 2.3, share: bool = True
) -> "tuple[Figure, list[Axes]]":
    """A grid of axes, row by row."""
    rows = -(-count // columns)
    figure = canvas(width * columns, height * rows)
    with own_settings():
        grid = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    axes = [each for row in grid for each in row]
    for idle in axes[count:]:
        idle.set_visible(False)
    return figure, axes[:count]


def label(axes: "Axes", title: str = "", across: str = "", up: str = "") -> None:
    """Name a panel and its axes, in the style of the other figures."""
    axes.set_title(title, fontsize=SMALL + 1, color=INK, loc="left", parse_math=False)
    for set_label, text in ((axes.set_xlabel, across), (axes.set_ylabel, up)):
        set_label(text, fontsize=SMALL, color=INK, parse_math=False)
    axes.tick_params(labelsize=SMALL - 1, labelcolor=INK, color=MUTED, length=3)
    for side, spine in axes.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=MUTED, linewidth=0.8)


def legend(axes: "Axes", *, columns: int = 1, where: Any = "best") -> None:  # noqa: ANN401
    """A legend without a frame."""
    axes.legend(frameon=False, fontsize=SMALL - 1, labelcolor=INK, ncols=columns, loc=where)


def lines(
    axes: "Axes",
    across: Sequence[float],
    series: "dict[str, Sequence[float | None]]",
    *,
    style: str = "o-",
) -> None:
    """Each series as a line with dots, in order of the colours; what is None leaves a gap."""
    for (name, values), colour in zip(series.items(), LINES * 3, strict=False):
        shown = [float("nan") if value is None else value for value in values]
        axes.plot(across, shown, style, color=colour, linewidth=1.4, markersize=3.5, label=name)


def png(figure: "Figure") -> bytes:
    """The figure as the content of a .png file: the same bytes every time."""
    content = io.BytesIO()
    with own_settings():
        figure.savefig(content, format="png", dpi=110, metadata={"Software": None})
    return content.getvalue()
