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

import numpy as np

import mineral

ROWS = (300, 1000)
SEEDS = 5
NEAR = 100  # neighbours on either side, that say how dense y is
ESTIMATORS = ("auto", "regression", "copula", "ksg", "residual", "mine")


def friedman(x: np.ndarray) -> np.ndarray:
    """Five columns count, of however many there are (Friedman, 1991)."""
    waves = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    return np.asarray(waves + 10 * x[:, 3] + 5 * x[:, 4])


def product(x: np.ndarray) -> np.ndarray:
    """Of two numbers around 0: neither alone says which way y goes."""
    return np.asarray((x[:, 0] - 0.5) * (x[:, 1] - 0.5))


def switch(x: np.ndarray) -> np.ndarray:
    """A column of two values turns another one around."""
    return np.asarray(np.where(x[:, 0] < 0.5, x[:, 1], -x[:, 1]) + x[:, 2] ** 2)


FUNCTIONS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "friedman 5 + 1": (friedman, 5),
    "friedman 20 + 1": (friedman, 20),
    "product 2 + 1": (product, 2),
    "switch 3 + 1": (switch, 3),
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
    heads = [
        (name, share, n, f, dim, *truth(f, dim, share))
        for name, (f, dim) in FUNCTIONS.items()
        for share in NOISE
        for n in ROWS
    ]
    shown = [f"{name}, n = {n:,} ({true:.2f})" for name, _, n, *_, true in heads]
    print("| estimator | " + " | ".join(shown) + " | median seconds |")
    print("|---|" + "--:|" * (len(heads) + 1))
    for name in names:
        cells, seconds = [], []
        for _, _, n, f, dim, sigma, true in heads:
            errors, holds = [], 0
            for seed in range(SEEDS):
                x = columns(n, dim, 100 + seed)
                y = f(x) + sigma * np.random.default_rng(200 + seed).standard_normal(n)
                start = time.perf_counter()
                found = mineral.estimate(x, y, estimator=name)
                seconds.append(time.perf_counter() - start)
                errors.append(found.value - true)
                holds += found.interval[0] <= true <= found.interval[1]
            cells.append(f"{np.mean(errors):+.2f} ({holds})")
        print(f"| `{name}` | " + " | ".join(cells) + f" | {np.median(seconds):.1f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(ESTIMATORS))
