"""Matrices of many columns: seconds of `copula`; `auto` beside scikit-learn; false discoveries.

    python benchmarks/matrix.py [--parts copula estimators discoveries] [--columns 6000]
        [--rows 1000] [--few 10] [--many-rows 10000] [--jobs 2] [--tables 100]

Wall seconds mean something on a machine that does nothing else; processor seconds of all threads
and processes are printed beside them.

copula       every pair of `--columns` columns with `--rows` rows, with p-values; q-values apart
estimators   every pair of `--few` Gaussian columns with `--many-rows` rows: `auto`, `ksg` and
             `copula` without permutations, and a loop over scikit-learn's mutual_info_regression;
             mean absolute error in nats, and seconds in the same run
discoveries  1,000 pairs of correlated columns with one column, of which 50 are dependent: the mean
             share of false discoveries at q <= 0.1 over `--tables` tables
"""

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
from sklearn.feature_selection import mutual_info_regression

import mineral

DEPENDENT, CORRELATED = 50, 1000  # columns of `discoveries`


def timed(work: Callable[[], object]) -> tuple[float, float, object]:
    """Wall seconds, processor seconds (of finished child processes too), and the result."""
    before, start = os.times(), time.perf_counter()
    found = work()
    seconds, after = time.perf_counter() - start, os.times()
    return seconds, sum(after[:4]) - sum(before[:4]), found


def copula(args: argparse.Namespace) -> None:
    """One product of score matrices."""
    rng = np.random.default_rng(0)
    table = rng.standard_normal((args.rows, args.columns)) + rng.standard_normal((args.rows, 1))
    mineral.matrix(table[:, :20])  # loads libraries
    seconds, work, found = timed(lambda: mineral.matrix(table, jobs=args.jobs))
    assert isinstance(found, mineral.Matrix)
    print(
        f"copula: {len(found):,} pairs of {args.columns:,} columns x {args.rows:,} rows, with "
        f"p-values: {seconds:.1f} s, {work:.1f} s of processor time, {args.jobs} threads"
    )
    seconds, work, _ = timed(lambda: found.q_value)
    print(f"copula: q-values {seconds:.1f} s, {work:.1f} s of processor time")


def estimators(args: argparse.Namespace) -> None:
    """Error and seconds on a Gaussian whose information is known."""
    p, rng = args.few, np.random.default_rng(0)
    loadings = rng.uniform(0, 1.5, (p, 2))
    covariance = loadings @ loadings.T + np.eye(p)
    scale = np.sqrt(np.diag(covariance))
    rho = (covariance / np.outer(scale, scale))[np.triu_indices(p, 1)]
    truth = -np.log1p(-(rho**2)) / 2
    table = rng.multivariate_normal(np.zeros(p), covariance, args.many_rows)

    def rival() -> np.ndarray:
        rows = [
            mutual_info_regression(table[:, i + 1 :], table[:, i], random_state=0)
            for i in range(p - 1)
        ]
        return np.concatenate(rows)

    def ours(name: str) -> Callable[[], np.ndarray]:
        without = {} if name == "copula" else {"permutations": 0}
        return lambda: mineral.matrix(table, estimator=name, jobs=args.jobs, **without).value

    works = {"scikit-learn": rival, **{name: ours(name) for name in ("auto", "ksg", "copula")}}
    base = 0.0
    for name, work in works.items():
        seconds, processor, values = timed(work)
        base = base or seconds
        error = float(np.abs(np.asarray(values) - truth).mean())
        print(
            f"{name:13} {len(truth):,} pairs x {args.many_rows:,} rows: error {error:.4f} nats, "
            f"{seconds:.2f} s ({processor:.2f} s of processor time), {base / seconds:.2g} times "
            "the speed of scikit-learn"
        )


def discoveries(args: argparse.Namespace) -> None:
    """The false discovery rate of q-values where columns are correlated in groups of 50."""
    shares, powers = [], []
    for seed in range(args.tables):
        rng = np.random.default_rng(seed)
        y = rng.standard_normal(500)
        common = rng.standard_normal((500, CORRELATED // 50))
        noise = rng.standard_normal((500, CORRELATED))
        x = 0.7 * np.repeat(common, 50, axis=1) + 0.7 * noise
        x[:, :DEPENDENT] += 0.25 * y[:, None]
        is_found = mineral.matrix(np.column_stack([y, x]), target="0").q_value <= 0.1
        shares.append(is_found[DEPENDENT:].sum() / max(1, is_found.sum()))
        powers.append(is_found[:DEPENDENT].mean())
    error = np.std(shares) / np.sqrt(len(shares))
    print(
        f"discoveries: at q <= 0.1, {np.mean(shares):.3f} +- {error:.3f} of the discoveries are "
        f"false, and {np.mean(powers):.0%} of the dependent pairs are found ({args.tables} tables)"
    )


PARTS = {f.__name__: f for f in (copula, estimators, discoveries)}


def main() -> None:
    """Print one line a measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--columns", type=int, default=6000)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--many-rows", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tables", type=int, default=100)
    args = parser.parse_args()
    for part in args.parts:
        PARTS[part](args)


if __name__ == "__main__":
    main()
