"""A small network that reads digits, to say which ones a generator made: trained once a run.

It learns from the training images of MNIST alone; its accuracy on the test images says how far its
word can be trusted.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR

from mineral import mnist
from mineral.experiments.base import Context
from mineral.experiments.checkpoints import Checkpoint
from mineral.learning.images import ImageFeatures
from mineral.system.chance import seeded

BATCH = 128
AT_ONCE = 5000


def images(part: str) -> tuple[Tensor, Tensor]:
    """Images of shape (n, 1, 28, 28) from −1 (no ink) to 1, and the digit that each shows.

    Args:
        part: "train" or "test".
    """
    pixels, labels = _part(part)
    return torch.from_numpy(pixels), torch.from_numpy(labels)


@lru_cache(maxsize=2)
def _part(part: Any) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN401
    drawn, labels = mnist.load(part)
    return (drawn[:, None] / 127.5 - 1).astype(np.float32), labels.astype(np.int64)


class Reader:
    """The network that reads digits, trained if the run's folder has none yet.

    Args:
        context: Of a cell: all cells of a run get the same network.
        epochs: Passes through the training images.

    Attributes:
        accuracy: On the test images.
    """

    def __init__(self, context: Context[Any], *, epochs: int) -> None:
        notes: dict[str, float] = {}
        with seeded(context.seed_for("reader")):  # whichever cell comes first
            features = ImageFeatures(width=16)
            self.network = nn.Sequential(features, nn.Linear(features.dim, 10)).to(context.device)
            # Beside the cells' folders, for all of them.
            folder = context.folder.parent / "reader"
            checkpoint = Checkpoint(folder, network=self.network, notes=notes)
            learned = checkpoint.restore() > 0
            if not learned:
                self._learn(context.device, epochs)
            self.network.eval()
            if not learned:
                test, labels = images("test")
                notes["accuracy"] = float((self.digits(test) == labels).double().mean())
                checkpoint.save(1)
        self.accuracy = notes["accuracy"]

    def _learn(self, device: torch.device, epochs: int) -> None:
        pixels, labels = images("train")
        optimizer = torch.optim.Adam(self.network.parameters(), lr=2e-3)
        steps = epochs * -(-len(pixels) // BATCH)
        schedule = LambdaLR(optimizer, lambda step: 1 - step / steps)
        for _ in range(epochs):
            for rows in torch.split(torch.randperm(len(pixels)), BATCH):
                scores = self.network(pixels[rows].to(device))
                loss = cross_entropy(scores, labels[rows].to(device))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()

    @torch.no_grad()
    def digits(self, pixels: Tensor) -> Tensor:
        """The digit that each image of shape (n, 1, 28, 28) shows most likely."""
        device = next(self.network.parameters()).device
        parts = torch.split(pixels, AT_ONCE)
        return torch.cat([self.network(part.to(device)).argmax(1).cpu() for part in parts])
