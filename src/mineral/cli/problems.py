"""What to keep and what to hide, of a file, a folder or a named problem: for several commands."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from mineral import tables
from mineral.errors import InputError, OptionError

if TYPE_CHECKING:
    from mineral.shaping import Problem

EVERYTHING = "everything"
NAMED = {
    "mnist-parity": ("parity", "above 4"),
    "mnist-slant": ("digit", "slant"),
    "mnist-thickness": ("digit", "thickness"),
    "gaussian-classes": ("class", EVERYTHING),
    "synthetic": ("y // 2", "y mod 2"),
}
"""Problems that need no file: what is kept of each, and what hidden."""
ROWS = 6000  # of a named problem, unless said
FEWEST = 100

Keep: TypeAlias = Annotated[
    str | None, typer.Option(metavar="LABEL", help="Column of the label to keep.")
]
Hide: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMNS", help="Columns to hide: a label, numbers a,b, or everything (default)."
    ),
]
Features: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMNS", help="Columns to encode; all other columns by default."),
]


def check_rows(rows: int) -> None:
    """Refuse too few to split."""
    if rows < FEWEST:
        raise OptionError(f"`--rows` must be at least {FEWEST}, got {rows}.")


def problem_of(
    place: str,
    keep: str | None,
    hide: list[str] | None,
    features: list[str] | None,
    *,
    rows: int = ROWS,
) -> "Problem":
    """The problem of a file's columns, of a folder of images, or of that name.

    Args:
        place: A file, a folder or a name of `NAMED`.
        keep: The label; a named problem has its own, and its own to hide.
        hide: Names of columns; everything unless given.
        features: The same; all others unless given.
        rows: Of a named problem.

    Raises:
        InputError: If a file or a column cannot be used.
        OptionError: If an option is missing, or does not fit.
    """
    if place in NAMED:
        if keep or hide or features:
            raise OptionError(
                f"`{place}` has its own labels to keep and to hide: remove these options."
            )
        return named(place, rows)
    if keep is None:
        raise OptionError("`--keep` must name the label to keep.")
    hide = hide or [EVERYTHING]
    if Path(place).is_dir():
        if features:
            raise OptionError("`--features` does not apply to a folder of images: remove it.")
        return _of_folder(place, keep, hide)
    return _of_columns(Path(place), keep, hide, features)


def named(name: str, rows: int) -> "Problem":
    """A problem of `NAMED`, with so many rows. A fifth of MNIST's are of its test file."""
    kept, hidden = NAMED[name]
    hidden = "" if hidden == EVERYTHING else hidden
    return replace(_made(name, rows), keep_name=kept, hide_name=hidden)


def _made(name: str, rows: int) -> "Problem":
    from mineral.shaping import data

    if name == "gaussian-classes":
        return data.gaussian_classes(rows)
    if name == "synthetic":
        return data.synthetic(rows)
    sizes: dict[str, Any] = {"n": min(60_000, rows * 4 // 5), "n_test": min(10_000, rows // 5)}
    if name == "mnist-parity":
        return data.mnist_parity(**sizes)
    return data.mnist_style(name.removeprefix("mnist-"), **sizes)


def _of_columns(file: Path, keep: str, hide: list[str], features: list[str] | None) -> "Problem":
    from mineral.shaping.problem import table

    everything = hide == [EVERYTHING]
    kept, hidden = tables.read(file, x=[keep], y=[keep] if everything else hide)
    if len(kept) != 1:
        raise OptionError(f"`--keep` takes one label, got {len(kept)} columns.")
    if features is None:
        taken = {*kept, *hidden}
        names = [name for name in tables.names(file) if not taken & {name, f"column {name}"}]
        if not names:
            raise InputError(f"`{file}` has no columns other than {keep!r} and those to hide.")
        features = names
    values, _ = tables.read(file, x=features, y=[keep])
    problem = table(
        values | kept | hidden,
        keep=next(iter(kept)),
        hide=None if everything else list(hidden),
        features=list(values),
        name=file.name,
    )
    shapes = [tuple(getattr(each, "shape", ())[1:]) for each in values.values()]
    of_images = len(shapes) == 1 and len(shapes[0]) in (2, 3)
    return replace(problem, shape=shapes[0]) if of_images else problem


def _of_folder(place: str, keep: str, hide: list[str]) -> "Problem":
    from mineral.shaping.data import image_folder

    if len(hide) != 1:
        raise OptionError("`--hide` takes one label of images, or everything.")
    return image_folder(place, keep=keep, hide=None if hide == [EVERYTHING] else hide[0])
