"""Files → named variables: CSV, TSV, Parquet, Feather, .npy and .npz.

A source knows the names in a file before it reads any numbers, and then reads only the chosen
ones. Nothing is written, and nothing in a file is ever run: no pickles.
"""

import csv
import difflib
import math
import reprlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mineral.errors import InputError, MissingExtraError

MISSING = frozenset({"", "na", "nan", "null", "none"})  # in text files, in upper or lower case
FIRST_INEXACT = 2.0**53  # from it on, float64 skips integers and different ones become one
NAMES_SHOWN = 10

Table: TypeAlias = dict[str, Any]
"""Some named variables, each as `mineral.estimate` takes it. A table is one variable, too."""


@dataclass(frozen=True)
class Source:
    """A file whose names are known, and whose values are not read yet.

    Attributes:
        names: What can be chosen.
        load: Reads the values of some of them.
        noun: What a label says before the name, where that is a bare number.
    """

    names: tuple[str, ...]
    load: Callable[[Sequence[str]], Mapping[str, Any]]
    noun: str = ""


def read(path: Path, *, x: Sequence[str], y: Sequence[str]) -> tuple[Table, Table]:
    """The variables X and Y from one file, paired row by row.

    Args:
        path: Its extension says what it is. CSV and TSV have a header line. The columns of a .npy
            array are called 0, 1, …, or as its dtype names them. Every key of an .npz file is one
            variable, of whatever shape.
        x: Names of columns. Each text may list several, as in `"a,b"`; one that is itself a
            column's name, commas included, means that column.
        y: The same. A column may be on both sides.

    Raises:
        InputError: If the file cannot be read, or has no such columns; the message names those
            that it has.
        MissingExtraError: If a Parquet or Feather file needs pyarrow, which is not installed.
    """
    source = _source(path)
    name, count = next(iter(Counter(source.names).most_common(1)), ("", 0))
    if count > 1:
        raise InputError(f"`{path}` has {count} columns named {name!r}: give each its own name.")
    of_x, of_y = (_chosen(label, asked, source, path) for label, asked in (("x", x), ("y", y)))
    values = source.load(tuple(dict.fromkeys(of_x + of_y)))
    table_x, table_y = (
        {f"{source.noun}{name}": values[name] for name in names} for names in (of_x, of_y)
    )
    return table_x, table_y


def names(path: Path) -> tuple[str, ...]:
    """What a file's columns are called, as `read` takes them.

    Raises:
        InputError: If the file cannot be read.
        MissingExtraError: If a Parquet or Feather file needs pyarrow, which is not installed.
    """
    return _source(path).names


def _source(path: Path) -> Source:
    kinds = ", ".join(SOURCES)
    if path.is_dir():
        raise InputError(f"`{path}` is a directory: pass a file ({kinds}).")
    if not path.exists():
        raise InputError(f"`{path}` does not exist: check the path.")
    if path.suffix.lower() not in SOURCES:
        raise InputError(f"`{path}` is of no kind that can be read: pass one of {kinds}.")
    return SOURCES[path.suffix.lower()](path)


def _chosen(label: str, asked: Sequence[str], source: Source, path: Path) -> list[str]:
    names: list[str] = []
    for text in asked:
        for part in [text] if text in source.names else text.split(","):
            name = part if part in source.names else part.strip()
            if name not in source.names:
                raise _unknown(label, name, source.names, path)
            if name in names:
                raise InputError(f"`{label}` lists the column {name!r} twice: list it once.")
            names.append(name)
    return names


def _unknown(label: str, name: str, names: tuple[str, ...], path: Path) -> InputError:
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(names[:NAMES_SHOWN]) or "none"
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return InputError(
        f"`{label}` asks for the column {name!r}, which `{path}` does not have.{hint} "
        f"It has: {shown}{more}."
    )


# Text: the csv module reads it, and each chosen field becomes a number or is refused by its line.


def _comma_separated(path: Path) -> Source:
    return _delimited(path, ",")


def _tab_separated(path: Path) -> Source:
    return _delimited(path, "\t")


def _delimited(path: Path, delimiter: str) -> Source:
    with _lines(path, delimiter) as lines:
        header = [name.strip() for name in next((line for line in lines if line), [])]
    if not header:
        raise InputError(f"`{path}` is empty: it needs a header line and at least 2 rows.")
    names = tuple(name for name in header if name)
    numbered = tuple(str(i) for i in range(len(names)))  # what pandas calls unnamed columns
    if names != numbered and all(_parsed(name) is not None for name in header):
        raise InputError(
            f"`{path}` starts with numbers, not with a header line: put a line with the columns' "
            "names first."
        )

    def load(chosen: Sequence[str]) -> dict[str, np.ndarray]:
        with _lines(path, delimiter) as lines:
            return _columns(path, lines, header, chosen)

    return Source(names, load)


@contextmanager
def _lines(path: Path, delimiter: str) -> Iterator[Any]:
    """A csv reader, whose troubles (and the system's) are told as an InputError with the line."""
    reader = None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            # Strictly: else a quote that is never closed swallows the rest of the file.
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            yield reader
    except UnicodeDecodeError:
        raise InputError(f"`{path}` is not UTF-8 text: save it as UTF-8.") from None
    except csv.Error as error:
        line = reader.line_num if reader else 1
        raise InputError(f"`{path}` cannot be read at line {line}: {error}.") from None
    except OSError as error:
        raise InputError(f"`{path}` cannot be read: {error.strerror or error}.") from None


def _columns(
    path: Path,
    lines: Any,  # noqa: ANN401  (the csv module does not export the reader's type)
    header: list[str],
    names: Sequence[str],
) -> dict[str, np.ndarray]:
    places = [header.index(name) for name in names]
    columns = [Field() for _ in names]
    next((line for line in lines if line), None)  # the header
    for fields in lines:
        if not fields:
            continue  # an empty line, as at the end of a file
        if len(fields) != len(header):
            raise InputError(
                f"`{path}` has {len(fields)} fields in line {lines.line_num}, and {len(header)} in "
                "its header: fill up the line, and quote fields that contain the separator."
            )
        for place, column in zip(places, columns, strict=True):
            try:
                column.add(fields[place])
            except ValueError as reason:
                raise InputError(
                    f"`{path}` has {reprlib.repr(fields[place])} in column {header[place]!r}, line "
                    f"{lines.line_num}: {reason}."
                ) from None
    if not len(columns[0]):
        raise InputError(f"`{path}` has a header line only: it needs at least 2 rows below it.")
    return {name: column.values() for name, column in zip(names, columns, strict=True)}


class Field:
    """A column of text as it is read: of numbers, or of words where it starts with one."""

    def __init__(self) -> None:
        self.numbers = array("d")
        self.words: list[str | None] | None = None

    def __len__(self) -> int:
        return len(self.numbers) if self.words is None else len(self.words)

    def add(self, text: str) -> None:
        """Read one field.

        Raises:
            ValueError: If it is none of what the column has been so far, with the remedy.
        """
        if self.words is None:
            try:
                self.numbers.append(_number(text))
            except ValueError:
                if not (_is_word(text) and all(map(math.isnan, self.numbers))):
                    raise
                self.words = [None] * len(self.numbers)
        if self.words is not None:
            word = text.strip()
            self.words.append(None if word.lower() in MISSING else word)

    def values(self) -> np.ndarray:
        return np.array(self.numbers if self.words is None else self.words)


def _is_word(text: str) -> bool:
    return _parsed(text) is None and any(map(str.isalpha, text))


def _number(text: str) -> float:
    """The number that a field holds, NaN where it is missing.

    Raises:
        ValueError: If it is something else, with the remedy.
    """
    value = None if "_" in text else _parsed(text)  # Python reads 1_000; no export writes it
    if value is None:
        raise ValueError(
            "it is not a number. Encode categories as integer codes and dates as elapsed time, or "
            "leave the field empty if the value is missing"
        )
    if abs(value) >= FIRST_INEXACT and text.strip().lstrip("+-").isdigit():
        raise ValueError(
            "float64 cannot tell integers from 2^53 on apart. Subtract an offset first, or encode "
            "identifiers as small codes"
        )
    return value


def _parsed(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return math.nan if text.strip().lower() in MISSING else None


# Arrow: pyarrow reads it, and the columns stay as they are until the samples are checked.


def _parquet(path: Path) -> Source:
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("Reading Parquet", "files") from None

    def load(names: Sequence[str]) -> dict[str, Any]:
        with _readable(path, "a Parquet file"), parquet.ParquetFile(path) as file:
            table = file.read(columns=list(names))
            return {name: table.column(name) for name in names}

    with _readable(path, "a Parquet file"), parquet.ParquetFile(path) as file:
        return Source(tuple(file.schema_arrow.names), load)


def _feather(path: Path) -> Source:
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtraError("Reading Feather", "files") from None

    def load(names: Sequence[str]) -> dict[str, Any]:
        only = pa.ipc.IpcReadOptions(included_fields=[source.names.index(name) for name in names])
        with _readable(path, "a Feather file"), pa.OSFile(str(path)) as file:
            table = pa.ipc.open_file(file, options=only).read_all()
            return {name: table.column(name) for name in names}

    with _readable(path, "a Feather file"), pa.OSFile(str(path)) as file:
        source = Source(tuple(pa.ipc.open_file(file).schema.names), load)
    return source


# NumPy: arrays of numbers only. Object arrays are pickles, which could run code.


def _numpy(path: Path) -> Source:
    with _readable(path, "a .npy file"), path.open("rb") as file:
        loaded = np.load(file, allow_pickle=False)
        if not isinstance(loaded, np.ndarray):
            raise InputError(f"`{path}` is an .npz archive: rename it to end in .npz.")
    if loaded.dtype.names is not None:
        return Source(loaded.dtype.names, lambda names: {name: loaded[name] for name in names})
    if loaded.ndim == 0:
        raise InputError(f"`{path}` holds a single number: save one row for each sample.")
    matrix = loaded[:, None] if loaded.ndim == 1 else loaded
    return Source(
        tuple(str(i) for i in range(matrix.shape[1])),
        lambda names: {name: matrix[:, int(name)] for name in names},
        noun="column ",
    )


def _numpy_archive(path: Path) -> Source:
    def load(names: Sequence[str]) -> dict[str, np.ndarray]:
        with _readable(path, "an .npz archive"), _archive(path) as archive:
            return {name: archive[name] for name in names}

    with _readable(path, "an .npz archive"), _archive(path) as archive:
        return Source(tuple(archive.files), load)


@contextmanager
def _archive(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:  # NumPy leaves its own open where the archive is damaged
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise InputError(f"`{path}` is a single array: rename it to end in .npy.")
        with loaded:
            yield loaded


@contextmanager
def _readable(path: Path, what: str) -> Iterator[None]:
    """Whatever a library raises on a damaged file becomes an InputError of one line."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        reason = f"it is damaged, cut short, or not {what}"
        if isinstance(error, PermissionError):
            reason = "permission denied"
        elif str(error).startswith("Object arrays"):
            reason = "it holds Python objects, which could run code. Save an array of numbers"
        raise InputError(f"`{path}` cannot be read: {reason}.") from None


SOURCES: dict[str, Callable[[Path], Source]] = {
    ".csv": _comma_separated,
    ".tsv": _tab_separated,
    ".parquet": _parquet,
    ".feather": _feather,
    ".npy": _numpy,
    ".npz": _numpy_archive,
}
"""What can be read, by extension."""
