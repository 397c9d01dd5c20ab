"""Estimate → HTML: one file without scripts, links or fonts of its own, to read anywhere."""

import os

from mineral import figures
from mineral.basics.types import Unit
from mineral.report import words
from mineral.report.drawings import Drawing, draw, own_settings
from mineral.report.templates import template
from mineral.results import Estimate
from mineral.system import storage

PANEL, PANEL_AMONG_OTHERS = 4.4, 2.4  # inches, at which its letters have their size
OTHER: dict[Unit, Unit] = {"nats": "bits", "bits": "nats"}


def write(
    estimate: Estimate,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    command: str | None = None,
) -> None:
    """Write an estimate as an HTML page: the number, the doubts, the samples, how to repeat it.

    The page is one file that asks the network for nothing. It is written in one step, so that a
    crash leaves the old page or none.

    Args:
        estimate: What `mineral.estimate` returned.
        path: The file, replaced if it exists.
        title: The heading; None to name the variables.
        command: What reproduces the estimate; None for the Python call.

    Raises:
        MissingExtraError: If jinja2 or matplotlib is not installed.
        OptionError: If the file's name ends in something else than .html.
        InputError: If the file cannot be written, with the system's reason.
    """
    storage.check_html(path)
    content = page(estimate, title=title, command=command)
    storage.write(path, content.encode(errors="replace"))  # file names may hold stray bytes


def page(estimate: Estimate, *, title: str | None = None, command: str | None = None) -> str:
    """The page that `write` writes."""
    form = template("mineral.report")
    # Given Z, a plot of x and y shows the dependence without the condition: it is left out.
    is_drawn = estimate.dim_z is None
    across, up = figures.views(estimate.evidence) if is_drawn else ([], [])
    other = estimate.to(OTHER[estimate.unit])
    with own_settings():
        drawings = {
            "scale": _scale(estimate),
            "panels": _panels(estimate, across, up),
            "colours": _colours(estimate) if is_drawn else None,
            "curves": _curves(estimate),
        }
    return form.render(
        **drawings,
        estimate=estimate,
        numbers=_numbers(estimate),
        other_unit=other.unit,
        other_numbers=_numbers(other),
        title=title or words.default_title(estimate),
        command=command or words.python_call(estimate),
        words=words,
        candidates=words.candidates(estimate),
        columns=len(across) if len(across) > 1 else len(up),
        left_out=words.drawn(estimate, across, up),
    )


def _numbers(estimate: Estimate) -> list[str]:
    """The value, and the ends of its interval."""
    return [figures.rounded(v, estimate.stderr) for v in (estimate.value, *estimate.interval)]


def _scale(estimate: Estimate) -> Drawing:
    value, low, high = _numbers(estimate)
    return draw(
        figures.interval(estimate),
        f"A scale from zero: the value {value} {estimate.unit} within its "
        f"interval from {low} to {high}.",
        name="scale",
    )


def _panels(estimate: Estimate, across: list[int], up: list[int]) -> list[Drawing]:
    evidence = estimate.evidence
    coloured = "" if evidence.pointwise is None else ", coloured by pointwise mutual information"
    width = PANEL if len(across) * len(up) == 1 else PANEL_AMONG_OTHERS
    return [
        draw(
            figures.pair(estimate, i, j, width=width),
            f"Scatter plot of {evidence.y_names[j]} (up) against {evidence.x_names[i]} (across)"
            f"{coloured}.",
            name=f"pair-{i}-{j}",
        )
        for j in up
        for i in across
    ]


def _colours(estimate: Estimate) -> Drawing | None:
    figure = figures.colours(estimate)
    label = "Colour bar: red below zero, grey at zero, blue above, in nats."
    return None if figure is None else draw(figure, label, name="colours")


def _curves(estimate: Estimate) -> Drawing | None:
    figure = figures.curves(estimate)
    label = "Line chart: the bound in nats against gradient steps, on training and held-out rows."
    return None if figure is None else draw(figure, label, name="curves")
