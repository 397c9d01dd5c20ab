"""Counting: bias of every correction, and coverage of `adjusted`, on tables whose law is known.

    python benchmarks/counts.py [--repeats 200] [--kind random copies independent rare counts]

One row for each law and number of samples: the true value, the mean error of each correction in
nats, and for `adjusted` the standard deviation of its value beside its mean standard error, and how
often the 95 % interval holds the truth and starts above it. All are exact sums over a table.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from scipy import stats

from mineral.methods.counts.adjusted import Adjusted
from mineral.methods.counts.chance import expected_information
from mineral.methods.counts.discrete import CORRECTIONS, Table
from mineral.methods.counts.entropies import nsb, plug_in
from mineral.samples import symbols

SIZES = (20, 100, 400, 2000, 10_000)
DEAR = 10  # repeats of nsb, which takes a tenth of a second
Law = tuple[str, np.ndarray]


def random() -> Iterator[Law]:
    """Tables drawn from a Dirichlet law."""
    rng = np.random.default_rng(5)
    for k_x, k_y in ((2, 2), (2, 5), (3, 30), (5, 5), (10, 10), (30, 30)):
        for concentration in (0.1, 1.0, 10.0):
            table = rng.dirichlet(np.full(k_x * k_y, concentration)).reshape(k_x, k_y)
            yield f"dirichlet {concentration:g}, {k_x} x {k_y}", table


def copies() -> Iterator[Law]:
    """Y is X with a probability, and drawn anew otherwise; of Zipf's law, too."""
    for k in (2, 8, 30, 200):
        for keep in (0.05, 0.3, 0.6, 0.9, 1.0):
            yield f"copy {keep:g} of {k}", keep * np.eye(k) / k + (1 - keep) / k**2
    z = zipf(100, 1)
    yield "copy 0.5 of 100, Zipf", 0.5 * np.diag(z) + 0.5 * np.outer(z, z)


def independent() -> Iterator[Law]:
    """No dependence, with even and skewed margins."""
    for k_x, k_y, of_x, of_y in ((2, 2, 0, 0), (2, 2, 3, 3), (5, 5, 1, 2), (10, 30, 1, 1)):
        yield (
            f"independent {k_x} x {k_y}, Zipf {of_x} {of_y}",
            np.outer(zipf(k_x, of_x), zipf(k_y, of_y)),
        )
    for k in (30, 200, 1000):
        yield f"independent {k} x {k}", np.full((k, k), k**-2.0)


def rare() -> Iterator[Law]:
    """A class of 2 in 10,000."""
    p = np.array([[0.9998, 0.0002]])
    yield "rare, independent", np.full((5, 1), 0.2) * p
    yield "rare, a function", np.array([[0.9998, 0.0], [0.0, 0.0002]])


def counts() -> Iterator[Law]:
    """Two Poisson counts of a shared gamma rate: negative binomials."""
    rates = (np.arange(400) + 0.5) / 400
    for mean, shape in ((1, 1), (10, 1), (10, 10), (100, 1), (300, 10)):
        most = int(mean + 8 * np.sqrt(mean + mean**2 / shape) + 12)
        rate = mean * stats.gamma.ppf(rates, shape) / shape
        p = stats.poisson.pmf(np.arange(most)[:, None], rate)
        yield f"negative binomial, mean {mean}, shape {shape}", p @ p.T / (p.sum(axis=0) ** 2).sum()


KINDS = {f.__name__: f for f in (random, copies, independent, rare, counts)}


def zipf(k: int, exponent: float) -> np.ndarray:
    """Probabilities in proportion to 1 / rank^exponent, shape (k,)."""
    weights = np.arange(1, k + 1) ** -float(exponent)
    return np.asarray(weights / weights.sum())


def information(table: np.ndarray) -> float:
    """Σ p log p / (p_x p_y), in nats."""
    ratio = table[table > 0] / np.outer(table.sum(axis=1), table.sum(axis=0))[table > 0]
    return max(0.0, float(table[table > 0] @ np.log(ratio)))


def drawn(table: np.ndarray, n: int, rng: np.random.Generator) -> Table:
    """A contingency table of n samples."""
    steps = table.ravel().cumsum()
    cells = np.searchsorted(steps, rng.random(n) * steps[-1], side="right")
    x, y = np.divmod(cells, table.shape[1])
    return Table(symbols(x[:, None].astype(float)), symbols(y[:, None].astype(float)))


def james_stein(counts: np.ndarray, alphabet: int) -> float:
    """Entropy of frequencies shrunk towards equal ones (Hausser & Strimmer 2009)."""
    n, even = counts.sum(), 1 / alphabet
    p, empty = counts / n, alphabet - len(counts)
    distance = ((p - even) ** 2).sum() + empty * even**2
    weight = min(1.0, (1 - (p**2).sum()) / ((n - 1) * distance)) if distance > 0 else 1.0
    q = weight * even + (1 - weight) * p
    unseen = empty * weight * even * np.log(weight * even) if weight * empty > 0 else 0.0
    return float(-(q * np.log(q)).sum() - unseen)


def values(table: Table, *, dear: bool) -> dict[str, float]:
    """The value of every correction, in nats."""
    sides = table.of_x, table.of_y, table.of_xy
    sizes = len(table.of_x), len(table.of_y), len(table.of_x) * len(table.of_y)
    found = {}
    for name, entropy in CORRECTIONS.items():
        h_x, h_y, h_xy = map(entropy, sides)
        found[name] = h_x + h_y - h_xy
    chance, least = expected_information(*sides[:2]), min(plug_in(table.of_x), plug_in(table.of_y))
    plug = found["none"]
    found["less chance"] = plug - chance
    found["rescaled"] = least * (plug - chance) / (least - chance) if least - chance > 1e-9 else 0.0
    if dear:
        for name, entropy in (("nsb", nsb), ("james-stein", james_stein)):
            h_x, h_y, h_xy = (entropy(c, k) for c, k in zip(sides, sizes, strict=True))
            found[name] = h_x + h_y - h_xy
    return found


def row(name: str, table: np.ndarray, n: int, repeats: int) -> str:
    """One line of the result."""
    truth, rng = information(table), np.random.default_rng(n)
    tables = [drawn(table, n, rng) for _ in range(repeats)]
    others: dict[str, list[float]] = {}
    for i, each in enumerate(tables):
        for key, value in values(each, dear=i < DEAR).items():
            others.setdefault(key, []).append(value - truth)
    ours: list[Adjusted] = [each.adjusted() for each in tables]
    ends = np.array([each.interval(0.95) for each in ours])
    missing = np.array([each.missing for each in ours])
    found = np.array([each.value for each in ours])
    high = found + np.hypot(ends[:, 1] - found, missing)
    low = ends[:, 0] <= truth + 1e-9
    errors = " ".join(f"{np.mean(others[key]):12.3f}" for key in others)
    return (
        f"{name:36} {n:6} {truth:6.3f} {errors} {found.mean() - truth:9.3f} {found.std():6.3f} "
        f"{np.mean([each.stderr for each in ours]):6.3f} {missing.mean():7.3f} "
        f"{100 * np.mean(low & (ends[:, 1] >= truth - 1e-9)):6.1f} "
        f"{100 * np.mean(low & (high >= truth - 1e-9)):6.1f} {100 * np.mean(~low):5.1f} "
        f"{100 * np.mean([each.reliable for each in ours]):5.0f}"
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=200)
    options.add_argument("--kind", nargs="*", choices=list(KINDS), default=list(KINDS))
    options.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    chosen = options.parse_args()
    errors = (*CORRECTIONS, "less chance", "rescaled", "nsb", "james-stein")
    print(
        f"{'law':36} {'n':>6} {'truth':>6} {' '.join(f'{each:>12}' for each in errors)} "
        f"{'adjusted':>9} {'sd':>6} {'se':>6} {'missing':>7} {'holds':>6} {'with':>6} {'above':>5} "
        f"{'relied on':>5}"
    )
    for kind in chosen.kind:
        for name, table in KINDS[kind]():
            for n in chosen.sizes:
                print(row(name, table, n, chosen.repeats), flush=True)


if __name__ == "__main__":
    main()
