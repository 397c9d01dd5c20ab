"""
Columns that do not repeat each other
=====================================

The five best columns of a table often say the same. mRMR subtracts the information that a column shares with those
that are already selected.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer

import mineral

data = load_breast_cancer(as_frame=True)
figure, axes = plt.subplots(1, 2, figsize=(8, 3.6))
for axis, criterion in zip(axes, ("max", "mrmr")):
    select = mineral.SelectByInformation(criterion, k=5).set_output(transform="pandas")
    chosen = select.fit_transform(data.data, data.target)
    shared = mineral.matrix(chosen).array()
    np.fill_diagonal(shared, np.nan)
    picture = axis.imshow(shared, cmap="Blues", vmin=0, vmax=2.5)
    axis.set_title(f"{criterion}: {np.nanmean(shared):.2f} nats shared on average")
    axis.set_xticks(range(5), chosen.columns, rotation=40, ha="right", fontsize=8)
    axis.set_yticks(range(5), chosen.columns, fontsize=8)
    axis.spines[:].set_visible(False)
figure.colorbar(picture, ax=axes, label="information [nats]", shrink=0.8)
plt.show()
