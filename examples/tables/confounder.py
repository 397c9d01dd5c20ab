"""
A confounder, removed
=====================

Age drives both salary and blood pressure. They depend on each other until age is a condition: ``given=age``.
"""

import matplotlib.pyplot as plt
import numpy as np

import mineral

rng = np.random.default_rng(0)
age = rng.uniform(20, 65, 800)
salary = 1000 * (20 + 0.6 * age + 6 * rng.standard_normal(800))
pressure = 95 + 0.6 * age + 6 * rng.standard_normal(800)
alone = mineral.estimate(salary, pressure)
given = mineral.estimate(salary, pressure, given=age)

figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.2), width_ratios=[1.5, 1])
dots = axes[0].scatter(salary, pressure, c=age, s=8, cmap="viridis")
figure.colorbar(dots, label="age [years]")
axes[0].set(xlabel="salary", ylabel="blood pressure [mmHg]")
for k, r in enumerate((alone, given)):
    axes[1].plot([k, k], r.interval, linewidth=8, alpha=0.35, color=f"C{k}")
    axes[1].plot(k, r.value, "o", color=f"C{k}")
axes[1].axhline(0, color="C7", linewidth=0.8)
axes[1].set_xticks([0, 1], ["alone", "given age"])
axes[1].set(ylabel="information [nats]", xlim=(-0.6, 1.6))
plt.show()
