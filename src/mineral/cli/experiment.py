"""`mineral experiment`: the literature's experiments, run and reported."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mineral.cli.app import app
from mineral.cli.options import Data, Quiet, Seed
from mineral.cli.output import folded, show, shows_progress
from mineral.errors import OptionError


@app.command()
def experiment(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of an experiment, or `list`.")],
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help=("A small run of minutes on a CPU (default)."))
    ] = False,
    standard: Annotated[
        bool,
        typer.Option(
            "--standard", help="Hours on a CPU, tuned for the published results; see `list`."
        ),
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="The size of the paper, for a GPU.")] = False,
    device: Annotated[
        str, typer.Option(metavar="NAME", help=("Device of neural networks: cpu, cuda or mps."))
    ] = "cpu",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=("Output folder; experiments/NAME-MODE by default.")),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in the output folder.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", metavar="N", help="Parts to run in parallel.")
    ] = 1,
    seed: Seed = 0,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SETTING=VALUE", help=("A setting of the experiment. Can be repeated.")
        ),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write training curves to FOLDER/tensorboard.")
    ] = False,
    quiet: Quiet = False,
    data: Data = None,
) -> None:
    """Run an experiment of the literature, and compare it with the published figures.

    The folder gets settings.json, metrics.json, figures, report.md and report.html; and cells/,
    one file for each finished part, so that --resume after a kill does only what is missing.

    \b
    mineral experiment list
    mineral experiment staircase --quick --out staircase
    mineral experiment staircase --quick --out staircase --resume
    mineral experiment gan-points --standard
    mineral experiment staircase --full --device cuda --set steps=8000
    """  # noqa: D301
    from mineral import experiments  # networks and figures that no other command needs

    if name == "list":
        listed = experiments.EXPERIMENTS.values()
        lines = (f"{each.name:<12} {each.title} ({', '.join(each.modes)})" for each in listed)
        show(folded("\n".join(lines), indent=13))
        return
    mode = _mode(quick=quick, standard=standard, full=full)
    chosen = experiments.find(name)
    if mode not in chosen.modes:
        able = ", ".join(each.name for each in experiments.with_mode(mode))
        raise OptionError(f"`--{mode}` is not defined for {name}, only for {able}: use --quick.")
    folder = out or Path("experiments") / f"{name}-{mode}"
    experiments.run(
        chosen,
        out=folder,
        mode=mode,
        changes=dict(_change(text) for text in changes or []),
        seed=seed,
        device=device,
        resume=resume,
        jobs=jobs,
        tensorboard=tensorboard,
        progress=shows_progress(quiet=quiet),
        command=shlex.join(["mineral", *sys.argv[1:]]),
    )
    show(folded(f"{chosen.title}: see {folder / 'report.html'}"))


def _mode(**given: bool) -> str:
    """The mode of the flag that is given; quick by default."""
    modes = [mode for mode, flag in given.items() if flag]
    if len(modes) > 1:
        raise OptionError(
            "`--quick`, `--standard` and `--full` exclude each other: use one of them."
        )
    return modes[0] if modes else "quick"


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise OptionError(f"`--set` needs SETTING=VALUE, as in steps=100, got {text!r}.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
