"""Contingency tables most of whose cells are empty."""

from dataclasses import dataclass

from mineral.methods.discrete import Correction, Discrete


@dataclass(frozen=True, kw_only=True)
class SparseTable(Discrete):
    """Counts in a contingency table that is shrunk towards independence: `Discrete`, "adjusted".

    References:
        Roulston (1999), doi:10.1016/S0167-2789(98)00269-3.
    """

    correction: Correction = "adjusted"
