"""
Strong dependence without correlation
=====================================

A parabola has a correlation of about 0, and 0.803 nats of information. ``r.plot()`` draws the value, its interval
and the samples; colour is the information of each pair.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral

rng = np.random.default_rng(0)
x = rng.standard_normal(2000)
y = x**2 + 0.5 * rng.standard_normal(2000)
r = mineral.estimate({"x": x}, {"y": y})
print(f"correlation {np.corrcoef(x, y)[0, 1]:.2f}, information {r.value:.2f} nats")

figure, axes = plt.subplots(figsize=(5, 4))
r.plot(axes)
plt.show()
