"""`mineral network`: who drives whom at which lag, of all columns of a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mineral import tables
from mineral.cli.app import app
from mineral.cli.options import Confidence, InUnit, Json, Quiet, Report, Seed, Settings
from mineral.cli.output import in_json, shows_progress
from mineral.cli.reporting import ENDINGS, check_outputs, command_of, show_table
from mineral.system import storage

USUAL: Mapping[str, object] = {
    "--max-lag": 10,
    "--degree": 3,
    "--alpha": 0.05,
    "--fdr": 0.05,
    "--surrogates": 499,
    "--estimator": "copula",
    "--missing": "pairwise",
    "--unit": "nats",
    "--seed": 0,
    "--confidence": 0.95,
}


@app.command()
def network(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="As for `mineral estimate`; rows are times.")
    ],
    *,
    target: Annotated[
        list[str] | None, typer.Option(metavar="COLUMNS", help="Targets; all columns by default.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns to use; all columns by default."),
    ] = None,
    trial: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Its value is the same in all rows of a trial."),
    ] = None,
    max_lag: Annotated[int, typer.Option(metavar="N", help="The largest lag, in rows.")] = 10,
    degree: Annotated[
        int,
        typer.Option(
            metavar="N", help="Past values act through polynomials of this degree: 1, 2 or 3."
        ),
    ] = 3,
    alpha: Annotated[
        float, typer.Option(metavar="P", help="Level of each test of the selection.")
    ] = 0.05,
    fdr: Annotated[
        float, typer.Option(metavar="Q", help="False discovery rate of significant links.")
    ] = 0.05,
    surrogates: Annotated[
        int, typer.Option(metavar="N", help="Surrogates of the source of each selected link.")
    ] = 499,
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator", "-e", metavar="NAME", help="Of the links' values: one with a condition."
        ),
    ] = "copula",
    settings: Settings = None,
    jobs: Annotated[int, typer.Option(metavar="COUNT", help="Targets to compute in parallel.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Store finished targets here: the same command resumes, and repeats nothing.",
        ),
    ] = None,
    missing: Annotated[
        Literal["pairwise", "raise"],
        typer.Option(help="With missing values: use the rows of each link, or stop with an error."),
    ] = "pairwise",
    unit: InUnit = "nats",
    seed: Seed = 0,
    confidence: Confidence = 0.95,
    save: Annotated[
        Path | None, typer.Option(metavar="PATH", help=f"Write all links: {', '.join(ENDINGS)}.")
    ] = None,
    report: Report = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help=f"Draw who drives whom: {', '.join(storage.PICTURES)}."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find which columns drive which at which lag: time series in rows.

    A link is a past value of a column that improves the prediction of another
    column from all other selected past values, its own past among them.

    \b
    mineral network rooms.csv --max-lag 20 --report rooms.html
    mineral network rooms.csv --target kitchen --max-lag 20 --save links.csv
    mineral network rooms.csv --max-lag 20 --jobs 2 --out rooms
    """  # noqa: D301
    outputs = {"--save": save, "--report": report, "--picture": picture}
    check_outputs(file, outputs)
    from mineral.api import count_of
    from mineral.links import run

    count_of("jobs", jobs, least=1)
    run.check_rate(fdr)
    options: dict[str, Any] = {
        "--target": target,
        "--columns": columns,
        "--trial": trial,
        "--max-lag": max_lag,
        "--degree": degree,
        "--alpha": alpha,
        "--fdr": fdr,
        "--surrogates": surrogates,
        "--estimator": estimator,
        "--set": settings,
        "--missing": missing,
        "--unit": unit,
        "--seed": seed,
        "--confidence": confidence,
    }
    network = run.run(
        _prepared(file, options),
        jobs=jobs,
        out=out,
        unit=unit,
        fdr=fdr,
        progress=shows_progress(quiet=quiet),
    )
    command = command_of(["network", str(file)], options, USUAL)
    text = in_json(network.to_dict()) if as_json else None
    show_table(network, text, outputs, command)


def _prepared(file: Path, options: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """The request of a file, and what computes it."""
    from mineral.links.request import prepare
    from mineral.settings import configured

    recipe = configured(options["--estimator"], options["--set"] or [])
    sides = {side: options[f"--{side}"] for side in ("target", "columns") if options[f"--{side}"]}
    if options["--trial"] is not None:
        sides["trial"] = [options["--trial"]]
    read = tables.read_sides(file, {"table": tables.names(file), **sides})
    names: dict[str, Any] = {side: list(read[side]) for side in sides}
    return prepare(
        read["table"],
        target=names.get("target"),
        columns=names.get("columns"),
        trial=names.get("trial"),
        max_lag=options["--max-lag"],
        degree=options["--degree"],
        alpha=options["--alpha"],
        surrogates=options["--surrogates"],
        estimator=recipe,
        seed=options["--seed"],
        confidence=options["--confidence"],
        missing=options["--missing"],
    )
