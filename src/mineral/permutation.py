"""Are X and Y independent? A permutation test whose features are computed once.

Under independence every pairing of the rows is as likely as the one observed. What is computed of x
alone and of y alone does not change when rows are paired anew, so that each of many permutations
costs a product of matrices and no fit:

    T₁  the information of a Gaussian copula, from canonical correlations of normal scores
    T₂  ‖C‖², the squared covariances of random Fourier features (the kernel independence criterion)

The first is the sharpest where a copula is Gaussian, the second sees any dependence. The test takes
whichever lies further above its mean over all pairings, in standard deviations. So it does for
every permutation, and its size is exact whatever the samples are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mineral.basics.types import Matrix, Missing, PerSample
from mineral.errors import OptionError
from mineral.results import Caution
from mineral.samples import Paired, indicators, normal_scores, paired, whiten

FEATURES = 64  # random Fourier features a side
CHUNK = 64  # permutations at a time


@dataclass(frozen=True, kw_only=True)
class Independence:
    """The outcome of a test of independence.

    Attributes:
        p_value: How often samples as extreme would occur if X and Y were independent: at least
            1 / (permutations + 1), never 0.
        permutations: That were drawn.
        by: Which statistic was the more extreme: `"copula"` or `"kernel"`.
        n: Rows.
        warnings: What was noticed of the samples: `rows-in-series` takes the test its size.
    """

    p_value: float
    permutations: int
    by: str
    n: int
    warnings: tuple[Caution, ...] = ()

    def __float__(self) -> float:
        return self.p_value

    def __str__(self) -> str:
        return f"p = {self.p_value:.3g} (independence; {self.permutations:,} permutations)"


def independence(
    x: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    *,
    permutations: int = 999,
    seed: int = 0,
    missing: Missing = "raise",
) -> Independence:
    """Test whether X and Y are independent, by permuting rows; rows must be independent draws.

    Args:
        x: Shape (n,), (n, dx) or (n, ...), as `mineral.estimate` takes it.
        y: The same, with as many rows.
        permutations: More give smaller p-values; 999 can give 0.001.
        seed: Fixes the permutations.
        missing: `"raise"`, or `"drop"` to leave out rows with missing values.

    Raises:
        InputError: If the samples cannot be used.
        OptionError: If `permutations` is not positive.

    References:
        Phipson & Smyth (2010), on p-values that are never 0, doi:10.2202/1544-6115.1585.
        Gretton et al. (2007), the kernel criterion; Zhang et al. (2018), by random features,
            arXiv:1606.07892. Berrett & Samworth (2019), on permutation, arXiv:1711.06642.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal(300)
        >>> independence(x, x**2 + rng.standard_normal(300)).p_value
        0.001
    """
    if permutations < 1:
        raise OptionError(f"`permutations` must be at least 1, got {permutations}.")
    samples, _, _ = paired(x, y, missing=missing, words=True).measurable()
    return permuted(samples, permutations, seed)


def permuted(samples: Paired, permutations: int, seed: int) -> Independence:
    """The same test of checked samples without constant coordinates."""
    rng = np.random.default_rng(seed)
    z_x = normal_scores(indicators(samples.x, samples.categorical_x))
    z_y = normal_scores(indicators(samples.y, samples.categorical_y))
    white = [whiten(z)[0] for z in (z_x, z_y)]
    waves = [_waves(z, rng) for z in (z_x, z_y)]
    n = len(samples)
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(permutations))]
    of_copula = _copula(white[0], white[1], orders)
    of_kernel = np.array([float(((waves[0].T @ waves[1][order]) ** 2).sum()) for order in orders])
    apart = np.stack([_standardized(of_copula), _standardized(of_kernel)])
    extreme = apart.max(axis=0)
    return Independence(
        # Rounding noise counts as equal: of few rows, many orders are the same pairing.
        p_value=float((extreme >= extreme[0] - 1e-9 * (1 + abs(extreme[0]))).mean()),
        permutations=permutations,
        by=("copula", "kernel")[int(apart[:, 0].argmax())],
        n=n,
        warnings=samples.cautions,
    )


def _copula(x: np.ndarray, y: np.ndarray, orders: list[np.ndarray]) -> PerSample:
    """−½ Σ log(1 − ρ²) of the canonical correlations, for y in each order."""
    values = []
    for start in range(0, len(orders), CHUNK):
        products = np.stack([x.T @ y[order] for order in orders[start : start + CHUNK]])
        if min(products.shape[1:]) == 1:
            squared = (products**2).sum(axis=(1, 2))[:, None]
        else:
            squared = np.linalg.svd(products, compute_uv=False) ** 2
        values.append(-np.log1p(-squared.clip(max=1 - 1e-15)).sum(axis=1) / 2)
    return np.concatenate(values)


def _waves(z: Matrix, rng: np.random.Generator) -> Float[np.ndarray, "n features"]:
    """Centered cos(ωᵀz + φ): inner products approximate a Gaussian kernel's."""
    n, d = z.shape
    rows = rng.choice(n, size=(2, min(1000, n)))
    apart = np.sqrt(((z[rows[0]] - z[rows[1]]) ** 2).sum(axis=1))
    width = np.median(apart[apart > 0]) if (apart > 0).any() else 1.0
    frequencies = rng.standard_normal((d, FEATURES)) / width
    waves = np.cos(z @ frequencies + rng.uniform(0, 2 * np.pi, FEATURES))
    return np.asarray(waves - waves.mean(axis=0))


def _standardized(values: PerSample) -> PerSample:
    """Standard deviations above the mean of all orders, the observed one among them."""
    spread = values.std()
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0))
