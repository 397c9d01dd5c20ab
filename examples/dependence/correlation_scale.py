"""
Information and correlation
===========================

For normal variables, information is a function of the correlation: −½ log(1 − ρ²). Dots are estimates from 1,000
rows, with their intervals.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral

rng = np.random.default_rng(0)
correlations = np.linspace(0, 0.95, 9)
results = []
for rho in correlations:
    x, noise = rng.standard_normal((2, 1000))
    results.append(mineral.estimate(x, rho * x + np.sqrt(1 - rho**2) * noise, estimator="ksg"))

line = np.linspace(0, 0.96, 200)
figure, axes = plt.subplots()
axes.plot(line, -np.log(1 - line**2) / 2, "--", color="black", linewidth=1.2, label="truth")
for rho, r in zip(correlations, results):
    axes.plot([rho, rho], r.interval, color="C0", linewidth=5, alpha=0.35)
axes.plot(correlations, [r.value for r in results], "o", label="estimate (KSG)")
axes.set(xlabel="correlation", ylabel="information [nats]")
axes.legend()
plt.show()
