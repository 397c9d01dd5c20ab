"""Conditional information: error and coverage on the suite, on random laws, and sizes of the test.

    python benchmarks/conditional.py suite --n 1000,5000 --seeds 5
    python benchmarks/conditional.py suite --estimator cmi-knn:regress=false
    python benchmarks/conditional.py random --n 1000 --laws 60
    python benchmarks/conditional.py sizes --runs 400
    python benchmarks/conditional.py series --n 100,300,1000,2000 --runs 400

`suite` are the laws of `mineral task --suite conditional`. `random` draws laws that no suite has,
which the allowance of intervals was measured on (`methods/conditional/bias_allowance.py`). `sizes`
tests independence given Z where it holds, and `series` independence of autoregressive series.
Nothing is written.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np

import mineral
from mineral.settings import configured
from mineral.tasks import suite
from mineral.tasks.conditional_laws import Trivariate

Rng = np.random.Generator
Law = tuple[str, float, np.ndarray, np.ndarray, np.ndarray]  # kind, truth, x, y, z
CURVES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    np.sin,
    np.tanh,
    np.abs,
    np.square,
    lambda v: 1 / (1 + v**2),
)
MONOTONE: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda v: v,
    lambda v: v**3,
    np.exp,
    np.arcsinh,
)


def gaussian(n: int, rng: Rng, nu: float = np.inf) -> Law:
    """A random covariance, and a random monotone map of each column."""
    dims = int(rng.integers(1, 3)), int(rng.integers(1, 3)), int(rng.integers(1, 7))
    d = sum(dims)
    root = rng.standard_normal((d, d + int(rng.integers(1, d + 3))))
    spread = root @ root.T
    scale = np.sqrt(np.diag(spread))
    law = Trivariate(covariance=spread / np.outer(scale, scale), dims=dims, nu=nu)
    drawn = law(n, rng)
    sides = [
        np.column_stack([MONOTONE[rng.integers(4)](column) for column in side.T])
        for side in (drawn.x, drawn.y, np.asarray(drawn.z))
    ]
    return ("normal" if np.isinf(nu) else "student", law.information, *sides)


def student(n: int, rng: Rng) -> Law:
    """The same of a t distribution."""
    return gaussian(n, rng, nu=float(rng.integers(2, 8)))


def additive(n: int, rng: Rng) -> Law:
    """Curves of Z in X and in Y, which depends on X as well: ½ log(1 + (slope / noise)²)."""
    z = rng.standard_normal((n, int(rng.integers(1, 6))))
    f, g = (CURVES[rng.integers(5)](1.5 * z[:, int(rng.integers(z.shape[1]))]) for _ in range(2))
    slope, noise = rng.choice([0.0, 0.3, 1.0, 2.0]), rng.uniform(0.2, 1.0)
    e, x_noise = rng.standard_normal((2, n))
    x = f + x_noise
    y = g + slope * x + noise * e
    truth = 0.5 * np.log1p((slope / noise) ** 2)
    return "additive", float(truth), x[:, None], y[:, None], z


def scaled(n: int, rng: Rng) -> Law:
    """Noise whose size Z decides: the mean of ½ log(1 + (slope / s(z))²)."""
    rate, slope = rng.uniform(0.3, 1.0), rng.uniform(0.3, 1.5)

    def size(z: np.ndarray) -> np.ndarray:
        return np.exp(rate * z)

    z, x, e = rng.standard_normal((3, n))
    at = np.linspace(-8, 8, 4001)
    weights = np.exp(-(at**2) / 2) / np.exp(-(at**2) / 2).sum()
    truth = float((weights * 0.5 * np.log1p((slope / size(at)) ** 2)).sum())
    y = slope * x + size(z) * e
    return "scaled", truth, x[:, None], y[:, None], z[:, None]


def labelled(n: int, rng: Rng) -> Law:
    """A correlation for each of some classes."""
    count = int(rng.integers(2, 7))
    shares, rho = rng.dirichlet(np.full(count, 3.0)), rng.uniform(-0.95, 0.95, count)
    z = rng.choice(count, n, p=shares)
    x, e = rng.standard_normal((2, n))
    y = rho[z] * x + np.sqrt(1 - rho[z] ** 2) * e + rng.standard_normal(count)[z]
    truth = float(-(shares * np.log1p(-(rho**2))).sum() / 2)
    return "labelled", truth, x[:, None], y[:, None], z[:, None]


def table(n: int, rng: Rng) -> Law:
    """A random table of three small variables."""
    shape = tuple(int(v) for v in rng.integers(2, 5, 3))
    p = rng.dirichlet(np.full(int(np.prod(shape)), rng.uniform(0.3, 3))).reshape(shape)
    of_z = p.sum(axis=(0, 1))
    of_xz, of_yz = p.sum(axis=1)[:, None, :], p.sum(axis=0)[None, :, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        truth = float(np.nansum(p * np.log(p * of_z / (of_xz * of_yz))))
    cells = rng.choice(p.size, n, p=p.ravel())
    x, y, z = (part[:, None] for part in np.unravel_index(cells, shape))
    return "table", truth, x, y, z


KINDS = (gaussian, student, additive, scaled, labelled, table)


def random_laws(count: int, n: int) -> Iterator[Law]:
    """As many laws, of each kind in turn."""
    for i in range(count):
        yield KINDS[i % len(KINDS)](n, np.random.default_rng([20261130, i]))


def show(text: str) -> None:
    """Print at once: a run takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run_suite(sizes: list[int], seeds: int, estimator: str) -> None:
    """Mean absolute error and coverage of every law."""
    show(f"{'law':<28}{'truth':>8}" + "".join(f"{'MAE ' + str(n):>12}{'held':>7}" for n in sizes))
    name, *settings = estimator.split(":")
    recipe = configured(name, settings)
    errors: dict[int, list[float]] = {n: [] for n in sizes}
    held: dict[int, list[bool]] = {n: [] for n in sizes}
    for task in suite("conditional"):
        line = f"{task.name:<28}{task.information:8.3f}"
        for n in sizes:
            off, inside = [], []
            for seed in range(seeds):
                drawn = task.draw(n, seed=seed)
                found = recipe.estimate(drawn.x, drawn.y, given=drawn.z, seed=seed)
                off.append(abs(found.value - task.information))
                inside.append(found.interval[0] <= task.information <= found.interval[1])
            errors[n].append(float(np.mean(off)))
            held[n] += inside
            line += f"{np.mean(off):12.3f}{sum(inside):4d}/{seeds}"
        show(line)
    for n in sizes:
        show(
            f"n = {n}: mean absolute error {np.mean(errors[n]):.4f}, largest {max(errors[n]):.3f}, "
            f"intervals hold {np.mean(held[n]):.1%}"
        )


def run_random(sizes: list[int], laws: int) -> None:
    """Errors and coverage on random laws, by kind; how far the truth lies above the interval."""
    for n in sizes:
        rows = []
        for kind, truth, x, y, z in random_laws(laws, n):
            found = mineral.estimate(x, y, given=z)
            low, high = found.interval
            sampling = found.value + 1.96 * found.stderr
            rows.append((kind, truth, found.value, low <= truth, truth <= high, truth - sampling))
        for kind in dict.fromkeys(row[0] for row in rows):
            own = [row for row in rows if row[0] == kind]
            off = [abs(row[2] - row[1]) for row in own]
            show(
                f"n = {n} {kind:<9} laws {len(own):3d}  MAE {np.mean(off):.3f}  largest "
                f"{max(off):.3f}  below {sum(not row[4] for row in own)}  above "
                f"{sum(not row[3] for row in own)}"
            )
        inside = np.mean([row[3] and row[4] for row in rows])
        beyond = sorted((row[5], row[1]) for row in rows)[-5:]
        show(f"n = {n}: MAE {np.mean([abs(r[2] - r[1]) for r in rows]):.4f}, hold {inside:.1%}")
        show(
            "  truth beyond sampling, of truth: " + ", ".join(f"{a:.3f}/{b:.2f}" for a, b in beyond)
        )


def fork(n: int, d: int, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both from a sum of Z."""
    z = rng.standard_normal((n, d))
    total = 2 * z.sum(axis=1) / np.sqrt(d)
    return total + rng.standard_normal(n), rng.standard_normal(n) - total, z


def bent(n: int, d: int, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both from curves of a column of Z."""
    z = rng.standard_normal((n, d))
    x, y = z[:, 0] ** 2, np.cos(2 * z[:, 0])
    return x + rng.standard_normal(n) / 2, y + rng.standard_normal(n) / 2, z


def spread(n: int, d: int, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise of a size that a column of Z decides, in both."""
    z = rng.standard_normal((n, d))
    size = np.exp(z[:, 0] / 2)
    return size * rng.standard_normal(n), size * rng.standard_normal(n), z


def label(n: int, d: int, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A label and a number, both from a sum of Z."""
    z = rng.standard_normal((n, d))
    total = z.sum(axis=1) / np.sqrt(d)
    x = (rng.random(n) < 1 / (1 + np.exp(-2 * total))).astype(int)
    return x, total + rng.standard_normal(n), z


def counts(n: int, d: int, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two Poisson counts, both from a sum of Z."""
    z = rng.standard_normal((n, d))
    rate = np.exp(z.sum(axis=1) / np.sqrt(d) / 2 + 0.5)
    return rng.poisson(rate), rng.poisson(rate), z


def strata(n: int, d: int, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A number and a label, both from a label."""
    z = rng.integers(0, 3, (n, 1))
    y = (rng.random(n) < (z[:, 0] + 1) / 4).astype(int)
    return z[:, 0] + rng.standard_normal(n), y, z


NULLS = (fork, bent, spread, label, counts, strata)


def run_sizes(runs: int) -> None:
    """How often independence given Z is rejected at 5 % where it holds."""
    for null in NULLS:
        for n, d in ((100, 1), (100, 10), (500, 3), (1000, 10)):
            if null is strata and d != 1:
                continue
            p = []
            for seed in range(runs):
                x, y, z = null(n, d, np.random.default_rng([n, d, seed]))
                p.append(mineral.independence(x, y, given=z, permutations=99, seed=seed).p_value)
            rejected = np.mean(np.array(p) <= 0.05)
            show(f"{null.__name__:<8} n = {n:5d}, {d:2d} conditions: {rejected:.1%}")


def run_series(runs: int, sizes: list[int], memories: list[float]) -> None:
    """How often independence of two autoregressive series is rejected at 5 %."""
    for memory in memories:
        for n in sizes:
            p = []
            for seed in range(runs):
                rng = np.random.default_rng([n, seed])
                noise = rng.standard_normal((n + 500, 2))
                rows = np.zeros((n + 500, 2))
                for t in range(1, len(rows)):
                    rows[t] = memory * rows[t - 1] + noise[t]
                x, y = rows[500:].T
                p.append(mineral.independence(x, y, permutations=99, seed=seed).p_value)
            show(f"AR({memory}) n = {n:5d}: {np.mean(np.array(p) <= 0.05):.1%}")


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", choices=("suite", "random", "sizes", "series"))
    parser.add_argument("--n", default="1000,5000")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--estimator", default="auto")
    parser.add_argument("--laws", type=int, default=60)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--memories", default=".5,.9,.95", help="of series")
    chosen = parser.parse_args()
    sizes = [int(text) for text in chosen.n.split(",")]
    if chosen.part == "suite":
        run_suite(sizes, chosen.seeds, chosen.estimator)
    elif chosen.part == "random":
        run_random(sizes, chosen.laws)
    elif chosen.part == "sizes":
        run_sizes(chosen.runs)
    else:
        memories = [float(text) for text in chosen.memories.split(",")]
        run_series(chosen.runs, sizes, memories)


if __name__ == "__main__":
    main()
