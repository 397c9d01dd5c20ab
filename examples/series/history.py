"""
How much of the past is a condition?
====================================

The target depends on its own last three values. With too short a history, the source gets credit for what the target's past
explains. ``history="auto"`` chooses by prediction.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral

rng = np.random.default_rng(0)
n = 2000
target, source = np.zeros(n), np.zeros(n)
for t in range(3, n):
    target[t] = 0.3 * target[t - 1] + 0.5 * target[t - 3] + rng.standard_normal()
    source[t] = target[t - 2] + 0.5 * rng.standard_normal()  # an echo: drives nothing
lengths = range(1, 7)
values = [
    mineral.transfer_entropy(source, target, history=k, estimator="partial-copula").value
    for k in lengths
]
chosen = mineral.transfer_entropy(source, target, estimator="partial-copula")

figure, axes = plt.subplots()
axes.plot(lengths, values, "o-", label="fixed history")
axes.axhline(chosen.value, color="C1", linestyle=":", label="history chosen by prediction")
axes.axhline(0, color="black", linestyle="--", linewidth=1.2, label="truth")
axes.set(xlabel="values of the target's past", ylabel="transfer entropy [nats]")
axes.legend()
plt.show()
