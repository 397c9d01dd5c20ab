"""
Two columns that inform only together
=====================================

Each column alone is independent of the target. Both together determine it: an exclusive or of signs, with 10 % of the
targets flipped.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral

rng = np.random.default_rng(0)
x = rng.standard_normal((1000, 2))
target = ((x[:, 0] > 0) != (x[:, 1] > 0)) != (rng.random(1000) < 0.1)
truth = np.log(2) + 0.1 * np.log(0.1) + 0.9 * np.log(0.9)
columns = {"first": x[:, 0], "second": x[:, 1], "both": x}
results = [mineral.estimate(column, target, estimator="mixed") for column in columns.values()]

figure, axes = plt.subplots(1, 2, figsize=(7, 3))
for value, marker in ((False, "o"), (True, "x")):
    axes[0].plot(*x[target == value].T, marker, markersize=3, label=f"target {value}".lower())
axes[0].set(xlabel="first column", ylabel="second column")
axes[0].legend(fontsize=8, loc="upper right", frameon=True)
axes[1].bar(list(columns), [r.value for r in results], width=0.6)
axes[1].axhline(truth, color="black", linestyle="--", linewidth=1.2)
axes[1].set_ylabel("I(columns; target) [nats]")
plt.show()
