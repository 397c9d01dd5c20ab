"""Names of columns → values of X and of Y, from one file of any kind."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from mineral.errors import InputError, suggestion
from mineral.tables.binary import feather_file, numpy_archive, numpy_file, parquet_file
from mineral.tables.source import Source
from mineral.tables.spreadsheet import spreadsheet
from mineral.tables.text import text_file

NAMES_SHOWN = 10
STANDARD_INPUT = Path("-")

Table: TypeAlias = dict[str, Any]
"""Some named variables, each as `mineral.estimate` takes it. A table is one variable, too."""


def read(path: Path, *, x: Sequence[str], y: Sequence[str]) -> tuple[Table, Table]:
    """The variables X and Y from one file, paired row by row: `read_sides` of two."""
    sides = read_sides(path, {"x": x, "y": y})
    return sides["x"], sides["y"]


def read_sides(path: Path, sides: Mapping[str, Sequence[str]]) -> dict[str, Table]:
    """Variables from one file, paired row by row.

    Args:
        path: Its extension says what it is; `-` is text on standard input. Text and the first
            sheet of an .xlsx file have a header line. The columns of a .npy array are called
            0, 1, …, or as its dtype names them. Every key of an .npz file is one variable, of
            whatever shape.
        sides: For each variable, such as `"x"`, names of columns. Each text may list several, as
            in `"a,b"`; one that is itself a column's name, commas included, means that column. A
            column may be on several sides.

    Raises:
        InputError: If the file cannot be read, or has no such columns; the message names those
            that it has.
        MissingExtraError: If the file needs pyarrow or openpyxl, which is not installed.
    """
    source = _source(path)
    name, count = next(iter(Counter(source.names).most_common(1)), ("", 0))
    if count > 1:
        raise InputError(f"`{path}` has {count} columns named {name!r}: give each its own name.")
    found = {side: _chosen(side, requested, source, path) for side, requested in sides.items()}
    values = source.load(tuple(dict.fromkeys(name for names in found.values() for name in names)))
    return {
        side: {f"{source.noun}{name}": values[name] for name in names}
        for side, names in found.items()
    }


def chosen(path: Path, sides: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """For each variable, the names of its columns, as `read_sides` understands them.

    Raises:
        InputError: If the file cannot be read, or has no such columns.
        MissingExtraError: If the file needs pyarrow or openpyxl, which is not installed.
    """
    source = _source(path)
    return {side: _chosen(side, requested, source, path) for side, requested in sides.items()}


def names(path: Path) -> tuple[str, ...]:
    """What a file's columns are called, as `read` takes them.

    Raises:
        InputError: If the file cannot be read.
        MissingExtraError: If the file needs pyarrow or openpyxl, which is not installed.
    """
    return _source(path).names


def _source(path: Path) -> Source:
    if path == STANDARD_INPUT:
        return text_file(path)
    kinds = f"{', '.join(SOURCES)}, text also as .gz"
    if path.is_dir():
        raise InputError(f"`{path}` is a directory: pass a file ({kinds}).")
    if not path.exists():
        raise InputError(f"`{path}` does not exist: check the path.")
    suffix, inner = path.suffix.lower(), Path(path.stem).suffix.lower()
    make = SOURCES.get(inner if suffix == ".gz" else suffix)
    if make is None or (suffix == ".gz" and make is not text_file):
        raise InputError(f"`{path}` is of no kind that can be read: pass one of {kinds}.")
    return make(path)


def _chosen(label: str, requested: Sequence[str], source: Source, path: Path) -> list[str]:
    names: list[str] = []
    for text in requested:
        for part in [text] if text in source.names else text.split(","):
            name = part if part in source.names else part.strip()
            if name not in source.names:
                raise _unknown(label, name, source, path)
            if name in names:
                raise InputError(f"`{label}` lists the column {name!r} twice: list it once.")
            names.append(name)
    return names


def _unknown(label: str, name: str, source: Source, path: Path) -> InputError:
    names = source.names
    hint = suggestion(name, names)
    shown = ", ".join(names[:NAMES_SHOWN]) or "none"
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return InputError(
        f"`{label}` names the column {name!r}, which `{path}` does not have.{hint} It has: "
        f"{shown}{more}.{source.hint}"
    )


SOURCES: dict[str, Callable[[Path], Source]] = {
    ".csv": text_file,
    ".tsv": text_file,
    ".txt": text_file,
    ".xlsx": spreadsheet,
    ".parquet": parquet_file,
    ".feather": feather_file,
    ".npy": numpy_file,
    ".npz": numpy_archive,
}
"""What can be read, by extension; text files compressed by gzip, too."""
