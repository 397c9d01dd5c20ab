"""
An encoder that keeps the information
=====================================

x has 20 columns, of which one direction goes with y. A linear encoder that maximizes InfoNCE finds it.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from mineral.critics import JointCritic
from mineral.learning import Information

torch.manual_seed(0)
direction = torch.nn.functional.normalize(torch.randn(20), dim=0)
encoder = torch.nn.Linear(20, 1)
information = Information(JointCritic(1, 1), "infonce", learning_rate=5e-3, partners=15)
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-2)
cosines, values = [], []
for _ in range(300):
    x = torch.randn(64, 20)
    y = (x @ direction)[:, None] + 0.5 * torch.randn(64, 1)
    z = encoder(x)
    information.learn(z, y)
    value = information(z, y)
    optimizer.zero_grad()
    (-value).backward()
    optimizer.step()
    cosines.append(torch.cosine_similarity(encoder.weight[0], direction, dim=0).abs().item())
    values.append(value.item())

figure, axes = plt.subplots(2, 1, sharex=True, figsize=(6.4, 4))
axes[0].plot(cosines)
axes[0].set(ylabel="|cosine| to the\ntrue direction", ylim=(0, 1.05))
axes[1].plot(np.convolve(values, np.ones(10) / 10, mode="valid"))
axes[1].axhline(np.log(5) / 2, color="black", linestyle="--", linewidth=1.2)
axes[1].set(xlabel="training step", ylabel="InfoNCE [nats]")
plt.show()
