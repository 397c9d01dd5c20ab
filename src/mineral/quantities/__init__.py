"""Beside mutual information: entropy, divergence, and information among many variables.

entropies.py    H(X) and H(X | Z), of densities and of symbols
divergences.py  KL(p ‖ q) from two samples
many.py         total correlation, its dual, O-information, interaction information
shared.py       intervals, distances and determinants
"""

from mineral.quantities.divergences import divergence
from mineral.quantities.entropies import entropy
from mineral.quantities.many import (
    dual_total_correlation,
    interaction_information,
    o_information,
    total_correlation,
)

__all__ = [
    "divergence",
    "dual_total_correlation",
    "entropy",
    "interaction_information",
    "o_information",
    "total_correlation",
]
