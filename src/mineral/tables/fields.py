"""One column of a text file: numbers, dates or categories, by its first value."""

import datetime
import math
import re
from array import array
from dataclasses import dataclass, field

import numpy as np

MISSING = frozenset(
    {"", "-", "na", "n/a", "nan", "-nan", "nat", "null", "none", "nil", "<na>"}
    | {"#n/a", "#na", "#n/a n/a", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"}
)
"""Markers of missing values, in lower case: pandas' list, and `-`, nil and NaT."""
FIRST_INEXACT = 2.0**53  # from here on, float64 skips integers, so that distinct ones become equal
DATE = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?")
WITH_UNIT = re.compile(r"[+-]?\d+(?:[.,]\d+)?\s*([^\W\d_]{1,5}|[%°€$£]\w?)")
COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
ORDINALS = {"st", "nd", "rd", "th"}


@dataclass
class DecimalMark:
    """The decimal mark of a file, once one of its numbers has determined it.

    Attributes:
        separator: Between fields. Beside a comma, no number has one.
        mark: A point or a comma; empty before the first.
        example: A number with a comma before exactly three digits, if every comma is of this form.
    """

    separator: str
    mark: str = ""
    example: str = ""

    def number(self, text: str) -> float | None:
        """The number in a text, or None.

        Raises:
            ValueError: If its mark is not that of the numbers before it, with the remedy.
        """
        if COMMA.fullmatch(text):
            if self.separator == ",":
                raise ValueError(
                    "a comma separates columns here. Write decimals with a point, without "
                    "thousands separators"
                )
            if not THOUSANDS.fullmatch(text):
                self.example = ""
            elif not self.mark:
                self.example = text
            self._set(",")
            return float(text.replace(",", "."))
        try:
            value = None if "_" in text else float(text)  # Python reads 1_000; no export writes it
        except ValueError:
            return None
        if value is not None and "." in text:
            self._set(".")
        return value

    def _set(self, mark: str) -> None:
        if self.mark not in ("", mark):
            raise ValueError(
                "the file has both decimal points and decimal commas. Use one of them, without "
                "thousands separators"
            )
        self.mark = mark


@dataclass
class Field:
    """A column of text as it is read. Its first value that is not missing decides its kind."""

    decimal: DecimalMark
    numbers: array = field(default_factory=lambda: array("d"))
    words: list[str | None] | None = None
    dates: list[datetime.datetime | None] | None = None

    def __len__(self) -> int:
        return max(len(self.numbers), len(self.words or ()), len(self.dates or ()))

    def add(self, text: str) -> None:
        """Read one field.

        Raises:
            ValueError: If it is none of what the column has been so far, with the remedy.
        """
        text = text.strip()
        missing = text.lower() in MISSING
        if self.words is not None:
            self.words.append(None if missing else text)
        elif self.dates is not None:
            self.dates.append(None if missing else _date(text))
        elif missing:
            self.numbers.append(math.nan)
        else:
            self._decide(text)

    def _decide(self, text: str) -> None:
        value = self.decimal.number(text)
        if value is not None:
            self.numbers.append(_exact(text, value))
            return
        first = all(map(math.isnan, self.numbers))
        if first and DATE.fullmatch(text):
            self.dates = [*([None] * len(self.numbers)), _date(text)]
        elif first and any(map(str.isalpha, text)):
            self.words = [*([None] * len(self.numbers)), text]
        else:
            raise ValueError(_reason(text))

    def values(self) -> np.ndarray:
        """The column.

        Raises:
            ValueError: If every value is a number with the same unit.
        """
        if self.dates is not None:
            return np.array(self.dates, dtype="M8[us]")
        if self.words is None:
            return np.array(self.numbers)
        present = [word for word in self.words if word is not None]
        units = {match and match[1] for match in map(WITH_UNIT.fullmatch, present)}
        if len(units) == 1 and (unit := units.pop()) and unit.lower() not in ORDINALS:
            raise ValueError(_reason(present[0]))
        return np.array(self.words)  # of objects where some are missing


def is_value(text: str) -> bool:
    """Whether it is a number or a missing-value marker."""
    text = text.strip()
    try:
        return text.lower() in MISSING or DecimalMark("").number(text) is not None
    except ValueError:
        return True


def _exact(text: str, value: float) -> float:
    if abs(value) >= FIRST_INEXACT and text.lstrip("+-").isdigit():
        raise ValueError(
            "float64 cannot represent all integers from 2^53 on. Subtract an offset first, or "
            "encode identifiers as small codes"
        )
    return value


def _date(text: str) -> datetime.datetime:
    if not DATE.fullmatch(text):
        raise ValueError("it is not a date. Write dates as 2026-01-31, or leave the field empty")
    date = datetime.datetime.fromisoformat(text)
    return date if date.tzinfo is None else date.astimezone(datetime.UTC).replace(tzinfo=None)


def _reason(text: str) -> str:
    unit = WITH_UNIT.fullmatch(text)
    if unit:
        return (
            f"it is a number with the unit {unit[1]!r}. Write the unit in the column's name, and "
            "numbers only in its fields"
        )
    return (
        "it is not a number. Encode categories as integer codes and dates as 2026-01-31, or leave "
        "the field empty if the value is missing"
    )
