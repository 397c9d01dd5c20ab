"""A folder of finished chunks: each is a Parquet file, whole or not there."""

import io
from pathlib import Path

import numpy as np

from mineral.errors import InputError
from mineral.pairs.files import arrow, encoded, notes_of, parquet_bytes
from mineral.pairs.plan import NUMBERS, Chunk, Part
from mineral.pairs.request import Request
from mineral.system import storage
from mineral.system.folders import SETTINGS, claim, make, settings_of
from mineral.tables.source import readable

CHUNKS = "chunks"
PAIRS = "pairs.parquet"
WORDS = {"digest": "values", "names": "columns", "first": "targets", "rows": "values"}
COLUMNS = ("x", "y", *NUMBERS, "note")


class Folder:
    """Finished chunks of one request.

    Args:
        path: Of the folder.
        request: What its pairs are of.
    """

    def __init__(self, path: Path, request: Request) -> None:
        self.path, self.request = path, request

    @classmethod
    def start(cls, path: Path, request: Request) -> "Folder":
        """Make the folder, or find one of the same request.

        Raises:
            OptionError: If it is of another request.
            InputError: If it cannot be written or read.
            MissingExtraError: If pyarrow is not installed.
        """
        arrow()
        folder = cls(path, request)
        make(path / CHUNKS)
        claim(path, request.to_dict(), noun="pairs", words=WORDS)
        return folder

    @classmethod
    def find(cls, path: Path) -> "Folder":
        """A folder that `start` has made, without its table.

        Raises:
            InputError: If it is none.
        """
        found = settings_of(path)
        try:
            return cls(path, Request(**found))
        except TypeError:
            raise InputError(
                f"`{path / SETTINGS}` is not of `mineral matrix`: name its folder."
            ) from None

    def file(self, chunk: Chunk) -> Path:
        """Where a chunk is, once it is finished."""
        return self.path / CHUNKS / f"{chunk.number:06d}.parquet"

    def is_done(self, chunk: Chunk) -> bool:
        """Whether a chunk is finished."""
        return self.file(chunk).exists()

    def write(self, chunk: Chunk, part: Part) -> None:
        """Store a finished chunk. When this returns, no crash can lose it."""
        pa, names = arrow(), self.request.names
        x, y = self.request.plan.places(chunk.start, chunk.stop)
        columns = {name: pa.array(getattr(part, name)) for name in NUMBERS}
        sides = {"x": encoded(pa, x, names), "y": encoded(pa, y, names)}
        table = pa.table({**sides, **columns, "note": notes_of(pa, part.notes, len(chunk))})
        storage.write(self.file(chunk), parquet_bytes(table))

    def read(self, chunk: Chunk) -> Part:
        """A finished chunk.

        Raises:
            InputError: If the file is damaged, or has other columns or another number of rows.
        """
        from pyarrow import parquet

        path = self.file(chunk)
        with readable(path, "a Parquet file"):
            table = parquet.read_table(io.BytesIO(path.read_bytes()))
            if tuple(table.column_names) != COLUMNS or table.num_rows != len(chunk):
                raise InputError(
                    f"`{path}` does not hold the pairs of chunk {chunk.number}: remove it."
                )
            arrays = {name: np.array(table[name].to_numpy()) for name in NUMBERS}
            notes = table["note"].to_pylist()
        return Part(**arrays, notes={k: note for k, note in enumerate(notes) if note is not None})

    def collect(self) -> Part:
        """All chunks.

        Raises:
            InputError: If some are not finished.
        """
        chunks = self.request.chunks
        missing = [chunk.number for chunk in chunks if not self.is_done(chunk)]
        if missing:
            raise InputError(
                f"`{self.path}` lacks {len(missing):,} of {len(chunks):,} chunks, the first is "
                f"number {missing[0]}: run the same command again."
            )
        whole = Part.empty(len(self.request.plan))
        for chunk in chunks:
            whole.put(chunk.start, self.read(chunk))
        return whole
