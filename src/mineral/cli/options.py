"""Options that several commands have, each defined once."""

import os
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from mineral.basics.choices import Unit
from mineral.errors import OptionError
from mineral.mnist import VARIABLE


def _use(context: Any, folder: Path | None) -> Path | None:  # noqa: ANN401  (typer's, as `UsageError`)
    """Name the folder as the environment variable would, until the command ends."""
    if folder is None:
        return None
    if not folder.is_dir():
        raise OptionError(
            f"`--data` {str(folder)!r} is not a folder: name the one that contains mnist/."
        )
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder.resolve())
    context.call_on_close(lambda: _restore(before))
    return folder


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = before


Data: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help=f"Folder that holds mnist/ with its four files; otherwise {VARIABLE} names it, or "
        "they are downloaded.",
        callback=_use,
    ),
]
"""The digits, for this command and the processes that it starts; no command looks at its value."""

Settings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="OPTION=VALUE",
        help="An option of the estimator, such as k=5; can be repeated.",
    ),
]
InUnit: TypeAlias = Annotated[Unit, typer.Option(help="Unit of the result.")]
Seed: TypeAlias = Annotated[int, typer.Option(metavar="N", help="Random seed.")]
Confidence: TypeAlias = Annotated[
    float, typer.Option(metavar="P", help="Confidence level of an interval.")
]
Report: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="PATH", help="Write an HTML report here.")
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else.")
]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
