"""Estimators that learn densities: difference of entropies, flows, and upper bounds from a model.

A model of p(y | x), and one of p(y), are trained by likelihood (`networks/densities.py`). Their log
ratio is the pointwise mutual information; the model of p(y | x) alone gives estimates that are
upper bounds if p(y | x) is known.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from mineral import bounds
from mineral.critics import split_scores
from mineral.methods.base import Run
from mineral.methods.neural.crossfit import CrossFitted, FoldReport, prepared
from mineral.methods.options import AtLeastOne, Positive
from mineral.models import Member
from mineral.networks.densities import DensityRatio, DiagonalRatio, Family, FlowRatio, LogLikelihood
from mineral.networks.scoring import Pairs, score_all
from mineral.networks.training import train
from mineral.results import Curve
from mineral.samples import Fold, Paired
from mineral.system.chance import Chance

BLOCK = 256  # rows whose pairs are product samples of each other, for an upper bound


@dataclass(frozen=True, kw_only=True)
class Generative(CrossFitted):
    """Common parts of estimators that learn densities of y."""

    steps: AtLeastOne = 2000

    @abstractmethod
    def ratios(self, dim_x: int, dim_y: int) -> list[DensityRatio]:
        """The candidate models: the one with the largest validation likelihood is kept."""

    def value(self, ratio: DensityRatio, test: Pairs) -> tuple[float, float]:
        """The estimate on test rows, and its variance over samples."""
        joint, _ = score_all(ratio, test, 1)
        return float(joint.double().mean()), float(joint.double().var()) / len(joint)

    def report(self, samples: Paired, fold: Fold, run: Run, rng: np.random.Generator) -> FoldReport:
        learned = []
        with Chance.of(rng):
            ratios = self.ratios(samples.x.shape[1], samples.y.shape[1])
        for ratio in ratios:
            member, parts = prepared(samples, fold, ratio.to(run.device))
            learned.append((self._learn(ratio, parts, run, rng), ratio, member, parts[2]))
        curve, ratio, member, test = max(learned, key=_likelihood)
        joint, _ = score_all(ratio, test, 1)
        value, variance = self.value(ratio, test)
        return FoldReport(
            rows=fold.test,
            value=value,
            variance=variance,
            pointwise=joint.double().cpu().numpy(),
            member=replace(member, critic=ratio),
            curve=curve,
        )

    def _learn(
        self, ratio: DensityRatio, parts: list[Pairs], run: Run, rng: np.random.Generator
    ) -> Curve:
        training, validation, _ = parts
        curve = train(
            LogLikelihood(ratio),
            lambda joint, _: joint.mean(),
            training,
            validation,
            self.schedule(len(training[0]), block=1),
            rng=rng,
            progress=self.telling(run),
        )
        ratio.eval()
        return curve


def _likelihood(learned: tuple[Curve, DensityRatio, Member, Pairs]) -> float:
    curve = learned[0]
    return curve.validation[curve.best]


@dataclass(frozen=True, kw_only=True)
class DifferenceOfEntropies(Generative):
    """Cross-entropies H(Y) − H(Y | X) of learned Gaussian or logistic densities; no ceiling.

    Each entropy is replaced by the cross-entropy of a model, an upper bound on it, so that the
    difference is neither bound. It converges like 1/√n however large the information is, where
    lower bounds stop at log n. The models assume that the columns of y are independent given x:
    otherwise use `flow`. Not symmetric: put the simpler variable second.

    Args:
        family: Of the densities; None keeps the one with the larger validation likelihood.

    References:
        McAllester & Stratos (2020), arXiv:1811.04251.
    """

    family: Family | None = None

    name = "doe"
    kind = "neither"

    def ratios(self, dim_x: int, dim_y: int) -> list[DensityRatio]:
        families: list[Family] = ["gaussian", "logistic"] if self.family is None else [self.family]
        return [DiagonalRatio(dim_x, dim_y, family=family) for family in families]


@dataclass(frozen=True, kw_only=True)
class Flow(Generative):
    """Difference of entropies with neural spline flows: densities of any shape. Needs zuko.

    As `doe`, with densities that model the shape of y and the dependence between its columns.
    Slower, and needs more samples.

    Args:
        transforms: Autoregressive layers of each flow.

    References:
        McAllester & Stratos (2020), arXiv:1811.04251.
        Durkan et al. (2019), Neural Spline Flows, arXiv:1906.04032.
    """

    steps: AtLeastOne = 1000
    learning_rate: Positive = 2e-3
    transforms: AtLeastOne = 1

    name = "flow"
    kind = "neither"

    def ratios(self, dim_x: int, dim_y: int) -> list[DensityRatio]:
        return [FlowRatio(dim_x, dim_y, transforms=self.transforms)]


@dataclass(frozen=True, kw_only=True)
class _Upper(Generative):
    """Common parts of the upper bounds from a learned conditional density."""

    def ratios(self, dim_x: int, dim_y: int) -> list[DensityRatio]:
        return [DiagonalRatio(dim_x, dim_y)]

    @abstractmethod
    def bound(self, scores: Tensor) -> Tensor:
        """From scores[i, j] = log q(y_j | x_i) of a block of rows, of shape (n, n)."""

    @torch.no_grad()
    def value(self, ratio: DensityRatio, test: Pairs) -> tuple[float, float]:
        # One value for each block of rows: their mean is the estimate, with its standard error.
        size = min(BLOCK, max(2, len(test[0]) // 8))
        conditional = _Conditional(ratio)
        values = []
        for start in range(0, len(test[0]) - size + 1, size):
            x, y = (part[start : start + size] for part in test)
            values.append(float(self.bound(conditional(x[:, None], y[None, :]).double())))
        return float(np.mean(values)), float(np.var(values, ddof=1) / len(values))


class _Conditional(nn.Module):
    """log q(y | x) of a density ratio, as a critic."""

    def __init__(self, ratio: DensityRatio) -> None:
        super().__init__()
        self.ratio = ratio

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.ratio.log_conditional(x, y)


@dataclass(frozen=True, kw_only=True)
class CLUB(_Upper):
    """vCLUB: log q(y | x) of joint minus product samples; far above on strong dependence.

    An upper bound if q is the true p(y | x); with a learned q it is neither bound, and usually
    above. Intended for minimizing information in a loss, not for its value.

    References:
        Cheng et al. (2020), arXiv:2006.12013.
    """

    name = "club"
    kind = "neither"

    def bound(self, scores: Tensor) -> Tensor:
        return bounds.club(*split_scores(scores))


@dataclass(frozen=True, kw_only=True)
class LeaveOneOut(_Upper):
    """Leave-one-out: log q(y | x) against the mixture of the other rows' conditionals.

    An upper bound if q is the true p(y | x); with a learned q it is neither bound, and usually
    above. Tighter than CLUB, but also loose if each y is likely under its own x alone.

    References:
        Poole et al. (2019), arXiv:1905.06922.
    """

    name = "leave-one-out"
    kind = "neither"

    def bound(self, scores: Tensor) -> Tensor:
        return bounds.leave_one_out_upper(scores)
