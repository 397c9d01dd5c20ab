"""Nearest-neighbour estimators of Kraskov, Stögbauer and Grassberger (KSG).

References:
    Kraskov, Stögbauer & Grassberger (2004), arXiv:cond-mat/0305641.
    Gao, Kannan, Oh & Viswanath (2017), for repeated values, arXiv:1709.06212.
    Gao, Ver Steeg & Galstyan (2015), on strong dependence, arXiv:1411.2003.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mineral.basics.special import digamma
from mineral.basics.types import PerSample, Rows, X, Y
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.neighbours.geometry import Neighbours, neighbours
from mineral.methods.neighbours.subsampling import stderr_of
from mineral.methods.options import AtLeastOne
from mineral.results import Caution
from mineral.samples import Paired


@dataclass(frozen=True, kw_only=True)
class KSG(Estimator):
    """Nearest neighbours (Kraskov, Stögbauer & Grassberger): any dependence, low dimension.

    Around each sample, take the distance to its k-th neighbour in (x, y), in the maximum norm,
    and count the samples strictly closer than that in x alone (n_x) and in y alone (n_y):

        variant 1:  I(X; Y) ≈ ψ(k) + ψ(n) − mean[ψ(n_x + 1) + ψ(n_y + 1)]             (Eq. 8)
        variant 2:  I(X; Y) ≈ ψ(k) − 1/k + ψ(n) − mean[ψ(n_x) + ψ(n_y)]               (Eq. 9)

    where in variant 2 the box around the k neighbours has its own width in x and in y, and points
    on its edge count. The errors of the counts mostly cancel, which is why no density is needed.

    Small k means low bias and high variance. The value is biased low for strong dependence, since
    the number of samples needed grows like exp I(X; Y), and in many dimensions, where it tends to
    zero. Up to dx + dy = 8 the time grows like n log n. In more dimensions all pairs are compared,
    and it grows like n² (dx + dy): twice the rows take four times as long.

    If values repeat, several samples may be at the distance of the k-th neighbour. In place of k,
    the number of samples strictly closer, plus one, is then used, in variant 2 too. If the k-th
    neighbour is an exact copy, k is the number of copies, and they count as neighbours (Gao et al.
    2017). So the estimator also applies to discrete and mixed data.

    The standard error comes from estimates on disjoint parts of the samples.

    Args:
        k: Number of nearest neighbours.
        variant: 1 or 2, as in the paper.
        standardize: Whether to divide each coordinate by its standard deviation, so that its unit
            does not matter: distances compare coordinates.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal(1000)
        >>> y = x + rng.standard_normal(1000)
        >>> round(KSG(k=3).estimate(x, y).value, 1)  # the true value is log(2) / 2 ≈ 0.35
        0.4
    """

    k: AtLeastOne = 3
    variant: Literal[1, 2] = 1
    standardize: bool = True

    name = "ksg"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        samples.at_least(self.k + 2, f"KSG with k = {self.k}")
        n = len(samples)
        x, y = self.scaled(samples)
        found = neighbours(x, y, self.k, box=self.variant == 2, progress=run.progress)
        pointwise = self.pointwise_of(found, n)
        value = float(pointwise.mean())

        def part(rows: Rows) -> PerSample:
            return self.contributions(x[rows], y[rows])

        return Measurement(
            value=value,
            stderr=stderr_of(pointwise, part, self.k + 2, run.rng()),
            pointwise=pointwise,
            cautions=(
                *near_ceiling(value, n, self.k),
                *high_dimension(samples),
                *tied_values(found, n),
            ),
        )

    def contributions(self, x: X, y: Y) -> PerSample:
        """The contribution of each row to the value, for sides as `scaled` returns them."""
        return self.pointwise_of(neighbours(x, y, self.k, box=self.variant == 2), len(x))

    def pointwise_of(self, found: Neighbours, n: int) -> np.ndarray:
        """The contribution of each of n samples to the value, shape (n,)."""
        n_x, n_y = found.n_x, found.n_y
        ball = digamma(found.inside) - digamma(n_x + 1) - digamma(n_y + 1)
        box = digamma(self.k) - 1 / self.k - digamma(n_x.clip(1)) - digamma(n_y.clip(1))
        return np.asarray(digamma(n) + np.where(found.boxed, box, ball))

    def scaled(self, samples: Paired) -> tuple[np.ndarray, np.ndarray]:
        """x and y in the units that distances are measured in."""
        x, y = samples.x, samples.y
        if self.standardize:
            return x / _deviations(x), y / _deviations(y)
        # One power of two for all is exact, and keeps distances beyond 1e308 finite.
        unit = np.exp2(np.floor(np.log2(max(np.abs(x).max(), np.abs(y).max()))))
        return x / unit, y / unit


def _deviations(values: np.ndarray) -> np.ndarray:
    """Standard deviation of each coordinate that varies; for the others, that of the largest."""
    unit = np.abs(values).max() or 1.0
    deviations = (values / unit).std(axis=0) * unit
    varies = (values != values[0]).any(axis=0) & (deviations > 0)
    # latent variables may all be constant
    largest = deviations[varies].max() if varies.any() else unit
    return np.asarray(np.where(varies, deviations, largest))


def ceiling(n: int, k: int) -> float:
    """The largest value that k neighbours of n rows can give: x and y are copies."""
    return float(digamma(n) - digamma(k))  # n_x = n_y = k − 1


def near_ceiling(value: float, n: int, k: int) -> tuple[Caution, ...]:
    """A caution about values near the maximum of the estimator."""
    most = ceiling(n, k)
    if value < most - 1.5:
        return ()
    return (
        Caution(
            "near-ceiling",
            f"The value is close to ψ(n) − ψ(k) = {most:.2f} nats, the maximum that {n:,} samples "
            "can resolve: the true value may be larger, and infinite if one variable determines "
            "the other.",
        ),
    )


def high_dimension(samples: Paired) -> tuple[Caution, ...]:
    """A caution about many dimensions."""
    if samples.dims <= 10:
        return ()
    return (
        Caution(
            "high-dimension",
            f"In {samples.dims} dimensions nearest neighbours are distant, and the value is "
            "biased towards zero: compare with estimator='copula' or 'infonce'.",
        ),
    )


def tied_values(found: Neighbours, n: int) -> tuple[Caution, ...]:
    """A caution about repeated values."""
    tied, repeated = int(found.copied.sum()), found.repeated
    if not tied and repeated < 0.01:
        return ()
    text = f"{repeated:.0%} of the values occur more than once in their column"
    if tied:
        text += (
            f", and {tied / n:.0%} of the samples have k exact copies, which count as neighbours"
        )
    return (
        Caution(
            "ties",
            f"{text}. If the values are rounded, distances smaller than the rounding step are not "
            "meaningful: use estimator='auto'. For discrete data the value is valid.",
        ),
    )
