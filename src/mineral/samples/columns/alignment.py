"""A check of pandas indexes: rows are paired by position, so that indexes must agree."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from mineral.errors import InputError


def refuse_misaligned(sides: Mapping[str, Any]) -> None:
    """Refuse pandas objects of equal length whose index labels differ in order or content.

    The default index, 0 to n − 1, is compatible with any other index, except one with the same
    numbers in another order. Two ranges are positions, too, as for `x[:-1]` and `x[1:]`.

    Args:
        sides: What the caller has, by the names of the arguments.

    Raises:
        InputError: If the labels differ; the message says how to align.
    """
    indexes = [found for name, side in sides.items() for found in _indexes(name, side)]
    for name, index in indexes[1:]:
        first_name, first = indexes[0]
        if len(first) == len(index) and _differ(first, index):
            same = len(first.union(index)) == len(first) and first.is_unique and index.is_unique
            found = "hold the same labels in another order" if same else "hold other labels"
            align = f"`{name} = {name}.loc[{first_name}.index]`"
            if not same:
                align = (
                    f"their common index (`{first_name}, {name} = {first_name}.align({name}, "
                    "join='inner', axis=0)`)"
                )
            raise InputError(
                f"`{first_name}` and `{name}` have pandas indexes that {found}, and rows are "
                f"paired by position: align with {align}, or pair by position with "
                "`.reset_index(drop=True)` on both."
            )


def _indexes(name: str, values: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    pandas = sys.modules.get("pandas")  # without pandas imported, there is no index
    if pandas is None:
        return
    if isinstance(values, (pandas.Series, pandas.DataFrame)):
        yield name, values.index
    elif isinstance(values, Mapping):
        for key, column in values.items():
            yield from _indexes(f"{name}[{key!r}]", column)


def _differ(first: Any, second: Any) -> bool:  # noqa: ANN401
    if first.equals(second):
        return False
    ranges = [type(index).__name__ == "RangeIndex" for index in (first, second)]
    if all(ranges):
        return set(first) == set(second)  # one is the other reversed
    if any(ranges):
        default = first if ranges[0] else second
        if default.start == 0 and default.step == 1:
            return len(first.union(second)) == len(first)
    return True
