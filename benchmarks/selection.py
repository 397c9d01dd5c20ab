"""Selection of columns: seconds beside a rival, exclusive or, noise, and equality of counts.

    python benchmarks/selection.py                # all four, a minute
    python benchmarks/selection.py --columns 500  # of the timing; 5,000 by default

The rival is `mrmr-selection` where it is installed, and otherwise its algorithm in plain NumPy: the
F statistic as relevance, and the mean absolute correlation as redundancy, one column after another.
Seconds are of this machine; compare those of one run.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable

import numpy as np
from sklearn.feature_selection import f_regression, mutual_info_classif

from mineral import SelectByInformation, information_classification

ROWS, SELECTED = 1000, 50


def timed(what: str, run: Callable[[], object], runs: int = 3) -> None:
    """Print the least seconds of some runs."""
    seconds = []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        run()
        seconds.append((time.perf_counter() - wall, time.process_time() - processor))
    wall, processor = min(seconds)
    print(f"{what:55} {wall:7.2f} s, of the processor {processor:7.2f} s", flush=True)


def plain_numpy(x: np.ndarray, y: np.ndarray, k: int) -> list[int]:
    """mRMR as it is usually written: no column's correlation is computed twice."""
    relevance = f_regression(x, y)[0]
    total = np.zeros(x.shape[1])
    chosen = [int(relevance.argmax())]
    while len(chosen) < k:
        last = x[:, chosen[-1]]
        total += [abs(np.corrcoef(column, last)[0, 1]) for column in x.T]
        score = relevance / np.maximum(total / len(chosen), 1e-3)
        score[chosen] = -np.inf
        chosen.append(int(score.argmax()))
    return chosen


def rival(x: np.ndarray, y: np.ndarray, k: int) -> tuple[str, Callable[[], object]]:
    """The installed package, or plain NumPy."""
    if importlib.util.find_spec("mrmr") is None:
        return "plain NumPy, F and correlation", lambda: plain_numpy(x, y, k)
    import mrmr
    import pandas as pd

    frame, target = pd.DataFrame(x), pd.Series(y)
    return "mrmr-selection, F and correlation", lambda: mrmr.mrmr_regression(frame, target, K=k)


def speed(columns: int) -> None:
    """MRMR of 50 columns, of a table in which twenty inform."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, columns))
    y = x[:, :20].sum(axis=1) + rng.standard_normal(ROWS)
    print(f"mRMR: {SELECTED} of {columns:,} columns, {ROWS:,} rows")
    for relevance in ("copula", "auto"):
        select = SelectByInformation("mrmr", k=SELECTED, relevance=relevance)
        timed(f"  relevance={relevance!r}", lambda select=select: select.fit(x, y))
    name, run = rival(x, y, SELECTED)
    timed(f"  {name}", run, runs=1)


def exclusive_or(seeds: int) -> None:
    """Two columns among 100 whose exclusive or is the target, binary or signs of numbers."""
    for criterion in ("mrmr", "jmi", "cmim"):
        for kind in ("binary", "signs"):
            found = 0
            for seed in range(seeds):
                rng = np.random.default_rng(seed)
                x = rng.standard_normal((ROWS, 100))
                pair = rng.choice(100, 2, replace=False)
                y = (x[:, pair] > 0).sum(axis=1) == 1
                table = (x > 0).astype(float) if kind == "binary" else x
                select = SelectByInformation(criterion, k=2).fit(table, y)
                found += set(select.get_support(indices=True)) == set(pair)
            print(f"exclusive or, {kind}, {criterion}: both found in {found} of {seeds} seeds")


def noise(runs: int) -> None:
    """Runs in which alpha=.05 selects none of 50 columns of noise."""
    for relevance in ("copula", "auto"):
        for target in ("regression", "classification"):
            none = 0
            for seed in range(runs):
                rng = np.random.default_rng(seed)
                x, y = rng.standard_normal((300, 50)), rng.standard_normal(300)
                labels = y if target == "regression" else y > 0
                select = SelectByInformation(alpha=0.05, relevance=relevance).fit(x, labels)
                none += not select.get_support().any()
            share = f"{none} of {runs} runs ({none / runs:.1%})"
            print(f"50 columns of noise, {relevance}, {target}: none selected in {share}")


def counts() -> None:
    """The plug-in value beside scikit-learn's."""
    rng = np.random.default_rng(0)
    x = rng.integers(6, size=(ROWS, 50))
    y = (x[:, 0] + rng.integers(3, size=ROWS)) % 6
    ours, _ = information_classification(x, y, discrete_features=True, correction="none")
    theirs = mutual_info_classif(x, y, discrete_features=True)
    print(f"counts beside scikit-learn's: largest difference {np.abs(ours - theirs).max():.1g}")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=200)
    options = parser.parse_args()
    speed(options.columns)
    exclusive_or(options.seeds)
    noise(options.runs)
    counts()


if __name__ == "__main__":
    main()
