"""Labels by a classifier: what images, text or many measurements say of a class.

    I(X; Y) = H(Y) − H(Y | X) ≥ H(Y) − E[−log q(Y | X)]

for every classifier q, evaluated on rows that it never saw. It starts from linear discriminants,
exact for classes of one shape, and a network learns what they miss.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mineral import bounds
from mineral.critics import mlp
from mineral.errors import InputError
from mineral.methods.base import Measurement, Run
from mineral.methods.crossfit import VALIDATION, CrossFitted, FoldReport
from mineral.methods.learning_curve import allowing_for, halved, more
from mineral.progress import silent
from mineral.samples import Fold, Paired, folds
from mineral.training import score_all, seeded, train
from mineral.types import Matrix

ROWS_A_CLASS = 5  # on average, below which no class is learned
ROWS_FOR_EACH = 5  # rows that a component needs
MOST = 100  # components
FAR = 5.0  # standard deviations
SHARPNESS = (1.0, 0.75, 0.5, 0.25, 0.1, 0.0)  # of discriminants that few rows made too sure
ROUGH = 0.01  # of unit variance: what keeps the within-class covariance invertible


@dataclass(frozen=True, kw_only=True)
class Classifier(CrossFitted):
    """A classifier's held-out likelihood: of a label, by images, text or many numbers.

    The side with fewer different rows is the label; its classes have no order. The other side is
    seen through its principal components, up to one for every five training rows and 100.

    Args:
        hidden: Width of the network's two hidden layers.

    References:
        Barber & Agakov (2003), the bound; McAllester & Stratos (2020), arXiv:1811.04251.
    """

    steps: int = 1500
    batch_size: int = 256
    learning_rate: float = 2e-3
    hidden: int = 128

    name = "classifier"
    kind = "lower bound"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        label, features = _label_first(samples)
        sided = replace(
            samples,
            x=features,
            y=label[:, None].astype(float),
            x_names=tuple(f"feature {i}" for i in range(features.shape[1])),
            y_names=("class",),
        )
        found = super().measure(sided, run)
        rng = run.rng()
        with seeded(run.seed, run.device):
            split = next(iter(folds(len(sided), self.folds, validation=VALIDATION, rng=rng)))
            quiet = replace(run, progress=silent)
            whole = self.report(sided, split, quiet, rng)
            half = self.report(sided, halved(split), quiet, rng)
        return allowing_for(more(whole, half), found)

    def report(self, samples: Paired, fold: Fold, run: Run, rng: np.random.Generator) -> FoldReport:
        labels = samples.y[:, 0].astype(np.int64)
        counts = np.bincount(labels)
        of_x = _Components.fit(samples.x[fold.training])
        z = of_x.apply(samples.x)
        network = _Network(z[fold.training], labels[fold.training], len(counts), self.hidden)
        network.blunt(z[fold.validation], labels[fold.validation])
        network = network.to(run.device)
        tensors = [torch.from_numpy(v.astype(np.float32)).to(run.device) for v in (z, samples.y)]
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
        share = counts / len(labels)
        # Miller and Madow's correction of H(Y), which stands in every row's value.
        correction = (np.count_nonzero(counts) - 1) / (2 * len(labels))
        pointwise = scores - np.log(share)[labels[fold.test]] + correction
        return FoldReport(
            rows=fold.test,
            value=float(pointwise.mean()),
            variance=float(pointwise.var()) / len(pointwise),
            pointwise=pointwise,
            curve=curve,
        )


def _label_first(samples: Paired) -> tuple[Int[np.ndarray, " n"], Matrix]:
    """The class of each row, and the other side."""
    found = []
    for side in (samples.y, samples.x):
        _, codes = np.unique(side, axis=0, return_inverse=True)
        found.append(codes.reshape(-1))
    codes_y, codes_x = found
    label, features = (
        (codes_y, samples.x) if codes_y.max() <= codes_x.max() else (codes_x, samples.y)
    )
    classes = int(label.max()) + 1
    if classes < 2 or len(label) < ROWS_A_CLASS * classes:
        raise InputError(
            f"A classifier needs a label of 2 or more classes, with {ROWS_A_CLASS} rows each on "
            f"average: got {classes} classes among {len(label)} rows. Give labels as `y`, or use "
            "estimator='auto'."
        )
    return label, features


@dataclass(frozen=True)
class _Components:
    """Principal components of standardized coordinates, of unit variance each."""

    center: Float[np.ndarray, " d"]
    map: Float[np.ndarray, "d k"]

    @classmethod
    def fit(cls, values: Matrix) -> "_Components":
        center = values.mean(axis=0)
        scale = values.std(axis=0)
        scale = np.where(scale > 1e-12 * np.abs(values).max(axis=0), scale, np.inf)
        z = (values - center) / scale
        n, d = z.shape
        most = max(1, min(d, MOST, n // ROWS_FOR_EACH))
        if d <= n:
            variances, directions = np.linalg.eigh(z.T @ z / n)
        else:  # the same components, from the products of rows
            variances, rows = np.linalg.eigh(z @ z.T / n)
            directions = z.T @ rows / np.sqrt(np.maximum(n * variances, 1e-300))
        kept = np.argsort(variances)[::-1][:most]
        kept = kept[variances[kept] > 1e-9 * max(variances.max(), 1e-300)]
        return cls(center, directions[:, kept] / np.sqrt(variances[kept]) / scale[:, None])

    def apply(self, values: Matrix) -> Float[np.ndarray, "n k"]:
        # Far rows must not outweigh all others, as they would in means and products.
        return np.asarray(((values - self.center) @ self.map).clip(-FAR, FAR))


class _Network(nn.Module):
    """log q(y | x): linear discriminants, sharpened or blunted, and a network that starts at 0."""

    linear: Tensor
    offset: Tensor
    constant: Tensor

    def __init__(
        self,
        x: Float[np.ndarray, "n k"],
        label: Int[np.ndarray, " n"],
        classes: int,
        hidden: int,
    ) -> None:
        super().__init__()
        linear, offset, constant = _discriminants(x, label, classes)
        self.register_buffer("linear", torch.from_numpy(linear.astype(np.float32)))
        self.register_buffer("offset", torch.from_numpy(offset.astype(np.float32)))
        self.register_buffer("constant", torch.from_numpy(constant.astype(np.float32)))
        self.sharpness = nn.Parameter(torch.ones(()))
        self.rest = nn.Sequential(
            nn.Dropout(0.1), *mlp(x.shape[1], hidden, hidden), nn.SiLU(), nn.Dropout(0.2)
        )
        self.last = nn.Linear(hidden, classes)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self, x: Float[Tensor, "*batch_x dx"], y: Float[Tensor, "*batch_y dy"]
    ) -> Float[Tensor, "..."]:
        discriminants = x @ self.linear + self.offset
        logits = self.sharpness * discriminants + self.constant + self.last(self.rest(x))
        which = y[..., 0].long()
        pairs = np.broadcast_shapes(logits.shape[:-1], which.shape)
        chosen: Tensor = logits.log_softmax(dim=-1).expand(*pairs, -1)
        return chosen.gather(-1, which.expand(pairs)[..., None]).squeeze(-1)

    @torch.no_grad()
    def blunt(self, x: Float[np.ndarray, "n k"], label: Int[np.ndarray, " n"]) -> None:
        """Start from the sharpness at which these rows are most likely."""
        seen = torch.from_numpy(x.astype(np.float32))
        logits = [s * (seen @ self.linear + self.offset) + self.constant for s in SHARPNESS]
        wanted = torch.from_numpy(label)
        losses = [float(nn.functional.cross_entropy(each, wanted)) for each in logits]
        self.sharpness.fill_(SHARPNESS[int(np.argmin(losses))])


def _discriminants(
    x: Float[np.ndarray, "n k"], label: Int[np.ndarray, " n"], classes: int
) -> tuple[Float[np.ndarray, "k c"], Float[np.ndarray, " c"], Float[np.ndarray, " c"]]:
    """Fisher's, of Gaussian classes that share a covariance: slopes, offsets, log shares."""
    counts = np.bincount(label, minlength=classes) + 0.5  # a class may be missing here
    totals = np.zeros((classes, x.shape[1]))
    np.add.at(totals, label, x)
    # A class's mean leans towards the mean of all, the more the fewer its rows.
    means = totals / (counts + 1)[:, None]
    within = (x - means[label]).T @ (x - means[label]) / len(x) + ROUGH * np.eye(x.shape[1])
    linear = np.linalg.solve(within, means.T)
    return linear, -(means * linear.T).sum(axis=1) / 2, np.log(counts / counts.sum())
