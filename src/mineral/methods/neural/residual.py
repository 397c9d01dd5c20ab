"""A copula with a neural correction.

A copula of few parameters (Gaussian, Student t, or Gaussian with a share of independent rows) is
fitted to ranks: exact if it applies, with the smallest variance. A network then learns the residual
of the log density ratio,

    pmi(x, y) ≈ log c(x, y) + r(x, y),       r = 0 at the start,

by classifying joint against product samples (`bounds.jensen_shannon`, whose optimum is pmi itself).
If, on held-out rows, it classifies them significantly better than the copula alone,

    I(X; Y) ≈ mean[log c + r]   over joint samples,

is reported, and otherwise the copula's own value. So there is no cost in variance where the copula
is correct, and dependence on nonlinear combinations of columns, which ranks of single columns miss,
is captured where it is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product as product_of

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from mineral import bounds
from mineral.basics.types import JointScores, Matrix, ProductScores, X, Y
from mineral.critics import mlp
from mineral.methods.base import Measurement, Run
from mineral.methods.copulas.contaminated import fitted as contaminated
from mineral.methods.copulas.gaussian import gaussian_bias
from mineral.methods.copulas.likeliest import LikeliestCopula
from mineral.methods.copulas.student import Levels, kept_levels, positive_definite
from mineral.methods.learning_curve import allowing_for, halved, more
from mineral.methods.neural.crossfit import VALIDATION, FoldReport, Learned, combined
from mineral.methods.normalized import excess
from mineral.methods.options import AtLeastOne, AtLeastTwo, Positive
from mineral.methods.projections.kcca import canonical_variates
from mineral.models import ContaminatedModel, StudentModel
from mineral.models.student import log_height
from mineral.networks.scoring import score_all
from mineral.networks.training import train
from mineral.samples import Fold, Paired, folds
from mineral.system.chance import Chance, learning
from mineral.system.progress import portion, silent

PRODUCTS = 64  # product samples for each joint sample of a test fold, at least
WIDE = 8  # columns a side, above which the inputs of the network are canonical directions
DIRECTIONS = 4  # canonical directions a side that are then its inputs
FEWEST = 200  # rows
COPULA = 0.1  # share of the time that the copula takes, for the progress bar
BLOCK = 3  # each joint sample has two product samples
PATIENCE = 300  # steps
# steps: with variates as inputs, the bound improves within about forty, or not at all
AT_FIRST = 100
BLUNTNESS = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)  # slopes of a copula's log density ratio
SHIFTS = (-0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2)  # nats
# nats of gain: at high information classification is nearly perfect, and smaller gains are noise
LEAST = 1e-3
AFFORDABLE = 0.25  # nats that may be lost by fitting the copula to a part of the rows


@dataclass(frozen=True, kw_only=True)
class Residual(Learned):
    """The best-fitting copula, with a neural correction if it improves the held-out score.

    The inputs of the network are normal scores (with more than 8 columns a side, four canonical
    directions instead), the norm of each whitened side, for dependence that varies with the
    distance from the center, and kernel canonical variates if any are significant (`kcca`).
    Training stops if early folds show no gain.

    Best if the copula explains a part of the dependence: the correction is then small, and few
    samples suffice to learn it. The reported mean log ratio is neither bound; it is robust to heavy
    tails, which break the logarithm of a mean. A second network, trained on half of the rows,
    measures how much more rows would add; the interval includes this.

    Args:
        gain: Standard errors by which the held-out classification score must improve.
        hidden: Width of the network's three hidden layers.

    References:
        Nguyen, Wainwright & Jordan (2010), density ratios by classification, arXiv:0809.0853.
        Letizia, Novello & Tonello (2024), GAN-DIME, arXiv:2305.20025.
    """

    steps: AtLeastOne = 2000
    batch_size: AtLeastTwo = 512
    gain: Positive = 2.0
    hidden: AtLeastOne = 64

    name = "residual"
    kind = "neither"

    def measure(self, samples: Paired, run: Run) -> Measurement:
        copula = LikeliestCopula().measure(
            samples, replace(run, progress=portion(run.progress, 0.0, COPULA))
        )
        if any(caution.code == "deterministic" for caution in copula.cautions):
            run.progress(1.0, "fitting a copula")
            return copula
        ranks = _Ranks.of(samples, copula)
        if len(samples) < FEWEST or self._cost(ranks) > AFFORDABLE:
            run.progress(1.0, "fitting a copula")
            return _with(copula, "Too few rows for a neural correction of the copula.")
        rng, reports = run.rng(), list[FoldReport]()
        with learning():
            split = list(folds(len(samples), self.folds, validation=VALIDATION, rng=rng))
            if not all(ranks.can_be_fitted(fold.training) for fold in split):
                run.progress(1.0, self.name)
                return _with(
                    copula,
                    ("Some columns are functions of others: no neural correction is fitted."),
                )
            for fold in split:
                share = (1 - COPULA) / self.folds
                done = COPULA + share * len(reports)
                timed = run.share(self.folds + 1 - len(reports))  # and one for half of the rows
                part = replace(timed, progress=portion(run.progress, done, done + share))
                reports.append(self._report(ranks, fold, part, rng))
                # An early fold need only leave it possible that all folds together are significant.
                needed = self.gain if len(reports) == self.folds else self.gain / 2
                if not _clear(reports, needed):
                    run.progress(1.0, self.name)
                    return _with(
                        copula,
                        (
                            "A neural correction does not improve the copula significantly on "
                            "held-out rows."
                        ),
                    )
            half = self._report(ranks, halved(split[0]), replace(run, progress=silent), rng)
        found = allowing_for(more(reports[0], half), combined(self, samples, reports))
        return _with(
            found,
            ("A neural correction improves the copula significantly on held-out rows."),
            copula.path,
        )

    def _cost(self, ranks: "_Ranks") -> float:
        """Nats that the copula loses when it is fitted only to the training rows of a fold."""
        training = len(ranks.levels.which) * (1 - 1 / self.folds) * (1 - VALIDATION)
        dx, dy = ranks.levels.dx, ranks.levels.which.shape[1] - ranks.levels.dx
        enough = training > 2 * (dx + dy) + 2
        return gaussian_bias(training, dx, dy) if enough else np.inf

    def _report(
        self, ranks: "_Ranks", fold: Fold, run: Run, rng: np.random.Generator
    ) -> FoldReport:
        base, x, y = ranks.fitted(fold.training, rng)
        with Chance.of(rng):
            network = _Corrected(base, x.shape[1], y.shape[1], self.hidden).to(run.device)
        sides = [torch.from_numpy(v.astype(np.float32)).to(run.device) for v in (x, y)]
        training, validation, test = (
            (sides[0][rows], sides[1][rows]) for rows in (fold.training, fold.validation, fold.test)
        )
        curve = train(
            network,
            bounds.jensen_shannon,
            training,
            validation,
            replace(
                self.schedule(len(fold.training), block=BLOCK),
                patience=PATIENCE,
                at_first=AT_FIRST if ranks.mixed else None,
            ),
            rng=rng,
            progress=self.telling(run),
            until=run.until,
        )
        scores = [s.double() for s in score_all(network, test, PRODUCTS)]
        without = [s.double() for s in score_all(network.base, test, PRODUCTS)]
        looked_at = [s.double() for s in score_all(network.base, validation, PRODUCTS)]
        slope, shift = _best_blunt(*looked_at)
        blunter = (slope * s + shift for s in without)
        pointwise = scores[0].cpu().numpy()
        # For clusters, the copula itself overestimates; beyond that, a few distant product pairs of
        # a network are not evidence.
        claimed = excess(without[1].flatten().cpu().numpy())
        if claimed:
            pointwise = pointwise - min(claimed, excess(scores[1].flatten().cpu().numpy()))
        dx, dy = base.sizes
        return FoldReport(
            rows=fold.test,
            value=float(pointwise.mean()) + gaussian_bias(float(len(fold.training)), dx, dy),
            variance=float(pointwise.var()) / len(pointwise),
            pointwise=pointwise,
            curve=curve,
            gain=(_told_apart(*scores) - _told_apart(*blunter)).cpu().numpy(),
        )


def _with(found: Measurement, sentence: str, before: tuple[str, ...] = ()) -> Measurement:
    return replace(found, path=(*before, *found.path, sentence))


def _told_apart(joint: JointScores, product: ProductScores) -> JointScores:
    """The logarithmic score of classifying each joint pair against product pairs, in nats."""
    return -softplus(-joint) - softplus(product).mean(dim=1)


def _best_blunt(joint: JointScores, product: ProductScores) -> tuple[float, float]:
    """The tempering (slope and shift) of a copula that classifies held-out pairs best.

    With few rows for its dimensions, a fitted copula is overconfident. A network soon corrects
    that, but this is not dependence that the copula missed: its value is already corrected for this
    bias.
    """

    def likely(options: tuple[float, float]) -> float:
        slope, shift = options
        return float(_told_apart(slope * joint + shift, slope * product + shift).mean())

    return max(product_of(BLUNTNESS, SHIFTS), key=likely)


def _clear(reports: Sequence[FoldReport], errors: float) -> bool:
    gain = np.concatenate([report.gain for report in reports if report.gain is not None])
    gain = gain.clip(-1, 1)  # a few outlying pairs must not outweigh all others
    return bool(gain.mean() > max(LEAST, errors * gain.std() / np.sqrt(len(gain))))


@dataclass(frozen=True, kw_only=True)
class _Ranks:
    """Ranks of all rows, and the kind of their copula.

    A rank compares one coordinate of a row with that of other rows, and does not depend on the
    pairing of x and y: ranks among all rows do not reveal the dependence in test rows.
    """

    levels: Levels
    nu: float  # degrees of freedom
    diluted: bool  # whether a share of the rows is independent

    @classmethod
    def of(cls, samples: Paired, copula: Measurement) -> "_Ranks":
        (of_x, _), (of_y, _) = kept_levels(samples.x), kept_levels(samples.y)
        student = isinstance(copula.model, StudentModel)
        nu = copula.model.degrees_of_freedom if student else np.inf  # type: ignore[union-attr]
        diluted = isinstance(copula.model, ContaminatedModel)
        return cls(levels=Levels.of(of_x, of_y), nu=nu, diluted=diluted)

    @property
    def mixed(self) -> bool:
        """Whether variates can help: a single column a side has no combinations."""
        return bool(self.levels.which.shape[1] > 2)

    def can_be_fitted(self, training: np.ndarray) -> bool:
        """Whether no column is a function of others, as rare pixels are on a part of the rows."""
        part = replace(self.levels, which=self.levels.which[training])
        return positive_definite(part.normal_correlation())

    def fitted(
        self, training: np.ndarray, rng: np.random.Generator
    ) -> tuple["_Ellipse", np.ndarray, np.ndarray]:
        """The copula of the training rows, and the inputs of copula and network for every row."""
        part = replace(self.levels, which=self.levels.which[training])
        correlation = part.normal_correlation()
        normal = self.levels.scores(np.inf)
        scores, of_scores = normal, correlation
        if np.isfinite(self.nu):
            fit = part.fit(self.nu, correlation, 1e-4)
            scores, of_scores = self.levels.scores(self.nu), fit.correlation
        dx, share = self.levels.dx, 0.0
        if self.diluted:
            of_scores, share = _partly(normal[training], correlation, dx)
        base = _Ellipse(of_scores, dx, self.nu, share)
        sides = normal[:, :dx], normal[:, dx:]
        shapes = _features(*sides, correlation)
        seen = [[scores[:, :dx], shapes[0]], [scores[:, dx:], shapes[1]]]
        if self.mixed:
            variates = canonical_variates(*sides, training, rng)
            seen = [[*side, smooth] for side, smooth in zip(seen, variates, strict=True)]
        x, y = (np.hstack(side) for side in seen)
        return base, x, y


def _whitened(
    x: X, y: Y, correlation: Float[np.ndarray, "d d"]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each side, the root of its correlation matrix, and its whitened scores."""
    dx = x.shape[1]
    roots = [np.linalg.cholesky(part) for part in (correlation[:dx, :dx], correlation[dx:, dx:])]
    return roots, [np.linalg.solve(root, z.T).T for root, z in zip(roots, (x, y), strict=True)]


def _partly(
    scores: Matrix, correlation: Float[np.ndarray, "d d"], dx: int
) -> tuple[Float[np.ndarray, "d d"], float]:
    """Correlations of the dependent rows, and the share of independent rows."""
    roots, white = _whitened(scores[:, :dx], scores[:, dx:], correlation)
    fit = contaminated(*white)
    found = correlation.copy()
    found[:dx, dx:] = roots[0] @ fit.across @ roots[1].T
    found[dx:, :dx] = found[:dx, dx:].T
    return found, fit.share


def _features(x: X, y: Y, correlation: Float[np.ndarray, "d d"]) -> tuple[np.ndarray, np.ndarray]:
    """Normal scores or, of many, canonical directions; and the norm of each whitened side."""
    dx = x.shape[1]
    roots, white = _whitened(x, y, correlation)
    across = np.linalg.solve(roots[0], np.linalg.solve(roots[1], correlation[dx:, :dx]).T)
    left, _, right = np.linalg.svd(across, full_matrices=False)
    found = []
    for z, w, directions in zip((x, y), white, (left, right.T), strict=True):
        d = z.shape[1]
        seen = z if d <= WIDE else w @ directions[:, :DIRECTIONS]
        square = (w**2).sum(axis=1, keepdims=True)
        lengths = [(square - d) / np.sqrt(8 * d), np.sqrt(square) - np.sqrt(d)]
        found.append(np.hstack([seen, *lengths]))
    return found[0], found[1]


class _Ellipse(nn.Module):
    """log c(x, y) of a Gaussian (ν = ∞) or t copula; scores are the first columns of x and of y.

    If a share ε of the rows is independent, log(ε + (1 − ε) c).
    """

    xx: Tensor
    xy: Tensor
    yy: Tensor
    x: Tensor
    y: Tensor

    def __init__(
        self, correlation: Float[np.ndarray, "d d"], dx: int, nu: float, share: float = 0.0
    ) -> None:
        super().__init__()
        self.sizes, self.nu, self.share = (dx, len(correlation) - dx), nu, share
        whole, of_x, of_y = (
            np.linalg.inv(part)
            for part in (correlation, correlation[:dx, :dx], correlation[dx:, dx:])
        )
        blocks = {
            "xx": whole[:dx, :dx],
            "xy": whole[:dx, dx:],
            "yy": whole[dx:, dx:],
            "x": of_x,
            "y": of_y,
        }
        for name, block in blocks.items():
            self.register_buffer(name, torch.from_numpy(block.astype(np.float32)))
        d = [*self.sizes, sum(self.sizes)]
        logs = [np.linalg.slogdet(block)[1] / 2 for block in (of_x, of_y, whole)]
        heights = [0.0 if np.isinf(nu) else log_height(nu, each) for each in d]
        self.constant = float(logs[2] + heights[2] - logs[0] - heights[0] - logs[1] - heights[1])

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        dx, dy = self.sizes
        x, y = x[..., :dx], y[..., :dy]
        cross = ((x @ self.xy) * y).sum(-1)
        joint = _form(x, self.xx) + _form(y, self.yy) + 2 * cross
        tails = self._tail(_form(x, self.x), dx) + self._tail(_form(y, self.y), dy)
        ratio = self.constant + self._tail(joint, dx + dy) - tails
        if self.share == 0:
            return ratio
        chance = torch.full((), np.log(self.share), dtype=ratio.dtype, device=ratio.device)
        return torch.logaddexp(ratio + np.log1p(-self.share), chance)

    def _tail(self, square: Tensor, d: int) -> Tensor:
        if np.isinf(self.nu):
            return -square / 2
        return -(self.nu + d) / 2 * torch.log1p(square / self.nu)


def _form(z: Tensor, matrix: Tensor) -> Tensor:
    return ((z @ matrix) * z).sum(-1)


class _Corrected(nn.Module):
    """log c(x, y) + r(x, y), with r = 0 at the start."""

    def __init__(self, base: _Ellipse, width_x: int, width_y: int, hidden: int) -> None:
        super().__init__()
        self.base = base
        dx, dy = base.sizes
        self.of_x = nn.Linear(width_x - dx, hidden)
        self.of_y = nn.Linear(width_y - dy, hidden, bias=False)
        self.rest = nn.Sequential(nn.SiLU(), *mlp(hidden, hidden, hidden, 1))
        for part in self.rest[-1].parameters():
            nn.init.zeros_(part)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        dx, dy = self.base.sizes
        rest: Tensor = self.rest(self.of_x(x[..., dx:]) + self.of_y(y[..., dy:])).squeeze(-1)
        copula: Tensor = self.base(x, y)
        return copula + rest
