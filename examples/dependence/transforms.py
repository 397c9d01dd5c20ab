"""
Units and scales do not matter
==============================

Mutual information is the same for x and for any one-to-one function of x: metres or feet, values or logarithms.
Correlation is not.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral

rng = np.random.default_rng(0)
x, noise = rng.standard_normal((2, 1000))
y = 0.8 * x + 0.6 * noise
pairs = {"x, y": (x, y), "exp 2x, y": (np.exp(2 * x), y), "exp 2x, y³": (np.exp(2 * x), y**3)}
information = [mineral.estimate(*pair).value for pair in pairs.values()]
correlation = [np.corrcoef(*pair)[0, 1] for pair in pairs.values()]

figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.8))
axes[0].bar(list(pairs), information, width=0.6)
axes[0].axhline(-np.log(0.36) / 2, color="black", linestyle="--", linewidth=1.2)
axes[0].set_ylabel("information [nats]")
axes[1].bar(list(pairs), correlation, width=0.6, color="C1")
axes[1].axhline(0.8, color="black", linestyle="--", linewidth=1.2)
axes[1].set_ylabel("correlation")
plt.show()
