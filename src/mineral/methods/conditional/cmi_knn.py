"""Neighbour counts given Z, among residuals: any dependence, where few columns of Z matter."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mineral.basics.special import ndtri
from mineral.basics.types import Matrix, PerSample, Rows, X, Y, Z
from mineral.errors import InputError
from mineral.methods.base import Measurement, Run
from mineral.methods.conditional.neighbours import contributions
from mineral.methods.conditional.regressed import OfResiduals, Regressed, Regressions
from mineral.methods.conditional.strata import codes_of
from mineral.methods.neighbours.subsampling import stderr_of
from mineral.methods.options import AtLeastOne
from mineral.results import Caution
from mineral.samples import indicators, normal_scores, repeating

FEW_COLUMNS = 2  # of Z, which are kept whether residuals depend on them or not
BEYOND = 1e3  # normal scores, which no distance within a value of Z reaches
CHANCE = 0.01  # that any column of Z which nothing depends on is kept
MANY_DIMS = 6  # of x, y and the kept columns of z, above which the value falls towards zero


@dataclass(frozen=True, kw_only=True)
class CMIKnn(OfResiduals):
    """Neighbour counts for I(X; Y | Z): Frenzel–Pompe, and Mesner–Shalizi where values repeat.

    Around each sample, take the distance to its k-th neighbour in (x, y, z), in the maximum norm of
    normal scores, and count the samples closer than that in z, (x, z) and (y, z):

        I(X; Y | Z) ≈ mean[ψ(k̃) + ψ(n_z) − ψ(n_xz) − ψ(n_yz)]

    where k̃ is k, or the number of exact copies where the k-th neighbour is one. Consistent for any
    dependence, of numbers, categories and mixtures of both, but each column of Z that nothing
    depends on moves the value towards zero: with 9 of them half of 0.29 nats is gone at 1,000 rows.

    So Z is first regressed out of X and Y (linear or smooth, by leave-one-out errors), which
    changes nothing of I(X; Y | Z), and of more than two columns of Z only those are kept in the
    distance that residuals still depend on. Where values of X or Y repeat, nothing is regressed.

    The standard error comes from estimates on disjoint parts of the samples.

    Args:
        k: Neighbours to look at.
        regress: Whether Z is regressed out first; False is the estimate of the articles, on normal
            scores.

    References:
        Frenzel & Pompe (2007), doi:10.1103/PhysRevLett.99.204101.
        Mesner & Shalizi (2021), arXiv:1912.03387.
        Runge (2018), on neighbours and conditions, arXiv:1709.01447.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> z = rng.integers(2, size=2000)
        >>> x, e = rng.standard_normal((2, 2000))
        >>> y = np.where(z == 1, x, -x) + e  # I(X; Y) is small, as z flips the sign
        >>> round(CMIKnn().estimate(x, y, given=z).value, 1)  # the true value is log(2) / 2
        0.3
    """

    k: AtLeastOne = 5
    regress: bool = True

    name = "cmi-knn"
    kind = "neither"
    labels = True

    def measure_residuals(self, regressions: Regressions, run: Run) -> Measurement:
        n = len(regressions.samples)
        if n < self.k + 2:
            raise InputError(
                f"CMIKnn with k = {self.k} needs at least {self.k + 2} paired samples, got {n}."
            )
        x, y, z, path = self._parts(regressions)
        pointwise = contributions(x, y, z, self.k)

        def part(rows: Rows) -> PerSample:
            return contributions(x[rows], y[rows], z[rows], self.k)

        return Measurement(
            value=float(pointwise.mean()),
            stderr=stderr_of(pointwise, part, self.k + 2, run.rng()),
            pointwise=pointwise,
            path=path,
            cautions=_many_dims(x.shape[1] + y.shape[1] + z.shape[1]),
        )

    def _parts(self, regressions: Regressions) -> tuple[X, Y, Z, tuple[str, ...]]:
        """x, y and z as distances see them, and how they came about."""
        pair = regressions.samples.pair
        if not self.regress or repeating(pair.x).any() or repeating(pair.y).any():
            x, y = (
                indicators(side, of)
                for side, of in ((pair.x, pair.categorical_x), (pair.y, pair.categorical_y))
            )
            z = regressions.samples.numbers_z
            if z.shape[1]:
                z = normal_scores(z) + _apart(regressions.samples.z)
            return normal_scores(x), normal_scores(y), z, ()
        return self.among(regressions.scores)

    def among(self, left: Regressed) -> tuple[X, Y, Z, tuple[str, ...]]:
        """The residuals, and the columns of Z that neighbours are looked for in."""
        x, y = normal_scores(left.pair.x), normal_scores(left.pair.y)
        kept = depended_on(x, y, left.z)
        if left.z.shape[1] <= FEW_COLUMNS:
            kept = np.ones(left.z.shape[1], dtype=bool)
        path = (
            f"Z is regressed out of X and Y (basis: {left.basis}); neighbours are counted in "
            f"{int(kept.sum())} of {len(kept)} columns of Z.",
        )
        return x, y, left.z[:, kept], path


def _apart(z: Z) -> Float[np.ndarray, "n 1"]:
    """A distance beyond all others between rows of Z that differ, where its values mostly repeat.

    What Z says of X and Y need not be alike for adjacent months, shifts or sites.
    """
    codes = codes_of(z)
    return np.zeros((len(z), 1)) if codes is None else BEYOND * codes[:, None]


def depended_on(x: X, y: Y, z: Z) -> Bool[np.ndarray, " dz"]:
    """Columns of Z that residuals, their sizes or their products correlate with.

    Args:
        x: Normal scores of residuals.
        y: The same.
        z: Normal scores of the condition.
    """
    if z.shape[1] == 0:
        return np.zeros(0, dtype=bool)
    products = (x[:, :, None] * y[:, None, :]).reshape(len(x), -1)
    of_residuals = _standard(np.hstack([x, y, np.abs(x), np.abs(y), products]))
    of_z = np.stack([_standard(z), _standard(np.abs(z))])
    correlation = np.abs(of_residuals.T @ of_z).max(axis=(0, 1)) / len(x)
    tests = 2 * of_residuals.shape[1] * z.shape[1]
    return np.asarray(correlation > float(ndtri(1 - CHANCE / (2 * tests))) / np.sqrt(len(x)))


def _standard(values: Matrix) -> Matrix:
    centered = values - values.mean(axis=0)
    spread = centered.std(axis=0)
    return np.asarray(centered / np.where(spread > 1e-9, spread, np.inf))


def _many_dims(dims: int) -> tuple[Caution, ...]:
    if dims <= MANY_DIMS:
        return ()
    return (
        Caution(
            "high-dimension",
            f"In {dims} dimensions of x, y and z neighbours are far and the value falls towards "
            "zero: compare with estimator='partial-copula', or pass fewer columns.",
        ),
    )
