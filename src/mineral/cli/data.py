"""`--data FOLDER`: where the digits are, for this command and the processes that it starts."""

import os
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

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
"""An option of every command that may need the digits; commands need not look at its value."""
