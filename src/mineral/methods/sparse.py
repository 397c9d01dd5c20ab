"""Symbols of many kinds, each seen a few times: between what is surely there and what may be."""

from dataclasses import dataclass, replace

import numpy as np

from mineral.methods.base import Measurement, Run
from mineral.methods.clusters import left_out
from mineral.methods.discrete import Correction, Discrete, symbols
from mineral.results import Caution
from mineral.samples import Paired


@dataclass(frozen=True, kw_only=True)
class SparseTable(Discrete):
    """Midway between rows told by all other rows' counts, and counts with a prior for unseen cells.

    The first finds too little, since most cells are empty; the second, as a rule, too much. The
    interval reaches from one to the other.

    References:
        Nemenman, Shafee & Bialek (2002), arXiv:physics/0108025.
    """

    correction: Correction = "nsb"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        found = super().measure(samples, run)
        told = left_out(symbols(samples.x), symbols(samples.y))
        least = float(told.mean())
        gap = max(0.0, found.value - least)
        doubt = Caution(
            "sparse-table",
            f"Most pairs of symbols were never seen: the value is midway between {least:.2g} nats, "
            f"which rows tell of each other, and {found.value:.2g}, which counts suggest.",
        )
        return replace(
            found,
            value=least + gap / 2,
            stderr=float(np.hypot(found.stderr, gap / 4)),
            pointwise=told,
            cautions=(doubt,),
        )
