"""The target of a selection: a class or a number."""

from typing import Literal, TypeAlias

import numpy as np
from sklearn.utils.multiclass import type_of_target

from mineral.errors import InputError, OptionError
from mineral.selection.columns import Variable

Target: TypeAlias = Literal["auto", "classification", "regression"]


def target_of(y: np.ndarray, kind: Target) -> Variable:
    """The target as a variable.

    Args:
        y: Shape (n,), without missing values.
        kind: "classification" for classes, "regression" for numbers; "auto" for what
            `sklearn.utils.multiclass.type_of_target` recognizes: text, booleans and whole numbers
            are classes, other numbers are numbers.

    Raises:
        InputError: If it is neither, or constant.
        OptionError: If `kind` is unknown.
    """
    if kind not in ("auto", "classification", "regression"):
        raise OptionError(
            f"`target` must be 'auto', 'classification' or 'regression', got {kind!r}."
        )
    if kind == "auto":
        found = type_of_target(y, input_name="y", raise_unknown=True)
        if found not in ("binary", "multiclass", "continuous"):
            raise InputError(
                f"`y` has the type of target {found!r}: pass one column of classes or numbers."
            )
        kind = "regression" if found == "continuous" else "classification"
    if kind == "classification":
        return Variable.label(y)
    try:
        return Variable.number(np.asarray(y, dtype=np.float64))
    except ValueError:
        raise InputError(
            "`y` has text, and target='regression' needs numbers: use 'classification'."
        ) from None
