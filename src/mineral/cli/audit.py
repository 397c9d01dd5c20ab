"""`mineral audit`: what encoders keep, what they leak, and which attacks break them."""

import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mineral import tables
from mineral.cli.app import app
from mineral.cli.options import Data, Json, Quiet, Report
from mineral.cli.output import folded, in_json, show, shows_progress
from mineral.cli.problems import NAMED, ROWS, Features, Hide, Keep, check_rows, problem_of
from mineral.cli.reporting import check_report
from mineral.errors import InputError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mineral.audit.audit import Subject
    from mineral.shaping import Encoder, Problem

KINDS = ("raw", "noise", "projection", "random", "pca", "neuracrypt")
DIM = 10  # of a code, where the encoder does not say


@app.command("audit")
def audit_encoders(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help=f"A table of raw rows, a folder of images, or {', '.join(NAMED)}."
        ),
    ] = None,
    *,
    keep: Keep = None,
    hide: Hide = None,
    features: Features = None,
    encoders: Annotated[
        list[str] | None,
        typer.Option(
            "--encoder",
            metavar="NAME",
            help=f"A .safetensors file, or {', '.join(KINDS)}; pca:3, noise:0.5, "
            "neuracrypt:patch=7,depth=4. Can be repeated.",
        ),
    ] = None,
    raw: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help=("Raw rows, like FILE, together with --encoded.")),
    ] = None,
    encoded: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH", help=("Codes of the same rows, in the same order. Can be repeated.")
        ),
    ] = None,
    attacks: Annotated[
        list[str] | None,
        typer.Option("--attack", metavar="NAME", help=("Run only this attack. Can be repeated.")),
    ] = None,
    rows: Annotated[
        int, typer.Option(metavar="N", help=("Maximum number of rows, chosen at random."))
    ] = ROWS,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", help=("Seed; the seed of `mineral shape` gives the same test rows.")
        ),
    ] = 0,
    report: Report = None,
    as_json: Json = False,
    data: Data = None,
    quiet: Quiet = False,
) -> None:
    """Measure the kept and leaked information of encoders, and attack them.

    \b
    mineral audit people.csv --keep ill --hide sex --encoder encoder.safetensors \\
      --encoder raw --encoder noise:1 --report audit.html
    mineral audit --raw raw.npz --encoded codes.npz --keep ill --hide sex
    mineral audit mnist-parity --encoder pca:10 --encoder neuracrypt
    mineral audit FOLDER --keep ill --hide sex      images, and labels.csv
    """  # noqa: D301
    from mineral.audit import ATTACKS, audit
    from mineral.audit.pages import words

    place = _source(source, raw)
    if report is not None:
        check_report(report, Path(place))
    check_rows(rows)
    problem = problem_of(place, keep, hide, features, rows=rows)
    if seed < 0:  # before an encoder is drawn by it
        raise OptionError(f"`--seed` must be a whole number of at least 0, got {seed}.")
    wanted = encoders or (["raw"] if encoded else _usual(problem))
    subjects: list[Subject] = [_encoder(text, problem, seed) for text in wanted]
    subjects += [_recorded(path) for path in encoded or []]
    found = audit(
        subjects,
        problem,
        attacks=attacks or ATTACKS,
        most_rows=rows,
        seed=seed,
        progress=shows_progress(quiet=quiet),
    )
    if report is not None:
        from mineral.audit.pages import page

        page.write(found, report, command=shlex.join(["mineral", *sys.argv[1:]]))
    show(in_json(found.to_dict()) if as_json else folded(words.text(found)))
    if report is not None and not as_json:
        show(f"\nReport: {report}")


def _source(source: str | None, raw: Path | None) -> str:
    if (source is None) == (raw is None):
        raise OptionError("Name the raw rows once: as FILE, or with `--raw`.")
    return str(raw) if source is None else source


def _usual(problem: "Problem") -> list[str]:
    return [kind for kind in KINDS if kind != "neuracrypt" or problem.shape is not None]


def _recorded(path: Path) -> "Subject":
    from mineral.audit import Recorded

    names = tables.names(path)
    values, _ = tables.read(path, x=list(names), y=[names[0]])
    return Recorded.of(path.stem, values)


def _encoder(text: str, problem: "Problem", seed: int) -> "Encoder":
    """Of a file or a name with options."""
    from mineral.shaping import Raw, load_encoder, pca, random_network
    from mineral.shaping import random_projection as projection

    if text.endswith(".safetensors"):
        return _fitting(load_encoder(text), problem)
    name, _, option = text.partition(":")
    width = problem.x.shape[1]
    makers: dict[str, Callable[[], Encoder]] = {
        "raw": Raw,
        "noise": lambda: _noise(text, option, problem),
        "projection": lambda: projection(width, _dim(text, option, width), seed=seed),
        "random": lambda: random_network((width, 50, _dim(text, option, width)), seed=seed),
        "pca": lambda: pca(problem.split(seed=seed)[0].x, _dim(text, option, width)),
        "neuracrypt": lambda: _neuracrypt(text, option, problem, seed),
    }
    if name not in makers:
        raise OptionError(
            f"`--encoder` must be a .safetensors file or one of {', '.join(KINDS)}, got {text!r}."
        )
    return makers[name]()


def _fitting(encoder: "Encoder", problem: "Problem") -> "Encoder":
    if encoder.columns and problem.columns and encoder.columns != problem.columns:
        missing = [name for name in encoder.columns if name not in problem.columns]
        lacks = f"lack {missing[0]!r}" if missing else "are more, or in another order"
        raise InputError(
            f"The encoder {encoder.name!r} was trained on {', '.join(encoder.columns[:10])}; the "
            f"features here {lacks}: name them by --features, in that order."
        )
    return encoder


def _noise(text: str, option: str, problem: "Problem") -> "Encoder":
    from mineral.shaping import AdditiveNoise, noise_like

    if option:
        try:
            scale = float(option)
        except ValueError:
            raise OptionError(f"`--encoder` {text!r} needs a number, as in noise:0.5.") from None
        return AdditiveNoise(scale=scale)
    if problem.shape is not None:
        # Pixels have one unit, and one at the rim that hardly ever has ink still shows it: noise
        # of its own deviation would hide that ink least.
        return AdditiveNoise(scale=float(problem.x.std()))
    return noise_like(problem.x)


def _dim(text: str, option: str, width: int) -> int:
    try:
        return int(option) if option else min(DIM, width)
    except ValueError:
        raise OptionError(f"`--encoder` {text!r} needs a whole number, as in pca:3.") from None


def _neuracrypt(text: str, option: str, problem: "Problem", seed: int) -> "Encoder":
    from mineral.shaping.neuracrypt import NeuraCrypt

    if problem.shape is None:
        raise OptionError("`--encoder neuracrypt` needs images: rows of an array in an .npz file.")
    channels, height, width = (1, *problem.shape)[-3:]
    side = math.gcd(height, width)
    patch = next((p for p in (7, 8, 6, 5, 4, 16) if side % p == 0), side)
    options: dict[str, Any] = {"patch": patch, "width": 256, "depth": 4, "published": 0}
    for part in filter(None, option.split(",")):
        name, _, value = part.partition("=")
        if name not in options or not value.lstrip("-").isdigit():
            raise OptionError(
                f"`--encoder` {text!r} must have the form "
                "neuracrypt:patch=7,width=256,depth=4,published=0."
            )
        options[name] = int(value)
    published = bool(options.pop("published"))
    return NeuraCrypt.draw((channels, height, width), **options, published=published, seed=seed)
