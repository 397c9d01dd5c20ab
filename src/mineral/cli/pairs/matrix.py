"""`mineral matrix`: every pair of columns of a file."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mineral import tables
from mineral.cli.app import app
from mineral.cli.options import Confidence, InUnit, Json, Quiet, Report, Seed, Settings
from mineral.cli.output import in_json, show, shows_progress
from mineral.cli.reporting import ENDINGS, check_outputs, command_of, show_table
from mineral.errors import OptionError
from mineral.system import storage

if TYPE_CHECKING:
    from mineral.pairs import Matrix

MERGE = "merge"
USUAL: Mapping[str, object] = {
    "--estimator": "copula",
    "--missing": "pairwise",
    "--unit": "nats",
    "--seed": 0,
    "--confidence": 0.95,
}


@app.command()
def matrix(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help=f"One of {', '.join(tables.SOURCES)}; or `merge`, with FOLDER."
        ),
    ],
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Of `merge`: what --out named.")
    ] = None,
    *,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Only pairs with these columns: a,b."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns to use; all columns by default."),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns of a condition Z, for I(X; Y | Z)."),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMNS", help="Columns of numbers that are codes of categories."),
    ] = None,
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator",
            "-e",
            metavar="NAME",
            help="copula for thousands of columns, auto for a hundred, or any other: see "
            "`mineral estimators`.",
        ),
    ] = "copula",
    settings: Settings = None,
    jobs: Annotated[int, typer.Option(metavar="COUNT", help="Pairs to compute in parallel.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers to use, not of copula."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Store finished pairs here: the same command resumes, and repeats nothing.",
        ),
    ] = None,
    array: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Compute share I of N into --out, as one job of an array."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print pairs, time and memory; compute a few pairs.")
    ] = False,
    permutations: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Of the test of each pair: 199 by default, 0 for none. Not of copula."
        ),
    ] = None,
    missing: Annotated[
        Literal["pairwise", "raise"],
        typer.Option(help="With missing values: use the rows of each pair, or stop with an error."),
    ] = "pairwise",
    unit: InUnit = "nats",
    seed: Seed = 0,
    confidence: Confidence = 0.95,
    save: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help=f"Write all pairs: {', '.join(ENDINGS)}."),
    ] = None,
    report: Report = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help=f"Draw the heat map, or bars of targets: {', '.join(storage.PICTURES)}.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Estimate the mutual information of every pair of columns of a file.

    Columns of text are categories. A missing value changes no pair of other
    columns. p-values are of independence; q-values are of Benjamini-Hochberg.

    \b
    mineral matrix birds.csv --report birds.html --save pairs.csv
    mineral matrix birds.csv --target mass_g --estimator auto --jobs 2
    mineral matrix genes.parquet --out genes --array 1/20
    mineral matrix merge genes
    """  # noqa: D301
    from mineral.api import count_of
    from mineral.pairs import run
    from mineral.pairs.execute import forecast

    progress = shows_progress(quiet=quiet)
    outputs = {"--save": save, "--report": report, "--picture": picture}
    _check_outputs(file, folder, outputs, array, out)
    given_options: dict[str, Any] = {
        "--target": target,
        "--columns": columns,
        "--given": given,
        "--category": category,
        "--estimator": estimator,
        "--set": settings,
        "--permutations": permutations,
        "--missing": missing,
        "--unit": unit,
        "--seed": seed,
        "--confidence": confidence,
    }
    if str(file) == MERGE and folder is not None:
        found = run.merge(folder, unit=unit, progress=progress)
        _show(found, outputs, command_of(["matrix", MERGE, str(folder)], {}, {}), as_json=as_json)
        return
    count_of("jobs", jobs, least=1)
    prepared = _prepared(file, given_options)
    if dry_run:
        foreseen = forecast(prepared.engine, jobs)
        show(in_json(foreseen.to_dict()) if as_json else str(foreseen))
    elif array is not None and out is not None:
        part = _part(array)
        count = run.share(
            prepared, out, part=part, jobs=jobs, scheduler=scheduler, progress=progress
        )
        show(
            f"Share {array}: {count:,} new chunks in {out}. When all shares are done: "
            f"mineral matrix merge {shlex.quote(str(out))}"
        )
    else:
        found = run.run(
            prepared, jobs=jobs, scheduler=scheduler, out=out, unit=unit, progress=progress
        )
        _show(
            found, outputs, command_of(["matrix", str(file)], given_options, USUAL), as_json=as_json
        )


def _check_outputs(
    file: Path,
    folder: Path | None,
    outputs: Mapping[str, Path | None],
    array: str | None,
    out: Path | None,
) -> None:
    """Refuse before anything is computed what could not be written afterwards."""
    if folder is not None and str(file) != MERGE:
        raise OptionError(f"`mineral matrix` reads one file, got also {str(folder)!r}: remove it.")
    if array is not None and out is None:
        raise OptionError("`--array` needs a folder for its share: add --out FOLDER.")
    check_outputs(file, outputs)


def _part(text: str) -> tuple[int, int]:
    share, _, count = text.partition("/")
    if not (share.isdecimal() and count.isdecimal() and 1 <= int(share) <= int(count)):
        raise OptionError(f"`--array` takes I/N with 1 ≤ I ≤ N, such as 3/20, got {text!r}.")
    return int(share), int(count)


def _prepared(file: Path, options: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """The request of a file, and what computes it."""
    from mineral.pairs.request import prepare
    from mineral.settings import configured

    recipe = configured(options["--estimator"], options["--set"] or [])
    sides = ("target", "columns", "given", "category")
    named = {side: options[f"--{side}"] for side in sides if options[f"--{side}"]}
    wanted = tables.names(file)
    if "columns" in named:
        listed = tables.chosen(file, {side: named[side] for side in named})
        wanted = tuple(dict.fromkeys(name for names in listed.values() for name in names))
    read = tables.read_sides(file, {"table": wanted, **named})
    names: dict[str, Any] = {side: list(read[side]) for side in named}
    return prepare(
        read["table"],
        target=names.get("target"),
        columns=names.get("columns"),
        given=names.get("given"),
        types=dict.fromkeys(names.get("category", ()), "category"),
        estimator=recipe,
        seed=options["--seed"],
        confidence=options["--confidence"],
        missing=options["--missing"],
        permutations=options["--permutations"],
    )


def _show(
    found: "Matrix", outputs: Mapping[str, Path | None], command: str, *, as_json: bool
) -> None:
    """Print a matrix, and write the files that options name."""
    from mineral.pairs import files

    show_table(found, files.in_json(found).rstrip() if as_json else None, outputs, command)
