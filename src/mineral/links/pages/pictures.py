"""Pictures of a network: arrows between series, a table of lags, and links with intervals."""

import math
from typing import TYPE_CHECKING

import numpy as np

from mineral.figures import ACCENT, INK, MUTED, SMALL, short
from mineral.figures.style import ACCENT_PALE
from mineral.pairs.pages.pictures import draw_bars, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mineral.links.result import Network

CIRCLE = 16  # series with links, up to which they lie on a circle
NAME = 16  # letters
BARS = 40  # links with intervals
BEND = 0.18  # of arrows, so that both directions are seen
RADIUS = 0.17  # of a series' circle, beside that of the whole

GREY = "#d9dcdf"  # of links that are not significant
OUTER = 1.3  # distance from the middle of the lags of a series' own past

Arrows = dict[tuple[str, str], list[tuple[int, float]]]  # lags and values of a source and a target


def overview(network: "Network") -> "Figure":
    """Arrows, or a table of lags where many series have links."""
    return graph(network) if len(linked(network)) <= CIRCLE else table(network)


def arrows(network: "Network") -> Arrows:
    """Lags and values of the significant links of each source and target."""
    found: Arrows = {}
    for link in sorted(network.significant, key=lambda link: link.lag):
        found.setdefault((link.source, link.target), []).append((link.lag, link.value or 0.0))
    return found


def linked(network: "Network") -> list[str]:
    """Series that are a source or a target of a significant link; all if few."""
    if len(network.names) <= CIRCLE:
        return list(network.names)
    ends = {name for pair in arrows(network) for name in pair}
    return [name for name in network.names if name in ends]


def graph(network: "Network") -> "Figure":
    """Series on a circle, and an arrow from each source to its target with the lags in rows."""
    from matplotlib.patches import Circle

    figure = new_figure(6.2, 5.6)
    axes = figure.subplots()
    names = linked(network)
    angles = math.pi / 2 - 2 * math.pi * np.arange(len(names)) / max(1, len(names))
    places = {name: (math.cos(a), math.sin(a)) for name, a in zip(names, angles, strict=True)}
    own = {target.name: target.own_lags for target in network.targets}
    for pair, lags in arrows(network).items():
        _draw_arrow(axes, places[pair[0]], places[pair[1]], lags)
    for name, place in places.items():
        axes.add_patch(Circle(place, RADIUS, facecolor="white", edgecolor=MUTED, zorder=3))
        x, y = place
        text = axes.text(x, y, short(name, NAME), ha="center", va="center", fontsize=SMALL)
        text.set(parse_math=False, color=INK, zorder=4)
        if own.get(name):
            lags_text = "own " + ", ".join(map(str, own[name][:3]))
            note = axes.text(OUTER * x, OUTER * y, lags_text, fontsize=SMALL - 2)
            note.set(ha="center", va="center", color=MUTED)
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.4, 1.4), aspect="equal")
    axes.axis("off")
    return figure


def _draw_arrow(
    axes: "Axes",
    start: tuple[float, float],
    end: tuple[float, float],
    lags: list[tuple[int, float]],
) -> None:
    from matplotlib.patches import FancyArrowPatch

    a, b = np.array(start), np.array(end)
    along = (b - a) / np.linalg.norm(b - a)
    across = np.array([along[1], -along[0]])
    strength = sum(max(0.0, value) for _, value in lags)
    arrow = FancyArrowPatch(
        tuple(a + RADIUS * along),
        tuple(b - RADIUS * along),
        connectionstyle=f"arc3,rad={BEND}",
        arrowstyle="-|>",
        mutation_scale=13,
        linewidth=min(4.0, 0.8 + 4 * strength),
        color=ACCENT,
        zorder=2,
    )
    axes.add_patch(arrow)
    length = float(np.linalg.norm(b - a)) - 2 * RADIUS
    x, y = (a + b) / 2 + across * BEND * length / 2
    text = axes.text(x, y, ", ".join(str(lag) for lag, _ in lags), ha="center", va="center")
    text.set(fontsize=SMALL - 1, color=INK, zorder=5)
    text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})


def table(network: "Network") -> "Figure":
    """Sources in columns, targets in rows, and the lag of the strongest link of each pair."""
    names = linked(network)
    size = max(4.4, 0.24 * len(names) + 1.8)
    figure = new_figure(size, size)
    axes = figure.subplots()
    place = {name: i for i, name in enumerate(names)}
    found = arrows(network)
    strongest = {pair: max(lags, key=lambda each: each[1]) for pair, lags in found.items()}
    top = max((value for _, value in strongest.values()), default=1.0)
    for (source, target), (lag, value) in strongest.items():
        x, y = place[source], place[target]
        share = 0.25 + 0.75 * max(0.0, value) / max(top, 1e-12)
        axes.scatter(x, y, s=150 * share, color=ACCENT_PALE, linewidths=0)
        axes.text(x, y, str(lag), ha="center", va="center", fontsize=SMALL - 2, color=INK)
    labels = [short(name, NAME) for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=90)
    axes.set_yticks(range(len(names)), labels)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set(parse_math=False, fontsize=SMALL - 2, color=INK)
    axes.set_xlabel("source", color=INK, fontsize=SMALL)
    axes.set_ylabel("target", color=INK, fontsize=SMALL)
    axes.set(xlim=(-0.7, len(names) - 0.3), ylim=(len(names) - 0.3, -0.7))
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set(color=MUTED, linewidth=0.6)
    return figure


def bars(network: "Network") -> "Figure":
    """The first links with their intervals; those that are not significant in grey."""
    links = [link for link in network.links if link.value is not None][:BARS]
    keep = {id(link) for link in network.significant}
    values, lower, upper = (
        np.array([end or 0.0 for end in each])
        for each in (
            [link.value for link in links],
            [link.lower for link in links],
            [link.upper for link in links],
        )
    )
    labels = [
        f"{short(link.source, NAME)} → {short(link.target, NAME)}, lag {link.lag}" for link in links
    ]
    colours = [ACCENT_PALE if id(link) in keep else GREY for link in links]
    figure = new_figure(6.4, 0.9 + 0.26 * max(1, len(links)))
    draw_bars(figure.subplots(), labels, (values, lower, upper), network.unit, colours)
    return figure
