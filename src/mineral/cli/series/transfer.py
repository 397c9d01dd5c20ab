"""`mineral transfer`: transfer entropy between columns of a file."""

from pathlib import Path
from typing import Annotated

import typer

from mineral import tables
from mineral.basics.choices import Missing
from mineral.cli.app import app
from mineral.cli.options import Confidence, InUnit, Json, Quiet, Report, Seed, Settings
from mineral.cli.output import folded, in_json, show, shows_progress
from mineral.cli.reporting import check_report, command_line, write_report
from mineral.errors import OptionError


@app.command()
def transfer(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="As for `mineral estimate`; rows are times.")
    ],
    *,
    source: Annotated[list[str], typer.Option(metavar="COLUMNS", help="Columns of the source.")],
    target: Annotated[list[str], typer.Option(metavar="COLUMNS", help="Columns of the target.")],
    given: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns whose past is a condition as well."),
    ] = None,
    lag: Annotated[
        int, typer.Option(metavar="N", help="Rows from the source's last value to the target.")
    ] = 1,
    history: Annotated[
        str,
        typer.Option(
            metavar="N", help="Lags of the target's past; auto chooses by held-out error."
        ),
    ] = "auto",
    source_history: Annotated[
        int, typer.Option(metavar="N", help="Lags of the source's past.")
    ] = 1,
    theiler: Annotated[
        int,
        typer.Option(
            metavar="N", help="With cmi-knn: rows at most N apart in time are no neighbours."
        ),
    ] = 0,
    estimator: Annotated[
        str, typer.Option("--estimator", "-e", metavar="NAME", help="One that has a condition.")
    ] = "auto",
    settings: Settings = None,
    unit: InUnit = "nats",
    seed: Seed = 0,
    confidence: Confidence = 0.95,
    permutations: Annotated[
        int, typer.Option(metavar="N", help="Surrogates for a p-value; 199 can give 0.005.")
    ] = 0,
    missing: Annotated[
        Missing,
        typer.Option(help="With missing values: stop with an error, or drop rows of lags."),
    ] = "raise",
    as_json: Json = False,
    report: Report = None,
    quiet: Quiet = False,
) -> None:
    """Estimate the transfer entropy from a source to a target: time series in rows.

    I(target now; source's past | target's past), which is 0 if the past of the
    source does not improve the prediction of the target from its own past.
    """
    if report is not None:
        check_report(report, file)
    depth = _history(history)
    from mineral.series import transfer_entropy
    from mineral.settings import configured

    recipe = configured(estimator, settings or [])
    condition = {"given": given} if given else {}
    sides = tables.read_sides(file, {"source": source, "target": target, **condition})
    found = transfer_entropy(
        sides["source"],
        sides["target"],
        given=sides.get("given"),
        lag=lag,
        history="auto" if depth is None else depth,
        source_history=source_history,
        theiler=theiler,
        estimator=recipe,
        seed=seed,
        progress=shows_progress(quiet=quiet),
        confidence=confidence,
        unit=unit,
        missing=missing,
        permutations=permutations,
    )
    show(in_json(found.to_dict()) if as_json else folded(str(found)))
    if report is None:
        return
    beside = f" given {', '.join(given)}" if given else ""
    title = f"Transfer entropy {', '.join(source)} → {', '.join(target)}{beside} in {file.name}"
    options = {
        "--lag": (lag, 1),
        "--history": (history, "auto"),
        "--source-history": (source_history, 1),
        "--theiler": (theiler, 0),
        "--estimator": (estimator, "auto"),
        "--unit": (unit, "nats"),
        "--seed": (seed, 0),
        "--confidence": (confidence, 0.95),
        "--permutations": (permutations, 0),
        "--missing": (missing, "raise"),
    }
    lists = {
        "--source": source,
        "--target": target,
        "--given": given or [],
        "--set": settings or [],
    }
    changed = {name: str(value) for name, (value, usual) in options.items() if value != usual}
    repeat = command_line(file, lists, changed, command="transfer")
    write_report(found, report, title=title, command=repeat)
    if not as_json:
        show(f"Report: {report}")


def _history(text: str) -> int | None:
    """A number of lags, or None for `auto`."""
    if text == "auto":
        return None
    if not text.isdecimal():
        raise OptionError(f"`--history` must be a whole number or auto, got {text!r}.")
    return int(text)
