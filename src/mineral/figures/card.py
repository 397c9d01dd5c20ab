"""The card of an estimate in a notebook: the number, its interval as a drawing, the warnings."""

import html
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mineral.results import Estimate

DOUBT = "border-left:3px solid #c77700;padding-left:.5em"


def card(estimate: "Estimate", made_by: str, tested: str) -> str:
    """HTML of a few lines. Warnings are marked; how the value came about unfolds."""
    low, high = estimate.interval
    doubts = "".join(
        f"<li style='{DOUBT}'><b>{html.escape(caution.code)}</b>: "
        f"{html.escape(caution.message)}</li>"
        for caution in estimate.warnings
    )
    path = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in estimate.path)
    parts = [
        f"<div style='font-size:1.3em'>{html.escape(estimate.symbol)} = "
        f"<b>{estimate.value:.4g}</b> {estimate.unit}</div>",
        f"<div>{100 * estimate.confidence:.4g}% interval [{low:.4g}, {high:.4g}]{tested} · "
        f"{html.escape(made_by)} · n = {estimate.n:,}, "
        f"{estimate.dims_in_words}</div>",
        _scale(estimate),
        f"<div>Warnings</div><ul style='list-style:none'>{doubts}</ul>" if doubts else "",
        f"<details><summary>How the value was computed</summary><ul>{path}</ul></details>"
        if path
        else "",
    ]
    return f"<div>{''.join(parts)}</div>"


def _scale(estimate: "Estimate") -> str:
    """The interval on a scale that shows zero, as a drawing of 300 by 16 pixels."""
    ends = [0.0, estimate.interval[0], estimate.value, estimate.interval[1]]
    if not all(map(math.isfinite, ends)) or max(ends) == min(ends):
        return ""
    start, width = min(ends), max(ends) - min(ends)
    zero, left, dot, right = (5 + 290 * ((end - start) / width) for end in ends)
    return (
        "<svg width='300' height='16' role='img' aria-label='The interval, from zero'>"
        f"<path d='M{zero:.1f} 0V16' stroke='#5d6670'/>"
        f"<path d='M{left:.1f} 8H{right:.1f}' stroke='#a8c5e6' stroke-width='6'/>"
        f"<circle cx='{dot:.1f}' cy='8' r='4' fill='#1f5fa8'/></svg>"
    )
