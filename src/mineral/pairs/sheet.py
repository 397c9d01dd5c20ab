"""A table of any kind → columns with a recognised type, each in one float64 array."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from mineral.errors import InputError, OptionError, suggestion
from mineral.results import Caution
from mineral.samples.columns.alignment import refuse_misaligned
from mineral.samples.columns.categorical import ROWS_PER_CATEGORY
from mineral.samples.columns.text import Levels
from mineral.samples.columns.variable import Columns, as_frame, columns
from mineral.samples.gate import LARGEST_EXACT

Type: TypeAlias = Literal["number", "category", "constant", "identifier"]
CHOSEN = ("number", "category")  # types that a caller may give
NAMES_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The columns of a table.

    Attributes:
        names: Of the p columns, each once.
        types: `"number"` (dates included, as elapsed seconds), `"category"`, or, for columns
            without usable information, `"constant"` and `"identifier"`.
        values: float64, shape (p, n): one row of the array for each column; codes of categories.
            A missing value is NaN.
        levels: For each column, the names of its categories; None for numbers.
    """

    names: tuple[str, ...]
    types: tuple[Type, ...]
    values: Float[np.ndarray, "p n"]
    levels: tuple[Levels | None, ...]

    @property
    def rows(self) -> int:
        """The number of rows of the table."""
        return int(self.values.shape[1])

    @cached_property
    def is_there(self) -> Bool[np.ndarray, "p n"]:
        """Which values are not missing."""
        return np.asarray(~np.isnan(self.values))

    def find(self, names: Iterable[str], argument: str) -> list[int]:
        """Places of columns.

        Raises:
            OptionError: If there is no such column, or one is listed twice.
        """
        places = {name: i for i, name in enumerate(self.names)}
        found: list[int] = []
        for name in names:
            if name not in places:
                shown = ", ".join(self.names[:NAMES_SHOWN])
                raise OptionError(
                    f"`{argument}` names the column {name!r}, which the table does not have."
                    f"{suggestion(str(name), self.names)} It has: {shown}{_rest(self.names)}."
                )
            if places[name] in found:
                raise OptionError(f"`{argument}` lists the column {name!r} twice: list it once.")
            found.append(places[name])
        return found

    def select(self, places: Sequence[int]) -> "Sheet":
        """Some of the columns."""
        return replace(
            self,
            names=tuple(self.names[i] for i in places),
            types=tuple(self.types[i] for i in places),
            values=self.values[list(places)],
            levels=tuple(self.levels[i] for i in places),
        )

    def column(self, i: int, rows: Bool[np.ndarray, " n"]) -> np.ndarray:
        """Some rows of a column as `mineral.estimate` takes it: numbers, or text of categories."""
        values: np.ndarray = self.values[i][rows]
        levels = self.levels[i]
        if levels is None:
            return values
        names = [f"{name!r}" for name in levels]  # in quotes, "1" is not read as a number
        return np.asarray(np.array(names, dtype=object)[values.astype(np.int64)])

    @cached_property
    def digests(self) -> tuple[bytes, ...]:
        """SHA-256 of each column's content, without its name or its place in the table."""
        return tuple(
            hashlib.sha256(_canonical(column) + str(levels is not None).encode()).digest()
            for column, levels in zip(self.values, self.levels, strict=True)
        )

    def fill_caches(self) -> None:
        """Compute now, and once, what each worker would compute of all columns."""
        self.digests, self.is_there  # noqa: B018  (cached)

    def refuse_named(
        self, reasons: Mapping[int, str], targets: Sequence[int], named: Iterable[int]
    ) -> None:
        """Refuse columns that a caller names, where there is a reason against them.

        Raises:
            InputError: For the first of these.
        """
        for i in (*targets, *named):
            if i in reasons:
                argument = "target" if i in targets else "columns"
                raise InputError(
                    f"`{argument}` names {self.names[i]!r}, which {reasons[i]}: leave it out."
                )

    def cautions(self, reasons: Mapping[int, str]) -> list[Caution]:
        """A caution for each reason, on the columns that are left out for it."""
        names: dict[str, list[str]] = {}
        for i, reason in reasons.items():
            names.setdefault(reason, []).append(self.names[i])
        return [
            Caution("columns-left-out", f"Left out, as the column {reason}: {listed(some)}.")
            for reason, some in names.items()
        ]

    def reason_against(self, i: int) -> str:
        """Why a column has no usable information; empty if it may have."""
        reasons: dict[Type, str] = {
            "constant": "is constant and carries no information",
            "identifier": "is a unique identifier and carries no usable information",
        }
        return reasons.get(self.types[i], "")

    def refuse_missing(self, *, of_each: str) -> None:
        """Refuse a missing value.

        Args:
            of_each: What would have rows of its own: "pair" or "link".

        Raises:
            InputError: If there is one.
        """
        for name, is_there in zip(self.names, self.is_there, strict=True):
            count = int((~is_there).sum())
            if count:
                raise InputError(
                    f"Column {name!r} has a missing value in {count:,} of {self.rows:,} rows: pass "
                    f"missing='pairwise' to use the rows that each {of_each} has."
                )


def names_of(value: object) -> list[str]:
    """Names from one name, several, or None; frames of pandas may have numbers as names."""
    if value is None:
        return []
    several = isinstance(value, Iterable) and not isinstance(value, str)
    return [str(each) for each in value] if several else [str(value)]  # type: ignore[attr-defined]


def arguments_of(
    *, types: Mapping[str, str] | None = None, **names: object
) -> dict[str, list[str] | dict[str, str]]:
    """Which columns a caller named, as a call that repeats it has them; without what was None.

    Args:
        types: Of some columns.
        names: Of columns, for each argument.
    """
    found: dict[str, list[str] | dict[str, str]] = {
        argument: names_of(value) for argument, value in names.items() if value is not None
    }
    return found | ({"types": dict(types)} if types else {})


def check_missing(missing: str) -> None:
    """Refuse an unknown way to treat missing values.

    Raises:
        OptionError: If it is none.
    """
    if missing not in ("pairwise", "raise"):
        raise OptionError(f"`missing` must be 'pairwise' or 'raise', got {missing!r}.")


def listed(names: Sequence[str]) -> str:
    """The first names, in quotes, and how many more there are."""
    return ", ".join(map(repr, names[:NAMES_SHOWN])) + _rest(names)


def _rest(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return f" and {more:,} more" if more > 0 else ""


def _canonical(column: Float[np.ndarray, " n"]) -> bytes:
    """The bytes of a column, with one NaN and one zero."""
    return np.where(np.isnan(column), np.nan, column + 0.0).astype("<f8").tobytes()


def sheet(table: Any, types: Mapping[str, str] | None = None) -> Sheet:  # noqa: ANN401
    """Read a table.

    Args:
        table: A frame of pandas, polars or Arrow, a dict of columns, or an array of shape (n, p),
            whose columns are called "0", "1", ….
        types: `"number"` or `"category"` for columns whose type is not what their values suggest,
            such as codes of categories.

    Raises:
        InputError: If a column cannot be used, or has an infinite value.
        InputTypeError: If a column cannot be read.
        OptionError: If `types` names no column, or an unknown type.
    """
    parts = _parts(table)
    names = tuple(name for part in parts for name in part.names)
    if len({*names}) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"`table` has two columns named {twice!r}: rename one.")
    if len(names) < 2:
        raise InputError("`table` has one column: pass at least two.")
    values = np.concatenate([part.values.T for part in parts])
    levels = [each for part in parts for each in part.levels]
    integral = [part.integral for part in parts for _ in part.names]
    for i, name in enumerate(names):
        wanted = _wanted(name, types or {}, names)
        if wanted == "number" and levels[i] is not None:
            raise OptionError(
                f"`types` calls {name!r} a number, but it holds text: call it a category."
            )
        if wanted == "category" and levels[i] is None:
            values[i], levels[i] = _coded(values[i])
        _check(name, values[i], integral=integral[i] and levels[i] is None)
    kinds = tuple(_type(column, each) for column, each in zip(values, levels, strict=True))
    return Sheet(names=names, types=kinds, values=values, levels=tuple(levels))


def _parts(table: Any) -> list[Columns]:  # noqa: ANN401
    """Each column, or each group of columns, as it is read."""
    if isinstance(table, Mapping):
        refuse_misaligned({"table": table})
        parts = [
            _named(str(key), columns(str(key), part, text=True)) for key, part in table.items()
        ]
    else:
        frame = as_frame("table", table)
        if frame is None:
            part = columns("table", table, text=True)
            parts = [replace(part, names=tuple(map(str, range(len(part.names)))))]
        else:
            parts = [
                columns(str(each.name), each.to_native(), text=True)
                for each in frame.iter_columns()
            ]
    if not parts:
        raise InputError("`table` has no columns: pass at least two.")
    lengths = {len(part.values): part.names[0] for part in parts}
    if len(lengths) > 1:
        (n, one), (m, other) = list(lengths.items())[:2]
        raise InputError(
            f"`table` has columns of different lengths: {n} rows of {one!r}, {m} of {other!r}."
        )
    return parts


def _named(label: str, part: Columns) -> Columns:
    d = len(part.names)
    return replace(part, names=(label,) if d == 1 else tuple(f"{label}{i}" for i in range(d)))


def _wanted(name: str, types: Mapping[str, str], names: Sequence[str]) -> str | None:
    for each, kind in types.items():
        if each not in names:
            raise OptionError(
                f"`types` names the column {each!r}, which the table does not have."
                f"{suggestion(str(each), names)}"
            )
        if kind not in CHOSEN:
            raise OptionError(f"`types` must be 'number' or 'category', got {kind!r} of {each!r}.")
    return types.get(name)


def _coded(column: Float[np.ndarray, " n"]) -> tuple[Float[np.ndarray, " n"], Levels]:
    """Numbers as categories: codes in the order of the numbers."""
    present = ~np.isnan(column)
    different, codes = np.unique(column[present], return_inverse=True)
    coded = np.full(len(column), np.nan)
    coded[present] = codes
    return coded, tuple(
        f"{value:g}" if value == float(f"{value:g}") else repr(float(value)) for value in different
    )


def _check(name: str, column: Float[np.ndarray, " n"], *, integral: bool) -> None:
    infinite = np.isinf(column)
    if infinite.any():
        raise InputError(
            f"Column {name!r} has an infinite value in {infinite.sum():,} rows, the first at row "
            f"{infinite.argmax()}: replace it by a number, or by a missing value."
        )
    if integral and (np.abs(column) > LARGEST_EXACT).any():
        raise InputError(
            f"Column {name!r} has integers beyond 2^53, which float64 cannot distinguish: subtract "
            "an offset first, or encode identifiers as small codes."
        )


def _type(column: Float[np.ndarray, " n"], levels: Levels | None) -> Type:
    present = column[~np.isnan(column)]
    if not len(present) or (present == present[0]).all():
        return "constant"
    if levels is None:
        return "number"
    count = len(np.unique(present))
    return "identifier" if count > max(2, len(present) / ROWS_PER_CATEGORY) else "category"
