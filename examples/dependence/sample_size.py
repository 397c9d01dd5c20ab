"""
More rows, shorter intervals
============================

Four times as many rows halve the standard error. The interval also has an allowance upwards, for dependence of a
form that no candidate finds.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral

truth = -np.log(1 - 0.5**2) / 2
rng = np.random.default_rng(1)
sizes = [50, 100, 200, 400, 800, 1600, 3200]
results = []
for n in sizes:
    x, noise = rng.standard_normal((2, n))
    results.append(mineral.estimate(x, 0.5 * x + np.sqrt(0.75) * noise))

figure, axes = plt.subplots()
for n, r in zip(sizes, results):
    axes.plot([n, n], r.interval, color="C0", linewidth=6, alpha=0.35)
axes.plot(sizes, [r.value for r in results], "o")
axes.axhline(truth, color="black", linestyle="--", linewidth=1.2)
axes.axhline(0, color="C7", linewidth=0.8)
axes.text(3600, truth + 0.01, "truth", fontsize=9)
axes.set(xlabel="rows", ylabel="information [nats]", xscale="log")
axes.set_xticks(sizes, sizes)
axes.minorticks_off()
plt.show()
