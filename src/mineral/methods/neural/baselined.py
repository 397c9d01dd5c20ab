"""Lower bounds with a learned baseline: TUBA, ReTUBA, I_α and FLO.

Each is `bounds.shifted_nwj` or `bounds.interpolated_rows` of scores from which a second network,
the log baseline, is subtracted (`critics.Baselined`). A baseline near log E_q[exp f(x, ·)] reduces
the variance of NWJ; the bound holds for any baseline.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from mineral import bounds
from mineral.basics.types import Bound, JointScores, ProductScores
from mineral.critics import Baselined, JointCritic, MarginalCritic
from mineral.methods.neural.critics import Neural
from mineral.methods.options import AtLeastOne, NotNegative, Share


@dataclass(frozen=True, kw_only=True)
class WithBaseline(Neural):
    """Common parts of the estimators with a baseline."""

    baseline: ClassVar[type[MarginalCritic] | type[JointCritic]] = MarginalCritic

    def network(self, dim_x: int, dim_y: int) -> nn.Module:
        return Baselined(super().network(dim_x, dim_y), self.baseline(dim_x, dim_y))

    def objective(self) -> Bound:
        return self.bound

    def bound(self, joint: JointScores, product: ProductScores) -> Tensor:
        return bounds.shifted_nwj(joint, product)

    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        return float(np.log(n)), "log n"


@dataclass(frozen=True, kw_only=True)
class TUBA(WithBaseline):
    """NWJ with a learned baseline a(x): the same bound, of less variance.

    Unbiased on any batch for a given critic and baseline. The baseline is a function of x; exchange
    the two variables for a(y).

    References:
        Poole et al. (2019), I_TUBA, arXiv:1905.06922. Barber & Agakov (2003).
    """

    name = "tuba"
    kind = "lower bound"


@dataclass(frozen=True, kw_only=True)
class ReTUBA(WithBaseline):
    """TUBA with the penalty of ReMINE.

    Args:
        weight: Of the penalty.

    References:
        Choi & Lee (2022), arXiv:2011.07932.
    """

    weight: NotNegative = 1.0

    name = "retuba"
    kind = "lower bound"

    def objective(self) -> Bound:
        # In the scores minus their baseline, `bounds.retuba` is `bounds.renwj` of a shifted critic.
        return lambda joint, product: bounds.renwj(joint + 1, product + 1, weight=self.weight)


@dataclass(frozen=True, kw_only=True)
class Interpolated(WithBaseline):
    """I_α: between NWJ (high variance) and InfoNCE (at most log(product samples)).

    Args:
        alpha: Share of the contrastive mean in the baseline: 0 is TUBA, 1 is InfoNCE. The value
            cannot exceed 1 + log(product samples / alpha).

    References:
        Poole et al. (2019), I_α, arXiv:1905.06922.
    """

    alpha: Share = 0.01
    product_samples: AtLeastOne = 15

    by_row = True

    name = "interpolated"
    kind = "lower bound"

    def bound(self, joint: JointScores, product: ProductScores) -> Tensor:
        return bounds.interpolated_rows(joint, product, alpha=self.alpha)

    def ceiling(self, n: int, product_samples: int) -> tuple[float, str]:
        if self.alpha == 0:
            return super().ceiling(n, product_samples)
        own = float(np.log(product_samples / self.alpha))
        ceilings = [(own, "log(product samples / alpha)"), super().ceiling(n, product_samples)]
        return min(ceilings)


@dataclass(frozen=True, kw_only=True)
class FLO(WithBaseline):
    """Fenchel–Legendre optimization: a second network of (x, y) instead of a large batch.

    Written here with log a(x, y) = u(x, y) + f(x, y) in place of the u of the paper: the same
    bound, whose best second network is smooth. Unbiased on any batch, without a ceiling.

    References:
        Guo et al. (2022), arXiv:2107.01131.
    """

    baseline = JointCritic

    name = "flo"
    kind = "lower bound"
