"""
Information by lag
==================

A response follows a stimulus after five rows. ``mineral.lagged`` gives the information at each lag, with intervals
that account for autocorrelation.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import lfilter

import mineral

rng = np.random.default_rng(0)
stimulus = lfilter([1], [1, -0.7], rng.standard_normal(800))
response = np.r_[np.zeros(5), stimulus[:-5]] ** 2 + rng.standard_normal(800)
curve = mineral.lagged(stimulus, response, range(-2, 13), estimator="ksg")

figure, axes = plt.subplots()
curve.plot(axes)
axes.axvline(5, color="black", linestyle="--", linewidth=1.2)
plt.show()
