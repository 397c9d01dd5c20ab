"""
Columns ranked by their information about a target
==================================================

Thirty measurements of cell nuclei, and whether a tumour is malignant. The label has 0.66 nats of entropy: no column
can have more information about it.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer

import mineral

data = load_breast_cancer(as_frame=True)
scores, p_values = mineral.information_classification(data.data, data.target)
order = np.argsort(scores)[-12:]
share = data.target.mean()
entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)

figure, axes = plt.subplots(figsize=(6.4, 4))
axes.barh(data.data.columns[order], scores[order], height=0.6)
axes.axvline(entropy, color="black", linestyle="--", linewidth=1.2)
axes.text(entropy - 0.005, 1, "entropy of\nthe label", ha="right", fontsize=9)
axes.set(xlabel="I(column; diagnosis) [nats]")
plt.show()
