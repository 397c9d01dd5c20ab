"""A conclusion as Markdown and as HTML: what was run, tables, figures, and what to see in them."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mineral.experiments.base import Conclusion, Experiment, Numbers, Table
from mineral.report.templates import template


def markdown(
    experiment: Experiment[Any], conclusion: Conclusion, made: Numbers, *, seconds: float
) -> str:
    """The report of a run.

    Args:
        experiment: What was run.
        conclusion: What came out.
        made: What settings.json holds.
        seconds: That the cells took together.
    """
    parts = [
        f"# {experiment.title}",
        f"Source: {experiment.source}",
        f"```\n{made['command']}\n```",
        _setup(made, seconds),
        *(f"![{name}]({name}.png)" for name in conclusion.figures),
        *(_table(table) for table in conclusion.tables),
        *_list(conclusion.sentences),
    ]
    return "\n\n".join(parts) + "\n"


def html(
    experiment: Experiment[Any],
    conclusion: Conclusion,
    made: Numbers,
    *,
    seconds: float,
    figures: Mapping[str, bytes],
) -> str:
    """The same report as one HTML file, which holds the figures and needs no network.

    Args:
        experiment: What was run.
        conclusion: What came out.
        made: What settings.json holds.
        seconds: That the cells took together.
        figures: The conclusion's, as PNG.

    Raises:
        MissingExtraError: If jinja2 is not installed.
    """
    inside = {
        name: f"data:image/png;base64,{base64.b64encode(content).decode()}"
        for name, content in figures.items()
    }
    return template("mineral.experiments").render(
        experiment=experiment,
        figures=inside,
        made=made,
        sentences=conclusion.sentences,
        setup=_setup(made, seconds),
        tables=conclusion.tables,
    )


def _setup(made: Numbers, seconds: float) -> str:
    settings = ", ".join(f"{name} = {json.dumps(v)}" for name, v in made["settings"].items())
    return (
        f"Settings ({made['mode']}): {settings}. Seed {made['seed']}, device {made['device']}, "
        f"{_duration(seconds)} on {made['machine']['cores']} cores, "
        f"mineral {made['versions']['mineral']}, torch {made['versions']['torch']}."
    )


def number(value: float | None, digits: int = 2) -> str:
    """A number of a table; a dash for what is not finite, and powers of ten for what is huge."""
    if value is None or value != value or abs(value) == float("inf"):
        return "–"
    text = f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.0e}"
    return text.replace("-", "−")


def beside(ours: str, published: float | None, digits: int = 2) -> str:
    """Ours, with what was published in parentheses where anything was."""
    return ours if published is None else f"{ours} ({number(published, digits)})"


def _table(table: Table) -> str:
    rows = [table.header, ["---", *["--:"] * (len(table.header) - 1)], *table.rows]
    return f"**{table.title}**\n\n" + "\n".join(map(_row, rows))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _list(sentences: Iterable[str]) -> list[str]:
    lines = "\n".join(f"- {sentence}" for sentence in sentences)
    return [lines] if lines else []


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
