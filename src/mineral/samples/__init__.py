"""From whatever the caller has to checked, comparable, split samples."""

from mineral.samples.categorical import indicators
from mineral.samples.gate import Paired, new_pairs, paired, variable
from mineral.samples.selection import Selection
from mineral.samples.split import Fold, folds, shifted
from mineral.samples.transform import Standardizer, normal_scores, power_of_two

__all__ = [
    "Fold",
    "Paired",
    "Selection",
    "Standardizer",
    "folds",
    "indicators",
    "new_pairs",
    "normal_scores",
    "paired",
    "power_of_two",
    "shifted",
    "variable",
]
