"""Critics that learn log p / q as classifiers or by an f-divergence, and how they are evaluated.

For a convex φ with conjugate φ*, every critic T bounds a divergence of p from q,

    D_φ(p ‖ q) = E_q[φ(p / q)] ≥ E_p[T] − E_q[φ*(T)],    with equality at T = φ'(p / q),

so that log (φ*)'(T) estimates log p / q. Here T is written as φ'(exp f): the score f is free of
constraints and estimates log p / q itself, whichever divergence it learned by.

    function                φ(u)                          T               φ*(T)
    `shifted_nwj`           u log u                       1 + f           exp f
    `gan_divergence`        u log u − (1 + u) log(1 + u)  −softplus(−f)   softplus f
    `hellinger_divergence`  (√u − 1)²                     1 − exp(−f/2)   exp(f/2) − 1

(`gan_divergence` adds log 4, to be 0 at independence.) A divergence other than the first, that of
Kullback and Leibler, bounds no mutual information: its value is for training only, and what is
reported is another function of the scores.

References:
    Nowozin, Cseke & Tomioka (2016), f-GAN, arXiv:1606.00709.
    Letizia, Novello & Tonello (2024), f-DIME, arXiv:2305.20025.
"""

import math

from torch.nn.functional import softplus

from mineral.basics.numerics import logmeanexp, tangent_exp
from mineral.basics.types import JointScores, Nats, ProductScores
from mineral.bounds.shapes import checked
from mineral.errors import OptionError


@checked
def jensen_shannon(joint: JointScores, product: ProductScores) -> Nats:
    """E_p[−softplus(−f)] − E_q[softplus f]: the log-likelihood of telling joint from product pairs.

    An objective, of low variance, and no bound on I(X; Y): at most 0. Its maximum is at f = pmi,
    without a constant, so report `shifted_nwj`, a lower bound, or `smile` or `plug_in`.

    References:
        Poole et al. (2019), I_JS, arXiv:1905.06922.
        Hjelm et al. (2019), Deep InfoMax, arXiv:1808.06670.
    """
    return -softplus(-joint).mean() - softplus(product).mean()


@checked
def gan_divergence(joint: JointScores, product: ProductScores) -> Nats:
    """2 JSD(p, q) ≥ log 4 − E_p[softplus(−f)] − E_q[softplus f]: the objective of GAN-DIME.

    `jensen_shannon`, with the constant that makes it 0 for a constant critic.

    References:
        Letizia, Novello & Tonello (2024), arXiv:2305.20025.
    """
    return math.log(4) + jensen_shannon(joint, product)


@checked
def hellinger_divergence(joint: JointScores, product: ProductScores) -> Nats:
    """H²(p, q) = E_q[(√(p/q) − 1)²] ≥ 2 − E_p[exp(−f/2)] − E_q[exp(f/2)]: that of HD-DIME.

    Largest at f = pmi. Its exponentials are of half the score, so the variance stays bounded where
    that of `nwj` explodes. They are continued by `tangent_exp` where their mean exceeds 1.8e19
    (float32), which leaves a lower bound.

    References:
        Letizia, Novello & Tonello (2024), arXiv:2305.20025.
    """
    return 2 - tangent_exp(logmeanexp(-joint / 2)) - tangent_exp(logmeanexp(product / 2))


@checked
def plug_in(joint: JointScores, product: ProductScores) -> Nats:
    """I(X; Y) ≈ E_p[f], where f has learned log p / q.

    Neither a lower nor an upper bound: a critic that is wrong by a constant is wrong by that
    constant here. Without an exponential, its variance is that of f. The product scores take no
    part; they are an argument so that it can stand where a bound does.

    References:
        Letizia, Novello & Tonello (2024), arXiv:2305.20025.
    """
    return joint.mean()


@checked
def smile(joint: JointScores, product: ProductScores, *, tau: float = 5.0) -> Nats:
    """I(X; Y) ≈ E_p[f] − log E_q[clip(exp f, exp −τ, exp τ)]: Donsker–Varadhan, clipped.

    Neither a lower nor an upper bound. Only the product scores are clipped, which bounds the
    variance at the price of a bias: upwards where product scores above τ matter, that is on strong
    dependence. The critic is to be trained by `jensen_shannon`. τ = ∞ is `donsker_varadhan`.

    References:
        Song & Ermon (2020), arXiv:1910.06222.
    """
    if not tau > 0:
        raise OptionError(f"`tau` must be positive, got {tau}.")
    return joint.mean() - logmeanexp(product.clamp(-tau, tau))
