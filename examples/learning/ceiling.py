"""
Why InfoNCE stops at log n
==========================

Even a perfect critic, with the true density ratios as scores, cannot exceed the logarithm of the batch size.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from mineral import bounds
from mineral.critics import split_scores

rho, dims = 0.95, 6
truth = -dims * np.log(1 - rho**2) / 2
torch.manual_seed(0)


def scores(n):
    """log p(x, y) / p(x) p(y) of all pairs of a batch."""
    x, noise = torch.randn(2, n, dims)
    y = rho * x + (1 - rho**2) ** 0.5 * noise
    error = (y[None] - rho * x[:, None]) ** 2 / (1 - rho**2)
    return (y[None] ** 2 - error).sum(-1) / 2 + truth


sizes = 2 ** np.arange(1, 12)
values = [
    np.mean([bounds.infonce(*split_scores(scores(n))).item() for _ in range(2048 // n + 1)])
    for n in sizes
]
figure, axes = plt.subplots()
axes.axhline(truth, color="black", linestyle="--", linewidth=1.2, label="truth")
axes.plot(sizes, np.log(sizes), ":", color="C7", label="log of the batch size")
axes.plot(sizes, values, "o-", label="InfoNCE with a perfect critic")
axes.set(xlabel="batch size", ylabel="bound [nats]", xscale="log")
axes.legend()
plt.show()
