"""Labels by a classifier: the information of images, text or many measurements about a class.

    I(X; Y) = H(Y) − H(Y | X) ≥ H(Y) − E[−log q(Y | X)]

for every classifier q, evaluated on held-out rows. It starts from discriminants, exact for Gaussian
classes, and a network learns a correction.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mineral import bounds
from mineral.critics import mlp
from mineral.methods.base import Measurement, Run
from mineral.methods.classes.discriminant import SHRINKAGES, Discriminants
from mineral.methods.classes.labels import Components, label_first, miller_madow, ranked, surprisal
from mineral.methods.learning_curve import allowing_for, halved, more
from mineral.methods.neural.crossfit import VALIDATION, CrossFitted, FoldReport
from mineral.methods.options import AtLeastOne, AtLeastTwo, Positive
from mineral.networks.scoring import score_all
from mineral.networks.training import train
from mineral.samples import Fold, Paired, folds
from mineral.system.chance import Chance, learning
from mineral.system.progress import silent

SHARPNESS = (1.0, 0.75, 0.5, 0.25, 0.1, 0.0)  # exponents that temper overconfident discriminants


@dataclass(frozen=True, kw_only=True)
class Classifier(CrossFitted):
    """A classifier's held-out likelihood: a label with images, text or many numbers.

    The side with fewer distinct rows is the label; its classes have no order. The features are the
    principal components of the other side, up to one for every five training rows and 100; with up
    to 20 columns, their normal scores.

    Args:
        hidden: Width of the network's two hidden layers.

    References:
        Barber & Agakov (2003), the bound; McAllester & Stratos (2020), arXiv:1811.04251.
    """

    steps: AtLeastOne = 1500
    batch_size: AtLeastTwo = 256
    learning_rate: Positive = 2e-3
    hidden: AtLeastOne = 128

    name = "classifier"
    kind = "lower bound"
    labels = True

    def measure(self, samples: Paired, run: Run) -> Measurement:
        label, features = label_first(samples, needed_by="Classifier")
        sided = replace(
            samples,
            x=ranked(features),
            y=label[:, None].astype(float),
            x_names=tuple(f"feature {i}" for i in range(features.shape[1])),
            y_names=("class",),
        )
        found = super().measure(sided, run)
        rng = run.rng()
        with learning():
            split = next(iter(folds(len(sided), self.folds, validation=VALIDATION, rng=rng)))
            quiet = replace(run, progress=silent)
            whole = self.report(sided, split, quiet, rng)
            half = self.report(sided, halved(split), quiet, rng)
        return allowing_for(more(whole, half), found)

    def report(self, samples: Paired, fold: Fold, run: Run, rng: np.random.Generator) -> FoldReport:
        labels = samples.y[:, 0].astype(np.int64)
        of_x = Components.fit(samples.x[fold.training])
        z = of_x.apply(samples.x)
        logits = _Logits.best(z, labels, fold, int(labels.max()) + 1)
        with Chance.of(rng):
            network = _Network(z.shape[1], logits, self.hidden).to(run.device)
        seen = np.hstack([z, logits.of_rows])
        tensors = [torch.from_numpy(v.astype(np.float32)).to(run.device) for v in (seen, samples.y)]
        parts = [
            (tensors[0][rows], tensors[1][rows])
            for rows in (fold.training, fold.validation, fold.test)
        ]
        curve = train(
            network,
            bounds.log_likelihood,
            parts[0],
            parts[1],
            self.schedule(len(fold.training), block=2),
            rng=rng,
            progress=self.telling(run),
        )
        scores = score_all(network, parts[2], 2)[0].double().cpu().numpy()
        pointwise = scores + (surprisal(labels) + miller_madow(labels))[fold.test]
        return FoldReport(
            rows=fold.test,
            value=float(pointwise.mean()),
            variance=float(pointwise.var()) / len(pointwise),
            pointwise=pointwise,
            curve=curve,
        )


@dataclass(frozen=True, kw_only=True)
class _Logits:
    """Log odds of every row by discriminants, their exponent, and the log shares of classes."""

    of_rows: Float[np.ndarray, "n c"]
    sharpness: float
    log_shares: Float[np.ndarray, " c"]

    @classmethod
    def best(
        cls, z: Float[np.ndarray, "n k"], labels: Int[np.ndarray, " n"], fold: Fold, classes: int
    ) -> "_Logits":
        """The discriminants with the largest validation likelihood."""
        fitted = Discriminants.fit(z[fold.training], labels[fold.training], classes)
        wanted = torch.from_numpy(labels[fold.validation])
        found = []
        for lean in SHRINKAGES:
            of_rows = fitted.log_densities(z, lean)
            of_rows -= of_rows.max(axis=1, keepdims=True)
            on = torch.from_numpy(of_rows[fold.validation])
            shares = torch.from_numpy(fitted.log_shares)
            for sharpness in SHARPNESS:
                loss = nn.functional.cross_entropy(sharpness * on + shares, wanted)
                found.append((float(loss), lean, sharpness, of_rows))
        _, _, sharpness, of_rows = min(found, key=lambda option: option[0])
        return cls(of_rows=of_rows, sharpness=sharpness, log_shares=fitted.log_shares)


class _Network(nn.Module):
    """log q(y | x): tempered discriminants plus a network that starts at 0.

    x contains components, followed by the discriminants.
    """

    log_shares: Tensor

    def __init__(self, components: int, logits: _Logits, hidden: int) -> None:
        super().__init__()
        self.components, classes = components, len(logits.log_shares)
        self.register_buffer("log_shares", torch.from_numpy(logits.log_shares.astype(np.float32)))
        self.sharpness = nn.Parameter(torch.tensor(logits.sharpness))
        self.rest = nn.Sequential(
            nn.Dropout(0.1), *mlp(components, hidden, hidden), nn.SiLU(), nn.Dropout(0.2)
        )
        self.last = nn.Linear(hidden, classes)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        z, discriminants = x[..., : self.components], x[..., self.components :]
        logits = self.sharpness * discriminants + self.log_shares + self.last(self.rest(z))
        which = y[..., 0].long()
        pairs = np.broadcast_shapes(logits.shape[:-1], which.shape)
        chosen: Tensor = logits.log_softmax(dim=-1).expand(*pairs, -1)
        return chosen.gather(-1, which.expand(pairs)[..., None]).squeeze(-1)
