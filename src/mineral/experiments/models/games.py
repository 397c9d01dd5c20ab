"""The training loop of adversarial experiments: checkpoints, and optional learning rate decay."""

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from mineral.experiments.base import Context
from mineral.experiments.checkpoints import Checkpoint
from mineral.experiments.writing import number
from mineral.learning.bidirectional import Bidirectional
from mineral.learning.gan import Adversaries

SAVES = 10  # checkpoints of a training


def play(
    context: Context[Any],
    game: Adversaries | Bidirectional,
    batch: Callable[[np.random.Generator], Tensor],
    *,
    name: str,
    steps: int,
    cosine: bool,
    fading: float | None = None,
) -> Checkpoint:
    """Train on batches, from the last checkpoint if there is one; it is the caller's to remove.

    Args:
        context: Of the cell.
        game: Trained in place.
        batch: A generator of chance to a batch of data.
        name: Of the batches: cells that share it see the same.
        steps: To take.
        cosine: The rates of both players fall to zero along a cosine; else they stay.
        fading: Weight of the information at the first step, which falls to zero along the same
            cosine; None for the weight that the game has.
    """
    rng = context.rng("batches", name)
    falls = [
        LambdaLR(each, lambda step: _cosine(step / steps) if cosine else 1.0)
        for each in game.optimizers
    ]
    schedules = {f"rate{i}": each for i, each in enumerate(falls)}
    checkpoint = Checkpoint(context.folder, game=game, rng=rng, **schedules)
    for step in checkpoint.steps(steps, every=max(1, steps // SAVES)):
        if fading is not None:
            game.beta = fading * _cosine(step / steps)
        losses = game.step(batch(rng).to(context.device))
        for fall in falls:
            fall.step()
        if step % 50 == 0:
            context.progress(step / steps)
            for name, value in vars(losses).items():
                context.log(name, value, step)
    return checkpoint


def _cosine(share: float) -> float:
    """From 1 at the first step to 0 at the last."""
    return (1 + math.cos(math.pi * share)) / 2


def spread(values: Sequence[Any], digits: int) -> str:
    """The median, and both ends; as a percentage where `digits` is −1."""
    factor, places = (100.0, 0) if digits < 0 else (1.0, digits)
    middle, low, high = (number(factor * f(values), places) for f in (median, min, max))
    return middle if len(values) == 1 else f"{middle} ({low}–{high})"
