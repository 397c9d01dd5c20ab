"""LMI: learn low-dimensional representations of x and y, then estimate between these."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from mineral.critics import mlp
from mineral.methods.base import Estimator, Run
from mineral.methods.neighbours.knn import KSG
from mineral.methods.neural.crossfit import CrossFitted, FoldReport, prepared
from mineral.methods.options import AtLeastOne, AtLeastTwo, Positive
from mineral.networks.training import train
from mineral.samples import Fold, Paired
from mineral.system.chance import Chance
from mineral.system.progress import silent


class CrossAutoencoder(nn.Module):
    """Encoders z(x), z(y); each must reconstruct both x and y.

    Args:
        dim_x: dx.
        dim_y: dy.
        latent: Length of z(x) and of z(y).
        hidden: Width of each hidden layer.
    """

    def __init__(
        self, dim_x: int, dim_y: int, *, latent: int, hidden: tuple[int, ...] = (128, 64)
    ) -> None:
        super().__init__()
        self.of_x, self.of_y = mlp(dim_x, *hidden, latent), mlp(dim_y, *hidden, latent)
        back = hidden[::-1]
        self.from_x = mlp(latent, *back, dim_x + dim_y)
        self.from_y = mlp(latent, *back, dim_x + dim_y)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Minus the squared error of both reconstructions of both, a mean over coordinates."""
        dim_x = x.shape[-1]
        total: Tensor = x.new_zeros(())
        for guess in (self.from_x(self.of_x(x)), self.from_y(self.of_y(y))):
            total = total + (guess[..., :dim_x] - x).square().mean(dim=-1)
            total = total + (guess[..., dim_x:] - y).square().mean(dim=-1)
        return -total


@dataclass(frozen=True, kw_only=True)
class LMI(CrossFitted):
    """Autoencoders to low-dimensional representations, then KSG: low-rank dependence.

    An encoder of x and one of y are trained, on some rows, to reconstruct both variables from
    `latent` numbers each; on the other rows, mutual information is estimated between these numbers.
    By the data processing inequality it is at most I(X; Y), so that the value is biased downwards.
    It fails if the dependence does not change conditional means.

    Args:
        latent: Numbers to encode x and y in, each.
        final: The estimator between the latent variables.

    References:
        Gowri, Lun, Klein & Yin (2024), arXiv:2409.02732.
    """

    steps: AtLeastOne = 2000
    batch_size: AtLeastTwo = 256
    learning_rate: Positive = 1e-3
    folds: AtLeastTwo = 2
    latent: AtLeastOne = 8
    final: Estimator = field(default_factory=KSG)

    name = "lmi"
    kind = "neither"

    def report(self, samples: Paired, fold: Fold, run: Run, rng: np.random.Generator) -> FoldReport:
        dims = samples.x.shape[1], samples.y.shape[1]
        with Chance.of(rng):
            coder = CrossAutoencoder(*dims, latent=min(self.latent, *dims)).to(run.device)
        _, (training, validation, test) = prepared(samples, fold, coder)
        curve = train(
            coder,
            lambda joint, _: joint.mean(),
            training,
            validation,
            self.schedule(len(training[0]), block=1),
            rng=rng,
            progress=self.telling(run),
        )
        with torch.no_grad():
            encoded = coder.of_x(test[0]), coder.of_y(test[1])
        x, y = (z.double().cpu().numpy() for z in encoded)
        quiet = replace(run, progress=silent)
        found = self.final.measure(replace(samples, x=x, y=y, x_names=(), y_names=()), quiet)
        assert found.pointwise is not None
        return FoldReport(
            rows=fold.test,
            value=found.value,
            variance=found.stderr**2,
            pointwise=found.pointwise,
            curve=curve,
        )
