"""MNIST as rows of pixels, with fixed training, validation and test parts."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from mineral import mnist

CLASSES, PIXELS = 10, mnist.SIDE**2
HELD_OUT = 10_000  # of the training images, which validate


def of(part: str, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Pixels from −1 (no ink) to 1, shape (n, 784), and digits.

    Args:
        part: "train" (50,000), "validation" (10,000 others of the training images) or "test".
        device: Where to put them.
    """
    pixels, labels = (torch.from_numpy(each) for each in _part(part))
    return pixels.to(device), labels.to(device)


@lru_cache(maxsize=3)
def _part(part: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels = mnist.load("test" if part == "test" else "train")
    rows = np.arange(len(images))
    if part != "test":
        order = np.random.default_rng(0).permutation(len(images))
        rows = order[HELD_OUT:] if part == "train" else order[:HELD_OUT]
    pixels = images[rows].reshape(len(rows), PIXELS) / 127.5 - 1
    return pixels.astype(np.float32), labels[rows].astype(np.int64)
