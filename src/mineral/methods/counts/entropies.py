"""Counts → the entropy of the distribution they were drawn from, in nats.

    c_i   count of symbol i, without zeros                   n = Σ c_i
    K     possible symbols                                   f_1 = symbols that occur once

The plug-in entropy is too small, by about (K − 1) / 2n. Each function here corrects that in another
way; none can account for unobserved symbols without a trace in the counts.

References:
    Miller (1955), Note on the bias of information estimates.
    Grassberger (2003), arXiv:physics/0307138.
    Chao & Shen (2003), doi:10.1023/A:1026096204727.
    Nemenman, Shafee & Bialek (2002), arXiv:physics/0108025.
    Chao (1984), Nonparametric estimation of the number of classes.
"""

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.special import digamma, gammaln, logsumexp, polygamma

Counts = Int[np.ndarray, " symbols"]
Axis = Float[np.ndarray, " t"]  # one value for each β of an integral over the prior

FAR = 1e3  # above it, Stirling's series is exact to rounding
DEPTH = 40.0  # nats below its peak, at which an integrand is negligible
STEPS = 400  # of an integral
LIMIT = 1.96  # standard errors from an estimate to its upper 97.5 % limit


def plug_in(counts: Counts) -> float:
    """H = log n − Σ c log c / n: the entropy of the frequencies. Too small."""
    n = counts.sum()
    return float(np.log(n) - (counts * np.log(counts)).sum() / n)


def miller_madow(counts: Counts) -> float:
    """The plug-in entropy plus (K − 1) / 2n, with K observed symbols."""
    return plug_in(counts) + (len(counts) - 1) / (2 * float(counts.sum()))


def grassberger(counts: Counts) -> float:
    """H = log n − Σ c G(c) / n, with G(c) = ψ(c) + ½ (−1)^c [ψ((c + 1) / 2) − ψ(c / 2)].

    The bias falls off exponentially where counts are large.
    """
    n = counts.sum()
    sign = 1 - 2 * (counts % 2)
    g = digamma(counts) + sign * (digamma((counts + 1) / 2) - digamma(counts / 2)) / 2
    return float(np.log(n) - (counts * g).sum() / n)


def chao_shen(counts: Counts) -> float:
    """H = −Σ p log p / [1 − (1 − p)^n], with p = C c / n and the coverage C = 1 − f_1 / n.

    Horvitz and Thompson's division by the probability of being observed accounts for the unobserved
    symbols. If every symbol occurs once, C would be zero; one of them is then counted twice.
    """
    n = int(counts.sum())
    singletons = min(int((counts == 1).sum()), n - 1)
    p = (1 - singletons / n) * counts / n
    seen = -np.expm1(n * np.log1p(-np.minimum(p, 1 - 1e-16)))
    return float(-(p * np.log(p) / seen).sum())


def largest_entropy(counts: Counts) -> float:
    """log of the number of symbols, by Chao (1984): K + f_1 (f_1 − 1) / 2 (f_2 + 1)."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return float(np.log(len(counts) + once * (once - 1) / (2 * (twice + 1))))


def entropy_cap(codes: Counts) -> float:
    """The upper 97.5 % confidence limit of the entropy of a discrete variable, in nats.

    No information with this variable is larger. It is the larger of Miller's and of Chao and Shen's
    estimate, plus 1.96 standard errors, and at most the logarithm of the number of symbols: of
    observed ones, if each occurs at least twice, and otherwise the upper limit of Chao's estimate.

    Args:
        codes: The symbol of each sample, shape (n,): whole numbers from 0 on, as
            `mineral.methods.counts.discrete.symbols` makes them.

    References:
        Chao (1984), Nonparametric estimation of the number of classes, Scand. J. Statist. 11.
        Chao (1987), the log-normal confidence interval, doi:10.2307/2531532.
    """
    counts = np.bincount(codes)
    counts = counts[counts > 0]
    n = int(counts.sum())
    surprise = np.log(n / counts)
    variance = float(counts @ surprise**2) / n - plug_in(counts) ** 2
    # The χ² part remains if all symbols are equally frequent.
    stderr = np.sqrt(max(0.0, variance) / n + (len(counts) - 1) / (2 * n**2))
    estimate = max(miller_madow(counts), chao_shen(counts))
    return float(min(estimate + LIMIT * stderr, np.log(_most_symbols(counts))))


def _most_symbols(counts: Counts) -> float:
    """The upper confidence limit of the number of symbols."""
    seen, once, twice = len(counts), int((counts == 1).sum()), int((counts == 2).sum())
    unseen = once * (once - 1) / (2 * (twice + 1))
    if unseen == 0:
        return float(seen)
    ratio = once / (twice + 1)
    variance = (twice + 1) * (ratio**4 / 4 + ratio**3 + ratio**2 / 2)
    return float(seen + unseen * np.exp(LIMIT * np.sqrt(np.log1p(variance / unseen**2))))


def nsb(counts: Counts, alphabet: int) -> float:
    """The posterior mean of H, under a prior that is nearly flat in H.

    The prior mixes Dirichlet distributions of concentration β, so that ξ(β) = ψ(Kβ + 1) − ψ(β + 1),
    the entropy that each expects before any data, is uniform on [0, log K]:

        H = ∫ dξ ρ(β) H(β) / ∫ dξ ρ(β)
        ρ(β) = Γ(Kβ) / Γ(Kβ + n) · Π Γ(c_i + β) / Γ(β)
        H(β) = ψ(Kβ + n + 1) − Σ (c_i + β) / (Kβ + n) · ψ(c_i + β + 1)

    with the last sum over all K symbols. Integrated over t = log β, where both integrands are
    smooth and fall off exponentially.

    Args:
        counts: Of the observed symbols.
        alphabet: K, including unobserved ones.
    """
    if alphabet == 1:  # no prior is flat on [0, 0]
        return 0.0
    sizes, times = np.unique(counts, return_counts=True)
    t = _where_it_matters(sizes, times, alphabet)
    weight = _log_weight(t, sizes, times, alphabet)
    return float((np.exp(weight - logsumexp(weight)) * _expected(t, sizes, times, alphabet)).sum())


def _log_weight(t: Axis, sizes: Counts, times: Counts, alphabet: int) -> Axis:
    """log of ρ(β) dξ/dt, at t = log β."""
    beta = np.exp(t)
    n = int((sizes * times).sum())
    evidence = (times * _log_rising(beta[:, None], sizes)).sum(axis=1)
    evidence -= _log_rising(alphabet * beta, n)
    return np.asarray(evidence + np.log(_prior(beta, alphabet)) + t)


def _expected(t: Axis, sizes: Counts, times: Counts, alphabet: int) -> Axis:
    """H(β), at t = log β."""
    beta = np.exp(t)[:, None]
    total = alphabet * beta[:, 0] + (sizes * times).sum()
    # Every unobserved symbol contributes β ψ(β + 1).
    sizes, times = np.append(sizes, 0), np.append(times, alphabet - times.sum())
    inner = (times * (sizes + beta) * digamma(sizes + beta + 1)).sum(axis=1)
    return np.asarray(digamma(total + 1) - inner / total)


def _prior(beta: Axis, alphabet: int) -> Axis:
    """dξ/dβ = K ψ'(Kβ + 1) − ψ'(β + 1)."""
    k = float(alphabet)
    near = np.minimum(beta, FAR)
    exact = k * polygamma(1, k * near + 1) - polygamma(1, near + 1)
    # Both terms tend to 1/β and cancel: use the series of their difference.
    far = np.maximum(beta, FAR)
    series = (1 - 1 / k) / (2 * far**2) - (1 - 1 / k**2) / (6 * far**3)
    return np.asarray(np.where(beta < FAR, exact, series + (1 - 1 / k**4) / (30 * far**5)))


def _log_rising(a: np.ndarray, c: np.ndarray | int) -> np.ndarray:
    """log Γ(a + c) / Γ(a), without the cancellation of two large numbers."""
    near = np.minimum(a, FAR)
    far = np.maximum(a, FAR)
    stirling = (far + c - 0.5) * np.log1p(c / far) - c + c * np.log(far)
    stirling += (1 / (far + c) - 1 / far) / 12
    return np.asarray(np.where(a < FAR, gammaln(near + c) - gammaln(near), stirling))


def _where_it_matters(sizes: Counts, times: Counts, alphabet: int) -> Axis:
    """Evenly spaced t that cover the integrand's peak, down to negligible values."""
    low, high = -100.0, 100.0 + np.log(alphabet)
    for _ in range(8):  # the peak of ten thousand symbols is a thousandth wide
        t = np.linspace(low, high, STEPS)
        weight = _log_weight(t, sizes, times, alphabet)
        inside = np.flatnonzero(weight > weight.max() - DEPTH)
        if len(inside) > STEPS // 2:
            break
        low, high = t[max(inside[0] - 1, 0)], t[min(inside[-1] + 1, STEPS - 1)]
    return t
