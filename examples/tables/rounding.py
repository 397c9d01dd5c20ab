"""
Rounded values
==============

Rounding removes information, by a known amount for normal variables. The default breaks ties at random within the
rounding step, which keeps what is there.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import multivariate_normal, norm

import mineral

rho, steps = 0.8, [0.1, 0.5, 1.0, 1.5, 2.0]


def truth(step):
    """By the probability of every cell of rounded values."""
    edges = np.arange(-4.5, 5.5) * step if step >= 1 else np.arange(-6, 6 + step, step) - step / 2
    grid = np.stack(np.meshgrid(edges, edges), axis=-1)
    law = multivariate_normal([0, 0], [[1, rho], [rho, 1]])
    cells = np.clip(np.diff(np.diff(law.cdf(grid), axis=0), axis=1), 1e-300, None)
    sides = np.diff(norm.cdf(edges))
    return (cells * np.log(cells / np.clip(np.outer(sides, sides), 1e-300, None))).sum()


x, noise = np.random.default_rng(0).standard_normal((2, 2000))
y = rho * x + np.sqrt(1 - rho**2) * noise
rounded = [mineral.estimate(*(np.round(side / s) * s for side in (x, y))).value for s in steps]
figure, axes = plt.subplots()
axes.plot(steps, [truth(step) for step in steps], "--", color="black", linewidth=1.2, label="truth")
axes.plot(steps, rounded, "o", label="estimate")
axes.set(xlabel="rounding step [standard deviations]", ylabel="information [nats]", ylim=(0, 0.6))
axes.legend()
plt.show()
