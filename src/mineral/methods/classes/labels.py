"""A label and its features: which side is the label, folds of its rows, features on one scale."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mineral.basics.types import Matrix, PerSample, Rows
from mineral.errors import InputError
from mineral.results import Caution
from mineral.samples import Paired, indicators, normal_scores, principal_directions

MIN_ROWS_PER_CLASS = 2  # on average: one row to fit and one to predict
SMALL_CLASS = 10  # rows on average, below which the 30 words of benchmarks/labels.py lose 0.1 nats
RANKED = 20  # columns up to which normal scores are a view of their own
ROWS_PER_COMPONENT = 5
MAX_COMPONENTS = 100
CLIP = 5.0  # standard deviations of a component
KNEE = 10.0  # median deviations: beyond 6.7 standard deviations of normal data


def label_first(
    samples: Paired, *, needed_by: str, rows_per_class: int = MIN_ROWS_PER_CLASS
) -> tuple[Int[np.ndarray, " n"], Matrix]:
    """The class of each row, and the other side: the label is the side with fewer distinct rows.

    Classes are numbered by size and then by the mean of their features, so that nothing depends on
    how they are spelled. Categorical columns of the other side are returned as indicators.

    Raises:
        InputError: If there is one class only, or fewer rows than `rows_per_class` on average.
    """
    codings = []
    for side in (samples.y, samples.x):
        _, codes = np.unique(side, axis=0, return_inverse=True)
        codings.append(codes.reshape(-1))
    codes_y, codes_x = codings
    label, features = (
        (codes_y, indicators(samples.x, samples.categorical_x))
        if codes_y.max() <= codes_x.max()
        else (codes_x, indicators(samples.y, samples.categorical_y))
    )
    classes = int(label.max()) + 1
    if classes < 2 or len(label) < rows_per_class * classes:
        raise InputError(
            f"{needed_by} needs a label of 2 or more classes, with {rows_per_class} rows each on "
            f"average: got {classes} classes among {len(label)} rows. Give labels as `y`, or use "
            "estimator='auto'."
        )
    return _without_names(label, features), features


def _without_names(label: Int[np.ndarray, " n"], features: Matrix) -> Int[np.ndarray, " n"]:
    """Codes by the sizes of classes, then by the sorted features of their rows."""
    counts = np.bincount(label)
    rank = np.empty(len(label))
    rank[np.lexsort(features.T)] = np.arange(len(label))
    order = np.lexsort((np.bincount(label, weights=rank) / counts, counts))
    codes = np.empty(len(counts), dtype=np.int64)
    codes[order] = np.arange(len(counts))
    return np.asarray(codes[label])


def by_class(label: Int[np.ndarray, " n"], features: Matrix, rng: np.random.Generator) -> Rows:
    """All rows, class after class, shuffled within each; whatever order the rows came in.

    Every f-th of them is a stratified sample: folds and halves hold equal shares of each class.
    """
    shuffled = np.lexsort((label, *features.T))[rng.permutation(len(label))]
    return np.asarray(shuffled[np.argsort(label[shuffled], kind="stable")])


def ranked(features: Matrix) -> Matrix:
    """Normal scores of the columns if there are few, else the columns with compressed tails.

    Neither uses the label, so that rows to be predicted may be among those that are ranked.
    """
    few = features.shape[1] <= RANKED
    return normal_scores(features) if few else compressed(features)


def compressed(features: Matrix) -> Matrix:
    """Columns from their median in median deviations, logarithmic beyond 10 of them.

    Values equal to the median do not enter the deviation: a column of zeros and a few numbers has
    the scale of the numbers. Strictly increasing, so that rare classes far away stay apart.
    """
    unit = np.exp2(np.floor(np.log2(np.abs(features).max(axis=0).clip(min=1e-300))))
    z = features / unit / 2  # powers of two are exact; differences stay finite
    z = z - np.median(z, axis=0)
    size = np.abs(z)
    # The median of what is not zero: in order, half way between the first such and the last.
    first = np.count_nonzero(size == 0, axis=0)
    middle = (first + len(z)) // 2
    scale = np.sort(size, axis=0)[np.minimum(middle, len(z) - 1), np.arange(z.shape[1])]
    with np.errstate(divide="ignore", over="ignore"):
        size = np.minimum(size / np.where(scale > 0, scale, 1.0), np.finfo(float).max)
        far = KNEE * (1 + np.log(size / KNEE))
    return np.asarray(np.sign(z) * np.where(size > KNEE, far, size))


def surprisal(label: Int[np.ndarray, " n"]) -> PerSample:
    """−log of the share of each row's class; its mean is the plug-in H(Y)."""
    return np.asarray(-np.log(np.bincount(label) / len(label))[label])


def miller_madow(label: Int[np.ndarray, " n"]) -> float:
    """The negative bias of the plug-in H(Y): (K − 1) / 2n."""
    return float((len(np.unique(label)) - 1) / (2 * len(label)))


def label_stderr(label: Int[np.ndarray, " n"], pointwise: PerSample) -> float:
    """The standard error of mean pmi with a random number of rows in each class.

    Var(pmi) / n, and the variance that one more row of each class has at its largest pmi, the
    surprisal: with few rows of a class their number is a Poisson count, whose variance is better
    estimated by one more than it (Agresti & Coull 1998, doi:10.1080/00031305.1998.10480550).
    """
    n = len(label)
    counts = np.bincount(label)
    most = -np.log(counts[counts > 0] / n) - pointwise.mean()
    return float(np.sqrt(pointwise.var(ddof=1) / n + (most**2).sum() / n**2))


def small_classes(label: Int[np.ndarray, " n"]) -> tuple[Caution, ...]:
    """A caution, if classes have few rows on average."""
    n, classes = len(label), len(np.unique(label))
    if n >= SMALL_CLASS * classes:
        return ()
    return (
        Caution(
            "small-classes",
            f"{classes} classes share {n:,} rows, on average {n / classes:.2g} rows a class: too "
            "few to train a classifier. Collect more rows, or merge classes.",
        ),
    )


@dataclass(frozen=True)
class Components:
    """Principal components of standardized columns, of unit variance each."""

    center: Float[np.ndarray, " d"]
    map: Float[np.ndarray, "d k"]

    @classmethod
    def fit(cls, values: Matrix) -> "Components":
        """At most one component for every five rows, and 100."""
        center = values.mean(axis=0)
        scale = values.std(axis=0)
        scale = np.where(scale > 1e-12 * np.abs(values).max(axis=0), scale, np.inf)
        z = (values - center) / scale
        n, d = z.shape
        most = max(1, min(d, MAX_COMPONENTS, n // ROWS_PER_COMPONENT))
        directions, variances = principal_directions(z, most)
        return cls(center, directions / np.sqrt(variances) / scale[:, None])

    def apply(self, values: Matrix) -> Float[np.ndarray, "n k"]:
        """Components of any rows, clipped: in products one far row would outweigh all others."""
        return np.asarray(((values - self.center) @ self.map).clip(-CLIP, CLIP))
