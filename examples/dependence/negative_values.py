"""
Negative estimates
==================

Estimates of independent pairs scatter around 0: half of them are negative. If negative values are replaced by 0,
the mean moves away from the truth.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral

rng = np.random.default_rng(0)
pairs = rng.standard_normal((150, 2, 300))
values = np.array([mineral.estimate(x, y, estimator="ksg").value for x, y in pairs])
clipped = np.maximum(values, 0)
print(f"mean {values.mean():+.3f} nats; after clipping {clipped.mean():+.3f} nats")

figure, axes = plt.subplots()
axes.hist(values, bins=25, color="C0", alpha=0.7)
axes.axvline(0, color="black", linestyle="--", linewidth=1.2, label="truth")
axes.axvline(values.mean(), color="C0", label="mean of estimates")
axes.axvline(clipped.mean(), color="C1", linestyle="-.", label="mean after clipping at 0")
axes.set(xlabel="estimate of an independent pair [nats]", ylabel="pairs of 150")
axes.legend(fontsize=8, loc="upper left")
plt.show()
