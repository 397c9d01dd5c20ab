"""`mineral estimate` and `mineral estimators`."""

from pathlib import Path
from typing import Annotated

import typer

from mineral import tables
from mineral.basics.choices import Missing
from mineral.cli.app import app
from mineral.cli.options import Confidence, InUnit, Json, Quiet, Report, Seed, Settings
from mineral.cli.output import folded, in_json, show, shows_progress
from mineral.cli.reporting import check_report, command_line, write_report


@app.command()
def estimate(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help=f"One of {', '.join(tables.SOURCES)}; text also as .gz; - reads standard input.",
        ),
    ],
    *,
    x: Annotated[
        list[str], typer.Option(metavar="COLUMNS", help=("Columns of X: a,b or --x a --x b."))
    ],
    y: Annotated[
        list[str], typer.Option(metavar="COLUMNS", help=("Columns of Y, in the same form."))
    ],
    given: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns of a condition Z, for I(X; Y | Z)."),
    ] = None,
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator",
            "-e",
            metavar="NAME",
            help=("Name of an estimator: see `mineral estimators`."),
        ),
    ] = "auto",
    settings: Settings = None,
    unit: InUnit = "nats",
    seed: Seed = 0,
    confidence: Confidence = 0.95,
    permutations: Annotated[
        int,
        typer.Option(
            metavar="N", help=("Permutations for a p-value of independence; 999 can give 0.001.")
        ),
    ] = 0,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=("Device of neural networks: cpu, cuda or mps.")),
    ] = None,
    missing: Annotated[
        Missing, typer.Option(help="With missing values: stop with an error, or drop these rows.")
    ] = "raise",
    as_json: Json = False,
    report: Report = None,
    quiet: Quiet = False,
) -> None:
    """Estimate I(X; Y), or I(X; Y | Z), from columns of a file; rows are samples.

    \b
    Text          commas, semicolons, tabs; in .txt also spaces; .gz; - reads
                  standard input. A header line names the columns; # starts a
                  comment; decimal commas unless commas separate columns;
                  empty, NA, N/A, NaN, null, -: missing; dates as 2026-01-31
                  are elapsed time; columns of text are categories
    .xlsx         the first sheet, with a header line
    Parquet,      columns by name
      Feather
    .npy          columns by number, 0,1,2, or by the names of its dtype
    .npz          every key is one variable, of any width
    """  # noqa: D301
    from mineral import api
    from mineral.settings import configured

    recipe = configured(estimator, settings or [])
    if report is not None:
        check_report(report, file)
    condition = {"given": given} if given else {}
    sides = tables.read_sides(file, {"x": x, "y": y, **condition})
    found = api.estimate(
        sides["x"],
        sides["y"],
        given=sides.get("given"),
        estimator=recipe,
        seed=seed,
        device=device,
        progress=shows_progress(quiet=quiet),
        confidence=confidence,
        unit=unit,
        missing=missing,
        permutations=permutations,
    )
    show(in_json(found.to_dict()) if as_json else folded(str(found)))
    if report is None:
        return
    options = {
        "--estimator": (estimator, "auto"),
        "--unit": (unit, "nats"),
        "--seed": (seed, 0),
        "--confidence": (confidence, 0.95),
        "--permutations": (permutations, 0),
        "--device": (device, None),
        "--missing": (missing, "raise"),
    }
    changed = {name: str(value) for name, (value, usual) in options.items() if value != usual}
    write_report(
        found,
        report,
        title=f"I({', '.join(x)}; {', '.join(y)}{_condition(given)}) in {file.name}",
        command=command_line(
            file, {"--x": x, "--y": y, "--given": given or [], "--set": settings or []}, changed
        ),
    )
    if not as_json:
        show(f"Report: {report}")


def _condition(given: list[str] | None) -> str:
    return f" | {', '.join(given)}" if given else ""


@app.command("estimators")
def list_estimators(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """List the estimators and their options."""
    from mineral.api import KNOWN
    from mineral.methods import CONDITIONAL
    from mineral.settings import settable

    if as_json:
        listed = [
            {
                "name": e.name,
                "kind": e.kind,
                "condition": e.condition(),
                "summary": e.summary(),
                "options": e().options(),
            }
            for e in KNOWN.values()
        ]
        show(in_json(listed))
        return
    wide = max(map(len, KNOWN)) + 2
    for name, kind in KNOWN.items():
        if name == next(iter(CONDITIONAL)):
            show("\nWith a condition, --given, also auto and discrete:")
        show(folded(f"{name:<{wide}}{kind.kind:<13}{kind.summary()}", indent=wide + 13))
        values = kind().options()
        options = ", ".join(f"{o}={str(values[o]).lower()}" for o in settable(kind))
        if options:
            show(folded(f"{'':<{wide + 13}}--set {options}", indent=wide + 19))
