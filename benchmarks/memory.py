"""Memory of each estimator above what importing takes, in MB at its peak.

    python benchmarks/memory.py                          # 100,000 rows in 1 + 1 dimensions
    python benchmarks/memory.py --rows 10000 --dims 5 --estimators ksg,infonce

Each runs in a process of its own. Networks train for a few steps: memory does not depend on how
many. The bar of `tests/test_memory.py` is 300 MB at 100,000 rows.
"""

import argparse
import json
import resource
import subprocess
import sys
from dataclasses import fields
from typing import Any

import numpy as np

MEGABYTE = 2**10  # kilobytes, in which Linux counts
STEPS = 3
SYMBOLS = ("discrete",)
LABELS = ("discriminant", "classifier")


def recipe(name: str) -> Any:  # noqa: ANN401
    """The estimator with its default options, which trains briefly if it trains."""
    from mineral.methods import ESTIMATORS

    kind = ESTIMATORS[name]
    return kind(**({"steps": STEPS} if "steps" in {each.name for each in fields(kind)} else {}))


def samples(name: str, rows: int, dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian columns, or a label where the estimator takes nothing else."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, dims))
    y = x + rng.standard_normal((rows, dims))
    if name in SYMBOLS:
        return np.rint(2 * x[:, :1]), np.rint(2 * y[:, :1])
    return (x, np.rint(y[:, :1])) if name in LABELS else (x, y)


def peak() -> float:
    """Of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def measured(name: str, rows: int, dims: int) -> dict[str, float]:
    """Above what import and a small estimate take, which load every library that takes part."""
    estimator = recipe(name)
    estimator.estimate(*samples(name, 500, dims))
    x, y = samples(name, rows, dims)
    before = peak()
    value = estimator.estimate(x, y).value
    return {"before": before, "above": peak() - before, "value": value}


def in_a_process(name: str, rows: int, dims: int) -> dict[str, float]:
    """`measured`, of a fresh process."""
    command = [sys.executable, __file__, "--child", name, "--rows", str(rows), "--dims", str(dims)]
    found: dict[str, float] = json.loads(subprocess.check_output(command))
    return found


def main() -> None:
    """Print a line for each estimator."""
    from mineral.methods import ESTIMATORS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dims", type=int, default=1, help="of x and of y")
    parser.add_argument("--estimators", default=",".join(ESTIMATORS))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measured(asked.child, asked.rows, asked.dims)))
        return
    for name in asked.estimators.split(","):
        found = in_a_process(name, asked.rows, asked.dims)
        print(f"{name:<16}{found['above']:>8.0f} MB   {found['value']:.3f} nats", flush=True)


if __name__ == "__main__":
    main()
