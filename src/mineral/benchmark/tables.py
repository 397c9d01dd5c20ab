"""Standings → CSV for programs and Markdown for a README."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import TypeAlias

from mineral.benchmark.rows import Row
from mineral.benchmark.summary import Standing, grouped, standings

Cell: TypeAlias = Callable[[Standing], str]
DASH = "–"


def number(value: float | None, *, signed: bool = False) -> str:
    """Nats to a thousandth; what is far out of range with fewer digits."""
    if value is None:
        return DASH
    if abs(value) >= 1000:
        shown = f"{value:+.1e}" if signed else f"{value:.1e}"
    else:
        shown = f"{value:+.3f}" if signed else f"{value:.3f}"
    return shown.replace("-", "−")


def share(value: float | None) -> str:
    """A share as a percentage."""
    return DASH if value is None else f"{100 * value:.0f}%"


def cost(value: float | None) -> str:
    """Seconds or megabytes to two digits: they are rough."""
    if value is None:
        return DASH
    return f"{float(f'{value:.2g}'):,.10g}"


def failures(standing: Standing) -> str:
    """`3 refused, 1 timeout`."""
    return ", ".join(f"{count:,} {status}" for status, count in sorted(standing.without.items()))


COLUMNS: dict[str, Cell] = {
    "MAE": lambda s: number(s.error) + (f" ± {number(s.noise)}" if s.noise else ""),
    "where it ran": lambda s: number(s.error_where_ran),
    "bias": lambda s: number(s.bias, signed=True),
    "spread": lambda s: number(s.spread),
    "within 0.1": lambda s: share(s.close),
    "coverage": lambda s: share(s.coverage),
    "false positives": lambda s: share(s.false_positives),
    "seconds": lambda s: cost(s.seconds),
    "MB": lambda s: cost(s.megabytes),
    "tasks × n": lambda s: f"{s.cells:,} of {s.of_cells:,}",
    "without a value": lambda s: failures(s) or DASH,
}
"""What a leaderboard shows beside the name, and how."""

LEGEND = (
    "Information in nats. MAE: mean absolute error over tasks and n, where a run without a value "
    "(refused, failed, too late) or not made counts as 0, ± its standard error over seeds; the "
    "ranking is by it. Bias: mean of value − truth; spread: standard deviation over seeds; "
    "coverage: share of 95% intervals that contain the truth; false positives: share of intervals "
    "above 0 on independent data. `oracle`: the mean of the true pointwise values of the same "
    "samples, which is the floor that sampling sets. `nothing` always answers 0."
)


def shown(standing: Sequence[Standing]) -> list[str]:
    """The columns that say something about anybody."""
    return [name for name, cell in COLUMNS.items() if any(cell(each) != DASH for each in standing)]


def markdown(standing: Sequence[Standing]) -> str:
    """A leaderboard for a README, with what its columns mean."""
    columns = shown(standing)
    lines = [
        "| " + " | ".join(["estimator", *columns]) + " |",
        "|---|" + "--:|" * len(columns),
    ]
    lines += [
        "| " + " | ".join([f"`{each.label}`", *(COLUMNS[name](each) for name in columns)]) + " |"
        for each in standing
    ]
    return "\n".join([*lines, "", LEGEND, ""])


def comma_separated(rows: Sequence[Row]) -> str:
    """Standings over all rows, and for each n, each family, and each of both, with full digits."""
    text = io.StringIO()
    fields = [name for name in Standing.__dataclass_fields__ if name not in ("label", "without")]
    statuses = ("refused", "failed", "timeout", "crashed")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["n", "family", "estimator", *fields, *statuses])
    parts = {("all", "all"): list(rows)}
    parts |= {(str(n), "all"): own for n, own in sorted(grouped(rows, lambda r: r.n).items())}
    families = sorted(grouped(rows, lambda row: row.family).items())
    parts |= {("all", family): own for family, own in families}
    both = sorted(grouped(rows, lambda row: (row.n, row.family)).items())
    parts |= {(str(n), family): own for (n, family), own in both}
    for (n, family), own in parts.items():
        for each in standings(own):
            numbers = [getattr(each, name) for name in fields]
            counts = [each.without[status] for status in statuses]
            shown = [
                "" if v is None else f"{v:.6g}" if isinstance(v, float) else v for v in numbers
            ]
            writer.writerow([n, family, each.label, *shown, *counts])
    return text.getvalue()


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
