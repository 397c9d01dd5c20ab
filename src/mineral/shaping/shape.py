"""Train an encoder for max I(Z; L) − β I(Z; hidden): keep a label, hide another, or all else.

    shaped = shape(Problem(name="mine", x=x, keep=label, hide=other), Shaping(beta=1.0))
    shaped.encoder.encode(new_rows)

The thesis hides X itself, the paper a sensitive label S. The default code lies within (−1, 1) and
has Gaussian noise, because only noise limits a leak: without it, S may be encoded at any scale,
however small, and I(X; Z) is infinite.

References:
    InfoShape thesis (MIT MEng 2022), DSpace 1721.1/147511: hide X. InfoShape, arXiv:2210.15034:
    hide S.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from mineral.basics.types import Progress
from mineral.errors import InputError, OptionError
from mineral.learning import Term, UpperInformation
from mineral.networks.densities import DiagonalRatio
from mineral.shaping.network import ModuleEncoder, Network, moments
from mineral.shaping.objective import Dependence, LabelInformation, distance_correlation, rate
from mineral.shaping.problem import SHARES, Problem, check_training, entropy
from mineral.shaping.rows import Rows, as_rows, standardization
from mineral.stability import EarlyStopping
from mineral.system.chance import Chance, learning
from mineral.system.machine import device_named
from mineral.system.progress import ProgressOption, reporting

CHECKS = 20
CHECKED = 1024  # validation rows of a check
COMPARED = 256  # rows whose distances to each other are taken


@dataclass(frozen=True, kw_only=True)
class Shaping:
    """Options of the training.

    Attributes:
        beta: β, the weight of the hidden information. 0 hides nothing.
        dim: dz, numbers of a code.
        hidden: Width of each hidden layer of the encoder.
        activation: Between its layers: "silu", "tanh" or "relu".
        noise: Standard deviation of the noise on a code within (−1, 1); 0 for a deterministic one.
        gives_scale: Whether the encoder learns the noise scale of each row, from `noise` to 1.
        kept_by: "label" for entropy minus a classifier's cross-entropy, or a bound: "remine", ….
        hidden_by: "auto" for an adversary on a label, CLUB on numbers, and the rate of a
            stochastic encoder where everything is hidden; or a bound: "remine", ….
        separation: Weight, times β, of the distance correlation of code and S within each class
            of L, in addition to the adversary. It is not part of any reported number.
        warmup: Share of the steps over which β rises to its value: before any information is kept,
            hiding would only lead to a constant code.
        adversary_steps: Steps of the adversary, for one of the encoder.
        steps, batch_size, learning_rate, weight_decay: Of the encoder's AdamW. The learning rate
            falls along a cosine to zero.

    Raises:
        OptionError: If a number is out of range.
    """

    beta: float = 1.0
    dim: int = 3
    hidden: tuple[int, ...] = (64, 64)
    activation: str = "silu"
    noise: float = 0.1
    gives_scale: bool = False
    kept_by: str = "label"
    hidden_by: str = "auto"
    separation: float = 1.0
    warmup: float = 0.3
    adversary_steps: int = 4
    steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3

    def __post_init__(self) -> None:
        for name in ("beta", "separation", "noise", "weight_decay"):
            if not 0 <= getattr(self, name) < np.inf:
                raise OptionError(
                    f"`{name}` must be finite and not below 0, got {getattr(self, name)}."
                )
        for name in ("dim", "steps", "adversary_steps"):
            if getattr(self, name) < 1:
                raise OptionError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        if not 0 <= self.warmup <= 1:
            raise OptionError(f"`warmup` must be a share from 0 to 1, got {self.warmup}.")
        if self.batch_size < 16:
            raise OptionError(f"`batch_size` must be at least 16, got {self.batch_size}.")
        if not self.learning_rate > 0:
            raise OptionError(f"`learning_rate` must be above 0, got {self.learning_rate}.")


@dataclass(frozen=True, kw_only=True)
class History:
    """How training went, on validation rows, in nats.

    Attributes:
        steps: Of the encoder, at each check.
        kept: I(Z; L), as the loss has it.
        leaked: The penalized information, without `separation` and without β; infinite for the rate
            of a deterministic code.
        best: The index of the check whose encoder was kept.
    """

    steps: tuple[int, ...]
    kept: tuple[float, ...]
    leaked: tuple[float, ...]
    best: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Shaped:
    """A trained encoder, with its training, validation and test rows.

    Attributes:
        encoder: The encoder.
        training, validation, test: Parts of the problem without a common row. The encoder learned
            from the first and was selected on the second: report on the third.
        history: How training went.
        recipe: The options.
    """

    encoder: ModuleEncoder
    training: Problem
    validation: Problem
    test: Problem
    history: History
    recipe: Shaping


def shape(
    problem: Problem,
    recipe: Shaping | None = None,
    *,
    module: nn.Module | None = None,
    shares: tuple[float, float, float] = SHARES,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: ProgressOption = False,
) -> Shaped:
    """Train an encoder on a part of the rows.

    Args:
        problem: What to keep and what to hide.
        recipe: How; `Shaping()` unless given.
        module: A custom encoder, in place of a network of the recipe's width: as for
            `ModuleEncoder`. A copy of it is trained.
        shares: Of the rows, to train, to choose by, and to report on: see `Problem.split`.
        seed: Fixes the split and every other random choice.
        device: Device of the training: `"cpu"` by default.
        progress: True for a bar on standard error, or a function (fraction, what is running).

    Raises:
        OptionError: If an option is out of range, or everything is to be hidden by the rate of a
            deterministic encoder, which is infinite.
        InputError: If a part has too few rows or one class only, a class is too rare to train on,
            or training diverges.
    """
    recipe = recipe or Shaping()
    if seed < 0:
        raise OptionError(f"`seed` must be a whole number of at least 0, got {seed}.")
    where = device_named(device)
    parts = problem.split(seed=seed, shares=shares)
    check_training(problem, parts[0])
    with learning(), reporting(progress) as report:
        chance = Chance(seed)
        with chance:
            run = _Run.of(recipe, parts[0], parts[1], module, where, seed)
        history = run.train(report, chance)
    encoder = run.encoder(problem.columns)
    training, validation, test = parts
    return Shaped(
        encoder=encoder,
        training=training,
        validation=validation,
        test=test,
        history=history,
        recipe=recipe,
    )


@dataclass(eq=False, kw_only=True)
class _Run:
    recipe: Shaping
    module: nn.Module
    center: np.ndarray
    scale: np.ndarray
    training: Rows
    validation: Rows
    kept: Term
    leaked: Term | None  # None: the rate, which has nothing to learn
    rng: np.random.Generator
    checks: list[tuple[int, float, float]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        recipe: Shaping,
        training: Problem,
        validation: Problem,
        module: nn.Module | None,
        device: torch.device,
        seed: int,
    ) -> "_Run":
        center, scale = standardization(training)
        module = (
            Network(
                (training.x.shape[1], *recipe.hidden, recipe.dim),
                activation=recipe.activation,
                bounded=True,
                noise=recipe.noise,
                gives_scale=recipe.gives_scale,
            )
            if module is None
            else copy.deepcopy(module)
        ).to(device)
        forms = {
            "kept_as_classes": recipe.kept_by == "label",
            "hidden_as_classes": recipe.hidden_by == "auto",
        }
        rows = [
            as_rows(part, training, center, scale, **forms).to(device)
            for part in (training, validation.rows(np.arange(min(len(validation), CHECKED))))
        ]
        module.eval()  # as batch normalization must not learn from these two
        with torch.no_grad():
            mean, spread = moments(module(rows[0].x[:2]), recipe.noise)
        noisy = bool((spread > 0).all())
        if training.hide is None and recipe.hidden_by == "auto" and recipe.beta and not noisy:
            raise OptionError(
                "`noise` must be above 0 to hide everything: I(X; Z) of a deterministic code is "
                "infinite. Alternatively, name a bound as `hidden_by`, such as 'remine'."
            )
        dim = mean.shape[1]
        kept, leaked = _kept(recipe, training, dim, seed), _leaked(recipe, training, dim, seed)
        return cls(
            recipe=recipe,
            module=module,
            center=center,
            scale=scale,
            training=rows[0],
            validation=rows[1],
            kept=kept.to(device),
            leaked=None if leaked is None else leaked.to(device),
            rng=np.random.default_rng(seed),
        )

    def train(self, report: Progress, chance: Chance) -> History:
        recipe = self.recipe
        optimizer = torch.optim.AdamW(
            self.module.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=recipe.steps)
        every = max(1, recipe.steps // CHECKS)
        best, unjudged = EarlyStopping(patience=None), 0
        for step, rows in enumerate(self._batches(), start=1):
            self.module.train()
            with chance.step():
                mean, spread = moments(self.module(rows.x), recipe.noise)
            if self.leaked is not None:
                for _ in range(recipe.adversary_steps):  # each with fresh noise
                    z = (mean + spread * chance.normal_like(mean)).detach()
                    self.leaked.learn(rows.hidden, z)
            z = mean + spread * chance.normal_like(mean)
            self.kept.learn(rows.kept, z)
            kept, _, against = self._terms(rows, mean, spread, z)
            beta = recipe.beta * min(1.0, step / max(1.0, recipe.warmup * recipe.steps))
            loss = beta * against - kept
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.module.parameters(), 10.0)
            optimizer.step()
            decay.step()
            if step % every and step < recipe.steps:
                continue
            value = self._check(step, chance)
            # Early on, a leak appears small because the adversary is not trained yet.
            if step > recipe.steps / 2:
                best.update(value, self.module)
            else:
                unjudged = len(self.checks)
            report(step / recipe.steps, f"shaping, β = {recipe.beta:g}")
        if not math.isfinite(best.best):
            raise InputError("Training diverged: lower `learning_rate`, or look at the features.")
        best.restore(self.module)
        steps, kept_curve, leaked_curve = zip(*self.checks, strict=True)
        return History(
            steps=steps, kept=kept_curve, leaked=leaked_curve, best=unjudged + best.best_update
        )

    def encoder(self, columns: tuple[str, ...]) -> ModuleEncoder:
        ours = isinstance(self.module, Network)
        with torch.no_grad():
            gives_scale = isinstance(self.module.eval()(self.validation.x[:1]), tuple)
        return ModuleEncoder(
            self.module,
            center=self.center,
            scale=self.scale,
            noise=None if ours else self.recipe.noise,
            gives_scale=gives_scale,
            name="shaped",
            columns=columns,
        )

    def _terms(
        self, rows: Rows, mean: Tensor, spread: Tensor, z: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Kept; leaked; and the penalty, which is leaked plus the separation."""
        kept, zero = self.kept(rows.kept, z), torch.zeros(())
        if self.leaked is not None:
            leaked = self.leaked(rows.hidden, z)
        else:
            leaked = rate(mean, spread, z) if bool((spread > 0).all()) else zero + torch.inf
        if not self.recipe.beta:
            return kept, leaked, zero  # as 0 · ∞ is no number
        if rows.apart is None or not self.recipe.separation:
            return kept, leaked, leaked
        apart = _apart(rows.apart[:COMPARED], z[:COMPARED], rows.label[:COMPARED])
        return kept, leaked, leaked + self.recipe.separation * apart

    def _check(self, step: int, chance: Chance) -> float:
        """The objective on validation rows, noted without its penalty."""
        rows = self.validation
        self.module.eval()
        with torch.no_grad(), chance:
            mean, spread = moments(self.module(rows.x), self.recipe.noise)
            z = mean + spread * chance.normal_like(mean)
            kept, leaked, against = self._terms(rows, mean, spread, z)
        self.checks.append((step, float(kept), float(leaked)))
        return float(kept - self.recipe.beta * against)

    def _batches(self) -> Iterator[Rows]:
        n = len(self.training.x)
        size = min(self.recipe.batch_size, n)
        order, start = self.rng.permutation(n), 0
        for _ in range(self.recipe.steps):
            if start + size > n:
                order, start = self.rng.permutation(n), 0
            rows = torch.from_numpy(order[start : start + size]).to(self.training.x.device)
            yield self.training.take(rows)
            start += size


def _apart(s: Tensor, z: Tensor, label: Tensor) -> Tensor:
    """The distance correlation of S and code within each class of L, by the class's share."""
    found = torch.zeros(()).to(z)
    for one in range(int(label.max()) + 1):
        rows = label == one
        if int(rows.sum()) >= 8:
            found = found + rows.float().mean() * distance_correlation(z[rows], s[rows])
    return found


def _kept(recipe: Shaping, training: Problem, dim: int, seed: int) -> LabelInformation | Dependence:
    if recipe.kept_by == "label":
        return LabelInformation(dim, training.classes, entropy(training.keep))
    return Dependence(training.classes, dim, recipe.kept_by, seed=seed)


def _leaked(
    recipe: Shaping, training: Problem, dim: int, seed: int
) -> LabelInformation | UpperInformation | Dependence | None:
    hide = training.hide
    classes = 0 if hide is None or hide.ndim > 1 else int(hide.max()) + 1
    if recipe.hidden_by == "auto":
        if hide is None:
            return None
        if classes:
            return LabelInformation(
                dim, classes, entropy(hide), hidden=(128, 128), learning_rate=2e-3
            )
        return UpperInformation(DiagonalRatio(hide.shape[1], dim), seed=seed)
    width = training.x.shape[1] if hide is None else classes or hide.shape[1]
    return Dependence(width, dim, recipe.hidden_by, seed=seed)
