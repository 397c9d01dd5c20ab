"""Processor time and memory of KSG beside trees used as other libraries do, on the same samples.

    make bench
    python benchmarks/ksg.py --laws 1+1:100000 3+3:100000 10+10:20000

Each measurement runs in a process of its own with one thread, so that its peak memory is its own.
Seconds depend on the machine; the ratios and the memory above the import are what to look at.

    scikit-learn   mutual_info_regression, one number against one
    NPEET          its algorithm: scikit-learn's trees, queried in the order of the rows
    SciPy          the same with SciPy's trees
"""

import argparse
import json
import os
import subprocess
import sys

LAWS = ("1+1:10000", "1+1:100000", "1+1:1000000", "3+3:10000", "3+3:100000", "10+10:20000")

SETUP = """
import json, resource, time
import numpy as np
rng = np.random.default_rng(0)
x = rng.standard_normal(({n}, {dim}))
y = 0.8 * x + 0.6 * rng.standard_normal(({n}, {dim}))
"""
KSG_OF_COUNTS = """
    n_x, n_y = (np.maximum(within(side) - 1, 0) for side in (x, y))
    return float(digamma(len(x)) + digamma(3) - (digamma(n_x + 1) + digamma(n_y + 1)).mean())
"""
LIBRARIES = {
    "mineral": """
import mineral
ksg = mineral.KSG(k=3, standardize=False)
def run():
    return float(ksg.contributions(x, y).mean())
""",
    "scikit-learn": """
from sklearn.feature_selection import mutual_info_regression
def run():
    return float(mutual_info_regression(x, y[:, 0], n_neighbors=3, random_state=0)[0])
""",
    "NPEET": """
from scipy.special import digamma
from sklearn.neighbors import KDTree
def run():
    xy = np.hstack([x, y])
    reach = np.nextafter(KDTree(xy, metric="chebyshev").query(xy, k=4)[0][:, 3], 0)
    def within(side):
        return KDTree(side, metric="chebyshev").query_radius(side, reach, count_only=True)
"""
    + KSG_OF_COUNTS,
    "SciPy": """
from scipy.spatial import cKDTree
from scipy.special import digamma
def run():
    xy = np.hstack([x, y])
    reach = np.nextafter(cKDTree(xy).query(xy, k=4, p=np.inf)[0][:, 3], 0)
    def within(side):
        return cKDTree(side).query_ball_point(side, reach, p=np.inf, return_length=True)
"""
    + KSG_OF_COUNTS,
}
MEASURE = """
everything, x, y = (x, y), x[:50], y[:50]
run()  # imports what it needs
x, y = everything
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
value = run()
seconds = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps(dict(value=value, seconds=seconds, megabytes=peak / 1024)))
"""


def measured(library: str, n: int, dim: int) -> dict[str, float]:
    """Value, seconds of one processor, and peak megabytes above imports and samples."""
    code = SETUP.format(n=n, dim=dim) + library + MEASURE
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=one_thread
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Print one row for each law and library. The true value is 0.5108 nats a dimension."""
    options = argparse.ArgumentParser()
    options.add_argument("--laws", nargs="+", default=LAWS, metavar="D+D:N")
    print(f"{'d':>5} {'n':>9}  {'library':12} {'value':>8} {'seconds':>8} {'MB':>5}  ours / theirs")
    for law in options.parse_args().laws:
        dims, n = law.split(":")
        dim = int(dims.split("+")[0])
        for name, library in LIBRARIES.items():
            if name == "scikit-learn" and dim > 1:
                continue
            found = measured(library, int(n), dim)
            if name == "mineral":
                ours = found["seconds"]
            print(
                f"{dims:>5} {int(n):>9,}  {name:12} {found['value']:8.4f} "
                f"{found['seconds']:8.2f} {found['megabytes']:5.0f}  {ours / found['seconds']:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
