"""Lower bounds that normalize the critic: by its partition function, or by a guess at it.

    Z = E_q[exp f],     Z(y) = E_p(x)[exp f(x, y)]

For any critic f the density p(x) exp f(x, y) / Z(y) may stand in for p(x | y): that gives a lower
bound with log Z(y). The bounds differ in what they put in its place. As log z ≤ z/a + log a − 1 for
any a > 0, a baseline a(y) removes the logarithm, and with it the bias of finite batches.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mineral.basics.numerics import logmeanexp, off_diagonal, tangent_exp
from mineral.basics.types import JointScores, Nats, ProductScores
from mineral.bounds.shapes import checked


@checked
def unnormalized_barber_agakov(joint: JointScores, log_partition: Float[Tensor, " n"]) -> Nats:
    """I(X; Y) ≥ E_p[f] − E_p(y)[log Z(y)], with Z(y) = E_p(x)[exp f(x, y)] known.

    A lower bound at any batch size, if log Z(y) is exact. The other bounds of this file are for
    when it is not. Tight at f = pmi + c(y).

    Args:
        joint: f(x_i, y_i).
        log_partition: log Z(y_i).

    References:
        Poole et al. (2019), I_UBA, arXiv:1905.06922.
    """
    return joint.mean() - log_partition.mean()


@checked
def donsker_varadhan(joint: JointScores, product: ProductScores) -> Nats:
    """I(X; Y) ≥ E_p[f] − log E_q[exp f].

    The tightest bound here for a given critic. On a finite batch the logarithm biases it upwards
    (Jensen), so the number itself may exceed I(X; Y). Tight at f = pmi + c.

    References:
        Donsker & Varadhan (1983), doi:10.1002/cpa.3160360204.
        Belghazi et al. (2018), MINE, arXiv:1801.04062.
    """
    return joint.mean() - logmeanexp(product)


@checked
def nwj(joint: JointScores, product: ProductScores) -> Nats:
    """I(X; Y) ≥ E_p[f] − E_q[exp(f − 1)]. Called MINE-f in the MINE paper.

    Unbiased on any batch, at the price of a variance that grows like exp I(X; Y). Tight at
    f = 1 + pmi.

    Where the mean of exp(f − 1) on the batch exceeds 1.8e19 (float32; 1.3e154 in float64) it is
    continued by `tangent_exp`, so that value and gradient stay finite. That is above the formula,
    but still a lower bound for expectations: with z = log E_q[exp(f − 1)] and g = `tangent_exp`,
    g(z) ≥ 1 + z, so the value is at most E_p[f] − 1 − z, which is Donsker–Varadhan.

    References:
        Nguyen, Wainwright & Jordan (2010), arXiv:0809.0853.
    """
    return joint.mean() - tangent_exp(logmeanexp(product - 1))


@checked
def shifted_nwj(joint: JointScores, product: ProductScores) -> Nats:
    """I(X; Y) ≥ 1 + E_p[f] − E_q[exp f]: `nwj` of the critic 1 + f.

    For critics that estimate log p / q itself, such as those trained by `jensen_shannon`: tight at
    f = pmi. Putting such a critic into `nwj` as it is loses 1/e = 0.37 nats at the optimum, a slip
    that several published codes share. As an objective it is that of KL-DIME.

    References:
        Poole et al. (2019), I_JS, arXiv:1905.06922.
        Letizia, Novello & Tonello (2024), KL-DIME, arXiv:2305.20025.
    """
    return nwj(joint + 1, product + 1)


@checked
def tuba(scores: Float[Tensor, "n n"], log_baseline: Float[Tensor, " n"] | float) -> Nats:
    """I(X; Y) ≥ 1 + E_p[f − log a(y)] − E_q[exp f / a(y)], for any baseline a(y) > 0.

    Unbiased on any batch. A baseline near Z(y) takes from f what depends on y alone, and with it
    much of the variance of `nwj`, which is log a = 1. Tight at f = pmi + c(y), log a = c(y).

    Args:
        scores: scores[i, j] = f(x_i, y_j); the diagonal is the joint, the rest the product.
        log_baseline: log a(y_j), learned or given: it goes with axis 1.

    References:
        Poole et al. (2019), I_TUBA, arXiv:1905.06922.
    """
    relative = scores - log_baseline
    return shifted_nwj(relative.diagonal(), off_diagonal(relative))


@checked
def flo(joint: JointScores, product: ProductScores, u: Float[Tensor, " n"]) -> Nats:
    """I(X; Y) ≥ 1 − E_p[u(x, y) + E_p(y')[exp(f(x, y') − f(x, y) − u(x, y))]].

    Fenchel–Legendre optimization: a second network u learns minus the pointwise mutual
    information, where InfoNCE would spend a batch on it. Unbiased at any batch size, with no
    ceiling; a poor u costs tightness. Tight at f = pmi + c(x), u = −pmi. Beyond 1.8e19 (float32)
    the exponential is continued as in `nwj`, with the same consequence.

    Args:
        joint: f(x_i, y_i).
        product: f(x_i, y'_ij).
        u: u(x_i, y_i).

    References:
        Guo et al. (2022), arXiv:2107.01131.
    """
    return 1 - u.mean() - tangent_exp(logmeanexp(logmeanexp(product, dim=1) - joint - u))


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

    @checked
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

    def move(self, log_mean: float) -> float:
        """Take the log mean exp of a batch's product scores into the average, as `forward` does.

        For training on a CPU, where plain numbers are faster than tensors.

        Returns:
            exp(log_mean) / average: the weight of the batch's softmax in the corrected gradient.
        """
        older = float(self.log_ema) + math.log1p(-self.rate)
        newest = log_mean + math.log(self.rate)
        largest = max(older, newest)
        mixed = largest + math.log(math.exp(older - largest) + math.exp(newest - largest))
        self.log_ema.fill_(log_mean if math.isnan(older) else mixed)
        return math.exp(min(log_mean - float(self.log_ema), -math.log(self.rate)))
