"""Parquet, Feather, .npy and .npz: columns without conversion, until the samples are checked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mineral.errors import InputError, MissingExtraError
from mineral.system import storage
from mineral.tables.source import Source, readable

# Arrow: pyarrow reads it, and the columns stay as they are until the samples are checked.


def parquet_file(path: Path) -> Source:
    """A Parquet file, of which only the chosen columns are read."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("Reading Parquet", "files") from None

    def load(names: Sequence[str]) -> dict[str, Any]:
        with readable(path, "a Parquet file"), parquet.ParquetFile(path) as file:
            table = file.read(columns=list(names))
            return {name: table.column(name) for name in names}

    with readable(path, "a Parquet file"), parquet.ParquetFile(path) as file:
        return Source(tuple(file.schema_arrow.names), load)


def feather_file(path: Path) -> Source:
    """A Feather file, of which only the chosen columns are read."""
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtraError("Reading Feather", "files") from None

    def load(names: Sequence[str]) -> dict[str, Any]:
        only = pa.ipc.IpcReadOptions(included_fields=[source.names.index(name) for name in names])
        with readable(path, "a Feather file"), pa.OSFile(str(path)) as file:
            table = pa.ipc.open_file(file, options=only).read_all()
            return {name: table.column(name) for name in names}

    with readable(path, "a Feather file"), pa.OSFile(str(path)) as file:
        source = Source(tuple(pa.ipc.open_file(file).schema.names), load)
    return source


# NumPy: arrays of numbers only. Object arrays are pickles, which could run code.


def numpy_file(path: Path) -> Source:
    """An array: its columns by number, or by the names of its dtype."""
    with readable(path, "a .npy file"), path.open("rb") as file:
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


def numpy_archive(path: Path) -> Source:
    """An archive: every key is one variable."""

    def load(names: Sequence[str]) -> dict[str, np.ndarray]:
        with readable(path, "an .npz archive"), _archive(path) as archive:
            return {name: archive[name] for name in names}

    with readable(path, "an .npz archive"), _archive(path) as archive:
        return Source(tuple(archive.files), load)


@contextmanager
def _archive(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:  # NumPy does not close its own if the archive is damaged
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise InputError(f"`{path}` is a single array: rename it to end in .npy.")
        with loaded:
            storage.check_archive(path)  # before the first member is unpacked
            yield loaded
