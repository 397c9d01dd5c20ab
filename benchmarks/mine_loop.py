"""Seconds of `Mine.optimize` beside a plain PyTorch loop of as many steps, in the same process.

    make bench

2,000 rows of a correlation of 0.8, 100 passes in batches of 256: the usual example of MINE. The
plain loop takes the same 400 steps on the same share of the rows, with Adam and the
Donsker–Varadhan loss, and evaluates once on the held-out rows. Both take turns, so that what else
runs on the machine slows both: the ratio is what to look at, and 2 is the most allowed.
"""

import argparse
import math
import statistics
import time

import numpy as np
import torch
from torch import nn

from mineral import Mine

ROWS, PASSES, BATCH, RHO = 2000, 100, 256, 0.8


def samples() -> tuple[np.ndarray, np.ndarray]:
    """X and Y of shape (n,)."""
    x, noise = np.random.default_rng(0).standard_normal((2, ROWS))
    return x, RHO * x + math.sqrt(1 - RHO**2) * noise


def network() -> nn.Sequential:
    """The README's statistics network."""
    return nn.Sequential(nn.Linear(2, 100), nn.ReLU(), nn.Linear(100, 1))


def bound(T: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Donsker–Varadhan, with a random permutation for product samples."""
    joint = T(torch.cat([x, y], dim=1))
    product = T(torch.cat([x, y[torch.randperm(len(y))]], dim=1))
    return joint.mean() - product.logsumexp(0).squeeze() + math.log(len(y))


def plain(x: np.ndarray, y: np.ndarray) -> float:
    """What one writes without a library."""
    T = network()
    tensors = [torch.from_numpy(v).float()[:, None] for v in (x, y)]
    (x_train, x_test), (y_train, y_test) = (
        v.split([ROWS * 3 // 5, ROWS * 2 // 5]) for v in tensors
    )
    opt = torch.optim.Adam(T.parameters(), lr=1e-3)
    for _ in range(PASSES):
        order = torch.randperm(len(x_train))
        for rows in order.tensor_split(len(order) // BATCH):
            opt.zero_grad()
            loss = -bound(T, x_train[rows], y_train[rows])
            loss.backward()
            opt.step()
    with torch.no_grad():
        return float(bound(T, x_test, y_test))


def ours(x: np.ndarray, y: np.ndarray) -> float:
    """As in the README."""
    return Mine(T=network(), loss="mine", method="concat").optimize(x, y, iters=PASSES)


def main() -> None:
    """Print one row for each repeat, and the median, least and largest ratio."""
    options = argparse.ArgumentParser()
    options.add_argument("--repeats", type=int, default=7)
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    x, y = samples()
    plain(x, y), ours(x, y)  # the first optimizer of a process imports for seconds
    ratios = []
    print(
        f"{'plain loop':>18}  {'Mine.optimize':>18}  ratio   truth {-math.log(1 - RHO**2) / 2:.3f}"
    )
    for _ in range(given.repeats):
        cells, seconds = [], []
        for run in (plain, ours):
            start = time.perf_counter()
            value = run(x, y)
            seconds.append(time.perf_counter() - start)
            cells.append(f"{value:.3f} {seconds[-1]:7.3f} s")
        ratios.append(seconds[1] / seconds[0])
        print(f"{cells[0]:>18}  {cells[1]:>18}  {ratios[-1]:5.2f}")
    median = statistics.median(ratios)
    print(f"ratio: median {median:.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
