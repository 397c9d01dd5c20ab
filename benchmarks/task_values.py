"""The values of tasks that are no closed form: what `mineral.tasks` states, computed again.

    python benchmarks/task_values.py

Each is computed by a way that its sampler does not take. Integrals are sums over even grids, which
converge faster than any power of the step for smooth functions that vanish at both ends: printed
beside each value is how far half the step moves it. Monte Carlo is the last resort.

Why the integrals have so few dimensions:

concentric   Y tells the component i but for an overlap below 1e-500, so that I(X; Y) = I(X; i), and
             of X only its length matters.
galaxy       of X only the coordinate along the line through both centers depends on Y.
waves        of X only the coordinate across the stripes depends on Y.
inliers      pmi = log((1 − α) exp(G) + α), and G, the pmi of two Gaussian pairs of correlation ρ,
             is 2 I₀ + ρ (E₁ − E₂) for pairs that correlate, 2 I₀ + ρ E₁ / (1 + ρ) − ρ E₂ / (1 − ρ)
             for pairs that do not, of independent exponentials E. Other coordinates tell nothing.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma
from scipy.stats import norm, t

from mineral.tasks.families import channels, discrete, embeddings, mixtures
from mineral.tasks.task import Sampler

SAMPLES, BATCH = 20_000_000, 100_000


def plane(
    components: list[tuple[float, Callable[..., np.ndarray]]],
    sides: tuple[tuple[float, float], tuple[float, float]],
    step: float,
    *,
    stretched: bool = False,
) -> float:
    """I of a mixture of densities in the plane: each gives joint, x and y densities on a grid.

    Args:
        components: Weights, and functions of x and y.
        sides: The ranges of x and y.
        step: Of the grid.
        stretched: Whether the grid is even in asinh(x) and asinh(y), for tails that fall slowly.
    """
    x, y = (np.arange(low, high, step)[:, None] for low, high in sides)
    jump = np.full((1, 1), step**2)
    if stretched:
        jump = step**2 * np.cosh(x) * np.cosh(y.T)
        x, y = np.sinh(x), np.sinh(y)
    joint, of_x, of_y = (
        sum(weight * each for weight, each in zip(weights, parts, strict=True))
        for weights, parts in (
            ([w for w, _ in components], [law(x, y.T)[which] for _, law in components])
            for which in range(3)
        )
    )
    seen = joint > 0
    ratio = np.log(joint, where=seen, out=np.zeros_like(joint)) - np.log(of_x) - np.log(of_y)
    return float((jump * joint * np.where(seen, ratio, 0)).sum())


def gaussian(mean: tuple[float, float], covariance: np.ndarray) -> Callable[..., tuple]:
    """Joint and marginal densities of one Gaussian of the plane: p(x), then p(y | x)."""
    (mx, my), (sx, sy) = mean, np.sqrt(np.diag(covariance))
    slope, left = covariance[0, 1] / sx**2, math.sqrt(sy**2 - covariance[0, 1] ** 2 / sx**2)

    def law(x: np.ndarray, y: np.ndarray) -> tuple:
        of_x = norm.pdf(x, mx, sx)
        return of_x * norm.pdf(y, my + slope * (x - mx), left), of_x, norm.pdf(y, my, sy)

    return law


def student(rho: float, nu: float) -> Callable[..., tuple]:
    """The same of a t distribution: given x, y is one too, of ν + 1 degrees."""

    def law(x: np.ndarray, y: np.ndarray) -> tuple:
        width = np.sqrt((1 - rho**2) * (nu + x**2) / (nu + 1))
        return t.pdf(x, nu) * t.pdf(y, nu + 1, rho * x, width), t.pdf(x, nu), t.pdf(y, nu)

    return law


def of_planes(mixture: mixtures.Mixture, across: np.ndarray) -> list:
    """Components of a mixture, X seen along one direction."""
    parts = []
    for weight, each in zip(mixture.weights, mixture.components, strict=True):
        seen = np.zeros((2, len(each.mean)))
        seen[0, : mixture.dim_x], seen[1, -1] = across, 1
        parts.append((weight, gaussian(tuple(seen @ each.mean), seen @ each.dispersion @ seen.T)))
    return parts


def shells(d: int, count: int, step: float) -> float:
    """I(X; i) of X ~ N(0, i² 1) in d dimensions, an integral over the length of X."""
    r, i = np.arange(step, 14 * count + 2 * count * math.sqrt(d), step), np.arange(1, count + 1)
    log_volume = (d - 1) * np.log(r) - (d / 2 - 1) * math.log(2) - math.lgamma(d / 2)
    log_f = log_volume - r**2 / (2 * i[:, None] ** 2) - d * np.log(i)[:, None]
    log_mean = np.logaddexp.reduce(log_f, axis=0) - math.log(count)
    return float((np.exp(log_f) * (log_f - log_mean)).sum() * step / count)


def inliers(share: float, step: float, rho: float = 0.8) -> float:
    """I of two pairs and a share of uncorrelated points, an integral over E₁ and one over E₂."""
    base, e = -math.log1p(-(rho**2)), np.exp(np.arange(-40, 4.2, step))
    weight = e * np.exp(-e) * step  # even in log E: smooth and vanishing at both ends
    total = 0.0
    for part, up, down in ((1 - share, rho, rho), (share, rho / (1 + rho), rho / (1 - rho))):
        g = base + up * e[:, None] - down * e[None, :]
        total += part * weight @ np.logaddexp(math.log1p(-share) + g, math.log(share)) @ weight
    return float(total)


def sampled(sampler: Sampler, seed: int = 20_261_125) -> tuple[float, float]:
    """The mean of the pointwise values, and its standard error."""
    rng = np.random.default_rng(seed)
    batches = [sampler(BATCH, rng).pmi for _ in range(SAMPLES // BATCH)]
    means = np.array([np.mean(batch) for batch in batches])
    return float(means.mean()), float(means.std(ddof=1) / math.sqrt(len(means)))


def integrals() -> dict[str, Callable[[float], float]]:
    """From a fraction of the usual step to the value."""
    x, wide = mixtures.cross(0.9), ((-9, 9), (-9, 9))
    heavy = [(0.5, student(sign * 0.9, 3.0)) for sign in (1, -1)]
    one, diagonal = np.ones(1), np.ones(2) / math.sqrt(2)
    ai = of_planes(mixtures.letters(), one)
    waves = of_planes(mixtures.stripes(), np.array([1.0, 0.0]))
    galaxy = of_planes(mixtures.balls(), diagonal)
    far = ((-14, 14), (-14, 14))
    return {
        "x-0.9": lambda f: plane(of_planes(x, one), wide, 0.04 * f),
        "student-x-0.9-3": lambda f: plane(heavy, far, 0.04 * f, stretched=True),
        "ai": lambda f: plane(ai, ((-3.5, 3.5), (-4.5, 4.5)), 0.01 * f),
        "waves-12": lambda f: plane(waves, ((-4, 20.5), (-4, 8.5)), 0.05 * f),
        "galaxy": lambda f: plane(galaxy, ((-11, 11), (-11, 11)), 0.2 * f),
        **{
            f"concentric-{d}-{k}": lambda f, d=d, k=k: shells(d, k, 0.01 * f)
            for d in (3, 5, 25)
            for k in (5, 10)
        },
        **{
            f"inliers-{share}": lambda f, share=share: inliers(share, 0.04 * f)
            for share in (0.2, 0.5)
        },
    }


def main() -> None:
    """Print every value."""
    print("integrals: value, and the change when the step is halved")
    for name, integral in integrals().items():
        coarse, fine = integral(1.0), integral(0.5)
        print(f"    {name!r}: {fine!r},  # {fine - coarse:+.0e}")
    print("shapes of log-gamma-exponentials: ψ(a + 1) − log a = I")
    for level in channels.SHAPES:
        log_a = brentq(lambda s, i=level: digamma(math.exp(s) + 1) - s - i, -20, 5, xtol=1e-15)
        print(f"    {level!r}: {math.exp(log_a)!r},")
    print("random tables: Σ p log p / p p")
    for law in discrete.RANDOM_TABLES:
        joint = discrete.random_joint(law.symbols, law.sharpness)
        value = float((joint * discrete.pmi_of(joint)).sum())
        print(f"    RandomTable({law.symbols}, {law.sharpness}, {value!r}),")
    print(f"Monte Carlo, {SAMPLES:,} samples: value and standard error")
    for name, law in {
        "outliers-5-0.2": mixtures.with_outliers(5, 0.2),
        "topics-overlapping-16-8": embeddings.OVERLAPPING,
    }.items():
        value, error = sampled(law)
        print(f"    {name!r}: ({value:.6f}, {error:.6f}),", flush=True)


if __name__ == "__main__":
    main()
