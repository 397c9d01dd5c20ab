"""
Information of each pixel about the digit
=========================================

1,797 handwritten digits of 8 × 8 pixels: the information of each pixel about the digit. The corners of the image are
always empty.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import mineral

images, digits = load_digits(return_X_y=True)
scores, _ = mineral.information_classification(images, digits, discrete_features=True)

figure, axes = plt.subplots(1, 2, figsize=(7, 3.2))
axes[0].imshow(images[digits == 3].mean(0).reshape(8, 8), cmap="gray_r")
axes[0].set_title("mean of all threes")
picture = axes[1].imshow(np.reshape(scores, (8, 8)), cmap="Blues", vmin=0)
axes[1].set_title("information of each pixel")
figure.colorbar(picture, label="I(pixel; digit) [nats]")
for axis in axes:
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
plt.show()
