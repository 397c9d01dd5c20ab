"""A problem as tensors: standardized features, and the inputs of the loss terms."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from mineral.shaping.problem import Problem


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows.

    Attributes:
        x: Standardized features, shape (n, dx).
        label: L as classes, shape (n,).
        kept: Input of the term for L: classes, or one-hot rows.
        hidden: Input of the term for S: classes, one-hot rows, numbers, or x.
        apart: S as rows with meaningful distances, or None if x is hidden.
    """

    x: Float[Tensor, "n dx"]
    label: Int[Tensor, " n"]
    kept: Tensor
    hidden: Tensor
    apart: Float[Tensor, "n ds"] | None

    def take(self, rows: Tensor) -> "Rows":
        """Some of these."""
        apart = None if self.apart is None else self.apart[rows]
        return Rows(self.x[rows], self.label[rows], self.kept[rows], self.hidden[rows], apart)

    def to(self, device: torch.device) -> "Rows":
        """On a device."""
        apart = None if self.apart is None else self.apart.to(device)
        x, label = self.x.to(device), self.label.to(device)
        return Rows(x, label, self.kept.to(device), self.hidden.to(device), apart)


def standardization(
    problem: Problem,
) -> tuple[Float[np.ndarray, " dx"], Float[np.ndarray, " dx"]]:
    """Center and scale of each feature; one of both for all pixels of an image."""
    width = problem.x.shape[1]
    if problem.shape is not None:
        center, scale = np.full(width, problem.x.mean()), np.full(width, problem.x.std())
    else:
        center, scale = problem.x.mean(axis=0), problem.x.std(axis=0)
    return center.astype(np.float64), np.where(scale > 0, scale, 1.0).astype(np.float64)


def as_rows(
    part: Problem,
    training: Problem,
    center: Float[np.ndarray, " dx"],
    scale: Float[np.ndarray, " dx"],
    *,
    kept_as_classes: bool,
    hidden_as_classes: bool,
) -> Rows:
    """A part of a problem as tensors; scales and classes are those of the training part."""
    x = torch.from_numpy((part.x - center) / scale).float()
    label = torch.from_numpy(part.keep)
    kept = label if kept_as_classes else one_hot(label, training.classes).float()
    if part.hide is None or training.hide is None:
        return Rows(x, label, kept, hidden=x, apart=None)
    if part.hide.ndim == 1:
        codes = torch.from_numpy(part.hide)
        apart = one_hot(codes, int(training.hide.max()) + 1).float()
        return Rows(x, label, kept, hidden=codes if hidden_as_classes else apart, apart=apart)
    middle, spread = training.hide.mean(axis=0), training.hide.std(axis=0)
    numbers = torch.from_numpy((part.hide - middle) / np.where(spread > 0, spread, 1.0)).float()
    return Rows(x, label, kept, hidden=numbers, apart=numbers)
