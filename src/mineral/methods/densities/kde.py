"""Kernel density estimation: a Gaussian value, plus a correction by kernel densities.

With u, v the normal scores of x, y in canonical coordinates, with correlations ρ_i, and
z = ((u_i ± v_i) / √(2 (1 ± ρ_i)), …) the same pairs whitened,

    I(X; Y) ≈ −½ Σ log(1 − ρ_i²) + mean log[f(z) / f(u) f(v)]

with each density a sum of normal kernels of one bandwidth h. In these coordinates the kernels in x
and in y are the marginals of the kernel in (x, y): the estimate is the mutual information of the
smoothed distribution, which is exact for a Gaussian at any h, and zero for independent variables.

References:
    Moon, Rajagopalan & Lall (1995), doi:10.1103/PhysRevE.52.2318.
    Silverman (1986), Density Estimation, for the widths; Duin (1976), for the likelihood's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.types import PerSample, Progress, X, Y
from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.copulas.gaussian import DETERMINISTIC
from mineral.methods.options import Range
from mineral.results import Caution
from mineral.samples import Paired, normal_scores, whiten
from mineral.system.progress import silent

Bandwidth: TypeAlias = (
    Literal["likelihood", "scott", "silverman"]
    | Annotated[float, Range(0, closed=False, noun="a positive number")]
)
Points: TypeAlias = Float[Tensor, "n _"]
Sums: TypeAlias = Float[np.ndarray, " rows"]

PAIRS = 1_000_000  # kernels at a time: 8 MB
QUERIES = 2000  # samples whose likelihood selects the bandwidth
MOST_DIMS = 6  # dx + dy, up to which kernels capture nonlinear dependence
# above, the bias under independence is too large: 0.07 nats in 10 dimensions, 6 in 100
REFUSED_DIMS = 8
WIDTHS = tuple(2.0 ** (half / 2) for half in range(-8, 3))  # of Scott's: 1/16 to 2


@dataclass(frozen=True, kw_only=True)
class KDE(Estimator):
    """Kernel density estimates on normal scores, leave-one-out: smooth dependence, low dimension.

    I(X; Y) ≈ mean log[f(x, y) / f(x) f(y)], where f sums normal kernels at all other samples. The
    logarithm of a fluctuating sum is biased low, by v / 2s for a sum s of kernels and v = 2^(−d/2).
    A share of the sample's own kernel corrects this: v/2 where the density is high, less in the
    tails, where it dominates. The value is the mean of those with v/2 and with v/4, and half their
    difference is part of the standard error.

    Smoothing removes structure finer than the bandwidth: the value is too low for sharp nonlinear
    dependence, and in many dimensions. Time grows like n².

    Args:
        bandwidth: h. "likelihood" maximizes the leave-one-out likelihood; "scott" n^(−1/(d + 4))
            and "silverman" (n (d + 2) / 4)^(−1/(d + 4)), with d = dx + dy, suit a Gaussian; or a
            number, in standard deviations.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal(1000)
        >>> y = x + rng.standard_normal(1000)
        >>> round(KDE().estimate(x, y).value, 2)  # the true value is log(2) / 2 ≈ 0.35
        0.35
    """

    bandwidth: Bandwidth = "likelihood"

    name = "kde"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        n = len(samples)
        if samples.dims > REFUSED_DIMS:
            raise InputError(
                f"`x` and `y` have {samples.dims} dimensions together, and kernel density "
                f"estimation allows at most {REFUSED_DIMS}: use estimator='copula' or 'mine', or "
                "reduce dimensions."
            )
        u, v, z, rho = canonical(normal_scores(samples.x), normal_scores(samples.y))
        if n < z.shape[1] + 2:
            raise InputError(
                f"`x` and `y` have {z.shape[1]} dimensions, and densities in them need at least "
                f"{z.shape[1] + 2} paired samples, got {n}: reduce dimensions."
            )
        h = self._width(z, run.progress)
        sums = [
            kernel_sums(points / h, torch.arange(n), run.progress, (0.4 + 0.2 * i, 0.6 + 0.2 * i))
            for i, points in enumerate((z, u, v))
        ]
        gaussian = float(-np.log1p(-(rho**2)).sum() / 2)
        dims = [points.shape[1] for points in (z, u, v)]
        low, high = (
            gaussian + np.log(n - 1) + _log_ratio(sums, [share * 2 ** (-d / 2) for d in dims])
            for share in (0.25, 0.5)
        )
        pointwise = (low + high) / 2
        own = float(abs(high.mean() - low.mean())) / 2
        return Measurement(
            value=float(pointwise.mean()),
            stderr=float(np.hypot(pointwise.std(ddof=1) / np.sqrt(n), own)),
            pointwise=pointwise,
            cautions=tuple(_doubts(samples, rho)),
        )

    def _width(self, z: Points, progress: Progress) -> float:
        n, d = z.shape
        if not isinstance(self.bandwidth, str):
            return float(self.bandwidth)
        if self.bandwidth == "silverman":
            return float((n * (d + 2) / 4) ** (-1 / (d + 4)))
        scott = float(n ** (-1 / (d + 4)))
        return scott if self.bandwidth == "scott" else likeliest(z, scott, progress)


def canonical(x: X, y: Y) -> tuple[Points, Points, Points, Float[np.ndarray, " r"]]:
    """u, v, z and ρ: x, y and (x, y), each whitened linearly, and their correlations."""
    white_x, _, _ = whiten(x)
    white_y, _, _ = whiten(y)
    left, rho, right = np.linalg.svd(white_x.T @ white_y)
    rho = np.minimum(rho, np.sqrt(DETERMINISTIC))
    scale, r = np.sqrt(len(x)), len(rho)
    u, v = white_x @ left * scale, white_y @ right.T * scale
    plus = (u[:, :r] + v[:, :r]) / np.sqrt(2 * (1 + rho))
    minus = (u[:, :r] - v[:, :r]) / np.sqrt(2 * (1 - rho))
    z = np.hstack([plus, minus, u[:, r:], v[:, r:]])
    return torch.from_numpy(u), torch.from_numpy(v), torch.from_numpy(z), rho


def kernel_sums(
    points: Points,
    rows: Tensor,
    progress: Progress = silent,
    done: tuple[float, float] = (0.0, 1.0),
) -> Sums:
    """For some rows, Σ exp(−|p_i − p_j|² / 2) over all other points.

    Args:
        points: In units of the bandwidth.
        rows: Which.
        progress: Called with the share that is done,
        done: from here to there.
    """
    half = (points**2).sum(dim=1) / 2
    sums = torch.empty(len(rows), dtype=points.dtype)
    block = max(1, PAIRS // len(points))
    for start in range(0, len(rows), block):
        own = rows[start : start + block]
        # |p_i − p_j|² / 2, with one product of matrices; rounding may leave it below zero.
        exponents = torch.addmm(half, points[own], points.T, alpha=-1).add_(half[own, None])
        kernels = exponents.clamp_(min=0).neg_().exp_()
        kernels[torch.arange(len(own)), own] = 0
        sums[start : start + block] = kernels.sum(dim=1)
        progress(done[0] + (done[1] - done[0]) * (start + len(own)) / len(rows), "kernels")
    return sums.numpy()


def likeliest(z: Points, scott: float, progress: Progress = silent) -> float:
    """The bandwidth, of a few around Scott's, with the largest leave-one-out likelihood."""
    n, d = z.shape
    # A part of the samples suffices: evenly spaced from the center outwards, in any row order.
    spread = (z**2).sum(dim=1).argsort()
    rows = spread[torch.linspace(0, n - 1, min(n, QUERIES)).long()]
    likelihood = []
    for i, width in enumerate(WIDTHS):
        sums = kernel_sums(z / (width * scott), rows)
        likelihood.append(np.log(sums.clip(min=1e-300)).mean() - d * np.log(width))
        progress(0.4 * (i + 1) / len(WIDTHS), "choosing the bandwidth")
    best = int(np.argmax(likelihood))
    if 0 < best < len(WIDTHS) - 1:  # the top of a parabola through the three, in log width
        before, top, after = likelihood[best - 1 : best + 2]
        octaves = (before - after) / (before - 2 * top + after) / 4
    else:
        octaves = 0.0
    return float(scott * WIDTHS[best] * 2**octaves)


def _log_ratio(sums: list[Sums], own: list[float]) -> PerSample:
    """log f(z) / f(u) f(v) but for constants, with a share of its own kernel for each sample."""
    z, u, v = (np.log(total + share) for total, share in zip(sums, own, strict=True))
    return np.asarray(z - u - v)


def _doubts(samples: Paired, rho: Float[np.ndarray, " r"]) -> Iterator[Caution]:
    n, dims = len(samples), samples.dims
    if rho[0] ** 2 >= DETERMINISTIC:
        yield Caution(
            "deterministic",
            "A linear combination of the normal scores of `x` equals one of `y` up to rounding: "
            "the mutual information is infinite, and the value only reflects floating-point "
            "resolution.",
        )
    if n < 25 * dims:
        yield Caution(
            "few-samples",
            f"{n:,} samples are few for {dims} dimensions: the bandwidth is wide and smooths away "
            f"most nonlinear dependence. Collect at least {25 * dims} samples.",
        )
    if dims > MOST_DIMS:
        yield Caution(
            "high-dimension",
            f"In {dims} dimensions, kernel density estimates miss most nonlinear dependence: "
            "compare with estimator='ksg' or 'infonce'.",
        )
    columns = (*samples.x.T, *samples.y.T)
    if min(len(np.unique(column)) for column in columns) < n / 2:
        yield Caution(
            "ties",
            "Values repeat, and discrete data have no density: the value depends on the "
            "bandwidth. Use estimator='mixed' or 'discrete'.",
        )
