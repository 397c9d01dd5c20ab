"""Directed information of time series: error, coverage, and sizes and power of the test.

    python benchmarks/directed.py sizes --runs 200 --n 100,300
    python benchmarks/directed.py sizes --runs 400 --n 100 --laws "AR(.95),reverse"
    python benchmarks/directed.py power --runs 100 --n 100,300
    python benchmarks/directed.py coverage --runs 100 --n 500 --estimator partial-copula
    python benchmarks/directed.py suite --runs 5 --n 1000
    python benchmarks/directed.py suite --runs 10 --n 10000 --laws directed-six-channels

`sizes` tests transfer entropy where it is 0, with the history chosen by held-out error. `power`
tests it where a source drives the target. `coverage` counts the intervals that hold the truth of
linear systems, whose transfer entropy follows from their covariance. `suite` are the laws of
`mineral task --suite directed`, with a history of one row. Nothing is written.
"""

import argparse
import sys
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.signal import lfilter

import mineral
from mineral.series.embedding import Lags, embed
from mineral.series.history import choose_history
from mineral.series.reading import read_series
from mineral.series.surrogates import against_surrogates
from mineral.tasks import Task, find, suite

Rng = np.random.Generator
Pair = tuple[np.ndarray, np.ndarray]
SURROGATES = 99


def autoregressive(phi: float, n: int, rng: Rng) -> np.ndarray:
    """x_t = φ x_(t − 1) + e_t, stationary from its first value."""
    return np.asarray(lfilter([1.0], [1.0, -phi], rng.standard_normal(n + 500))[500:])


def memory(phi: float) -> Callable[[int, Rng], Pair]:
    """Two independent autoregressive series."""
    return lambda n, rng: (autoregressive(phi, n, rng), autoregressive(phi, n, rng))


def oscillation(n: int, rng: Rng) -> Pair:
    """A slow source, and an independent target that oscillates with a period of 13."""
    noise = rng.standard_normal(n + 500)
    return autoregressive(0.95, n, rng), lfilter([1.0], [1.0, -1.6, 0.81], noise)[500:]


def reverse(n: int, rng: Rng) -> Pair:
    """The target drives the source."""
    y = autoregressive(0.9, n + 500, rng)
    drive = np.r_[0.0, y[:-1]] + rng.standard_normal(n + 500)
    return lfilter([1.0], [1.0, -0.8], drive)[500:], y[500:]


def volatile(n: int, rng: Rng) -> Pair:
    """The target's past decides its noise, and the source follows the target."""
    e = rng.standard_normal(n + 500)
    y = np.zeros(n + 500)
    for t in range(1, len(y)):
        y[t] = np.sqrt(0.3 + 0.6 * y[t - 1] ** 2) * e[t]
    x = np.r_[0.0, y[:-1]] + 0.5 * rng.standard_normal(n + 500)
    return x[500:], y[500:]


def symbols(n: int, rng: Rng) -> Pair:
    """Two independent series of two values that mostly persist."""
    x, y = (np.cumsum(rng.random(n) < 0.1) % 2 for _ in range(2))
    return x, y


NULLS: dict[str, Callable[[int, Rng], Pair]] = {
    "AR(.5)": memory(0.5),
    "AR(.9)": memory(0.9),
    "AR(.95)": memory(0.95),
    "oscillation": oscillation,
    "reverse": reverse,
    "volatile": volatile,
    "symbols": symbols,
}


def driven(n: int, rng: Rng) -> Pair:
    """A slow source drives the target: .1 nats."""
    x = autoregressive(0.9, n + 1, rng)
    y = lfilter([1.0], [1.0, -0.5], 0.3 * x[:-1] + rng.standard_normal(n))
    return x[1:], y


def scaled(n: int, rng: Rng) -> Pair:
    """The source's past decides the size of the target's noise."""
    x = autoregressive(0.9, n + 1, rng)
    return x[1:], np.exp(0.5 * x[:-1]) * rng.standard_normal(n)


def show(text: str) -> None:
    """Print at once: a run takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def p_value(pair: Pair, seed: int) -> float:
    """Of `transfer_entropy(x, y, permutations=99)`, without the estimate."""
    series = read_series({"source": pair[0], "target": pair[1]})
    source = Lags(series=series["source"], lags=[1])
    own = range(1, choose_history(series["target"], 10) + 1)
    sides = {
        "x": [source],
        "y": [Lags(series=series["target"], lags=[0])],
        "z": [Lags(series=series["target"], lags=own)],
    }
    return against_surrogates(embed(sides), source, SURROGATES, seed)[0]


def f_test(pair: Pair) -> float:
    """The p-value of Granger's F test with the same history, for comparison."""
    x, y = (np.asarray(side, dtype=float) for side in pair)
    depth = choose_history(read_series({"target": y})["target"], 10)
    n = len(y) - depth
    past = np.column_stack([np.ones(n), *(y[depth - k : -k] for k in range(1, depth + 1))])
    left = [
        float(np.linalg.lstsq(design, y[depth:], rcond=None)[1][0])
        for design in (past, np.column_stack([past, x[depth - 1 : -1]]))
    ]
    freedom = n - depth - 2
    return float(stats.f.sf((left[0] / left[1] - 1) * freedom, 1, freedom))


def run_tests(laws: dict[str, Callable[[int, Rng], Pair]], sizes: list[int], seeds: range) -> None:
    """How often no transfer is rejected at 5 %."""
    for n in sizes:
        for name, law in laws.items():
            pairs = [law(n, np.random.default_rng([n, seed])) for seed in seeds]
            p = np.array([p_value(pair, seed) for seed, pair in zip(seeds, pairs, strict=True)])
            below = " ".join(f"{np.mean(p <= level):.1%}" for level in (0.05, 0.1, 0.5))
            of_f = np.mean([f_test(pair) <= 0.05 for pair in pairs])
            show(
                f"{name:<12} n = {n:5d}: {below} of {len(seeds)} runs at 5, 10 and 50 %; "
                f"F test {of_f:.1%} at 5 %"
            )


def error_and_coverage(task: Task, n: int, runs: int, estimator: str) -> str:
    """Of transfer entropy with one lag of everything."""
    errors, held = [], []
    for seed in range(runs):
        x, y, z = task.sampler.series(n, np.random.default_rng([n, seed]))
        given = z if z.shape[1] else None
        found = mineral.transfer_entropy(x, y, given=given, history=1, estimator=estimator)
        errors.append(found.value - task.information)
        held.append(found.interval[0] <= task.information <= found.interval[1])
    off = np.array(errors)
    return (
        f"{task.name:<26} n = {n:6d}, true {task.information:.4f}: mean error {off.mean():+.4f}, "
        f"mean absolute error {np.abs(off).mean():.4f}, intervals hold {np.mean(held):.0%}"
    )


def run_suite(names: list[str], sizes: list[int], runs: int, estimator: str) -> None:
    """Error and coverage of tasks."""
    for n in sizes:
        for name in names:
            show(error_and_coverage(find(name), n, runs, estimator))


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", choices=("sizes", "power", "coverage", "suite"))
    parser.add_argument("--n", default="100,300,1000")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="seed of the first run of a test")
    parser.add_argument("--laws", help="some of the laws, with commas")
    parser.add_argument("--estimator", default="auto")
    chosen = parser.parse_args()
    sizes = [int(text) for text in chosen.n.split(",")]
    names = chosen.laws.split(",") if chosen.laws else None
    if chosen.part in ("coverage", "suite"):
        linear = [f"directed-{name}" for name in ("null-0.5", "linear", "weak", "strong")]
        every = linear if chosen.part == "coverage" else [task.name for task in suite("directed")]
        run_suite(names or every, sizes, chosen.runs, chosen.estimator)
    else:
        seeds = range(chosen.first, chosen.first + chosen.runs)
        laws = NULLS if chosen.part == "sizes" else {"driven": driven, "scaled": scaled}
        run_tests({name: laws[name] for name in names or laws}, sizes, seeds)


if __name__ == "__main__":
    main()
