"""
A common driver
===============

One signal reaches a after one row and b after three. a seems to drive b at lag 2, until the signal is a condition.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import lfilter

import mineral

rng = np.random.default_rng(0)
signal = lfilter([1], [1, -0.5], rng.standard_normal(1000))
a = np.r_[0, signal[:-1]] + 0.5 * rng.standard_normal(1000)
b = np.r_[0, 0, 0, signal[:-3]] + 0.5 * rng.standard_normal(1000)
options = {"lag": 2, "estimator": "partial-copula"}
alone = mineral.transfer_entropy(a, b, **options)
given = mineral.transfer_entropy(a, b, given=signal, given_history=3, **options)

figure, axes = plt.subplots(figsize=(5, 3))
for k, r in enumerate((alone, given)):
    axes.plot([k, k], r.interval, linewidth=10, alpha=0.35, color=f"C{k}")
    axes.plot(k, r.value, "o", color=f"C{k}")
axes.axhline(0, color="black", linestyle="--", linewidth=1.2)
axes.set_xticks([0, 1], ["a to b", "a to b, given the signal"])
axes.set(ylabel="transfer entropy [nats]", xlim=(-0.6, 1.6))
plt.show()
