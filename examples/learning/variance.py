"""
Bounds of a perfect critic: bias and variance
=============================================

With the true density ratios as scores, InfoNCE is too low for strong dependence, and NWJ has a variance that grows like exp I.
Bands are one standard deviation over batches of 64.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from mineral import bounds
from mineral.critics import split_scores

torch.manual_seed(0)
truths = np.linspace(0.5, 6, 10)
named = {"infonce": bounds.infonce, "dv": bounds.donsker_varadhan, "nwj": bounds.nwj}
values = {name: np.zeros((len(truths), 200)) for name in named}
for i, truth in enumerate(truths):
    rho = np.sqrt(1 - np.exp(-truth / 2))  # in four dimensions
    for k in range(200):
        x, noise = torch.randn(2, 64, 4)
        y = rho * x + (1 - rho**2) ** 0.5 * noise
        error = (y[None] - rho * x[:, None]) ** 2 / (1 - rho**2)
        parts = split_scores((y[None] ** 2 - error).sum(-1) / 2 + truth + 1)  # NWJ needs + 1
        for name, bound in named.items():
            values[name][i, k] = bound(*parts).item()
figure, axes = plt.subplots()
for name, found in values.items():
    mean, spread = found.mean(1), found.std(1)
    axes.plot(truths, mean, label=name)
    axes.fill_between(truths, mean - spread, mean + spread, alpha=0.2, linewidth=0)
axes.plot(truths, truths, "--", color="black", linewidth=1.2, label="truth")
axes.set(xlabel="true information [nats]", ylabel="bound [nats]", ylim=(-1, 8))
axes.legend(fontsize=8)
plt.show()
