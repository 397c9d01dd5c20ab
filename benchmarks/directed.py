"""Directed information of time series: error, coverage, and sizes and power of the test.

    python benchmarks/directed.py sizes --runs 200 --n 100,300
    python benchmarks/directed.py sizes --runs 400 --n 100 --laws "AR(.95),reverse"
    python benchmarks/directed.py power --runs 100 --n 100,300
    python benchmarks/directed.py coverage --runs 100 --n 500 --estimator partial-copula

`sizes` tests transfer entropy where it is 0, with the history chosen by held-out error. `power`
tests it where a source drives the target. `coverage` counts the intervals that hold the truth of
linear systems, whose transfer entropy follows from their covariance. Nothing is written.
"""

import argparse
import sys
from collections.abc import Callable

import numpy as np
from scipy.linalg import solve_discrete_lyapunov
from scipy.signal import lfilter

import mineral
from mineral.series.embedding import Lags, embed
from mineral.series.history import choose_history
from mineral.series.reading import read_series
from mineral.series.surrogates import tested

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
    return tested(embed(sides), source, SURROGATES, seed)[0]


def run_tests(laws: dict[str, Callable[[int, Rng], Pair]], sizes: list[int], runs: int) -> None:
    """How often no transfer is rejected at 5 %."""
    for n in sizes:
        for name, law in laws.items():
            p = [p_value(law(n, np.random.default_rng([n, seed])), seed) for seed in range(runs)]
            below = " ".join(f"{np.mean(np.array(p) <= level):.1%}" for level in (0.05, 0.1, 0.5))
            show(f"{name:<12} n = {n:5d}: {below} of {runs} runs at 5, 10 and 50 %")


def linear(step: np.ndarray, n: int, rng: Rng) -> np.ndarray:
    """A stationary vector autoregression of unit noise, shape (n, d)."""
    rows = rng.standard_normal((n + 500, len(step)))
    for t in range(1, len(rows)):
        rows[t] += step @ rows[t - 1]
    return rows[500:]


def truth(step: np.ndarray) -> float:
    """TE from the first series to the second with one lag each, from their covariance."""
    covariance = solve_discrete_lyapunov(step, np.eye(len(step)))
    following = covariance @ step.T
    alone = covariance[1, 1] - following[1, 1] ** 2 / covariance[1, 1]
    own = covariance[:2, :2]
    both = covariance[1, 1] - following[:2, 1] @ np.linalg.solve(own, following[:2, 1])
    return float(np.log(alone / both) / 2)


def run_coverage(sizes: list[int], runs: int, estimator: str) -> None:
    """Error and coverage on linear systems."""
    for a, b, strength in ((0.4, 0.8, 0.0), (0.4, 0.8, 0.5), (0.9, 0.9, 0.1), (0.9, 0.5, 2.0)):
        step = np.array([[a, 0.0], [strength, b]])
        true = truth(step)
        for n in sizes:
            found = [
                mineral.transfer_entropy(*rows.T, history=1, estimator=estimator)
                for rows in (linear(step, n, np.random.default_rng([n, s])) for s in range(runs))
            ]
            error = np.mean([abs(each.value - true) for each in found])
            held = np.mean([each.interval[0] <= true <= each.interval[1] for each in found])
            show(
                f"memory {a}, {b}, coupling {strength}: n = {n:5d}, true {true:.4f}, mean absolute "
                f"error {error:.4f}, intervals hold {held:.1%}"
            )


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", choices=("sizes", "power", "coverage"))
    parser.add_argument("--n", default="100,300,1000")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--laws", help="some of the laws of a test, with commas")
    parser.add_argument("--estimator", default="auto")
    chosen = parser.parse_args()
    sizes = [int(text) for text in chosen.n.split(",")]
    if chosen.part == "coverage":
        run_coverage(sizes, chosen.runs, chosen.estimator)
    else:
        laws = NULLS if chosen.part == "sizes" else {"driven": driven, "scaled": scaled}
        names = chosen.laws.split(",") if chosen.laws else laws
        run_tests({name: laws[name] for name in names}, sizes, chosen.runs)


if __name__ == "__main__":
    main()
