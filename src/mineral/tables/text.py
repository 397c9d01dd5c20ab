"""Text files, split by the csv module at the separator that splits all lines consistently.

A file's separator is the first candidate that gives the first lines, including the header, the same
number of fields. Lines that begin with `#` are comments; where numbers follow at once, the last of
them is the header, as NumPy's `savetxt` writes it.
"""

import csv
import gzip
import io
import itertools
import reprlib
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mineral.errors import InputError
from mineral.tables.fields import MISSING, DecimalMark, Field, is_value
from mineral.tables.source import Source

Record: TypeAlias = tuple[int, list[str]]
"""The number of a line, and its fields."""

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
BY_KIND = {".csv": ",;\t|", ".tsv": "\t;,|", ".txt": "\t;,| "}
"""Candidate separators, most likely first. In .csv files, spaces are part of names and text."""
LINES_SNIFFED = 100


@dataclass(frozen=True)
class Layout:
    """The format of the lines of a file.

    Attributes:
        separator: Between fields.
        header: The columns' names.
        skipped: Lines before the first row of values.
    """

    separator: str
    header: list[str]
    skipped: int


def text_file(path: Path) -> Source:
    """A file of text with a header line, plain or compressed by gzip; `-` is standard input."""
    with opened(path) as lines:
        first = list(itertools.islice(lines, LINES_SNIFFED))
    comments = list(itertools.takewhile(_is_comment, first))
    layout = _layout(path, first[len(comments) :], comments)
    records = partial(_records, path, layout)
    return source_of(path, layout.header, records, layout.separator, _hint(path, layout))


def source_of(
    path: Path,
    header: list[str],
    records: Callable[[], Any],
    separator: str = "",
    hint: str = "",
) -> Source:
    """A source of rows of text below a header.

    Args:
        path: Of the file, for messages.
        header: The columns' names.
        records: A context manager that yields the rows below the header.
        separator: Between fields.
        hint: As of `Source`.

    Raises:
        InputError: If there is no header.
    """
    names = tuple(name for name in header if name)
    numbered = tuple(str(i) for i in range(len(names)))  # what pandas calls unnamed columns
    if names != numbered and all(map(is_value, header)):
        raise InputError(
            f"`{path}` starts with numbers, not with a header line: put a line with the columns' "
            "names first."
        )

    def load(chosen: Sequence[str]) -> dict[str, np.ndarray]:
        with records() as rows:
            return _columns(path, rows, header, chosen, DecimalMark(separator))

    return Source(names, load, hint=hint)


@contextmanager
def opened(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a file; errors become an InputError."""
    try:
        with _bytes(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as file:
            yield iter(file)
    except UnicodeDecodeError:
        raise InputError(f"`{path}` is not UTF-8 text: save it as UTF-8.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"`{path}` cannot be read: it is damaged, or not a gzip file.") from None
    except OSError as error:
        raise InputError(f"`{path}` cannot be read: {error.strerror or error}.") from None


def _bytes(path: Path) -> gzip.GzipFile | io.BufferedReader | io.BytesIO:
    if str(path) == "-":
        if sys.stdin is None:
            raise InputError("There is no standard input: pass a file.")
        return io.BytesIO(_everything(sys.stdin.buffer))
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


@lru_cache(maxsize=1)
def _everything(stream: io.BufferedReader | io.BytesIO) -> bytes:
    """The content of standard input, which can be read only once but is used several times."""
    return stream.read()


def _is_comment(line: str) -> bool:
    """Not of a line that starts with a missing value, as `#N/A` is."""
    start = line.lstrip().lower()
    return start.startswith("#") and not start.startswith(tuple(m for m in MISSING if m[:1] == "#"))


def _layout(path: Path, lines: list[str], comments: list[str]) -> Layout:
    kind = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    possible = BY_KIND.get(kind.lower(), BY_KIND[".txt"])
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise InputError(f"`{path}` is empty: it needs a header line and at least 2 rows.")
    separator = next((each for each in possible if _splits(filled, each)), None)
    if separator is None:
        counts = {each: len(_header(filled, each)) for each in possible}
        separator = max(possible, key=lambda each: counts[each] > 1)
    header = [name.strip() for name in _header(filled, separator)]
    if comments and len(header) and all(map(is_value, header)):
        named = [name.strip() for name in _header([comments[-1].lstrip().lstrip("#")], separator)]
        if len(named) == len(header):
            return Layout(separator, named, len(comments))
    blank = next(i for i, line in enumerate(lines) if line.strip())
    return Layout(separator, header, len(comments) + blank + _lines_of_header(lines[blank:]))


def _splits(lines: list[str], separator: str) -> bool:
    """Whether every line has as many fields as the first, and more than one."""
    try:
        widths = {
            len(fields)
            for fields in _reader(lines, separator)
            if fields and not fields[0].startswith("# ")
        }
    except csv.Error:  # of a quote that the last line opens, too
        return False
    return len(widths) == 1 and widths.pop() > 1


def _header(lines: list[str], separator: str) -> list[str]:
    try:
        return next(iter(_reader(lines, separator)), [])
    except csv.Error:
        return lines[0].split(separator)


def _lines_of_header(lines: list[str]) -> int:
    """How many lines the header takes: more than one where a quoted name has a line end."""
    quotes = 0
    for count, line in enumerate(lines, start=1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return count
    return len(lines)


def _reader(lines: Sequence[str] | Iterator[str], separator: str) -> Any:  # noqa: ANN401
    if separator == " ":  # any run of blanks
        lines = (line.replace("\t", " ").strip() for line in lines)
    # Strict mode: otherwise an unclosed quote would contain the rest of the file.
    return csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=separator == " ")


@contextmanager
def _records(path: Path, layout: Layout) -> Iterator[Iterator[Record]]:
    """The rows below the header, with the numbers of their lines."""
    reader: Any = None

    def rows() -> Iterator[Record]:
        for fields in reader:
            comment = fields and fields[0].lstrip().startswith("#")
            if comment and (len(fields) != len(layout.header) or fields[0][:2] == "# "):
                continue
            if fields:  # not an empty line, as at the end of a file
                yield layout.skipped + reader.line_num, fields

    try:
        with opened(path) as lines:
            reader = _reader(itertools.islice(lines, layout.skipped, None), layout.separator)
            yield rows()
    except csv.Error as error:
        line = layout.skipped + reader.line_num if reader else 1
        raise InputError(f"`{path}` cannot be read at line {line}: {error}.") from None


def _hint(path: Path, layout: Layout) -> str:
    """Of a file with one column, what else may separate its fields."""
    if len(layout.header) != 1:
        return ""
    inside = [each for each in SEPARATORS if each in layout.header[0]]
    if not inside:
        return ""
    advice = (
        "end its name in .txt" if inside == [" "] else ("give every line the same number of fields")
    )
    return f" It seems to be separated by {SEPARATORS[inside[0]]}: {advice}."


def _columns(
    path: Path,
    rows: Iterator[Record],
    header: list[str],
    names: Sequence[str],
    decimal: DecimalMark,
) -> dict[str, np.ndarray]:
    places = [header.index(name) for name in names]
    columns = [Field(decimal) for _ in names]
    for line, fields in rows:
        if len(fields) != len(header):
            raise InputError(
                f"`{path}` has {len(fields)} fields in line {line}, and {len(header)} in "
                "its header: fill up the line, and quote fields that contain the separator."
            )
        for place, column in zip(places, columns, strict=True):
            try:
                column.add(fields[place])
            except ValueError as reason:
                raise InputError(
                    f"`{path}` has {reprlib.repr(fields[place])} in column {header[place]!r}, line "
                    f"{line}: {reason}."
                ) from None
    if not len(columns[0]):
        raise InputError(f"`{path}` has a header line only: it needs at least 2 rows below it.")
    if decimal.example and decimal.separator != ";":  # beside semicolons, a comma is decimal
        raise InputError(
            f"`{path}` has {decimal.example!r}, whose comma may be a decimal or a thousands "
            "separator: write decimals with a point, without thousands separators."
        )
    return {name: _values(path, name, each) for name, each in zip(names, columns, strict=True)}


def _values(path: Path, name: str, column: Field) -> np.ndarray:
    try:
        return column.values()
    except ValueError as reason:
        first = next(word for word in column.words or () if word is not None)
        raise InputError(f"`{path}` has {first!r} in column {name!r}: {reason}.") from None
