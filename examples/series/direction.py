"""
Who drives whom?
================

x drives y after two rows. Transfer entropy is positive in that direction and at that lag only.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import lfilter

import mineral

rng = np.random.default_rng(0)
x = lfilter([1], [1, -0.6], rng.standard_normal(1500))
y = lfilter([1], [1, -0.6], np.r_[0, 0, x[:-2]] + rng.standard_normal(1500))
lags = range(1, 7)

figure, axes = plt.subplots()
for source, target, name, marker in ((x, y, "x to y", "o-"), (y, x, "y to x", "s-")):
    found = [
        mineral.transfer_entropy(source, target, lag=k, estimator="partial-copula") for k in lags
    ]
    axes.plot(lags, [r.value for r in found], marker, label=name)
axes.axvline(2, color="black", linestyle="--", linewidth=1.2)
axes.set(xlabel="lag [rows]", ylabel="transfer entropy [nats]")
axes.legend()
plt.show()
