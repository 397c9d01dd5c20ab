"""Speed and memory of KSG on 1+1 dimensions, beside scikit-learn on the same samples.

    make bench

Each measurement runs in a process of its own, so that its peak memory is its own. Seconds depend
on the machine; the ratio and the memory above the import are what to look at.
"""

import json
import subprocess
import sys

SIZES = (10_000, 100_000, 1_000_000)

SETUP = """
import json, resource, time
import numpy as np
rng = np.random.default_rng(0)
x = rng.standard_normal({n})
y = 0.8 * x + 0.6 * rng.standard_normal({n})
"""
OURS = """
import mineral
def run():
    return mineral.KSG(k=3).estimate(x, y).value
"""
RIVAL = """
from sklearn.feature_selection import mutual_info_regression
def run():
    return float(mutual_info_regression(x[:, None], y, n_neighbors=3, random_state=0)[0])
"""
MEASURE = """
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
value = run()
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps(dict(value=value, seconds=seconds, megabytes=peak / 1024)))
"""


def measured(library: str, n: int) -> dict[str, float]:
    """Value, seconds, and peak megabytes above imports and samples."""
    code = SETUP.format(n=n) + library + MEASURE
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Print one row for each size. The true value is 0.5108 nats."""
    print(f"{'n':>9}  {'mineral':>22}  {'scikit-learn':>22}  {'ratio of seconds':>16}")
    for n in SIZES:
        ours, rival = measured(OURS, n), measured(RIVAL, n)
        cells = [
            f"{m['value']:.4f} {m['seconds']:6.2f} s {m['megabytes']:4.0f} MB"
            for m in (ours, rival)
        ]
        ratio = ours["seconds"] / rival["seconds"]
        print(f"{n:>9,}  {cells[0]:>22}  {cells[1]:>22}  {ratio:>16.2f}")


if __name__ == "__main__":
    main()
