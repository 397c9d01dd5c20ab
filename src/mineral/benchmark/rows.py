"""The journal of a benchmark: one finished run, one line of rows.jsonl, on disk before the next."""

import gzip
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from io import FileIO
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mineral.errors import InputError
from mineral.locks import locked

Status: TypeAlias = Literal["ok", "refused", "failed", "timeout", "crashed"]
Key: TypeAlias = tuple[str, int, int, str]
FILE = "rows.jsonl"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One estimate on one sample, or why there is none. Information is in nats.

    Attributes:
        task, family, dim_x, dim_y: What was sampled.
        n, seed: How many rows, and the seed of both the sample and the estimator.
        label: The estimator with its settings, as tables call it.
        truth, truth_error: I(X; Y) and its standard error.
        oracle: The mean of the true pointwise values of this very sample; None if unknown.
        status: `ok`, `refused` (not for such samples), `failed` (an error), `timeout`, `crashed`.
        message: Why it is not `ok`.
        value, low, high, confidence, kind, warnings, options: What the estimator says.
        seconds: Of the estimate alone, without starting a process or reading samples.
        peak_megabytes: The most memory held above what the process held before.
        versions: Of what computed it.
    """

    task: str
    family: str
    dim_x: int
    dim_y: int
    n: int
    seed: int
    label: str
    truth: float
    truth_error: float = 0.0
    oracle: float | None = None
    status: Status = "ok"
    message: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    kind: str | None = None
    warnings: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    peak_megabytes: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """What identifies a run: the same key is run once."""
        return self.task, self.n, self.seed, self.label

    @property
    def error(self) -> float | None:
        """value − truth, in nats; None without a value."""
        return None if self.value is None else self.value - self.truth


class Journal:
    """Rows of one folder, to read and to add to. Open it with `opened`."""

    def __init__(self, file: FileIO, path: Path, rows: Iterable[Row]) -> None:
        self._file, self._path = file, path
        self.rows = {row.key: row for row in rows}

    def add(self, row: Row) -> None:
        """Write a row. When this returns, no crash can lose it.

        Raises:
            InputError: If it cannot be written; of this row there is then nothing in the file.
        """
        line = json.dumps(_plain(asdict(row)), ensure_ascii=False, allow_nan=False)
        rest = memoryview(line.encode("utf-8", "replace") + b"\n")
        end = self._file.seek(0, os.SEEK_END)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(end)
            raise InputError(
                f"Cannot write `{self._path}`: {error.strerror or error}. Make room, and run the "
                "same command again: all rows before are kept."
            ) from None
        self.rows[row.key] = row


@contextmanager
def opened(folder: Path) -> Iterator[Journal]:
    """The journal in a folder, locked against other writers, without a half-written last line.

    Raises:
        OptionError: If another run writes there.
        InputError: If a line is not a row.
        MissingExtraError: If filelock is not installed.
    """
    with locked(folder), (folder / FILE).open("a+b", buffering=0) as file:
        # Unbuffered: a line that finds no room is taken back, and not written when the file closes.
        file.seek(0)
        content = file.readall()
        whole = content.rfind(b"\n") + 1
        file.truncate(whole)  # what follows the last newline was cut off by a crash
        yield Journal(file, folder / FILE, _parsed(content[:whole], folder / FILE))


def read(folder: Path) -> list[Row]:
    """The finished rows of a folder, the last of each key; also while a run is adding to them.

    Reads rows.jsonl, or rows.jsonl.gz where there is no other.

    Raises:
        InputError: If there are none, or a line is not a row.
    """
    path = folder / FILE
    packed = path.with_suffix(".jsonl.gz")
    try:
        content = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"`{folder}` holds no {FILE}: name a folder that `mineral benchmark` wrote."
        ) from None
    rows = {row.key: row for row in _parsed(content[: content.rfind(b"\n") + 1], path)}
    if not rows:
        raise InputError(f"`{path}` holds no finished row yet: wait for the first.")
    return list(rows.values())


def _parsed(content: bytes, path: Path) -> Iterator[Row]:
    names = {each.name for each in fields(Row)}
    for number, line in enumerate(content.splitlines(), 1):
        try:
            found = {name: value for name, value in json.loads(line).items() if name in names}
            yield Row(**found | {"warnings": tuple(found.get("warnings", ()))})
        except (ValueError, TypeError, AttributeError):
            raise InputError(f"`{path}` line {number} is not a row: delete that line.") from None


def _plain(value: Any) -> Any:  # noqa: ANN401
    """As JSON can hold it: what is not finite as a text, within options, or not at all."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
