"""Estimators on a number that is a function of several others, and noise: mean error, and seconds.

    python benchmarks/functions.py                # prints the table of docs/default.md
    python benchmarks/functions.py auto ksg mine  # some estimators only

y = f(x) + σ ε with normal ε, so that I(X; Y) = h(Y) − h(σ ε). h(Y) is that of 400,000 rows, to some
thousandths of a nat. Five samples each; in brackets, how many intervals hold.
"""

import math
import sys
import time
from collections.abc import Callable
from itertools import product

import numpy as np

import mineral

ROWS = (300, 1000)
SEEDS = 5
NEAR = 100  # neighbours on either side, that say how dense y is
ESTIMATORS = ("auto", "regression", "copula", "ksg", "residual")


def friedman(x: np.ndarray) -> np.ndarray:
    """Five columns count, of however many there are (Friedman, 1991)."""
    waves = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    return np.asarray(waves + 10 * x[:, 3] + 5 * x[:, 4])


def around(x: np.ndarray) -> np.ndarray:
    """Of two numbers around 0: neither alone says which way y goes."""
    return np.asarray((x[:, 0] - 0.5) * (x[:, 1] - 0.5))


def switch(x: np.ndarray) -> np.ndarray:
    """A column of two values turns another one around."""
    return np.asarray(np.where(x[:, 0] < 0.5, x[:, 1], -x[:, 1]) + x[:, 2] ** 2)


FUNCTIONS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "friedman": (friedman, 5),
    "friedman and noise": (friedman, 20),
    "product": (around, 2),
    "switch": (switch, 3),
}
NOISE = (0.3, 0.05)  # of the deviation of f


def columns(n: int, dim: int, seed: int) -> np.ndarray:
    """Uniform on (0, 1)."""
    return np.random.default_rng(seed).random((n, dim))


def truth(f: Callable[[np.ndarray], np.ndarray], dim: int, share: float) -> tuple[float, float]:
    """The noise's deviation, and I(X; Y)."""
    values = f(columns(400_000, dim, 1))
    sigma = share * float(values.std())
    y = np.sort(values + sigma * np.random.default_rng(2).standard_normal(len(values)))
    apart = (y[2 * NEAR :] - y[: -2 * NEAR]) * len(y) / (2 * NEAR)
    return sigma, float(np.log(apart).mean()) - math.log(sigma * math.sqrt(2 * math.pi * math.e))


def main(names: list[str]) -> None:
    """Print the table."""
    print("| f, columns | noise | n | nats | " + " | ".join(f"`{name}`" for name in names) + " |")
    print("|---|--:|--:|--:|" + "--:|" * len(names))
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for (function, (f, dim)), share in product(FUNCTIONS.items(), NOISE):
        sigma, true = truth(f, dim, share)
        for n in ROWS:
            cells = []
            for name in names:
                errors, holds = [], 0
                for seed in range(SEEDS):
                    x = columns(n, dim, 100 + seed)
                    y = f(x) + sigma * np.random.default_rng(200 + seed).standard_normal(n)
                    start = time.perf_counter()
                    found = mineral.estimate(x, y, estimator=name)
                    seconds[name].append(time.perf_counter() - start)
                    errors.append(found.value - true)
                    holds += found.interval[0] <= true <= found.interval[1]
                cells.append(f"{np.mean(errors):+.2f} ({holds})")
            line = f"| {function}, {dim} | {share} | {n:,} | {true:.2f} | " + " | ".join(cells)
            print(line + " |", flush=True)
    medians = (f"{np.median(each):.1f} s" for each in seconds.values())
    print("| median | | | | " + " | ".join(medians) + " |")


if __name__ == "__main__":
    main(sys.argv[1:] or list(ESTIMATORS))
