"""A conclusion as Markdown: what was run, the tables, the figures, and what to see in them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from mineral.experiments.base import Conclusion, Experiment, Numbers, Table


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
    settings = ", ".join(f"{name} = {json.dumps(v)}" for name, v in made["settings"].items())
    parts = [
        f"# {experiment.title}",
        f"Source: {experiment.source}",
        f"```\n{made['command']}\n```",
        f"Settings ({made['mode']}): {settings}. Seed {made['seed']}, device {made['device']}, "
        f"{_duration(seconds)} on {made['machine']['cores']} cores, "
        f"mineral {made['versions']['mineral']}, torch {made['versions']['torch']}.",
        *(f"![{name}]({name}.png)" for name in conclusion.figures),
        *(_table(table) for table in conclusion.tables),
        *_list(conclusion.sentences),
    ]
    return "\n\n".join(parts) + "\n"


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
