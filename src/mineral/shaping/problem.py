"""The problem of shaping: rows of features, the label to keep, and the variable to hide.

Everything is checked when a problem is made, before any training starts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Int

from mineral.basics.types import Matrix, Rows
from mineral.errors import InputError, OptionError
from mineral.samples.columns.variable import columns

MOST_CLASSES = 100
FEWEST_ROWS = 10
FEWEST_OF_CLASS, ROWS_PER_CLASS = 2, 10  # for training: classifiers hold out a tenth of each class
SHARES = (0.6, 0.2, 0.2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Rows of features, a label to keep, and a variable to hide.

    Attributes:
        name: Its name in tables and figures.
        x: Features, shape (n, dx), finite.
        keep: The task's label of each row, shape (n,): classes 0, 1, ….
        hide: The sensitive part: a label, shape (n,), classes 0, 1, …; or numbers, shape (n, dh);
            or None to hide x itself.
        shape: Of an image in a row: (height, width) or (channels, height, width).
        columns: Names of the features, if they have any.
        test: Whether whoever made the data set a row aside for testing, shape (n,), or None.
            `split` keeps to it.
        keep_name, hide_name: What reports call the label to keep, and what is hidden; empty where
            they have no name.
    """

    name: str
    x: np.ndarray
    keep: np.ndarray
    hide: np.ndarray | None = None
    shape: tuple[int, ...] | None = None
    columns: tuple[str, ...] = ()
    test: np.ndarray | None = None
    keep_name: str = ""
    hide_name: str = ""

    def __post_init__(self) -> None:
        n = len(self.x)
        if self.x.ndim != 2 or self.x.shape[1] == 0:
            raise InputError(f"`x` must have shape (n, dx), got {self.x.shape}.")
        if n < FEWEST_ROWS:
            raise InputError(f"`x` needs at least {FEWEST_ROWS} rows, got {n}.")
        _finite("x", self.x)
        _check_classes("keep", self.keep, n)
        if self.hide is not None:
            if len(self.hide) != n:
                raise InputError(f"`hide` must have the {n} rows of `x`, got {len(self.hide)}.")
            if self.hide.ndim == 1:
                _check_classes("hide", self.hide, n)
            else:
                _finite("hide", self.hide)
                if (self.hide == self.hide[0]).all():
                    raise InputError("`hide` is constant: there is nothing to hide.")
        if self.shape is not None and math.prod(self.shape) != self.x.shape[1]:
            raise InputError(
                f"`shape` {self.shape} must hold the {self.x.shape[1]} numbers of a row of `x`."
            )
        if self.columns and len(self.columns) != self.x.shape[1]:
            raise InputError(
                f"`columns` must name the {self.x.shape[1]} features, got {len(self.columns)}."
            )

    def __len__(self) -> int:
        return len(self.x)

    @property
    def classes(self) -> int:
        """Of the label to keep."""
        return int(self.keep.max()) + 1

    def rows(self, chosen: Rows) -> "Problem":
        """Some of the rows.

        Raises:
            InputError: If only one class of a label remains, or too few rows.
        """
        return replace(
            self,
            x=self.x[chosen],
            keep=self.keep[chosen],
            hide=None if self.hide is None else self.hide[chosen],
            test=None if self.test is None else self.test[chosen],
        )

    def split(
        self, *, seed: int = 0, shares: tuple[float, float, float] = SHARES
    ) -> "tuple[Problem, Problem, Problem]":
        """Three problems without a common row: for training, for stopping, and for the report.

        Args:
            seed: Draws the parts.
            shares: Of the rows. Where `test` sets rows aside, the third part is these, and the
                first two shares divide the rest.

        Raises:
            OptionError: If the shares are no three positive parts of 1.
            InputError: If a part is too small, or has one class only.
        """
        if len(shares) != 3 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
            raise OptionError(f"`shares` must be three positive parts of 1, got {shares}.")
        rng = np.random.default_rng(seed)
        if self.test is None:
            order = rng.permutation(len(self))
            tested = round(shares[2] * len(order))
            held, rest = order[:tested], order[tested:]
        else:
            held, rest = np.flatnonzero(self.test), rng.permutation(np.flatnonzero(~self.test))
        validated = round(shares[1] / (shares[0] + shares[1]) * len(rest))
        training, validation = rest[validated:], rest[:validated]
        return self.rows(training), self.rows(validation), self.rows(held)


def entropy(labels: Int[np.ndarray, " n"]) -> float:
    """H(L) of labels 0, 1, … in nats, from their frequencies."""
    shares = np.bincount(labels) / len(labels)
    return float(-(shares * np.log(np.where(shares > 0, shares, 1.0))).sum())


def floor(problem: Problem) -> float:
    """I(L; S) of two labels in nats, from their frequencies: the minimum leak of a code of L.

    H(L) if x itself is hidden, since L is a function of x; 0 if S is numbers.
    """
    if problem.hide is None:
        return entropy(problem.keep)
    if problem.hide.ndim != 1:
        return 0.0
    both = problem.keep * (int(problem.hide.max()) + 1) + problem.hide
    return entropy(problem.keep) + entropy(problem.hide) - entropy(both)


def check_training(problem: Problem, training: Problem) -> None:
    """Refuse data that are too few to train classifiers of the labels.

    Args:
        problem: All rows, whose classes count.
        training: Those to train on.

    Raises:
        InputError: If a class is too rare among them, or there are too few rows for the classes.
    """
    n = len(training)
    for name, labels, part in (
        ("keep", problem.keep, training.keep),
        ("hide", problem.hide, training.hide),
    ):
        if labels is None or part is None or labels.ndim != 1:
            continue
        classes = np.unique(labels)
        rarest = int(min((part == each).sum() for each in classes))
        if rarest < FEWEST_OF_CLASS:
            raise InputError(
                f"`{name}` has a class with {rarest} of the {n:,} training rows, and needs "
                f"{FEWEST_OF_CLASS} or more in each class: drop or merge the rare class."
            )
        if n < ROWS_PER_CLASS * len(classes):
            raise InputError(
                f"`{name}` has {len(classes)} classes, for which {n} training rows are too few: "
                f"collect at least {ROWS_PER_CLASS} rows for each class."
            )


def best_guess(problem: Problem) -> float:
    """The accuracy of the best prediction of S from L alone.

    Raises:
        InputError: If no label is hidden.
    """
    if problem.hide is None or problem.hide.ndim != 1:
        raise InputError("`hide` must be a label.")
    table = np.zeros((problem.classes, int(problem.hide.max()) + 1))
    np.add.at(table, (problem.keep, problem.hide), 1)
    return float(table.max(axis=1).sum() / len(problem))


def label(name: str, values: Any) -> Int[np.ndarray, " n"]:  # noqa: ANN401
    """A label as classes 0, 1, …, in the order of its values: numbers, booleans or texts.

    Raises:
        InputError: If a value is missing, there is only one, or there are very many.
        InputTypeError: If it is nothing of the kind.
    """
    given = np.asarray(values)
    if given.dtype == object and all(isinstance(each, str) for each in given.flat):
        given = given.astype(str)
    if given.dtype.kind in "US" and given.ndim == 1:
        found = given
    else:
        matrix = columns(name, values).values
        if matrix.shape[1] != 1:
            raise InputError(f"`{name}` must be one label a row, got shape {matrix.shape}.")
        _finite(name, matrix)
        found = matrix[:, 0]
    classes, codes = np.unique(found, return_inverse=True)
    if len(classes) > MOST_CLASSES:
        raise InputError(
            f"`{name}` has {len(classes):,} distinct values, too many for a label: bin it into at "
            f"most {MOST_CLASSES} classes."
        )
    if len(classes) < 2:
        raise InputError(f"`{name}` has one class only, {classes[0]!s}: a label needs two or more.")
    return codes.astype(np.int64)


def table(
    values: Mapping[str, Any],
    *,
    keep: str,
    hide: str | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    name: str = "table",
) -> Problem:
    """A problem from a table.

    Args:
        values: Columns by name, each of shape (n,); a frame of any library serves as well.
        keep: The column of the label to keep.
        hide: One column or several: a single column of few whole numbers is a label; all others
            are numbers. None hides the features themselves.
        features: The columns to encode; by default all that are neither kept nor hidden.
        name: Its name in tables and figures.

    Raises:
        InputError: If a column is missing, a value is, or a label has one class only.
        InputTypeError: If the features cannot be read as numbers.
    """
    names = list(values.columns) if hasattr(values, "columns") else list(values)
    hidden = [hide] if isinstance(hide, str) else list(hide or ())
    chosen = [
        each
        for each in (names if features is None else features)
        if features is not None or each not in (keep, *hidden)
    ]
    for each in (keep, *hidden, *chosen):
        if each not in names:
            raise InputError(f"There is no column {each!r}: the table has {', '.join(names[:10])}.")
    if not chosen:
        raise InputError("No column remains to encode: name some as `features`.")
    if keep in hidden:
        raise InputError(f"`keep` {keep!r} is also hidden: keep one variable and hide another.")
    if keep in chosen:
        raise InputError(f"`keep` {keep!r} is among the features: the encoder could copy it.")
    part = columns("x", {each: values[each] for each in chosen})
    _finite("x", part.values, part.names)
    return Problem(
        name=name,
        x=part.values,
        keep=label(keep, values[keep]),
        hide=_hidden({each: values[each] for each in hidden}),
        columns=part.names,
        keep_name=keep,
        hide_name=", ".join(hidden),
    )


def _hidden(parts: Mapping[str, Any]) -> np.ndarray | None:
    if not parts:
        return None
    if len(parts) == 1:
        ((name, values),) = parts.items()
        given = np.asarray(values)
        texts = given.dtype == object and all(isinstance(each, str) for each in given.flat)
        if texts or given.dtype.kind in "USb":
            return label(name, values)
        numbers = columns(name, values).values
        whole = (numbers == np.round(numbers)).all()
        if numbers.shape[1] == 1 and whole and len(np.unique(numbers)) <= MOST_CLASSES:
            return label(name, values)
    matrix: Matrix = columns("hide", dict(parts)).values
    _finite("hide", matrix)
    return matrix


def _finite(name: str, values: np.ndarray, names: Sequence[str] = ()) -> None:
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    row, column = (int(each) for each in np.argwhere(bad)[0])
    where = f" of {names[column]!r}" if names else ""
    raise InputError(
        f"`{name}` has a value that is missing or infinite, the first at row {row}{where}: drop or "
        "replace it."
    )


def _check_classes(name: str, labels: np.ndarray, n: int) -> None:
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise InputError(
            f"`{name}` must be a class 0, 1, … for each of the {n} rows of `x`, got "
            f"{labels.dtype} of shape {labels.shape}."
        )
    if labels.min() < 0 or len(np.unique(labels)) < 2:
        raise InputError(
            f"`{name}` has one class only, or a class below 0, in {n} rows: it needs two or more, "
            "counted from 0, in every part of the rows."
        )
