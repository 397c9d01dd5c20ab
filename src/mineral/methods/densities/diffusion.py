"""Diffusion: mutual information from how much y improves the denoising of x."""

from dataclasses import dataclass

import numpy as np

from mineral.methods.base import Run
from mineral.methods.neural.crossfit import CrossFitted, FoldReport, prepared
from mineral.methods.options import AtLeastOne, AtLeastTwo, Positive
from mineral.networks.denoising import Denoiser, DenoisingLoss, information
from mineral.networks.training import train
from mineral.samples import Fold, Paired
from mineral.system.chance import Chance
from mineral.system.threads import one_torch_thread

DRAWS = 64  # noise levels for each held-out row


@dataclass(frozen=True, kw_only=True)
class MINDE(CrossFitted):
    """Diffusion: how much y improves the denoising of x. Any dimension, slow.

    One network learns to predict the noise in x with and without y as an input, at all noise
    levels; the information is the integral of the difference of their squared errors on held-out
    rows (see
    `networks/denoising.py`). It has no ceiling. It gives no density ratio, so that there is no
    model to keep. Not symmetric: put the variable of lower dimension first.

    Args:
        squared: True for the squared difference of the two predictions, as published: of lower
            variance, but above zero even for independent variables.

    References:
        Franzese, Bounoua & Michiardi (2024), MINDE, arXiv:2310.09031.
    """

    steps: AtLeastOne = 3000
    batch_size: AtLeastTwo = 512
    learning_rate: Positive = 2e-3
    folds: AtLeastTwo = 2
    squared: bool = False

    name = "minde"
    kind = "neither"

    def report(self, samples: Paired, fold: Fold, run: Run, rng: np.random.Generator) -> FoldReport:
        chance = Chance.of(rng)
        with chance:
            denoiser = Denoiser(samples.x.shape[1], samples.y.shape[1]).to(run.device)
        generator = chance.generator(run.device)
        _, (training, validation, test) = prepared(samples, fold, denoiser)
        curve = train(
            DenoisingLoss(denoiser, generator),
            lambda joint, _: joint.mean(),
            training,
            validation,
            self.schedule(len(training[0]), block=1),
            rng=rng,
            progress=self.telling(run),
        )
        with one_torch_thread():
            gains = information(
                denoiser, *test, draws=DRAWS, squared=self.squared, generator=generator
            )
        pointwise = gains.cpu().numpy()
        return FoldReport(
            rows=fold.test,
            value=float(pointwise.mean()),
            variance=float(pointwise.var(ddof=1)) / len(pointwise),
            pointwise=pointwise,
            curve=curve,
        )
