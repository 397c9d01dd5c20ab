"""The first sheet of an .xlsx file, as rows of text below a header."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mineral.errors import InputError, MissingExtraError
from mineral.system import storage
from mineral.tables.source import Source, readable
from mineral.tables.text import Record, source_of


def spreadsheet(path: Path) -> Source:
    """The first sheet, whose first row that is not empty names the columns.

    Raises:
        InputError: If it cannot be read.
        MissingExtraError: If openpyxl is not installed.
    """
    with _rows(path) as rows:
        number, header = next(rows, (0, []))
    if not header:
        raise InputError(f"`{path}` is empty: it needs a header line and at least 2 rows.")
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    return source_of(path, names, partial(_below, path, number, len(names)))


@contextmanager
def _below(path: Path, number: int, width: int) -> Iterator[Iterator[Record]]:
    with _rows(path) as rows:
        yield ((i, (cells + [""] * width)[:width]) for i, cells in rows if i > number)


@contextmanager
def _rows(path: Path) -> Iterator[Iterator[Record]]:
    """Rows that are not empty, with their numbers. Of formulas, the values last computed."""
    try:
        import openpyxl
    except ImportError:
        raise MissingExtraError("Reading .xlsx", "excel") from None
    with readable(path, "an .xlsx file"):
        storage.check_archive(path)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            texts = ([_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True))
            yield ((i, row) for i, row in enumerate(texts, start=1) if any(row))
        finally:
            book.close()


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(sep=" ")
    return repr(cell) if isinstance(cell, float) else str(cell)
