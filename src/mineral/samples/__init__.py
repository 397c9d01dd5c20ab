"""From whatever the caller has to checked, comparable, split samples."""

from mineral.samples.gate import Paired, new_pairs, paired, variable
from mineral.samples.split import Fold, folds, shifted
from mineral.samples.tensors import Units, as_tensor, refuse_not_finite
from mineral.samples.transform import Standardizer, normal_scores

__all__ = [
    "Fold",
    "Paired",
    "Standardizer",
    "Units",
    "as_tensor",
    "folds",
    "new_pairs",
    "normal_scores",
    "paired",
    "refuse_not_finite",
    "shifted",
    "variable",
]
