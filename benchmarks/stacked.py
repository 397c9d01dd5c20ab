"""How much faster many critics learn as one batch than one after another.

python benchmarks/stacked.py

Processor seconds a step for 72 critics (those of `mineral experiment plane --quick`), by Adam on
InfoNCE.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mineral import bounds
from mineral.critics import SeparableCritic, split_scores
from mineral.learning.stacked import StackedSeparable, scored

COUNT, STEPS, DIMS = 72, 10, (12, 10)
ROWS = (32, 256)


def seconds(critics: list[nn.Module], values: Callable[[Any], torch.Tensor]) -> float:
    """A step of all critics together, the first one left out."""
    optimizers = [torch.optim.Adam(critic.parameters(), lr=1e-3) for critic in critics]
    spent = []
    for _ in range(STEPS + 1):
        start = time.process_time()
        for critic, optimizer in zip(critics, optimizers, strict=True):
            optimizer.zero_grad(set_to_none=True)
            (-values(critic)).backward()
            optimizer.step()
        spent.append(time.process_time() - start)
    return sum(spent[1:]) / STEPS


def compare(rows: int) -> str:
    """Both ways, and their ratio."""
    x, z = (torch.randn(COUNT, rows, dim) for dim in DIMS)
    objective = torch.vmap(bounds.infonce)
    stack = StackedSeparable(COUNT, *DIMS)
    together = seconds([stack], lambda c: objective(*scored(c, x, z)).sum())
    single: list[nn.Module] = [SeparableCritic(*DIMS) for _ in range(COUNT)]
    alone = seconds(single, lambda c: bounds.infonce(*split_scores(c.g(x[0]) @ c.h(z[0]).T)))
    return (
        f"{COUNT} critics, {rows} rows: {1e3 * together:.0f} ms a step as one batch, "
        f"{1e3 * alone:.0f} one after another: {alone / together:.1f} times"
    )


if __name__ == "__main__":
    for rows in ROWS:
        print(compare(rows))
