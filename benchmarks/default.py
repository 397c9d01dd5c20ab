"""Seconds and memory of the default, beside scikit-learn on the same rows where it applies.

    make bench
    python benchmarks/default.py --only "1,000,000 rows"

Each measurement runs in a process of its own, after a small estimate that loads every library.
Seconds depend on the machine; the ratio, and the memory above the import, are what to look at.
Samples are y = x + noise in every column, or what the name of the case says.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
from memory import peak


@dataclass(frozen=True)
class Case:
    """Rows, columns of each side, and what is drawn."""

    n: int
    dims: int
    law: str = "gaussian"

    @property
    def name(self) -> str:
        """As printed."""
        shape = f"{self.n:,} rows, {self.dims} + {self.dims}"
        return shape if self.law == "gaussian" else f"{shape}, {self.law}"


CASES = (
    Case(1_000, 3, "sin"),
    Case(1_000, 3, "independent"),
    Case(10_000, 3),
    Case(10_000, 10),
    Case(100_000, 1),
    Case(100_000, 3),
    Case(100_000, 10),
    Case(1_000_000, 1),
    Case(5_000, 784, "digits"),
)


def samples(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """x and y of one case."""
    if case.law == "digits":
        from mineral import tasks

        drawn = tasks.find("mnist-01-0.1").draw(case.n, seed=0)
        return drawn.x, drawn.y
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, case.n, case.dims))
    if case.law == "independent":
        return x, noise
    return x, (np.sin(2 * x) if case.law == "sin" else x) + noise


def ours(x: np.ndarray, y: np.ndarray) -> float:
    """The default."""
    import mineral

    return mineral.estimate(x, y).value


def rival(x: np.ndarray, y: np.ndarray) -> float:
    """Nearest neighbours of scikit-learn, of one column each."""
    from sklearn.feature_selection import mutual_info_regression

    return float(mutual_info_regression(x, y[:, 0], random_state=0)[0])


def measured(estimate: str, case: Case) -> dict[str, float]:
    """Value, seconds, and megabytes above what was in use before."""
    run = {"ours": ours, "rival": rival}[estimate]
    run(*samples(Case(200, min(case.dims, 5))))
    x, y = samples(case)
    before = peak()
    start = time.perf_counter()
    value = run(x, y)
    seconds = time.perf_counter() - start
    return {"value": value, "seconds": seconds, "megabytes": peak() - before}


def in_a_process(estimate: str, index: int) -> dict[str, float]:
    """`measured`, of a fresh process."""
    command = [sys.executable, __file__, "--child", estimate, str(index)]
    found: dict[str, float] = json.loads(subprocess.check_output(command))
    return found


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measured(asked.child[0], CASES[int(asked.child[1])])))
        return
    for index, case in enumerate(CASES):
        if asked.only not in case.name:
            continue
        found = in_a_process("ours", index)
        line = f"{case.name:<34}{found['seconds']:8.1f} s {found['megabytes']:6.0f} MB"
        line += f"   {found['value']:.3f} nats"
        if case.dims == 1:
            other = in_a_process("rival", index)
            ratio = found["seconds"] / other["seconds"]
            line += f"   scikit-learn {other['seconds']:.1f} s, {other['value']:.3f} nats"
            line += f"   ratio {ratio:.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
