"""Variational bounds on mutual information, as functions of critic scores.

A critic f scores pairs. Every bound compares the scores of two kinds of pairs,

    joint[i]      = f(x_i, y_i)       (x_i, y_i)   ~ p = p(x, y)
    product[i, j] = f(x_i, y'_ij)     (x_i, y'_ij) ~ q = p(x) p(y)

and returns one number, in nats. Bounds know nothing of networks, data or training.

References:
    Poole et al. (2019), On Variational Bounds of Mutual Information, arXiv:1905.06922.
"""

import math

import torch
from torch import Tensor, nn

from mineral.numerics import logmeanexp
from mineral.types import JointScores, Nats, ProductScores


def donsker_varadhan(joint: JointScores, product: ProductScores) -> Nats:
    """I(X; Y) ≥ E_p[f] − log E_q[exp f].

    The tightest bound here for a given critic. On a finite batch the logarithm biases it upwards
    (Jensen), so the number itself may exceed I(X; Y). Tight at f = pmi + c.

    References:
        Donsker & Varadhan (1983), doi:10.1002/cpa.3160360204.
        Belghazi et al. (2018), MINE, arXiv:1801.04062.
    """
    return joint.mean() - logmeanexp(product)


def nwj(joint: JointScores, product: ProductScores) -> Nats:
    """I(X; Y) ≥ E_p[f] − E_q[exp(f − 1)]. Called MINE-f in the MINE paper.

    Unbiased on any batch, at the price of a variance that grows like exp I(X; Y). Tight at
    f = 1 + pmi.

    References:
        Nguyen, Wainwright & Jordan (2010), arXiv:0809.0853.
    """
    return joint.mean() - logmeanexp(product - 1).exp()


def infonce(joint: JointScores, product: ProductScores) -> Nats:
    """I(X; Y) ≥ E[f(x, y) − log mean exp f(x, ·)], the mean over 1 joint and m product scores.

    Low variance, but never above log(m + 1): choose m larger than exp I(X; Y). Tight, as m grows,
    at f = pmi + c(x).

    References:
        van den Oord, Li & Vinyals (2018), arXiv:1807.03748. Poole et al. (2019), Eq. 10.
    """
    scores = torch.cat([joint[:, None], product], dim=1)  # (n, 1 + m)
    return (joint - logmeanexp(scores, dim=1)).mean()


class MovingAverageDV(nn.Module):
    """Donsker–Varadhan with MINE's bias-corrected gradient: an objective for training.

    The gradient of log mean exp f over a minibatch is a ratio, and its expectation is not the
    ratio of expectations. MINE puts a moving average of E_q[exp f] over past batches, ema, in the
    denominator:

        gradient = E_p[∇f] − E_q[∇f · exp f] / ema

    The average is kept as its logarithm, in a buffer that is saved and moved with the module, and
    updated in training mode only; in evaluation mode this is `donsker_varadhan` itself. The value
    returned is always `donsker_varadhan` of the batch: only its gradient is corrected.

    Args:
        rate: Weight of the newest batch in the average.

    References:
        Belghazi et al. (2018), section 3.2 and Eq. 12, arXiv:1801.04062.
    """

    log_ema: Tensor

    def __init__(self, *, rate: float = 0.01) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("log_ema", torch.tensor(torch.nan))  # NaN until the first batch

    def forward(self, joint: JointScores, product: ProductScores) -> Nats:
        value = donsker_varadhan(joint, product)
        if not self.training:
            return value
        log_mean = logmeanexp(product)
        with torch.no_grad():
            newest = log_mean.to(self.log_ema.dtype)
            older = self.log_ema + math.log1p(-self.rate)
            mixed = torch.logaddexp(older, newest + math.log(self.rate))
            self.log_ema.copy_(torch.where(self.log_ema.isnan(), newest, mixed))
        # exp(log_mean − log_ema) has the gradient E_q[∇f exp f] / ema. It never overflows: the
        # newest batch is part of the average, so the ratio is at most 1 / rate.
        surrogate = joint.mean() - (log_mean - self.log_ema.to(log_mean.dtype)).exp()
        return value.detach() + surrogate - surrogate.detach()
