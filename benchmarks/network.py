"""Networks of series: false discoveries, power and time on systems with known links.

    python benchmarks/network.py rates --systems linear,none-.9 --n 200 --runs 100
    python benchmarks/network.py rates --systems curved --n 500 --runs 30
    python benchmarks/network.py drivers --runs 30
    python benchmarks/network.py time

`rates` simulates networks and reports the false discovery rate (the mean share of significant links
whose source does not act on the target at any lag) and the share of true links found at their lag.
`drivers` counts false links between two series with a common driver, with the driver in the table
and without. `time` measures 7 series of 1,000 rows with 20 lags. Nothing is written.
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

import mineral

Rng = np.random.Generator
System = tuple[np.ndarray, set[tuple[int, int, int]]]  # series, and (source, lag, target)
START = 300  # rows before the first


def linear(n: int, rng: Rng, p: int = 5, strength: float = 0.25, memory: float = 0.9) -> System:
    """Every fourth pair is linked, at a lag from 1 to 5; memories from .3 on."""
    while True:
        steps = np.zeros((6, p, p))
        steps[1] = np.diag(rng.uniform(0.3, memory, p))
        links = set()
        for target, source in np.ndindex(p, p):
            if source != target and rng.random() < 0.25:
                lag = int(rng.integers(1, 6))
                steps[lag, target, source] = strength * rng.choice([-1, 1])
                links.add((source, lag, target))
        if is_stable(steps):
            break
    rows = np.zeros((p, n + START))
    noise = rng.standard_normal(rows.shape)
    for t in range(5, n + START):
        rows[:, t] = noise[:, t] + sum(steps[lag] @ rows[:, t - lag] for lag in range(1, 6))
    return rows[:, START:], links


def is_stable(steps: np.ndarray) -> bool:
    """Whether the process does not grow."""
    lags, p = len(steps) - 1, steps.shape[1]
    whole = np.eye(lags * p, k=-p)
    whole[:p] = np.hstack(list(steps[1:]))
    return bool(np.abs(np.linalg.eigvals(whole)).max() < 0.97)


def curved(n: int, rng: Rng) -> System:
    """Five series; links are tanh, square and absolute value at lags 1 to 3, seen through exp."""
    curves = (np.tanh, lambda v: v**2 / 2 - 0.5, np.abs)
    links = {(0, 1, 1), (1, 2, 2), (0, 3, 3)}
    rows = np.zeros((5, n + START))
    noise = rng.standard_normal(rows.shape)
    for t in range(3, n + START):
        rows[:, t] = 0.4 * rows[:, t - 1] + noise[:, t]
        for (source, lag, target), curve in zip(sorted(links), curves, strict=True):
            rows[target, t] += 0.6 * curve(rows[source, t - lag])
    return np.exp(rows[:, START:]), links


def maps(n: int, rng: Rng) -> System:
    """Three logistic maps in a chain, with noise, seen through exp."""
    rows = np.empty((3, n + START))
    rows[:, 0] = rng.uniform(0.2, 0.8, 3)
    for t in range(1, n + START):
        before = rows[:, t - 1]
        drive = np.array([before[0], *(0.7 * before[1:] + 0.3 * before[:-1])])
        rows[:, t] = (3.8 * drive * (1 - drive) + 0.02 * rng.standard_normal(3)).clip(0, 1)
    return np.exp(3 * rows[:, START:]), {(0, 1, 1), (1, 1, 2)}


def none(memory: float, p: int = 5) -> Callable[[int, Rng], System]:
    """Independent autoregressive series."""

    def draw(n: int, rng: Rng) -> System:
        noise = rng.standard_normal((p, n + START))
        return lfilter([1.0], [1.0, -memory], noise, axis=1)[:, START:], set()

    return draw


def holes(n: int, rng: Rng) -> System:
    """The linear system, where each series misses a tenth of its times."""
    rows, links = linear(n, rng)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows, links


def volatile(n: int, rng: Rng) -> System:
    """Three series whose noise has a size that its own past decides, and no links."""
    e = rng.standard_normal((3, n + START))
    rows = np.zeros_like(e)
    for t in range(1, n + START):
        rows[:, t] = np.sqrt(0.3 + 0.6 * rows[:, t - 1] ** 2) * e[:, t]
    return rows[:, START:], set()


SYSTEMS: dict[str, Callable[[int, Rng], System]] = {
    "linear": linear,
    "weak": lambda n, rng: linear(n, rng, strength=0.15),
    "large": lambda n, rng: linear(n, rng, p=10),
    "holes": holes,
    "curved": curved,
    "maps": maps,
    "volatile": volatile,
    "none-.5": none(0.5),
    "none-.9": none(0.9),
    "none-.95": none(0.95),
}


def show(text: str) -> None:
    """Print at once: a run takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def rates(name: str, n: int, runs: range, options: dict[str, int]) -> None:
    """False discoveries and power of one system."""
    false, lags, power, any_false = [], [], [], []
    start = time.process_time()
    for seed in runs:
        rows, links = SYSTEMS[name](n, np.random.default_rng([seed, n]))
        network = mineral.network(rows.T, seed=seed, **options)
        found = {(int(s.source), s.lag, int(s.target)) for s in network.significant}
        pairs = {(source, target) for source, _, target in links}
        wrong = [link for link in found if (link[0], link[2]) not in pairs]
        false.append(len(wrong) / max(1, len(found)))
        lags.append(len(found - links) / max(1, len(found)))
        any_false.append(bool(wrong))
        if links:
            power.append(len(found & links) / len(links))
    show(
        f"{name:<9} n = {n:5d}, {len(runs)} networks: false discovery rate {np.mean(false):.1%} "
        f"(standard error {np.std(false) / len(runs) ** 0.5:.1%}), with wrong lags "
        f"{np.mean(lags):.1%}; "
        + (f"true links found {np.mean(power):.0%}; " if power else "")
        + f"{(time.process_time() - start) / len(runs):.1f} s each"
    )


def drivers(runs: range, n: int) -> None:
    """Links from x to y, which share a driver z that reaches y one row later."""
    counts = np.zeros((2, len(runs)))
    for k, seed in enumerate(runs):
        z, e, f = np.random.default_rng(seed).standard_normal((3, n))
        columns = {"x": np.r_[0, z[:-1]] + 0.5 * e, "y": np.r_[0, 0, z[:-2]] + 0.5 * f}
        for i, more in enumerate(({}, {"z": z})):
            network = mineral.network({**columns, **more}, max_lag=5)
            counts[i, k] = any((s.source, s.target) == ("x", "y") for s in network.significant)
    without, with_driver = counts.mean(axis=1)
    show(
        f"n = {n}: x drives y falsely in {without:.0%} of {len(runs)} networks without the driver, "
        f"in {with_driver:.0%} with it"
    )


def measure_time() -> None:
    """7 series of 1,000 rows, 20 lags."""
    rows, links = linear(1000, np.random.default_rng(1), p=7)
    for jobs in (1, 2):
        start, cpu = time.perf_counter(), time.process_time()
        network = mineral.network(rows.T, max_lag=20, jobs=jobs)
        show(
            f"{jobs} jobs: {time.perf_counter() - start:.1f} s, {time.process_time() - cpu:.1f} s "
            f"of this process; {len(network.significant)} links, {len(links)} true"
        )


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", choices=("rates", "drivers", "time"))
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--n", default="200")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first run")
    parser.add_argument("--max-lag", type=int, default=10)
    parser.add_argument("--degree", type=int, default=3)
    parser.add_argument("--surrogates", type=int, default=199)
    chosen = parser.parse_args()
    runs = range(chosen.first, chosen.first + chosen.runs)
    if chosen.part == "time":
        measure_time()
    for n in [int(text) for text in chosen.n.split(",")]:
        if chosen.part == "drivers":
            drivers(runs, n)
        elif chosen.part == "rates":
            options = {name: getattr(chosen, name) for name in ("max_lag", "degree", "surrogates")}
            for name in chosen.systems.split(","):
                rates(name, n, runs, options)


if __name__ == "__main__":
    main()
