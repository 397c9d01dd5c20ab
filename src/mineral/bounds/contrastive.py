"""Contrastive bounds: classify the true partner among others. Low variance, and a ceiling."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.numerics import leave_one_out_logmeanexp, logmeanexp, off_diagonal, tangent_exp
from mineral.basics.types import JointScores, Nats, ProductScores
from mineral.bounds.shapes import checked
from mineral.errors import OptionError


@checked
def infonce(joint: JointScores, product: ProductScores) -> Nats:
    """I(X; Y) ≥ E[f(x, y) − log mean exp f(x, ·)], the mean over 1 joint and m product scores.

    Low variance, but never above log(m + 1): choose m larger than exp I(X; Y). Tight, as m grows,
    at f = pmi + c(x).

    References:
        van den Oord, Li & Vinyals (2018), arXiv:1807.03748. Poole et al. (2019), Eq. 10.
    """
    # Relative to the joint score, no rounding of large scores lifts the value above its ceiling.
    relative = torch.cat([torch.zeros_like(joint)[:, None], product - joint[:, None]], dim=1)
    return -logmeanexp(relative, dim=1).mean()


@checked
def interpolated(
    scores: Float[Tensor, "n n"], log_baseline: Float[Tensor, " n"] | float, *, alpha: float = 0.01
) -> Nats:
    """I(X; Y) ≥ 1 + E_p[f − log a] − E_q[exp f / a], with a = α m(y; x₁…x_K) + (1 − α) q(y).

    m is the mean of exp f(x, y) over the joint x and K − 1 others, so that α moves between `tuba`
    with the baseline q (α = 0: no bias, high variance) and InfoNCE with y held fixed (α = 1: low
    variance, at most log K). On a matrix of n = K + 1 pairs, each pair j in turn is left out, the
    others are the K joint pairs, and y_j serves them as the product sample:

        1 + mean_j mean_{i≠j} [f(x_i, y_i) − log a(y_i; x_{≠j}) − exp f(x_i, y_j) / a(y_j; x_{≠j})]

    A lower bound at any batch size from n = 2. It never exceeds 1 + log(K / α), and log K at α = 1.
    The often quoted log(K / α) holds for the first expectation alone: where no product sample
    scores high, the second one vanishes and does not take back the 1.

    Args:
        scores: scores[i, j] = f(x_i, y_j); the diagonal is the joint.
        log_baseline: log q(y_j), on axis 1. All ones for NWJ at α = 0.
        alpha: Share of the batch's own mean in the baseline, from 0 to 1.

    References:
        Poole et al. (2019), I_α, arXiv:1905.06922.
    """
    return interpolated_rows(scores.diagonal(), off_diagonal(scores.T), log_baseline, alpha=alpha)


@checked
def interpolated_rows(
    joint: JointScores,
    product: ProductScores,
    log_baseline: Float[Tensor, " n"] | float = 0.0,
    *,
    alpha: float = 0.01,
) -> Nats:
    """`interpolated` with x held fixed: each row has its own baseline, of x_i.

    Args:
        joint: f(x_i, y_i).
        product: f(x_i, y'_ij), m = K of them.
        log_baseline: log q(x_i).
        alpha: Share of the row's own mean in the baseline, from 0 to 1.

    References:
        Poole et al. (2019), I_α, arXiv:1905.06922.
    """
    if not 0 <= alpha <= 1:
        raise OptionError(f"`alpha` must lie between 0 and 1, got {alpha}.")
    log_share, log_rest = (math.log(a) if a > 0 else -math.inf for a in (alpha, 1 - alpha))
    # What depends on x alone may be taken off f and log q: here the joint score of each row.
    relative = torch.cat([torch.zeros_like(joint)[:, None], product - joint[:, None]], dim=1)
    log_m = leave_one_out_logmeanexp(relative, dim=1)  # column 0 leaves the joint pair out
    log_a = torch.logaddexp(log_m + log_share, (log_baseline - joint)[:, None] + log_rest)
    return 1 - log_a[:, 1:].mean() - tangent_exp(logmeanexp((log_m - log_a)[:, 0]))


@checked
def infonce_anchor(joint: JointScores, product: ProductScores, *, nu: float = 1.0) -> Nats:
    """(K E_p[log (exp f / S)] + ν E_q[log (ν / S)]) / (K + ν), S = ν + Σ exp f over K partners.

    An objective, not a bound. One of K = m partners of x is the joint one (K classes of equal
    weight), or none is (one class more, the anchor, of weight ν), and the critic says which: the
    log-likelihood of a classifier whose posterior is exp f : ν. By Gibbs' inequality it is largest
    at the true posterior, where exp f(x, y_k) / ν is p(x, y_k) / (p(x) p(y_k) ν) for every k, so at
    f = pmi. InfoNCE (ν = 0) lacks the fixed ν to compare with, and leaves f free up to c(x). The
    value to report is `plug_in`, which then needs no correction and has no ceiling.

    For the first expectation each product sample is left out in turn, as the joint partner takes a
    place among the K.

    Args:
        joint: f(x_i, y_i).
        product: f(x_i, y'_ij), K of them for each x_i.
        nu: Prior weight of the anchor, where each of the K classes weighs 1.

    References:
        Ryu et al. (2025), Contrastive Predictive Coding Done Right, arXiv:2510.25983.
    """
    if not nu > 0:
        raise OptionError(f"`nu` must be positive, got {nu}: without an anchor use `infonce`.")
    k, log_nu = product.shape[1], math.log(nu)
    anchor = torch.full_like(joint, log_nu)
    classes = torch.cat([anchor[:, None], joint[:, None], product], dim=1)  # (n, 2 + k)
    # Leaving the joint out of all classes leaves the anchor and k product scores; leaving a
    # product score out leaves the anchor, the joint and k − 1 product scores. k + 1 terms each.
    log_sum = leave_one_out_logmeanexp(classes, dim=1)[:, 1:] + math.log(k + 1)
    is_joint = joint.mean() - log_sum[:, 1:].mean()
    is_anchor = log_nu - log_sum[:, 0].mean()
    return (k * is_joint + nu * is_anchor) / (k + nu)
