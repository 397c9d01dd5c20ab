"""`mineral shape` and `mineral encode`."""

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from mineral import tables
from mineral.cli.app import app
from mineral.cli.options import Data, Json, Quiet, Seed
from mineral.cli.output import folded, in_json, show, shows_progress
from mineral.cli.problems import (
    EVERYTHING,
    NAMED,
    ROWS,
    Features,
    Hide,
    Keep,
    check_rows,
    problem_of,
)
from mineral.errors import InputError, MissingExtraError, OptionError
from mineral.system import storage

if TYPE_CHECKING:
    from mineral.shaping import Encoder, Shaped
    from mineral.shaping.measure import Bound, Measured


@app.command()
def shape(
    source: Annotated[
        str,
        typer.Argument(metavar="FILE", help=f"A table, a folder of images, or {', '.join(NAMED)}."),
    ],
    *,
    keep: Keep = None,
    hide: Hide = None,
    features: Features = None,
    rows: Annotated[
        int | None,
        typer.Option(metavar="N", help=f"Rows of a named problem; {ROWS} by default."),
    ] = None,
    beta: Annotated[
        float, typer.Option(metavar="B", help=("Weight of the information to hide."))
    ] = 1.0,
    dim: Annotated[int, typer.Option(metavar="N", help="Dimensions of the code.")] = 3,
    noise: Annotated[
        float, typer.Option(metavar="S", help="Noise on a code between −1 and 1; 0 for none.")
    ] = 0.1,
    steps: Annotated[int, typer.Option(metavar="N", help="Training steps.")] = 1000,
    seed: Seed = 0,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=("Device of neural networks: cpu, cuda or mps.")),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help=("Write the encoder to this .safetensors file.")),
    ] = None,
    as_json: Json = False,
    data: Data = None,
    quiet: Quiet = False,
) -> None:
    """Train an encoder that keeps a label and hides another variable.

    It maximizes I(Z; keep) − beta · I(Z; hide) on 60 % of the rows, and reports on a held-out 20 %.
    Rows are samples, as for `mineral estimate`. Privacy is not guaranteed.

    \b
    mineral shape people.csv --keep ill --hide sex --out encoder.safetensors
    mineral shape people.csv --keep ill --hide everything --beta 0.05
    mineral shape mnist-parity --rows 20000 --beta 3 --dim 8 --out encoder.safetensors
    mineral encode encoder.safetensors people.csv --out codes.parquet
    """  # noqa: D301
    from mineral.shaping import Shaping, save_encoder
    from mineral.shaping import shape as shaped_by
    from mineral.shaping.measure import measure

    recipe = Shaping(beta=beta, dim=dim, noise=noise, steps=steps)
    if out is not None:
        _check_out(out, Path(source), (".safetensors",))
    if rows is not None and source not in NAMED:
        raise OptionError(f"`--rows` is for {', '.join(NAMED)}: all rows of `{source}` are used.")
    count = ROWS if rows is None else rows
    check_rows(count)
    problem = problem_of(source, keep, hide, features, rows=count)
    shaped = shaped_by(
        problem,
        recipe,
        seed=seed,
        device=device,
        progress=shows_progress(quiet=quiet),
    )
    found = measure(shaped.encoder, shaped.training, shaped.validation, shaped.test, seed=seed)
    if out is not None:
        save_encoder(shaped.encoder, out)
    kept, hidden = NAMED.get(source, (str(keep), ", ".join(hide or [EVERYTHING])))
    if as_json:
        show(in_json(_facts(found, shaped, kept, hidden, out)))
        return
    show(folded(_summary(found, shaped, kept, hidden), indent=8))
    if out is not None:
        show(f"Encoder: {out}")


@app.command()
def encode(
    encoder: Annotated[Path, typer.Argument(metavar="ENCODER", help="A .safetensors file.")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=f"One of {', '.join(tables.SOURCES)}.")
    ],
    *,
    out: Annotated[Path, typer.Option(metavar="PATH", help="A .parquet, .npz or .csv file.")],
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Seed of the noise; secret by default."),
    ] = None,
) -> None:
    """Encode a file's rows with an encoder of `mineral shape`, into columns z0, z1, ….

    The file needs the columns that the encoder was trained on, by name. An .npz file gets the
    single key z. Anybody who knows the seed can subtract the noise.
    """
    from mineral.shaping import load_encoder

    _check_out(out, file, (".parquet", ".npz", ".csv"))
    loaded = load_encoder(encoder)
    rows = _features(loaded, file)
    drawn = int(np.random.default_rng().integers(2**62)) if seed is None else seed
    storage.write(out, _written(loaded.encode(rows, seed=drawn), out))
    show(folded(f"{len(rows):,} rows: {out}"))


def _check_out(out: Path, file: Path, kinds: tuple[str, ...]) -> None:
    """Refuse before any work what could not be written after it."""
    if out.suffix.lower() not in kinds:
        raise OptionError(f"`--out` must end in {', '.join(kinds)}, got `{out}`.")
    if not out.resolve().parent.is_dir():
        raise OptionError(f"`--out` is in a folder that does not exist, `{out.parent}`: create it.")
    if out.resolve() == file.resolve():
        raise OptionError(f"`--out` is the input file, `{file}`: name another.")


def _features(encoder: "Encoder", file: Path) -> np.ndarray:
    from mineral.samples.columns.variable import columns

    """The encoder's columns of a file, in its order."""
    if not encoder.columns:
        values, _ = tables.read(file, x=list(tables.names(file)), y=[tables.names(file)[0]])
        return columns("x", values).values
    # A variable of an .npz file holds several columns, named after it: x0, x1, ….
    plain = [name.removeprefix("column ") for name in encoder.columns]
    names = tables.names(file)
    exact = set(plain) & set(names)
    others = [each for each in plain if each not in exact]
    chosen = [
        name
        for name in names
        if name in exact
        or any(each.startswith(name) and each.removeprefix(name).isdigit() for each in others)
    ]
    values = tables.read(file, x=chosen, y=chosen[:1])[0] if chosen else {}
    part = columns("x", values) if values else None
    held = {} if part is None else {name: i for i, name in enumerate(part.names)}
    for name in encoder.columns:
        if name not in held:
            raise InputError(
                f"`{file}` lacks the column {name!r}, which the encoder was trained on: it needs "
                f"{', '.join(encoder.columns[:10])}{' …' if len(encoder.columns) > 10 else ''}."
            )
    assert part is not None
    return part.values[:, [held[name] for name in encoder.columns]]


def _written(codes: np.ndarray, out: Path) -> bytes:
    names = [f"z{i}" for i in range(codes.shape[1])]
    content = io.BytesIO()
    if out.suffix.lower() == ".npz":
        np.savez(content, z=codes)
    elif out.suffix.lower() == ".csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([str(value) for value in row] for row in codes)
        content.write(text.getvalue().encode())
    else:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise MissingExtraError("Writing Parquet", "files") from None
        parquet.write_table(pa.table(dict(zip(names, codes.T, strict=True))), content)
    return content.getvalue()


def _summary(found: "Measured", shaped: "Shaped", keep: str, hidden: str) -> str:
    from mineral.shaping.problem import entropy

    test = shaped.test
    common = np.bincount(test.keep).max() / len(test)
    lines = [
        f"Kept    I(Z; {keep}) {_bound_text(found.kept[0])}, of H = {entropy(test.keep):.3f}.",
        f"        Accuracy of {found.readers[0].name}: {found.accuracy:.1%}; the most common "
        f"class is {common:.1%}.",
    ]
    lines += [
        f"Leaked  I(Z; {'all features' if test.hide is None else hidden}) {_bound_text(each)}."
        for each in found.leaked
    ]
    if found.attackers:
        lines += [
            f"        Accuracy of the best of {len(found.attackers)} attackers: "
            f"{found.attack:.1%}; from {keep} alone: {found.guess:.1%}."
        ]
    if test.hide is None or found.attackers:
        lines += [f"Minimum {found.floor:.3f} nats leak through {keep} itself."]
    lines += [
        f"Measured on {len(test):,} held-out rows. A small lower bound is no evidence of privacy: "
        "another attacker may learn more."
    ]
    return "\n".join(lines)


def _bound_text(bound: "Bound") -> str:
    sign = {"lower bound": "≥", "upper bound": "≤"}.get(bound.kind, "≈")
    if not math.isfinite(bound.value):
        return f"is infinite: {bound.by}"
    low, high = bound.interval
    return f"{sign} {bound.value:.3f} nats [{low:.3f}, {high:.3f}], by {bound.by}"


def _facts(
    found: "Measured", shaped: "Shaped", keep: str, hidden: str, out: Path | None
) -> dict[str, Any]:
    def plain(bounds: "tuple[Bound, ...]") -> list[dict[str, Any]]:
        return [
            {"value": b.value, "interval": list(b.interval), "kind": b.kind, "by": b.by}
            for b in bounds
        ]

    return {
        "keep": keep,
        "hide": hidden,
        "beta": shaped.recipe.beta,
        "rows": {
            "training": len(shaped.training),
            "validation": len(shaped.validation),
            "test": len(shaped.test),
        },
        "kept": plain(found.kept),
        "leaked": plain(found.leaked),
        "floor": found.floor,
        "accuracy": found.accuracy,
        "attack": found.attack,
        "guess": found.guess,
        "out": None if out is None else str(out),
    }
