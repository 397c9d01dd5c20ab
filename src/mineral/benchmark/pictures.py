"""Figures of a benchmark: errors of estimators, by n, by cost and by task.

Readable on a phone: about 5 inches wide, with letters at their size. Mineral is blue, other
libraries are orange; grey lines are the oracle and always 0 (baseline).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mineral.benchmark.rows import Row
from mineral.benchmark.summary import NOTHING, ORACLE, REFERENCES, Standing, grouped, standings
from mineral.benchmark.tables import number
from mineral.figures import ACCENT, HAIRLINE, INK, MUTED, SERIES, SMALL, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RIVAL = SERIES[1]
LINES = SERIES[:6]
DASHES: dict[str, Any] = {ORACLE: (0, (4, 2)), NOTHING: (0, (1, 1.5))}
ROOM = 1.15  # times the error of always 0: larger errors are written, not drawn
WIDTH = 5.0
LONGEST = 60  # letters of a name: more leave no room for the drawing


def leaderboard(standing: Sequence[Standing], ours: frozenset[str], title: str = "") -> "Figure":
    """Bars of mean absolute error, best on top, with those of the oracle and of always 0."""
    shown = [each for each in standing if each.label not in REFERENCES]
    figure, axes = _canvas(WIDTH, 0.9 + 0.21 * len(shown))
    lines = {each.label: each.error for each in standing if each.label in REFERENCES}
    reach = ROOM * max([lines[NOTHING], *(e.error for e in shown[: len(shown) // 2 + 1])])
    for place, each in enumerate(shown):
        colour = ACCENT if each.label in ours else RIVAL
        axes.barh(place, min(each.error, reach), height=0.66, color=colour)
        beyond = " →" if each.error > reach else ""
        axes.annotate(
            number(each.error) + beyond,
            (min(each.error, reach), place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL - 1,
            color=INK,
        )
    _reference(axes, lines, upright=True)
    _names(axes, [each.label for each in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(0, 1.14 * reach)
    _finish(axes, "mean absolute error in nats", "")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    if title:
        legend = "blue: Mineral, orange: other libraries" if len(ours) < len(shown) else ""
        figure.suptitle(f"{title}\n{legend}", fontsize=SMALL, color=INK, parse_math=False)
    return figure


def against_n(rows: Sequence[Row], labels: Sequence[str]) -> "Figure":
    """Mean absolute error against the number of samples, both as powers."""
    by_n = {n: standings(own) for n, own in sorted(grouped(rows, lambda row: row.n).items())}
    errors = {
        label: [next((s.error for s in all_ if s.label == label), np.nan) for all_ in by_n.values()]
        for label in (*labels, *REFERENCES)
    }
    figure, axes = _canvas(WIDTH, 3.4)
    for k, label in enumerate(labels):
        line = axes.plot(list(by_n), errors[label], marker="o", markersize=4, label=str(k))[0]
        line.set(color=LINES[k % len(LINES)], linestyle="-" if k < len(LINES) else ":")
    for label, style in DASHES.items():
        axes.plot(list(by_n), errors[label], color=MUTED, linestyle=style, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(list(by_n), [f"{n:,}" for n in by_n])
    axes.minorticks_off()
    _finish(axes, "samples", "mean absolute error in nats")
    legend = axes.legend(
        frameon=False,
        fontsize=SMALL - 1,
        labelcolor=INK,
        ncols=3,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0,
    )
    for text, label in zip(legend.get_texts(), (*labels, *DASHES), strict=True):
        text.set(
            text=short(label, LONGEST), parse_math=False
        )  # as it is, even `_a`, which would be left out
    return figure


def cost(standing: Sequence[Standing], ours: frozenset[str]) -> "Figure":
    """Mean absolute error against the median of seconds."""
    shown = [each for each in standing if each.seconds and each.label not in REFERENCES]
    figure, axes = _canvas(WIDTH, 3.6)
    lines = {each.label: each.error for each in standing if each.label in REFERENCES}
    reach = ROOM * lines[NOTHING]
    for each in shown:
        colour = ACCENT if each.label in ours else RIVAL
        place = (max(each.seconds or 0, 1e-4), min(each.error, reach))
        axes.plot(*place, "o" if each.error <= reach else "^", color=colour, markersize=5)
        axes.annotate(
            short(each.label, LONGEST),
            place,
            (4, 3),
            textcoords="offset points",
            fontsize=SMALL - 2.5,
            color=INK,
            parse_math=False,
        )
    axes.set_xscale("log")
    axes.set_ylim(0, 1.08 * reach)
    _reference(axes, lines, upright=False)
    _finish(axes, "median seconds, on one core unless noted", "mean absolute error in nats")
    axes.margins(x=0.18)
    return figure


def coverage(standing: Sequence[Standing], ours: frozenset[str]) -> "Figure | None":
    """The share of intervals that contain the truth, and of false positives; None without any."""
    shown = [each for each in standing if each.coverage is not None]
    if not shown:
        return None
    figure, axes = _canvas(WIDTH, 1.1 + 0.21 * len(shown))
    axes.axvline(95, color=MUTED, linewidth=1, linestyle=(0, (4, 2)))
    axes.annotate("95%", (94, -0.75), ha="right", fontsize=SMALL - 1, color=MUTED)
    for place, each in enumerate(shown):
        colour = ACCENT if each.label in ours else RIVAL
        axes.plot([0, 100], [place, place], color=HAIRLINE, linewidth=0.6, zorder=0)
        axes.plot(100 * (each.coverage or 0), place, "o", color=colour, markersize=5, clip_on=False)
        if each.false_positives is not None:
            axes.plot(100 * each.false_positives, place, "x", color=RIVAL, clip_on=False)
    _names(axes, [each.label for each in shown])
    axes.set_ylim(len(shown) - 0.4, -1.2)
    axes.set_xlim(0, 101)
    _finish(axes, "intervals that contain the truth (dot); false positives (cross), in %", "")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return figure


def against_truth(rows: Sequence[Row], colour: str, limits: tuple[float, float]) -> "Figure":
    """Estimates of one estimator against the true values; on the diagonal they agree."""
    figure, axes = _canvas(2.6, 2.4)
    low, high = limits
    known = [(row.truth, row.value) for row in rows if row.value is not None]
    truth, value = np.array(known).reshape(-1, 2).T
    axes.plot(limits, limits, color=MUTED, linewidth=1)
    axes.scatter(
        truth,
        np.clip(value, low, high),
        s=9,
        color=colour,
        alpha=0.5,
        linewidths=0,
        rasterized=True,
        clip_on=False,
    )
    axes.set_xlim(*limits)
    axes.set_ylim(*limits)
    _finish(axes, "truth in nats", "estimate")
    axes.locator_params(nbins=4)
    return figure


def limits_of(rows: Sequence[Row]) -> tuple[float, float]:
    """Of the truths, with room for errors; what is beyond is drawn on the edge."""
    high = 1.25 * max(0.4, *(row.truth for row in rows))
    return -0.2 * high, high


def _canvas(width: float, height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    return figure, figure.subplots()


def _reference(axes: "Axes", lines: dict[str, float], *, upright: bool) -> None:
    """Grey lines at the errors of the oracle and of always 0."""
    for label, style in DASHES.items():
        if label not in lines:
            continue
        draw = axes.axvline if upright else axes.axhline
        draw(lines[label], color=MUTED, linewidth=1, linestyle=style, zorder=0)
        place = (lines[label], 1.0) if upright else (0.0, lines[label])
        axes.annotate(
            label,
            place,
            (0, 3) if upright else (2, 2),
            xycoords=("data", "axes fraction") if upright else ("axes fraction", "data"),
            textcoords="offset points",
            ha="center" if upright else "left",
            fontsize=SMALL - 1,
            color=MUTED,
        )


def _names(axes: "Axes", labels: Sequence[str]) -> None:
    """Names along the upright axis, in which a `$` is no formula."""
    axes.set_yticks(
        range(len(labels)), [short(label, LONGEST) for label in labels], parse_math=False
    )


def _finish(axes: "Axes", across: str, up: str) -> None:
    for set_label, text in ((axes.set_xlabel, across), (axes.set_ylabel, up)):
        set_label(text, labelpad=6, color=INK, fontsize=SMALL, parse_math=False)
    axes.tick_params(labelsize=SMALL - 1, labelcolor=INK, color=MUTED, length=3)
    for side, spine in axes.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=MUTED, linewidth=0.8)
