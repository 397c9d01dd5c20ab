"""Nearest-neighbour estimators for discrete with continuous variables, and mixtures of both.

References:
    Gao, Kannan, Oh & Viswanath (2017), arXiv:1709.06212.
    Ross (2014), doi:10.1371/journal.pone.0087357.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from mineral.basics.special import digamma
from mineral.basics.types import Mask, Matrix, PerSample, Progress, Rows, X, Y
from mineral.errors import InputError
from mineral.methods.base import Estimator, Measurement, Run
from mineral.methods.classes.labels import label_stderr
from mineral.methods.counts.discrete import Codes
from mineral.methods.neighbours.geometry import count_within, neighbours, tree_of
from mineral.methods.neighbours.knn import KSG, high_dimension, near_ceiling
from mineral.methods.neighbours.subsampling import ESTIMATES, LARGEST, PARTS, stderr_of
from mineral.methods.options import AtLeastOne
from mineral.results import Caution
from mineral.samples import Paired, symbols
from mineral.system.progress import silent

Method: TypeAlias = Literal["gao", "ross"]
EXACT = 1e-12  # nats squared: a smaller variance within classes is rounding error


@dataclass(frozen=True, kw_only=True)
class Mixed(Estimator):
    """Nearest neighbours for discrete with continuous variables, and for mixtures of both.

    method "gao", for variables of any kind, also a continuous one with atoms such as rainfall:

        I(X; Y) ≈ mean[ψ(k̃) + log n − ψ(n_x) − ψ(n_y)]

    Around each sample, k̃, n_x and n_y count the samples strictly closer than its k-th neighbour in
    (x, y), in the maximum norm: in (x, y), in x and in y. If that is a copy, they count copies. All
    include the sample itself. k̃ is k unless distances tie. This is the authors' program, except
    for such ties (it uses k̃ = k, so that independent mixtures appear dependent), and KSG up to 1 /
    2n. The article's formula has log(n_x + 1) and counts points on the edge, which is correct only
    as k grows: with k = 3 and a discrete X it is 0.3 nats too low. Near an atom within a continuous
    range the value is too low, by a bias of order 1/√n.

    method "ross", for one discrete variable C and one continuous Z:

        I(C; Z) ≈ ψ(n) + mean[ψ(k) − ψ(n_c) − ψ(m)]

    with n_c samples in the class, the distance to the k-th neighbour in z within the class, and m
    samples of all classes strictly closer, itself included. Classes of k or fewer use all their
    members; classes of one have no neighbour and are dropped. The codes of classes do not matter;
    for "gao", the distance between classes is the difference of their codes.

    In both, few samples a class and many columns bias the value towards zero. The standard error
    comes from estimates on disjoint parts of the samples.

    Args:
        k: Number of nearest neighbours.
        method: "gao" or "ross".
        standardize: Whether to divide each coordinate by its standard deviation: distances in x
            are compared with distances in y.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.integers(5, size=2000)
        >>> y = x + 2 * rng.random(2000)
        >>> round(Mixed().estimate(x, y).value, 1)  # log 5 − 4/5 log 2 ≈ 1.05
        1.1
    """

    k: AtLeastOne = 3
    method: Method = "gao"
    standardize: bool = True

    name = "mixed"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        samples.at_least(self.k + 2, f"Mixed with k = {self.k}")
        return self._gao(samples, run) if self.method == "gao" else self._ross(samples, run)

    def _gao(self, samples: Paired, run: Run) -> Measurement:
        x, y = KSG(standardize=self.standardize).scaled(samples)
        n = len(samples)
        pointwise = gao(x, y, self.k, run.progress)
        value = float(pointwise.mean())

        def part(rows: Rows) -> PerSample:
            return gao(x[rows], y[rows], self.k)

        return Measurement(
            value=value,
            stderr=stderr_of(pointwise, part, self.k + 2, run.rng()),
            pointwise=pointwise,
            cautions=(*near_ceiling(value, n, self.k), *high_dimension(samples)),
        )

    def _ross(self, samples: Paired, run: Run) -> Measurement:
        classes, points = self._class_and_points(samples)
        kept = in_company(classes)
        classes, points = classes[kept], points[kept]
        pointwise = ross(classes, points, self.k)
        stderr = _ross_stderr(classes, points, pointwise, self.k, run.rng())
        # A class of one row may contribute its surprisal: the variance of one more such row.
        lone = np.sqrt((~kept).sum()) * np.log(len(kept)) / len(kept)
        return Measurement(
            value=float(pointwise.mean()),
            stderr=float(np.hypot(stderr, lone)),
            pointwise=pointwise if kept.all() else None,
            cautions=(*_alone(int((~kept).sum()), len(kept)), *high_dimension(samples)),
        )

    def _class_and_points(self, samples: Paired) -> tuple[Codes, Matrix]:
        x, y = KSG(standardize=self.standardize).scaled(samples)
        of_x, of_y = symbols(samples.x), symbols(samples.y)
        discrete_x, discrete_y = (self._is_discrete(codes) for codes in (of_x, of_y))
        if discrete_x and discrete_y:
            raise InputError(
                "`x` and `y` are both discrete, and Ross's method needs a continuous one: use "
                "estimator='discrete', or method='gao'."
            )
        if not discrete_x and not discrete_y:
            raise InputError(
                f"Neither `x` nor `y` is discrete, with more than k = {self.k} samples for each "
                "value, and Ross's method needs a discrete one: use estimator='ksg', or "
                "method='gao'."
            )
        return (of_x, y) if discrete_x else (of_y, x)

    def _is_discrete(self, codes: Codes) -> bool:
        return len(codes) > self.k * (int(codes.max()) + 1)


def gao(x: X, y: Y, k: int, progress: Progress = silent) -> PerSample:
    """The contribution of each sample to the estimate of Gao et al."""
    found = neighbours(x, y, k, progress=progress)
    counts = digamma(found.n_x + 1) + digamma(found.n_y + 1)
    return np.asarray(digamma(found.inside) + np.log(len(x)) - counts)


def ross(classes: Codes, points: Matrix, k: int) -> PerSample:
    """The contribution of each sample to the estimate of Ross.

    If the k-th neighbour within the class is a copy, the copies count, as in Gao et al.

    Args:
        classes: The class of each sample; none is alone in its class.
        points: The continuous variable.
        k: Neighbours within the class.
    """
    n = len(classes)
    reach, nearest = np.empty(n), np.empty(n, dtype=np.int64)
    ends = np.cumsum(np.bincount(classes))
    for rows in np.split(np.argsort(classes, kind="stable"), ends[:-1]):
        if not len(rows):
            continue
        tree = tree_of(points[rows])
        nearest[rows] = order = min(k, len(rows) - 1)
        radius = tree.query(points[rows], k=[order + 1], p=np.inf)[0][:, 0]
        reach[rows] = np.nextafter(radius, 0.0)  # the largest distance that is strictly less
        tied = rows[radius == 0]
        if len(tied):
            nearest[tied] = tree.query_ball_point(points[tied], 0.0, p=np.inf, return_length=True)
    in_class = np.bincount(classes)[classes]
    m = count_within(points, reach) + 1
    return np.asarray(digamma(n) + digamma(nearest) - digamma(in_class) - digamma(m))


def in_company(classes: Codes) -> Mask:
    """Which samples share their class with another."""
    return np.asarray((np.bincount(classes) > 1)[classes])


def _ross_stderr(
    classes: Codes, points: Matrix, pointwise: PerSample, k: int, rng: np.random.Generator
) -> float:
    """The standard error of Ross's estimate, with a random number of rows in each class.

    The variance between classes is that of their shares. Rows of one class share neighbours, which
    changes the variance within classes by a factor: estimates on disjoint parts with the same
    shares of classes measure it. Random parts would miss rare classes.
    """
    means = (np.bincount(classes, weights=pointwise) / np.bincount(classes).clip(min=1))[classes]
    variance = label_stderr(classes, means) ** 2
    within = float(((pointwise - means) ** 2).mean())
    if within <= EXACT:
        return float(np.sqrt(variance))
    size = max(1, min(len(classes) // PARTS, LARGEST))
    count = min(len(classes) // size, ESTIMATES)
    frequent = np.flatnonzero((np.bincount(classes) > k * count)[classes])
    factor = 1.0
    if len(frequent) >= count * (k + 2):
        variances = []
        for _ in range(-(-ESTIMATES // count)):
            shuffled = rng.permutation(frequent)
            order = shuffled[np.argsort(classes[shuffled], kind="stable")]
            step = max(count, len(order) // size)
            parts = [order[i::step] for i in range(count)]
            values = [ross(classes[rows], points[rows], k).mean() for rows in parts]
            variances.append(np.var(values, ddof=1) * len(order) / step)
        expected = float(((pointwise - means)[frequent] ** 2).mean())
        factor = float(np.mean(variances)) / max(expected, EXACT)
    return float(np.sqrt(variance + factor * within / len(classes)))


def _alone(count: int, n: int) -> tuple[Caution, ...]:
    if not count:
        return ()
    return (
        Caution(
            "lone-classes",
            f"{count:,} of {n:,} samples are the only one of their class, have no neighbour in "
            "it, and were dropped: merge rare classes.",
        ),
    )
