"""Bounds for when a density is known or modelled: p(y | x), or models q(x | y) and q(y).

Scores are log densities here, in the same convention: scores[i, j] = log p(y_j | x_i). As a
critic, log p(y | x) = pmi(x, y) + log p(y) is exact up to a function of y, so it has to be
contrasted over x with y held fixed, down the columns.

For a stochastic encoder, whose p(y | x) is known, `structured_infonce` and `leave_one_out_upper`
enclose I(X; Y) with nothing to learn.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.numerics import logmeanexp, off_diagonal
from mineral.basics.types import JointScores, Nats, ProductScores
from mineral.bounds.partition import nwj
from mineral.bounds.shapes import checked


@checked
def barber_agakov(log_conditional: Float[Tensor, " n"], entropy: Float[Tensor, ""] | float) -> Nats:
    """I(X; Y) ≥ E_p[log q(x | y)] + h(X), for any model q(x | y) and known entropy h(X).

    A lower bound at any batch size, loose by the Kullback–Leibler divergence of q from p(x | y).
    Useful where h(X) is known; an estimate of it makes this an estimate too.

    Args:
        log_conditional: log q(x_i | y_i), in nats.
        entropy: h(X), differential or discrete, in nats.

    References:
        Barber & Agakov (2003), The IM Algorithm. Poole et al. (2019), I_BA, arXiv:1905.06922.
    """
    return log_conditional.mean() + entropy


@checked
def log_likelihood(joint: JointScores, product: ProductScores) -> Nats:
    """E_p[log q(y | x)], with joint[i] = log q(y_i | x_i): how a model q for `club` is trained.

    References:
        Cheng et al. (2020), arXiv:2006.12013.
    """
    return joint.mean()


@checked
def structured_infonce(scores: Float[Tensor, "n n"]) -> Nats:
    """I(X; Y) ≥ E[log p(y_i | x_i) − log mean_j p(y_i | x_j)], the mean with j = i. Called TNCE.

    `infonce` with the critic log p(y | x), y held fixed. A lower bound at any batch size, and never
    above log n.

    Args:
        scores: scores[i, j] = log p(y_j | x_i).

    References:
        Poole et al. (2019), on tractable conditionals, arXiv:1905.06922.
    """
    return -logmeanexp(scores - scores.diagonal(), dim=0).mean()


@checked
def structured_critic(
    scores: Float[Tensor, "n n"], log_marginal: Float[Tensor, " n"]
) -> Float[Tensor, "n n"]:
    """f(x, y) = 1 + log p(y | x) − log q(y): only the marginal density is left to learn.

    The best critic for `nwj` when q(y) = p(y).

    Args:
        scores: scores[i, j] = log p(y_j | x_i).
        log_marginal: log q(y_j), on axis 1.

    References:
        Poole et al. (2019), on tractable conditionals, arXiv:1905.06922.
    """
    return 1 + scores - log_marginal


@checked
def structured_nwj(scores: Float[Tensor, "n n"], log_marginal: Float[Tensor, " n"]) -> Nats:
    """I(X; Y) ≥ 1 + E_p[log (p(y | x) / q(y))] − E_q[p(y | x) / q(y)], for any q(y) > 0.

    `nwj` of `structured_critic`. Unbiased at any batch size, no ceiling, and the variance of `nwj`.
    q need not be normalized.

    Args:
        scores: scores[i, j] = log p(y_j | x_i).
        log_marginal: log q(y_j), on axis 1.

    References:
        Poole et al. (2019), on tractable conditionals, arXiv:1905.06922.
    """
    critic = structured_critic(scores, log_marginal)
    return nwj(critic.diagonal(), off_diagonal(critic))


@checked
def variational_upper(
    log_conditional: Float[Tensor, " n"], log_marginal: Float[Tensor, " n"]
) -> Nats:
    """I(X; Y) ≤ E_p[log p(y | x) − log q(y)], for any density q(y). The rate of a bottleneck.

    An upper bound at any batch size, loose by the Kullback–Leibler divergence of q from p(y). q has
    to be normalized.

    Args:
        log_conditional: log p(y_i | x_i).
        log_marginal: log q(y_i).

    References:
        Poole et al. (2019), arXiv:1905.06922. Alemi et al. (2017), arXiv:1612.00410.
    """
    return (log_conditional - log_marginal).mean()


@checked
def marginal_log_likelihood(
    log_conditional: Float[Tensor, " n"], log_marginal: Float[Tensor, " n"]
) -> Nats:
    """E_p[log q(y)]: what training q maximizes, to bring `variational_upper` down."""
    return log_marginal.mean()


@checked
def leave_one_out_upper(scores: Float[Tensor, "n n"]) -> Nats:
    """I(X; Y) ≤ E[log p(y_i | x_i) − log mean_{j≠i} p(y_i | x_j)].

    `variational_upper` with the mixture of the other conditionals for q. An upper bound at any
    batch size from 2, very loose where each y is likely under its own x alone.

    Args:
        scores: scores[i, j] = log p(y_j | x_i).

    References:
        Poole et al. (2019), on tractable conditionals, arXiv:1905.06922.
    """
    relative = scores - scores.diagonal()  # to the joint score of each y
    return -logmeanexp(off_diagonal(relative.T), dim=1).mean()


@checked
def club(joint: JointScores, product: ProductScores) -> Nats:
    """I(X; Y) ≤ E_p[log p(y | x)] − E_q[log p(y | x)].

    An upper bound at any batch size where p(y | x) is known. It is too large by KL(p(x) p(y) ‖
    p(x, y)), so far above I(X; Y) on strong dependence. With a learned model q(y | x) (vCLUB) it is
    neither: above I(X; Y) where KL(p(x, y) ‖ p(x) q(y | x)) ≤ KL(p(x) p(y) ‖ p(x) q(y | x)), and
    possibly below where the model is worse than that.

    Published code takes the joint pairs among the product ones, which shrinks the result by 1 / n.
    Here `product` has other pairs only.

    Args:
        joint: log p(y_i | x_i).
        product: log p(y'_ij | x_i).

    References:
        Cheng et al. (2020), arXiv:2006.12013.
    """
    return joint.mean() - product.mean()


@checked
def club_sampled(joint: JointScores, product: ProductScores) -> Nats:
    """I(X; Y) ≤ E[log p(y_i | x_i) − log p(y_k(i) | x_i)]: `club` with one product sample each.

    As `club`, with more variance. Row i takes its product score i mod m, so that on a score matrix
    no two rows take the same y. With a learned model (vCLUB-S) it is neither bound, as `club`.

    Args:
        joint: log p(y_i | x_i).
        product: log p(y'_ij | x_i).

    References:
        Cheng et al. (2020), arXiv:2006.12013.
    """
    rows = torch.arange(len(joint), device=joint.device)
    return (joint - product[rows, rows % product.shape[1]]).mean()
