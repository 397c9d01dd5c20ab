"""Estimators of a label and numbers: mean error, coverage and standard errors on exact truths.

    python benchmarks/labels.py                         # all kinds, `discriminant`
    python benchmarks/labels.py ross "rare" "words"     # kinds whose name contains a word
    python benchmarks/labels.py classifier --seeds 10

Truths are sums over the values of discrete features, or quadrature along the one direction in
which the classes differ. Each row of the table: kind, truth in nats, mean error, share of the 95 %
intervals that contain the truth (never above the upper confidence limit of H), mean standard error
/ standard deviation of the values, mean width of the intervals, share with a caution, seconds.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit
from scipy.stats import cauchy, nbinom, norm

import mineral
from mineral import Classifier, Discriminant, Mixed

Sample = tuple[np.ndarray, np.ndarray]
GRID = np.linspace(-60, 60, 240_001)
ESTIMATORS: dict[str, Callable[[], mineral.Estimator]] = {
    "discriminant": Discriminant,
    "ross": lambda: Mixed(method="ross"),
    "classifier": Classifier,
}


@dataclass(frozen=True)
class Kind:
    """One law of a label and its features."""

    name: str
    truth: float
    draw: Callable[[np.random.Generator], Sample]
    seeds: int = 40
    of: tuple[str, ...] = field(default=("discriminant", "ross", "classifier"))


def information(shares: np.ndarray, densities: np.ndarray, step: float = 1.0) -> float:
    """Σ p_c Σ f_c log(f_c / f) over values (axis 1), times the step of a grid."""
    mixed = shares @ densities
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(densities > 1e-290, densities * np.log(densities / mixed), 0.0)
    return float(shares @ terms.sum(axis=1)) * step


def along_a_line(shares: np.ndarray, means: np.ndarray, sigma: float = 1.0) -> float:
    """Of Gaussian classes that differ in their means in one direction."""
    densities = norm.pdf(GRID[None], means[:, None], sigma)
    return information(shares, densities, GRID[1] - GRID[0])


def imbalanced(n: int, share: float, apart: float) -> Kind:
    """Two classes, one with a small share."""
    shares = np.array([1 - share, share])
    means = np.array([-apart / 2, apart / 2])

    def draw(rng: np.random.Generator) -> Sample:
        label = (rng.random(n) < share).astype(int)
        label[0] = 1 if not label.any() else label[0]
        return rng.standard_normal(n) + means[label], label

    name = f"rare {share:g}, {apart:g} apart, n = {n:,}"
    return Kind(name, along_a_line(shares, means), draw, seeds=100 if n <= 10_000 else 20)


def words(count: int, n: int, spread: float = 2.0) -> Kind:
    """Words whose mean a number has, beside a column of noise."""
    means = spread * np.random.default_rng(5).standard_normal(count)

    def draw(rng: np.random.Generator) -> Sample:
        label = rng.integers(0, count, n)
        y = means[label] + 0.3 * rng.standard_normal(n)
        return np.column_stack([y, rng.standard_normal(n)]), label

    truth = along_a_line(np.full(count, 1 / count), means, 0.3)
    return Kind(f"words {count}, n = {n:,}", truth, draw)


def wide(n: int, columns: int, matter: int, apart: float, law: str) -> Kind:
    """Two classes in many columns, of which some matter, equally.

    shift: Gaussian classes, `apart` in all. logit: one Gaussian, and P(label) of a logistic curve
    of slope `apart` along the columns that matter.
    """
    if law == "shift":
        truth = along_a_line(np.array([0.5, 0.5]), np.array([-apart / 2, apart / 2]))
    else:
        p = expit(apart * GRID)
        truth = information(
            np.array([0.5, 0.5]), 2 * norm.pdf(GRID) * np.stack([1 - p, p]), GRID[1] - GRID[0]
        )

    def draw(rng: np.random.Generator) -> Sample:
        x = rng.standard_normal((n, columns))
        if law == "shift":
            label = rng.integers(0, 2, n)
            x[:, :matter] += (label[:, None] - 0.5) * apart / math.sqrt(matter)
        else:
            line = x[:, :matter].sum(axis=1) / math.sqrt(matter)
            label = (rng.random(n) < expit(apart * line)).astype(int)
        return x, label

    return Kind(f"wide {n} x {columns:,}, {matter} matter, {law} {apart:g}", truth, draw, seeds=25)


def several(n: int, columns: int, classes: int, apart: float = 1.0) -> Kind:
    """Classes on a line in some columns, which are rotated and of unequal scales."""
    means = apart * (np.arange(classes) - (classes - 1) / 2)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((columns, columns)))[0]
    scales = np.exp(np.random.default_rng(2).standard_normal(columns))

    def draw(rng: np.random.Generator) -> Sample:
        label = rng.integers(0, classes, n)
        x = rng.standard_normal((n, columns))
        x[:, 0] += means[label]
        return (x @ turn) * scales, label

    truth = along_a_line(np.full(classes, 1 / classes), means)
    name = f"several {columns} columns, {classes} classes, {apart:g} apart, n = {n:,}"
    return Kind(name, truth, draw, seeds=40 if n < 50_000 else 3)


def tabulated(
    name: str,
    n: int,
    densities: np.ndarray,
    features: Callable[[np.ndarray, np.random.Generator], np.ndarray],
) -> Kind:
    """A discrete feature: p(value | class) in rows, equal shares of classes."""
    shares = np.full(len(densities), 1 / len(densities))
    densities = densities / densities.sum(axis=1, keepdims=True)

    def draw(rng: np.random.Generator) -> Sample:
        label = rng.integers(0, len(densities), n)
        value = np.empty(n, dtype=int)
        for c, density in enumerate(densities):
            rows = label == c
            value[rows] = rng.choice(len(density), size=rows.sum(), p=density)
        return features(value, rng), label

    return Kind(f"{name}, n = {n:,}", information(shares, densities), draw)


def as_it_is(value: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """The values themselves."""
    return value.astype(float)


def tables(n: int) -> list[Kind]:
    """Ratings, counts with zeros, a coarse grid, one-hot columns."""
    k = np.arange(200)
    counts = np.stack([nbinom.pmf(k, 2, 2 / (2 + mean)) for mean in (5, 10, 20)])
    counts *= np.array([[0.4], [0.6], [0.8]])
    counts[:, 0] += [0.6, 0.4, 0.2]
    edges = np.arange(-10, 10.01, 0.5)
    grid = np.stack([np.diff(norm.cdf(edges, m)) for m in (-1, 0, 1)])
    ratings = np.array([[5, 3, 2, 1, 1], [1, 2, 4, 3, 2], [4, 1, 1, 1, 5]], dtype=float)
    levels = np.random.default_rng(3).dirichlet(np.ones(8), 4)
    return [
        tabulated("ratings 1 to 5", n, ratings, as_it_is),
        tabulated("counts with zeros", n, counts, as_it_is),
        tabulated("grid of half a deviation", n, grid, as_it_is),
        tabulated("one-hot, 8 levels", n, levels, lambda v, _: np.eye(8)[v]),
    ]


def zero_inflated(n: int) -> Kind:
    """Two classes: zero with probability .7 and .3, else log-normal with other means."""
    zero = np.array([0.7, 0.3])
    inner = norm.pdf(GRID[None], np.array([[0.0], [1.0]]))
    shares = np.array([0.5, 0.5])
    truth = information(shares, zero[:, None]) + information(
        shares, (1 - zero)[:, None] * inner, GRID[1] - GRID[0]
    )

    def draw(rng: np.random.Generator) -> Sample:
        label = rng.integers(0, 2, n)
        x = np.exp(rng.standard_normal(n) + label)
        return np.where(rng.random(n) < zero[label], 0.0, x), label

    return Kind(f"zero-inflated numbers, n = {n:,}", truth, draw)


def heavy(n: int, *, far: bool) -> Kind:
    """Cauchy classes; or Gaussian ones and a row of 1e300."""
    means, shares = np.array([0.0, 2.0, 4.0]), np.full(3, 1 / 3)
    if far:
        truth = along_a_line(shares, means)
    else:
        grid = np.linspace(-4000, 4000, 4_000_001)
        truth = information(shares, cauchy.pdf(grid[None], means[:, None]), grid[1] - grid[0])

    def draw(rng: np.random.Generator) -> Sample:
        label = rng.integers(0, 3, n)
        noise = rng.standard_normal(n) if far else rng.standard_cauchy(n)
        x = means[label] + noise
        if far:
            x[0] = 1e300
        return x, label

    return Kind(f"heavy {'1e300' if far else 'Cauchy'}, n = {n:,}", truth, draw)


def constant(n: int, where: str) -> Kind:
    """A column constant in all rows, or in one of the classes."""
    shares = np.array([0.5, 0.5])
    truth = along_a_line(shares, np.array([0.0, 2.0])) if where == "all" else math.log(2)

    def draw(rng: np.random.Generator) -> Sample:
        label = rng.integers(0, 2, n)
        x = rng.standard_normal(n) + 2 * label
        if where == "all":
            return np.column_stack([x, np.ones(n)]), label
        return np.column_stack([np.where(label == 0, 0.0, x), rng.standard_normal(n)]), label

    return Kind(f"constant in {where}, n = {n:,}", truth, draw)


def independent(n: int, classes: int, columns: int) -> Kind:
    """A label that is independent of its features."""

    def draw(rng: np.random.Generator) -> Sample:
        return rng.standard_normal((n, columns)), rng.integers(0, classes, n)

    name = f"independent, {classes} classes, {columns} columns, n = {n:,}"
    return Kind(name, 0.0, draw, seeds=100)


def kinds() -> list[Kind]:
    """All kinds of the table."""
    return [
        *(imbalanced(n, p, 2) for n in (1000, 10_000) for p in (0.5, 0.1, 0.01, 0.001)),
        *(imbalanced(100_000, p, 2) for p in (0.1, 0.001)),
        *(imbalanced(n, p, 12) for n, p in ((1000, 0.001), (10_000, 0.001), (100_000, 0.0002))),
        *(words(*pair) for pair in ((30, 150), (30, 60), (30, 600), (100, 250))),
        wide(300, 5000, 20, 4.4, "shift"),
        wide(300, 5000, 20, 20, "logit"),
        wide(300, 1000, 5, 2, "shift"),
        wide(300, 1000, 5, 5, "logit"),
        wide(300, 300, 1, 2, "shift"),
        wide(300, 300, 1, 5, "logit"),
        wide(300, 2000, 100, 4, "shift"),
        wide(300, 2000, 100, 10, "logit"),
        wide(1000, 2000, 100, 4, "shift"),
        wide(300, 2000, 1, 0, "shift"),
        *tables(300),
        *tables(3000),
        zero_inflated(300),
        zero_inflated(3000),
        *(heavy(n, far=far) for n in (200, 2000) for far in (False, True)),
        *(constant(300, where) for where in ("all", "a class")),
        *(several(n, 5, 4) for n in (60, 200, 1000)),
        several(100_000, 10, 2),
        several(100_000, 10, 10),
        independent(100, 2, 3),
        independent(150, 30, 2),
        independent(1000, 4, 1),
    ]


def judged(kind: Kind, name: str, seeds: int) -> str:
    """A row of the table."""
    found, seconds = [], []
    for seed in range(seeds):
        x, label = kind.draw(np.random.default_rng(1000 + seed))
        start = time.perf_counter()
        found.append(ESTIMATORS[name]().estimate(x, label, seed=seed))
        seconds.append(time.perf_counter() - start)
    values = np.array([r.value for r in found])
    holds = np.mean([r.interval[0] <= kind.truth <= r.interval[1] + 1e-9 for r in found])
    below = np.mean([r.interval[1] + 1e-9 < kind.truth for r in found])
    ratio = np.mean([r.stderr for r in found]) / max(values.std(ddof=1), 1e-12)
    width = np.mean([np.ptp(r.interval) for r in found])
    doubted = np.mean([bool(r.warnings) for r in found])
    return (
        f"| {kind.name} | {kind.truth:.4g} | {values.mean() - kind.truth:+.4f} | {holds:.0%} "
        f"| {below:.0%} | {ratio:.2f} | {width:.3g} | {doubted:.0%} | {np.mean(seconds):.2f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("estimator", nargs="?", default="discriminant", choices=ESTIMATORS)
    parser.add_argument("kinds", nargs="*", help="words in the names of kinds")
    parser.add_argument("--seeds", type=int)
    options = parser.parse_args()
    print(f"`{options.estimator}`\n")
    print("| kind | nats | error | holds | too low | se / sd | width | cautions | s |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for kind in kinds():
        if not options.kinds or any(word in kind.name for word in options.kinds):
            print(judged(kind, options.estimator, options.seeds or kind.seeds), flush=True)


if __name__ == "__main__":
    main()
