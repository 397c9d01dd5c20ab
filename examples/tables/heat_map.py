"""
Every pair of columns
=====================

178 wines with 13 chemical measurements. ``mineral.matrix`` estimates all 78 pairs; white cells are pairs that are
not significant among all pairs (q > 0.05).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine

import mineral

wines = load_wine(as_frame=True).data.rename(
    columns={"od280/od315_of_diluted_wines": "od280/od315"}
)
found = mineral.matrix(wines)
values = np.where(found.array("q_value") <= 0.05, found.array(), np.nan)

figure, axes = plt.subplots(figsize=(6.4, 5.2))
picture = axes.imshow(values, cmap="Blues", vmin=0)
names = [name.replace("_", " ") for name in wines]
axes.set_xticks(range(13), names, rotation=60, ha="right", fontsize=8)
axes.set_yticks(range(13), names, fontsize=8)
axes.spines[:].set_visible(False)
figure.colorbar(picture, label="information [nats]")
plt.show()
