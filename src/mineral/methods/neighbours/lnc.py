"""Local non-uniformity correction (LNC) of KSG, for strong dependence.

References:
    Gao, Ver Steeg & Galstyan (2015), arXiv:1411.2003.
    Kraskov, Stögbauer & Grassberger (2004), arXiv:cond-mat/0305641.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.types import Mask, Matrix, PerSample, Rows, X, Y
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.neighbours.geometry import near_blocks, neighbours, threads, tree_of
from mineral.methods.neighbours.knn import KSG, high_dimension, tied_values
from mineral.methods.neighbours.subsampling import stderr_of
from mineral.methods.options import AtLeastOne, Share
from mineral.results import Caution
from mineral.samples import Paired

SIMULATED = 50_000  # neighbourhoods of uniform samples behind alpha
ROUNDING = 8 * float(np.finfo(float).eps)
FALSE_ALARMS = 0.005  # share of these that are corrected by mistake: ε of the paper

Offsets = Float[np.ndarray, "n k d"]  # positions of the neighbours relative to each sample


@dataclass(frozen=True, kw_only=True)
class LNC(Estimator):
    """KSG with a local non-uniformity correction: strong dependence with little noise.

    KSG assumes that samples are uniform in a box around each sample and its k neighbours. Along a
    thin curve they are not, and KSG stays near log n. Here the box is rotated to the principal axes
    of the k neighbours, and if this reduces its volume to less than a share alpha, the difference
    is added:

        I(X; Y) ≈ I_KSG − mean[log r · (r < α)] − c,
        r = volume of the rotated box / volumes of such boxes in x alone and in y alone

    I_KSG is variant 2. c is the mean correction of uniform samples (0.007 nats with k = 5 in 1 + 1
    dimensions), so that independent variables have the value zero; the paper does not subtract it,
    and treats scalar X and Y only. In more dimensions, the boxes rotated in x and in y alone
    exclude dependence within x, or within y, from the correction.

    Use it if KSG is near its ceiling. If the relation is curved within a neighbourhood, or the
    noise is not resolved by it, the value is too low: by 0.2 nats in the limit of small noise
    around a line, by up to 0.7 where KSG begins to fail, and by more around a curve. An exact
    relation is not corrected, and has a caution.

    Args:
        k: Number of nearest neighbours, more than dx + dy.
        alpha: The share of the volume. None simulates uniform neighbourhoods and uses their 0.5 %
            quantile. 0 makes no correction, which is KSG.
        standardize: As in KSG.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.random(1000)
        >>> y = x + rng.random(1000) / 1e6
        >>> round(LNC().estimate(x, y).value)  # log 1e6 ≈ 13.8
        14
    """

    k: AtLeastOne = 5
    alpha: Share | None = None
    standardize: bool = True

    name = "lnc"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        samples.at_least(self.k + 2, f"LNC with k = {self.k}")
        n = len(samples)
        ksg = self._ksg()
        x, y = ksg.scaled(samples)
        found = neighbours(x, y, self.k, box=True, progress=run.progress)
        correction, flat = self._correction(x, y, found.boxed)
        pointwise = ksg.pointwise_of(found, n) + correction

        def part(rows: Rows) -> PerSample:
            return self.contributions(x[rows], y[rows])

        return Measurement(
            value=float(pointwise.mean()),
            stderr=stderr_of(pointwise, part, self.k + 2, run.rng()),
            pointwise=pointwise,
            cautions=(
                *_exact(float(flat.mean())),
                *_few(n, self.k, samples.dims),
                *high_dimension(samples),
                *tied_values(found, n),
            ),
        )

    def scaled(self, samples: Paired) -> tuple[np.ndarray, np.ndarray]:
        """x and y in the units that distances are measured in."""
        return self._ksg().scaled(samples)

    def contributions(self, x: X, y: Y) -> PerSample:
        """The contribution of each row to the value, for sides as `scaled` returns them."""
        found = neighbours(x, y, self.k, box=True)
        correction, _ = self._correction(x, y, found.boxed)
        return np.asarray(self._ksg().pointwise_of(found, len(x)) + correction)

    def _ksg(self) -> KSG:
        return KSG(k=self.k, variant=2, standardize=self.standardize)

    def _correction(self, x: X, y: Y, boxed: Mask) -> tuple[PerSample, Mask]:
        """The correction of each sample, and which neighbourhoods are degenerate."""
        if self.k <= x.shape[1] + y.shape[1]:
            return np.zeros(len(x)), np.zeros(len(x), dtype=bool)
        ratio, flat = _log_ratios(x, y, self.k)
        uniform = simulated(self.k, x.shape[1], y.shape[1])
        if self.alpha is None:
            threshold = np.quantile(uniform, FALSE_ALARMS)
        else:
            threshold = np.log(self.alpha) if self.alpha > 0 else -np.inf
        by_mistake = -np.where(uniform < threshold, uniform, 0.0).mean()
        # If values repeat, KSG uses no box, and there is none to correct.
        added = np.where(ratio < threshold, -ratio, 0.0) - by_mistake
        return np.where(boxed, added, 0.0), flat


@lru_cache(maxsize=32)
def simulated(k: int, dx: int, dy: int) -> PerSample:
    """log r around samples that are uniform: k − 1 neighbours in a cube, and one on its surface."""
    rng = np.random.default_rng(0)
    near = rng.uniform(-1, 1, (SIMULATED, k, dx + dy))
    near[:, -1] /= np.abs(near[:, -1]).max(axis=1, keepdims=True)
    found = _log_ratio(near, dx, np.ones(SIMULATED))[0]
    found.flags.writeable = False
    return found


def _log_ratios(x: X, y: Y, k: int) -> tuple[PerSample, Mask]:
    """log r around every sample (0 if undefined), and which neighbourhoods are degenerate."""
    xy = np.hstack([x, y])
    tree = tree_of(xy)
    ratio, flat = np.empty(len(xy)), np.empty(len(xy), dtype=bool)
    for _, rows in near_blocks(tree.indices):
        nearest = tree.query(xy[rows], k=k + 1, p=np.inf, workers=threads(len(xy)))[1][:, 1:]
        near = xy[nearest] - xy[rows, None]
        ratio[rows], flat[rows] = _log_ratio(near, x.shape[1], np.abs(xy[rows]).max(axis=1))
    return ratio, flat


def _log_ratio(near: Offsets, dx: int, largest: PerSample) -> tuple[PerSample, Mask]:
    size = np.abs(near).max(axis=(1, 2))
    size = np.where(size > 0, size, 1.0)  # only the shape matters, and squares stay in range
    near = near / size[:, None, None]
    # The rounding error of the largest coordinates, and of the axes.
    resolution = ROUNDING * (1 + largest / size)
    joint, alone_x, alone_y = _sides(near), _sides(near[:, :, :dx]), _sides(near[:, :, dx:])
    log_joint, flat = _log_volume(joint, resolution)
    log_alone, flat_alone = _log_volume(np.hstack([alone_x, alone_y]), resolution)
    return np.where(flat == flat_alone, log_joint - log_alone, 0.0), flat > flat_alone


def _log_volume(sides: Matrix, resolution: PerSample) -> tuple[PerSample, Int[np.ndarray, " n"]]:
    """The log volume of the box in its nondegenerate directions, and the number of degenerate ones.

    A side no longer than the rounding error of the coordinates is degenerate. A degenerate
    direction within x, or within y, such as that of a duplicated column, is one of the whole box
    too, and cancels.
    """
    flat = sides <= resolution[:, None]
    return np.log(np.where(flat, 1.0, sides)).sum(axis=1), flat.sum(axis=1)


def _sides(near: Offsets) -> Matrix:
    """Half the sides of the box along the principal axes that contains all neighbours."""
    if near.shape[2] == 1:
        return np.asarray(np.abs(near).max(axis=1))
    # By SVD of the offsets: their covariance would lose directions below 1e-8.
    _, _, axes = np.linalg.svd(near, full_matrices=False)
    return np.asarray(np.abs(near @ axes.transpose(0, 2, 1)).max(axis=1))


def _exact(flat: float) -> tuple[Caution, ...]:
    if flat < 0.1:
        return ()
    return (
        Caution(
            "deterministic",
            f"Around {flat:.0%} of the samples the neighbours lie on a line or plane up to "
            "rounding: the mutual information of continuous variables is then infinite. The value "
            "is KSG's, which grows only like log n.",
        ),
    )


def _few(n: int, k: int, dims: int) -> tuple[Caution, ...]:
    if k <= dims:
        text = (
            f"{k} neighbours do not span the {dims} dimensions: no correction was made, and the "
            f"value is KSG's. Pass LNC(k={2 * dims}), or reduce dimensions."
        )
        return (Caution("uncorrected", text),)
    if n < 10 * k:
        text = (
            f"{k} neighbours of {n:,} samples are not local: the linear correction is biased "
            "where the dependence is curved. Collect more samples."
        )
        return (Caution("few-samples", text),)
    return ()
