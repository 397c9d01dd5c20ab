"""`mineral lagged`: mutual information of two columns at a range of lags."""

from pathlib import Path
from typing import Annotated

import typer

from mineral import tables
from mineral.basics.choices import Missing
from mineral.cli.app import app
from mineral.cli.options import Confidence, InUnit, Json, Quiet, Seed, Settings
from mineral.cli.output import folded, in_json, show, shows_progress
from mineral.errors import OptionError
from mineral.system import storage


@app.command()
def lagged(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="As for `mineral estimate`; rows are times.")
    ],
    *,
    x: Annotated[list[str], typer.Option(metavar="COLUMNS", help="Columns of X.")],
    y: Annotated[list[str], typer.Option(metavar="COLUMNS", help="Columns of Y.")],
    lags: Annotated[
        str,
        typer.Option(metavar="LAGS", help="0:20 is 0 to 20, or a list; negative: x after y."),
    ] = "0:20",
    estimator: Annotated[
        str, typer.Option("--estimator", "-e", metavar="NAME", help="See `mineral estimators`.")
    ] = "auto",
    settings: Settings = None,
    unit: InUnit = "nats",
    seed: Seed = 0,
    confidence: Confidence = 0.95,
    missing: Annotated[
        Missing,
        typer.Option(help="With missing values: stop with an error, or drop rows of lags."),
    ] = "raise",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Write a picture of the curve here.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Estimate I(x at time t - lag; y at time t) at each lag: time series in rows."""
    distances = _distances(lags)
    if out is not None and out.suffix.lower() != ".png":
        raise OptionError(f"`--out` writes .png files, got `{out}`: name one, as in lags.png.")
    if out is not None and not out.parent.is_dir():
        raise OptionError(f"`--out` needs the directory `{out.parent}`: create it first.")
    from mineral import series
    from mineral.figures import png
    from mineral.settings import configured

    sides = tables.read_sides(file, {"x": x, "y": y})
    found = series.lagged(
        sides["x"],
        sides["y"],
        distances,
        estimator=configured(estimator, settings or []),
        seed=seed,
        progress=shows_progress(quiet=quiet),
        confidence=confidence,
        unit=unit,
        missing=missing,
    )
    show(in_json(found.to_dict()) if as_json else folded(str(found)))
    if out is not None:
        storage.write(out, png(found.plot()))
        if not as_json:
            show(f"Picture: {out}")


def _distances(text: str) -> list[int]:
    """Lags of `0:20`, both ends included, or of `1,2,5`."""
    try:
        if ":" in text:
            first, last = (int(part) for part in text.split(":"))
            lags = list(range(first, last + 1))
        else:
            lags = [int(part) for part in text.split(",")]
    except ValueError:
        lags = []
    if not lags:
        raise OptionError(
            f"`--lags` must be a range such as 0:20 or a list such as 1,2,5, got {text!r}."
        )
    return lags
