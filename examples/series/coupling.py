"""
Transfer entropy against coupling
=================================

For a linear system with white input, the transfer entropy is ½ log(1 + c²). Estimates from 1,000 rows follow it.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import lfilter

import mineral

rng = np.random.default_rng(0)
couplings = np.linspace(0, 1.5, 8)
results = []
for c in couplings:
    x, noise = rng.standard_normal((2, 1000))
    y = lfilter([1], [1, -0.5], c * np.r_[0, x[:-1]] + noise)
    results.append(mineral.transfer_entropy(x, y, estimator="partial-copula"))

figure, axes = plt.subplots()
line = np.linspace(0, 1.5, 100)
axes.plot(line, np.log1p(line**2) / 2, "--", color="black", linewidth=1.2, label="truth")
for c, r in zip(couplings, results):
    axes.plot([c, c], r.interval, color="C0", linewidth=5, alpha=0.35)
axes.plot(couplings, [r.value for r in results], "o", label="estimate")
axes.set(xlabel="coupling c", ylabel="transfer entropy [nats]")
axes.legend()
plt.show()
