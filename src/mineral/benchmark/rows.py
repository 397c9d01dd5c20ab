"""The journal of a benchmark: one finished run, one line of rows.jsonl, on disk before the next."""

import gzip
import json
import os
import reprlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

from mineral.basics.plain import plain
from mineral.basics.terminal import escaped
from mineral.errors import InputError
from mineral.system import storage
from mineral.system.locks import locked

Status: TypeAlias = Literal["ok", "refused", "failed", "timeout", "crashed"]
Key: TypeAlias = tuple[str, int, int, str]
Fits: TypeAlias = Callable[[Any], bool]
FILE = "rows.jsonl"
LONGEST_LINE = 1 << 20  # bytes; of 9,805 rows of the repository's own results, the longest has 789
LARGEST = 1 << 30  # bytes unpacked: a million such rows, 130 times the largest of these results
LONGEST_TEXT = 500  # letters; a message is cut there when it is written


@dataclass(frozen=True, kw_only=True)
class Row:
    """One estimate on one sample, or why there is none. Information is in nats.

    Attributes:
        task, family, dim_x, dim_y: What was sampled.
        n, seed: How many rows, and the seed of both the sample and the estimator.
        label: The estimator with its settings, as tables call it.
        truth, truth_error: I(X; Y) and its standard error.
        oracle: The mean of the true pointwise values of this sample; None if unknown.
        status: `ok`, `refused` (not for such samples), `failed` (an error), `timeout`, `crashed`.
        message: Why it is not `ok`.
        value, low, high, confidence, kind, warnings, options: The estimator's result.
        seconds: Of the estimate alone, without starting a process or reading samples.
        peak_megabytes: The most memory held above what the process held before.
        versions: Of the libraries that computed it.
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
        line = json.dumps(plain(asdict(row)), ensure_ascii=False, allow_nan=False)
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
        yield Journal(file, folder / FILE, _parsed(content[:whole].splitlines(), folder / FILE))


def read(folder: Path) -> list[Row]:
    """The finished rows of a folder, the last of each key; also while a run is adding to them.

    Reads rows.jsonl, or rows.jsonl.gz where there is no other. The folder may be anybody's: every
    field is checked, and texts come without power over a terminal.

    Raises:
        InputError: If there are none, a line is not a row, or the file is damaged or too large.
    """
    path = folder / FILE
    packed = path.with_suffix(".jsonl.gz")
    chosen = path if path.exists() or not packed.exists() else packed
    if not chosen.exists():
        raise InputError(
            f"`{folder}` holds no {FILE}: name a folder that `mineral benchmark` wrote."
        )
    storage.check_file(chosen)
    rows = {row.key: row for row in map(_shown, _parsed(_lines(chosen), chosen))}
    if not rows:
        raise InputError(f"`{chosen}` holds no finished row yet: wait for the first.")
    return list(rows.values())


def _lines(path: Path) -> Iterator[bytes]:
    """Whole lines, of a file that may unpack to more than there is memory for."""
    total = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while (line := file.readline(LONGEST_LINE + 1)).endswith(b"\n"):
                total += len(line)
                if total > LARGEST:
                    raise InputError(f"`{path}` unpacks to more than {LARGEST:,} bytes: split it.")
                yield line
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or "it is cut off"
        raise InputError(f"`{path}` cannot be read: {reason}.") from None
    if len(line) > LONGEST_LINE:
        raise InputError(
            f"`{path}` has a line of more than {LONGEST_LINE:,} bytes, more than any row."
        )


def _parsed(lines: Iterable[bytes], path: Path) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
            values = {name: found[name] for name in FITTING if name in found}
            wrong = [name for name, value in values.items() if not FITTING[name](value)]
            if wrong:
                raise ValueError(f"its `{wrong[0]}` is {reprlib.repr(values[wrong[0]])}")
            yield Row(**values | {"warnings": tuple(values.get("warnings", ()))})
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            reason = "" if isinstance(error, RecursionError) else f" ({error})"
            raise InputError(
                f"`{path}` line {number} is not a row: delete that line{reason}."
            ) from None


def _text(value: object) -> bool:
    return isinstance(value, str)


def _number(value: object) -> bool:
    """Finite, and so far from overflow that squares and their sums are, too."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e100


def _count(value: object, *, least: int = 1) -> bool:
    return type(value) is int and least <= value < 2**63


def _amount(value: object) -> bool:
    return _number(value) and cast(float, value) >= 0


def _perhaps(fits: Fits) -> Fits:
    return lambda value: value is None or fits(value)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_text, value))


FITTING: dict[str, Fits] = {
    **dict.fromkeys(("task", "family", "label", "message"), _text),
    **dict.fromkeys(("dim_x", "dim_y", "n"), _count),
    "seed": partial(_count, least=0),
    "truth": _number,
    "truth_error": _amount,
    **dict.fromkeys(("oracle", "value", "low", "high", "confidence"), _perhaps(_number)),
    **dict.fromkeys(("seconds", "peak_megabytes"), _perhaps(_amount)),
    "status": lambda value: isinstance(value, str) and value in get_args(Status),
    "kind": _perhaps(_text),
    "warnings": _texts,
    "options": lambda value: isinstance(value, dict),
    "versions": lambda value: isinstance(value, dict) and all(map(_text, value.values())),
}
"""What each field of a row must be."""


def _shown(row: Row) -> Row:
    """With texts that may be shown anywhere."""
    texts: dict[str, Any] = {
        name: escaped(getattr(row, name)[:LONGEST_TEXT])
        for name in ("task", "family", "label", "message")
    }
    versions = {
        escaped(name[:LONGEST_TEXT]): escaped(version[:LONGEST_TEXT])
        for name, version in row.versions.items()
    }
    return replace(row, **texts, versions=versions)
