"""
Training curves of MINE
=======================

A network is trained on a part of the rows, stops by a second part, and is evaluated on a third. ``mineral.figures.curves`` draws
the bound during training.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral
from mineral.figures.axes import draw_curves

rng = np.random.default_rng(0)
x = rng.standard_normal(2000)
y = np.sin(2 * x) + 0.3 * rng.standard_normal(2000)
r = mineral.estimate(x, y, estimator="mine", steps=300)
near = mineral.estimate(x, y)
print(r.kind, f"{r.value:.2f} nats; the default: {near.value:.2f} nats")

figure, axes = plt.subplots()
draw_curves(axes, r)
plt.show()
