"""
Strong dependence: nearest neighbours have a ceiling
====================================================

y is a smooth function of x plus noise. As the noise shrinks, information grows without a limit; KSG falls behind, and an estimator
that uses the function does not.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral

rng = np.random.default_rng(0)
noises = 10.0 ** -np.arange(0, 6)
truth = []
values = {"ksg": [], "lnc": [], "regression": []}
for sigma in noises:
    x = rng.uniform(0, 1, 500)
    y = x + sigma * rng.uniform(-0.5, 0.5, 500)
    truth.append(sigma / 2 - np.log(sigma))  # h(y) - h(y | x), for sigma up to 1
    for name, found in values.items():
        found.append(mineral.estimate(x, y, estimator=name).value)

figure, axes = plt.subplots()
axes.plot(noises, truth, "--", color="black", linewidth=1.2, label="truth")
for (name, found), marker in zip(values.items(), "Dos"):
    axes.plot(noises, found, marker + "-", label=name, markersize=5)
axes.axhline(np.log(500), color="C7", linestyle=":", label="log n")
axes.set(xlabel="width of the noise", ylabel="information [nats]", xscale="log")
axes.legend()
plt.show()
