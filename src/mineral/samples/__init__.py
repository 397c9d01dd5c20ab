"""Input of any supported type → checked, transformed and split samples.

Read in this order:

    gate.py         input of any type → two float64 matrices with paired rows
    columns/        one variable from any container: numbers, categories, dates
    conditioned.py  the gate with a condition Z
    selection.py    the columns that vary, in units without overflow
    tensors.py      samples for a network
    ties.py         values that repeat, or lie on a grid
    copied.py       values of x that recur in y in some of the rows
    autocorrelation.py  rows in series
    transform.py    invertible maps of single columns: standardized, normal scores
    whitening.py    whitening and principal components of a side
    split.py        rows for training, validation and test; product samples
"""

from mineral.samples.columns.categorical import indicators
from mineral.samples.conditioned import Conditioned, conditioned
from mineral.samples.gate import Paired, new_pairs, paired, variable
from mineral.samples.selection import Selection
from mineral.samples.split import Fold, canonical_order, folds, shifted
from mineral.samples.tensors import Units, as_tensor, refuse_not_finite
from mineral.samples.ties import (
    distinct_rows,
    has_ties,
    is_evenly_spaced,
    repeating,
    repeats,
    spread_ties,
    symbols,
)
from mineral.samples.transform import Standardizer, normal_scores, power_of_two
from mineral.samples.whitening import principal_directions, whiten, without

__all__ = [
    "Conditioned",
    "Fold",
    "Paired",
    "Selection",
    "Standardizer",
    "Units",
    "as_tensor",
    "canonical_order",
    "conditioned",
    "distinct_rows",
    "folds",
    "has_ties",
    "indicators",
    "is_evenly_spaced",
    "new_pairs",
    "normal_scores",
    "paired",
    "power_of_two",
    "principal_directions",
    "refuse_not_finite",
    "repeating",
    "repeats",
    "shifted",
    "spread_ties",
    "symbols",
    "variable",
    "whiten",
    "without",
]
