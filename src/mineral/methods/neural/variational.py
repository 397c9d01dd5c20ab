"""The other critic-based estimators: one short class for each bound of the literature.

Each is a pair of `mineral.bounds.BOUNDS`: the training objective and the reported bound. The
networks, the training and the cross-fitting are those of `neural.py`.
"""

from dataclasses import dataclass, fields
from functools import partial
from inspect import signature
from typing import ClassVar

import numpy as np
from torch import Tensor

from mineral import bounds
from mineral.basics.types import Bound, JointScores, ProductScores
from mineral.bounds import BOUNDS, BoundEntry
from mineral.methods.neural import jackknife
from mineral.methods.neural.critics import Neural
from mineral.methods.options import AtLeastOne, NotNegative, PositiveOrInfinite


@dataclass(frozen=True, kw_only=True)
class Variational(Neural):
    """A method from the table of bounds."""

    entry: ClassVar[BoundEntry]

    def objective(self) -> Bound:
        objective = self.entry.fresh_objective()
        assert objective is not None
        return self._with_options(objective)

    def bound(self, joint: JointScores, product: ProductScores) -> Tensor:
        return self._with_options(self.entry.value)(joint, product)

    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        if self.by_row:
            return float(np.log(product_samples + 1)), "log(product samples + 1)"
        lower = self.entry.kind == "lower bound"
        return (float(np.log(n)), "log n") if lower else (np.inf, "")

    def jackknifed(self) -> jackknife.Kept:
        if self.entry.value in (bounds.donsker_varadhan, bounds.nwj, bounds.shifted_nwj):
            return jackknife.of_partition(self.bound)
        if self.entry.value is bounds.infonce and self.by_row:
            return jackknife.of_infonce
        return super().jackknifed()

    def _with_options(self, function: Bound) -> Bound:
        """The function of the table, with the options that the class adds, by their names."""
        own = {field.name for field in fields(self)} - {field.name for field in fields(Variational)}
        taken = own & set(signature(function).parameters)
        options = {name: getattr(self, name) for name in taken}
        return partial(function, **options) if options else function


@dataclass(frozen=True, kw_only=True)
class DonskerVaradhan(Variational):
    """The plain Donsker–Varadhan bound: MINE without the correction of its gradient.

    References:
        Donsker & Varadhan (1983), doi:10.1002/cpa.3160360204.
    """

    name = "dv"
    entry = BOUNDS["dv"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class NWJ(Variational):
    """MINE-f, the f-divergence bound: unbiased on any batch, with a variance like exp I.

    References:
        Nguyen, Wainwright & Jordan (2010), arXiv:0809.0853.
    """

    name = "nwj"
    entry = BOUNDS["nwj"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class JensenShannon(Variational):
    """Trained by the GAN objective, reported by the f-divergence bound: more stable than NWJ.

    References:
        Poole et al. (2019), I_JS, arXiv:1905.06922.
    """

    name = "js"
    entry = BOUNDS["js"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class SMILE(Variational):
    """Trained by the GAN objective, reported by Donsker–Varadhan with clipped product scores.

    Args:
        tau: Product scores are clipped to [−tau, tau]; infinity does not clip.

    References:
        Song & Ermon (2020), arXiv:1910.06222.
    """

    tau: PositiveOrInfinite = 5.0

    name = "smile"
    entry = BOUNDS["smile"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class ReMINE(Variational):
    """Donsker–Varadhan, trained with a penalty that keeps log E_q[exp f] from drifting.

    Args:
        weight: Of the penalty.

    References:
        Choi & Lee (2022), arXiv:2011.07932.
    """

    weight: NotNegative = 1.0

    name = "remine"
    entry = BOUNDS["remine"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class ReMINEJ(Variational):
    """ReMINE that reports the mean joint score alone, assuming that the penalty is zero.

    Args:
        weight: Of the penalty.

    References:
        Choi & Lee, ICLR 2021 submission, of Choi & Lee (2022), arXiv:2011.07932.
    """

    weight: NotNegative = 1.0

    name = "remine-j"
    entry = BOUNDS["remine-j"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class ReNWJ(Variational):
    """NWJ with the penalty of ReMINE, towards E_q[exp(f − 1)] = 1.

    References:
        Choi & Lee (2022), arXiv:2011.07932.
    """

    name = "renwj"
    entry = BOUNDS["renwj"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class ReInfoNCE(Variational):
    """InfoNCE with the penalty of ReMINE.

    References:
        Choi & Lee (2022), arXiv:2011.07932.
    """

    product_samples: AtLeastOne = 63

    held_out_block = 1024
    by_row = True

    name = "reinfonce"
    entry = BOUNDS["reinfonce"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class ReJS(Variational):
    """JS with the penalty of ReMINE.

    References:
        Choi & Lee (2022), arXiv:2011.07932.
    """

    name = "rejs"
    entry = BOUNDS["rejs"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class ReSMILE(Variational):
    """Donsker–Varadhan with clipped product scores and the penalty of ReMINE.

    Args:
        tau: Product scores are clipped to [−tau, tau]; infinity does not clip.

    References:
        Choi & Lee (2022), arXiv:2011.07932.
    """

    tau: PositiveOrInfinite = 10.0

    name = "resmile"
    entry = BOUNDS["resmile"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class InfoNCEAnchor(Variational):
    """InfoNCE with an anchor class: a consistent density ratio, with no ceiling.

    References:
        Ryu et al. (2025), Contrastive Predictive Coding Done Right, arXiv:2510.25983.
    """

    product_samples: AtLeastOne = 15

    name = "infonce-anchor"
    entry = BOUNDS["infonce-anchor"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class KLDIME(Variational):
    """f-DIME with the Kullback–Leibler divergence: reports the mean log density ratio.

    References:
        Letizia, Novello & Tonello (2024), arXiv:2305.20025.
    """

    name = "kl-dime"
    entry = BOUNDS["kl-dime"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class GANDIME(Variational):
    """f-DIME with the GAN divergence: reports the mean log density ratio.

    References:
        Letizia, Novello & Tonello (2024), arXiv:2305.20025.
    """

    name = "gan-dime"
    entry = BOUNDS["gan-dime"]
    kind = entry.kind


@dataclass(frozen=True, kw_only=True)
class HellingerDIME(Variational):
    """f-DIME with the squared Hellinger distance: stable where others explode.

    References:
        Letizia, Novello & Tonello (2024), arXiv:2305.20025.
    """

    name = "hd-dime"
    entry = BOUNDS["hd-dime"]
    kind = entry.kind
