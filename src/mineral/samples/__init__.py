"""From whatever the caller has to checked, comparable, split samples."""

from mineral.samples.gate import Paired, new_pairs, paired, variable
from mineral.samples.split import Fold, folds, shifted
from mineral.samples.ties import has_ties, is_evenly_spaced, spread_ties, symbols
from mineral.samples.transform import Standardizer, normal_scores

__all__ = [
    "Fold",
    "Paired",
    "Standardizer",
    "folds",
    "has_ties",
    "is_evenly_spaced",
    "new_pairs",
    "normal_scores",
    "paired",
    "shifted",
    "spread_ties",
    "symbols",
    "variable",
]
