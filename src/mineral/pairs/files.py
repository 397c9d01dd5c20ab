"""Rows of results as frames, Parquet, CSV, JSON and aligned text: of pairs, and of links."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from mineral.errors import MissingExtraError, OptionError

if TYPE_CHECKING:
    from mineral.pairs.result import Matrix

QUANTITIES = ("n", "value", "lower", "upper", "p_value", "q_value")
FRAMES = ("pandas", "polars", "pyarrow")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet computes what starts with one of these


def arrow() -> Any:  # noqa: ANN401
    """pyarrow.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError("Writing Parquet", "files") from None
    return pyarrow


def parquet(matrix: "Matrix") -> bytes:
    """The pairs of a matrix, by columns: each name is written once."""
    pa = arrow()
    x, y = matrix.plan.places()
    columns = {
        "x": encoded(pa, x, matrix.names),
        "y": encoded(pa, y, matrix.names),
        **{name: pa.array(getattr(matrix, name)) for name in QUANTITIES},
        "estimator": encoded(pa, np.zeros(len(matrix), dtype=np.int32), [matrix.estimator]),
        "note": notes_of(pa, matrix.notes, len(matrix)),
    }
    return parquet_bytes(pa.table(columns))


def encoded(pa: Any, codes: Int[np.ndarray, " m"], names: Sequence[str]) -> Any:  # noqa: ANN401
    """A column of names by their places in a list."""
    safe = [name.encode("utf-8", "replace").decode() for name in names]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(safe, pa.string()))


def notes_of(pa: Any, notes: Mapping[int, str], count: int) -> Any:  # noqa: ANN401
    """A column of the notes of few pairs; null elsewhere."""
    texts = list(dict.fromkeys(notes.values()))
    place = {text: code for code, text in enumerate(texts)}
    codes = np.zeros(count, dtype=np.int32)
    is_none = np.ones(count, dtype=bool)
    for pair, text in notes.items():
        codes[pair], is_none[pair] = place[text], False
    masked = pa.array(codes, pa.int32(), mask=is_none)
    return pa.DictionaryArray.from_arrays(masked, pa.array(texts, pa.string()))


def parquet_bytes(table: Any) -> bytes:  # noqa: ANN401
    """A table of Arrow as a Parquet file: the same bytes for the same table."""
    from pyarrow import parquet as writer

    content = io.BytesIO()
    texts = [field.name for field in table.schema if str(field.type).startswith("dictionary")]
    writer.write_table(
        table, content, compression="zstd", use_dictionary=[*texts, "n"], row_group_size=1 << 20
    )
    return content.getvalue()


def frame_of(columns: Mapping[str, Any], library: str | None) -> Any:  # noqa: ANN401
    """A data frame of columns by name.

    Args:
        columns: Of equal length.
        library: One of `FRAMES`; None for the first that is installed.

    Raises:
        OptionError: If the library is unknown, or none is installed.
    """
    import narwhals as nw

    name: Any
    for name in FRAMES if library is None else [library]:
        if name not in FRAMES:
            raise OptionError(f"`library` must be one of {', '.join(FRAMES)}, got {name!r}.")
        try:
            return nw.from_dict(columns, backend=name).to_native()
        except ImportError:
            continue
    wanted = library or FRAMES[0]
    raise OptionError(f"`frame` needs {wanted}: run `pip install {wanted}`.")


def comma_separated(columns: Mapping[str, Any]) -> str:
    """Columns by name as CSV: one row a line, below a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*_lists(columns).values(), strict=True):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of cells, columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cell(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _lists(columns: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Columns with Python's own numbers."""
    return {
        name: each.tolist() if isinstance(each, np.ndarray) else each
        for name, each in columns.items()
    }


def in_json(matrix: "Matrix") -> str:
    """`to_dict` and all pairs; NaN is null."""
    columns = _lists(matrix.columns())
    pairs = [
        {name: None if value != value else value for name, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]
    return json.dumps({**matrix.to_dict(), "matrix": pairs}, indent=1, allow_nan=False) + "\n"
