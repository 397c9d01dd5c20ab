"""
Autocorrelated rows
===================

Two independent series. The slower they are, the fewer independent rows they contain: intervals widen, and
contain 0.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import lfilter

import mineral

rng = np.random.default_rng(2)
memories = [0, 0.5, 0.8, 0.9, 0.95]
results = []
for memory in memories:
    x, y = lfilter([1], [1, -memory], rng.standard_normal((2, 1000)))
    results.append(mineral.estimate(x, y))

figure, axes = plt.subplots()
for k, r in enumerate(results):
    axes.plot([k, k], r.interval, color="C0", linewidth=7, alpha=0.35)
axes.plot([r.value for r in results], "o")
axes.axhline(0, color="black", linestyle="--", linewidth=1.2)
axes.set_xticks(range(len(memories)), memories)
axes.set(xlabel="correlation with the row before", ylabel="information [nats]")
plt.show()
