"""
p-values of a permutation test
==============================

Independent pairs have p-values that are uniform from 0 to 1. Pairs with a weak dependence, of 0.02 nats, have
small ones.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral

rng = np.random.default_rng(0)


def p_values(rho, runs=150, n=150):
    found = []
    for _ in range(runs):
        x, noise = rng.standard_normal((2, n))
        y = rho * x + np.sqrt(1 - rho**2) * noise
        found.append(mineral.independence(x, y, permutations=99).p_value)
    return found


figure, axes = plt.subplots()
bins = np.linspace(0, 1, 21)
axes.hist(p_values(0.2), bins, color="C0", alpha=0.8, label="0.02 nats (correlation 0.2)")
axes.hist(p_values(0.0), bins, histtype="step", color="C1", linewidth=2, label="independent")
axes.axhline(150 / 20, color="black", linestyle="--", linewidth=1.2)
axes.set(xlabel="p-value", ylabel="pairs of 150")
axes.legend()
plt.show()
