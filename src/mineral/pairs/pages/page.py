"""Matrix → one self-contained HTML page: heat map, graph, ranked bars, a table to search."""

import base64
import hashlib
import os
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from mineral.api import KNOWN
from mineral.pairs.each import PERMUTATIONS
from mineral.pairs.pages import pictures
from mineral.pairs.pages.graph import graph, links
from mineral.report.drawings import Drawing, draw, own_settings
from mineral.report.templates import template
from mineral.system import storage

if TYPE_CHECKING:
    from mineral.pairs.result import Matrix

ROWS = 1000  # of the table: 20 kB each hundred
FDR = 0.05  # at which pairs are counted as dependent


def write(
    matrix: "Matrix",
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    command: str | None = None,
) -> None:
    """Write the page of `Matrix.report`."""
    storage.check_html(path)
    content = in_html(matrix, title=title, command=command)
    storage.write(path, content.encode(errors="replace"))


def in_html(matrix: "Matrix", *, title: str | None = None, command: str | None = None) -> str:
    """The page."""
    form = template("mineral.pairs.pages")
    from markupsafe import Markup  # comes with jinja2

    pairs, linked = matrix.strongest(ROWS), links(matrix, FDR)
    script = files("mineral.pairs.pages").joinpath("search.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return form.render(
        **_drawings(matrix, linked),
        matrix=matrix,
        script=Markup(script),
        digest=digest,
        lines=len(linked),
        title=title or f"Mutual information of {len(matrix.names):,} columns",
        command=command or python_call(matrix),
        rows=_rows(matrix, pairs),
        drawn=len(pictures.shown(matrix)),
        bars_shown=min(pictures.BARS, len(pairs)),
        dependent=int(np.nansum(matrix.q_value <= FDR)),
        fdr=FDR,
        tested=int((~np.isnan(matrix.p_value)).sum()),
        facts=_facts(matrix),
    )


def _drawings(matrix: "Matrix", linked: np.ndarray) -> dict[str, Drawing | None]:
    """The pictures; those of all pairs are None where only pairs with targets have values."""
    of_all: dict[str, Drawing | None] = {"heat": None, "graph": None}
    with own_settings():
        bars = draw(
            pictures.bars(matrix),
            "Bar chart: the strongest pairs, with their intervals.",
            name="bars",
        )
        if not matrix.plan.targets:
            of_all["heat"] = draw(
                pictures.heat_map(matrix),
                "Heat map: mutual information of every pair of columns, clustered.",
                name="heat",
            )
            of_all["graph"] = draw(
                graph(matrix, linked),
                "Graph: columns on a circle, with a line for each of the strongest pairs.",
                name="graph",
            )
    return {**of_all, "bars": bars}


def _rows(matrix: "Matrix", pairs: np.ndarray) -> list[dict[str, str]]:
    x, y = matrix.plan.places()
    return [
        {
            "x": matrix.names[x[k]],
            "y": matrix.names[y[k]],
            "value": in_digits(matrix.value[k]),
            "interval": f"{in_digits(matrix.lower[k])} to {in_digits(matrix.upper[k])}",
            "p": in_digits(matrix.p_value[k]),
            "q": in_digits(matrix.q_value[k]),
            "n": f"{matrix.n[k]:,}",
            "note": matrix.notes.get(int(k), ""),
        }
        for k in pairs
    ]


def in_digits(value: float | None) -> str:
    """A number of a table in three digits; a dash where there is none."""
    if value is None or np.isnan(value):
        return "–"
    return f"{value:.3g}".replace("-", "−")


def _facts(matrix: "Matrix") -> list[tuple[str, str]]:
    options = ", ".join(f"{name} = {value}" for name, value in matrix.options.items())
    kinds = list(matrix.types.values())
    counts = ", ".join(f"{kinds.count(kind):,} {kind}" for kind in dict.fromkeys(kinds))
    facts = {
        "Pairs": f"{len(matrix):,}",
        "Columns": f"{len(matrix.names):,} ({counts})",
        "Rows": f"{matrix.rows:,}; by pair {matrix.n.min():,} to {matrix.n.max():,}",
        "Estimator": matrix.estimator + (f" ({options})" if options else ""),
        "Condition": ", ".join(matrix.given),
        "Permutations": f"{matrix.permutations:,}" if matrix.permutations else "",
        "Confidence": f"{100 * matrix.confidence:g}%",
        "Seed": str(matrix.seed),
        "Seconds": f"{matrix.seconds:.3g}",
        **matrix.versions,
    }
    return [(name, value) for name, value in facts.items() if value]


def python_call(matrix: "Matrix") -> str:
    """The call that gives the same matrix."""
    options: dict[str, tuple[Any, Any]] = {
        "estimator": (matrix.estimator, "copula"),
        "given": (list(matrix.given), []),
        "confidence": (matrix.confidence, 0.95),
        "unit": (matrix.unit, "nats"),
        "seed": (matrix.seed, 0),
    }
    if matrix.estimator not in ("copula", "partial-copula"):
        options["permutations"] = (matrix.permutations, PERMUTATIONS)
    return call_of("matrix", matrix.arguments, options, matrix.estimator, matrix.options)


def call_of(
    function: str,
    arguments: Mapping[str, Any],
    options: dict[str, tuple[Any, Any]],
    estimator: str,
    of_estimator: Mapping[str, Any],
) -> str:
    """A call of Mineral's on a table, without options that have their usual values.

    Args:
        function: Its name.
        arguments: Which columns, as the caller named them.
        options: A value and the usual one of each, by name.
        estimator: The name of the estimator.
        of_estimator: Its options, which follow the others.
    """
    known = KNOWN.get(estimator)
    usual_options = {} if known is None else known().options()
    every = {name: (value, usual_options.get(name)) for name, value in of_estimator.items()}
    chosen = {name: value for name, (value, usual) in (options | every).items() if value != usual}
    words = [f"{name}={value!r}" for name, value in {**arguments, **chosen}.items()]
    return f"mineral.{function}({', '.join(['table', *words])})"
