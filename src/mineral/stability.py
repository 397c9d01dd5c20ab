"""Help for training loops of your own: each piece is usable alone, with any model and optimizer.

    adaptive_clip    an information term that never outweighs the loss it is added to
    swapped          evaluate with the moving average of the weights, train on without it
    EarlyStopping    stop when a held-out value no longer grows, and return to the best weights
    accumulate       the gradient of a batch too large for memory, from its parts
    Monitor          says when a critic drifts or explodes, and what to do

The moving average itself is torch's: `torch.optim.swa_utils.AveragedModel`.
"""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from mineral.basics.numerics import logmeanexp
from mineral.basics.types import JointScores, ProductScores
from mineral.errors import InputError, OptionError
from mineral.results import Caution


@dataclass(frozen=True, kw_only=True)
class ClipNorms:
    """The lengths of gradients in one step of `adaptive_clip`, for logs.

    Attributes:
        loss: ‖g_u‖ of the loss.
        information: ‖g_m‖ of the information, before clipping.
        applied: β ‖g_a‖, of what was added.
    """

    loss: float
    information: float
    applied: float


def adaptive_clip(
    parameters: Iterable[Tensor], loss: Tensor, information: Tensor, *, beta: float = 1.0
) -> ClipNorms:
    """Backpropagate loss − β · information, the information's gradient no longer than the loss's.

    MINE's rule for generators and encoders: information has no upper limit, and its gradient would
    otherwise take over. With g_u and g_m the gradients, *of the same parameters*, of the loss and
    of the information,

        g_a = min(‖g_u‖, ‖g_m‖) · g_m / ‖g_m‖        added to `.grad`: g_u − β g_a

    An optimizer's step then lowers the loss and **raises the information**; pass minus a bound to
    lower it instead. Norms run over all parameters together. Like `backward`, this adds to `.grad`,
    leaves parameters of other networks alone, and frees the graph. Information whose gradient is
    not finite is left out of the step: `information` of the result then says so.

    Args:
        parameters: Of the generator or encoder; those that require no gradient are passed over.
        loss: What is minimized beside: a scalar.
        information: What is maximized, in nats: a scalar, such as a bound from `mineral.bounds`.
        beta: Weight of the information.

    Example:
        >>> w = torch.tensor([1.0, 1.0], requires_grad=True)
        >>> adaptive_clip([w], loss=w[0], information=100 * w[1])
        ClipNorms(loss=1.0, information=100.0, applied=1.0)
        >>> w.grad
        tensor([ 1., -1.])

    Raises:
        InputError: If loss or information is no scalar, or does not depend on the parameters.

    References:
        Belghazi et al. (2018), appendix, Eq. 21, arXiv:1801.04062.
    """
    kept = [parameter for parameter in parameters if parameter.requires_grad]
    of_loss = _gradients("loss", loss, kept, retain=True)
    of_information = _gradients("information", information, kept, retain=False)
    g_u, g_m = _norm(of_loss), _norm(of_information)
    scale = beta * min(g_u, g_m) / g_m if g_m > 0 else 0.0  # 0 for ∞, and for NaN
    for parameter, of_l, of_i in zip(kept, of_loss, of_information, strict=True):
        terms = [] if of_l is None else [of_l]
        if of_i is not None and scale:
            terms.append(-scale * of_i)
        for term in terms:
            parameter.grad = term.clone() if parameter.grad is None else parameter.grad + term
    return ClipNorms(loss=g_u, information=g_m, applied=abs(scale) * g_m if scale else 0.0)


def _gradients(
    name: str, value: Tensor, parameters: list[Tensor], *, retain: bool
) -> Sequence[Tensor | None]:
    if value.numel() != 1:
        raise InputError(f"`{name}` must be one number, got shape {tuple(value.shape)}.")
    found: Sequence[Tensor | None] = [None]
    if value.requires_grad and parameters:
        found = torch.autograd.grad(value.sum(), parameters, retain_graph=retain, allow_unused=True)
    if all(gradient is None for gradient in found):
        raise InputError(
            f"`{name}` does not depend on any of the `parameters`: pass those of the network that "
            "makes the samples, and samples that are not detached."
        )
    return found


def _norm(gradients: Sequence[Tensor | None]) -> float:
    """The length of all of them as one vector, in float64."""
    norms = [torch.linalg.vector_norm(g, dtype=torch.float64) for g in gradients if g is not None]
    return float(torch.linalg.vector_norm(torch.stack([norm.to(norms[0]) for norm in norms])))


@contextmanager
def swapped(model: nn.Module, average: AveragedModel) -> Iterator[None]:
    """Inside, `model` has the averaged weights and buffers; afterwards its own again.

    Values are exchanged in place, so optimizers and other references to the parameters stay valid.
    Do not take training steps inside: they would be lost.

    Args:
        model: The model in training.
        average: Its average, updated with `average.update_parameters(model)` after each step.

    Example:
        >>> from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
        >>> critic = nn.Linear(1, 1)
        >>> average = AveragedModel(critic, multi_avg_fn=get_ema_multi_avg_fn(0.999))
        >>> average.update_parameters(critic)  # after each step
        >>> with swapped(critic, average):
        ...     score = critic(torch.ones(1))  # evaluate
    """
    own = copy.deepcopy(model.state_dict())
    model.load_state_dict(average.module.state_dict())
    try:
        yield
    finally:
        model.load_state_dict(own)


class EarlyStopping:
    """Says when a value to be maximized no longer grows, and keeps the modules as they were best.

        stopping = EarlyStopping(patience=10)
        for step in ...:
            ...
            if stopping.update(held_out_bound, critic):
                break
        stopping.restore(critic)

    Judge by rows that are not trained on, and report on rows used for neither. A value that is not
    finite ends training: bounds do not come back from there.

    Args:
        patience: Updates in a row without a gain before it is time to stop; None for no limit.
        least_gain: How much better counts as better.

    Attributes:
        best: The best value, −∞ if none was finite.
        best_update: Which update it came with, from 0.
        updates: How many there were.
    """

    def __init__(self, patience: int | None, *, least_gain: float = 0.0) -> None:
        if patience is not None and patience < 1:
            raise OptionError(f"`patience` must be at least 1, got {patience}.")
        if not 0 <= least_gain < math.inf:
            raise OptionError(f"`least_gain` must not be negative, got {least_gain}.")
        self.patience = math.inf if patience is None else patience
        self.least_gain = least_gain
        self.best, self.best_update, self.updates = -math.inf, 0, 0
        self._states: list[dict[str, Any]] = []

    def update(self, value: float, *modules: nn.Module) -> bool:
        """Take note of a new value, and of `modules` if it is the best. True if it is time to stop.

        The first update is kept whatever its value, so that there is something to return to.
        """
        if not self.updates or self.best + self.least_gain < value < math.inf:
            self.best = value if math.isfinite(value) else -math.inf
            self.best_update = self.updates
            # A state dict refers to the parameters themselves, which training goes on to change.
            self._states = [copy.deepcopy(module.state_dict()) for module in modules]
        self.updates += 1
        waited = self.updates - 1 - self.best_update
        return waited >= self.patience or not math.isfinite(value)

    def restore(self, *modules: nn.Module) -> None:
        """Set the modules, in the order of `update`, to what they were at the best value.

        Raises:
            InputError: If `update` was not given as many modules.
        """
        if len(modules) != len(self._states):
            raise InputError(
                f"`restore` was given {len(modules)} modules, but `update` {len(self._states)}."
            )
        for module, state in zip(modules, self._states, strict=True):
            module.load_state_dict(state)


def accumulate(loss: Callable[..., Tensor], batches: Iterable[Sequence[Tensor]]) -> Tensor:
    """Backpropagate the mean loss over all rows, one part of them in memory at a time.

    Gradients add up in `.grad`, each part weighted by its share of the rows, so for a loss that is
    a mean over rows (cross-entropy, squared error) the result is exactly that of one large batch.
    Clear gradients before, and step once after.

    **Bounds on mutual information are no means over rows.** Their product samples come from within
    a part: with k parts of b rows, InfoNCE stays below ln b and not ln kb, and the log mean exp of
    Donsker–Varadhan is taken over fewer scores, so its bias is that of the small batch. What is
    backpropagated is the mean of the k small bounds: less noise, but no larger batch. The same goes
    for batch normalization.

    Args:
        loss: Called as loss(*part); returns a scalar, a mean over the part's rows.
        batches: The parts: tuples of tensors with as many rows as each other.

    Returns:
        The mean loss, detached.

    Example:
        >>> x, w = torch.arange(6.0), torch.tensor(2.0, requires_grad=True)
        >>> accumulate(lambda part: (w * part).mean(), [(part,) for part in x.split(4)])
        tensor(5.)
        >>> w.grad
        tensor(2.5000)

    Raises:
        InputError: If there are no rows, or the loss is no scalar.
    """
    parts = list(batches)
    rows = [len(part[0]) for part in parts]
    if not sum(rows):
        raise InputError("`batches` have no rows: nothing to accumulate.")
    values = []
    for part, count in zip(parts, rows, strict=True):
        if not count:
            continue  # the mean over no rows is NaN
        value = loss(*part)
        if value.numel() != 1:
            raise InputError(f"`loss` must return one number, got shape {tuple(value.shape)}.")
        share = value.sum() * (count / sum(rows))
        share.backward()  # type: ignore[no-untyped-call]
        values.append(share.detach())
    return torch.stack(values).sum()


class Monitor:
    """Watches the scores of a critic in training, and names what goes wrong and what helps.

        monitor = Monitor()
        for step in ...:
            joint, product = ...            # scores of this step
            monitor.update(joint, product)
        for caution in monitor.cautions: ...

    Each step is summed up by c = log mean exp of the product scores and the Donsker–Varadhan bound
    b = mean of the joint scores − c. Means over windows of steps are compared.

        "drift"        c moves while b stays: adding a constant to a critic leaves b as it is, and
                       nothing holds the constant. Averages over steps then mean little, and scores
                       leave the range of floats in the end.
        "explosion"    a score is not finite or beyond `limit`, or c swings from step to step with
                       a standard deviation above `swing`.
        "above-log-n"  b is above ln of the number of product scores, where no lower bound from so
                       few samples can be relied on.
        "few-scores"   log mean exp rests on fewer than `fewest` product scores: on (Σw)² / Σw² for
                       w = exp(score), Kish's effective sample size.

    Reading scores waits for the device: on a GPU, update every few steps.

    Args:
        window: Updates to a window.
        drift: How far c may move, in nats.
        swing: In nats.
        limit: Of a score's size. exp overflows float32 at 88.7.
        fewest: Of the effective number of product scores.

    References:
        Choi & Lee (2022), Combating the Instability of Mutual Information-based Losses via
        Regularization (ReMINE), arXiv:2011.07932: drift and explosion.
        McAllester & Stratos (2020), arXiv:1811.04251: ln n.
    """

    def __init__(
        self,
        *,
        window: int = 100,
        drift: float = 1.0,
        swing: float = 2.0,
        limit: float = 80.0,
        fewest: float = 2.0,
    ) -> None:
        if window < 2:
            raise OptionError(f"`window` must be at least 2, got {window}.")
        for name, value in {"drift": drift, "swing": swing, "limit": limit}.items():
            if not value > 0:
                raise OptionError(f"`{name}` must be positive, got {value}.")
        if not fewest >= 1:
            raise OptionError(f"`fewest` must be at least 1, got {fewest}.")
        self.window, self.drift, self.swing = window, drift, swing
        self.limit, self.fewest = limit, fewest
        self.updates = 0
        self._current: list[_Step] = []
        self._windows: list[_Window] = []
        self._found: dict[str, Caution] = {}

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """What was found so far, first things first: each kind once, as last seen."""
        return tuple(self._found.values())

    @torch.no_grad()
    def update(self, joint: JointScores, product: ProductScores) -> None:
        """Take note of one step's scores, shapes (n,) and (n, m)."""
        self.updates += 1
        joint, product = joint.double(), product.double()
        largest = float(torch.maximum(joint.abs().max(), product.abs().max()))
        if not largest <= self.limit:
            self._explosion(f"A score reached {largest:.3g} at update {self.updates:,}")
        if not math.isfinite(largest):
            return
        c = logmeanexp(product)
        effective = (2 * product.logsumexp((0, 1)) - (2 * product).logsumexp((0, 1))).exp()
        c, bound, effective = torch.stack([c, joint.mean() - c, effective]).tolist()
        self._current.append(_Step(c, bound, effective, scores=product.numel()))
        if len(self._current) == self.window:
            self._look(_Window.of(self._current, self.updates))
            self._current = []

    def _look(self, new: "_Window") -> None:
        if new.swing > self.swing:
            self._explosion(
                f"log mean exp of the product scores swings by ± {new.swing:.1f} nats from step to "
                "step"
            )
        if new.bound > math.log(new.scores):
            self._found["above-log-n"] = Caution(
                "above-log-n",
                f"The bound is {new.bound:.2f} nats, above ln {new.scores:.0f} = "
                f"{math.log(new.scores):.2f}, where a lower bound from {new.scores:.0f} product "
                "scores is not reliable: raise the batch size or the number of product samples.",
            )
        if new.effective < self.fewest:
            self._found["few-scores"] = Caution(
                "few-scores",
                f"log mean exp of {new.scores:.0f} product scores has an effective sample size of "
                f"{new.effective:.1f}: raise the batch size or the number of product samples, or "
                "train with Jensen–Shannon (mineral.bounds.jensen_shannon), whose gradient no "
                "single score can dominate.",
            )
        for old in self._windows:
            moved = abs(new.c - old.c)
            noise = math.hypot(new.swing, old.swing) / math.sqrt(self.window)
            if moved > max(self.drift, 4 * noise) and abs(new.bound - old.bound) < moved / 2:
                self._found["drift"] = Caution(
                    "drift",
                    f"From update {old.end:,} to {new.end:,} log mean exp of the product scores "
                    f"moved by {new.c - old.c:+.1f} nats, the bound by "
                    f"{new.bound - old.bound:+.2f}: the critic's additive constant drifts. Use "
                    "ReMINE (mineral.bounds.remine), which penalizes this, and do not pool scores "
                    "of different steps.",
                )
                break
        self._windows.append(new)

    def _explosion(self, what: str) -> None:
        self._found["explosion"] = Caution(
            "explosion",
            f"{what}: the critic explodes. Lower the learning rate, raise the batch size, or use "
            "ReMINE (mineral.bounds.remine).",
        )


class _Step(NamedTuple):
    c: float
    bound: float
    effective: float
    scores: float


class _Window(NamedTuple):
    """Means over a window of steps, and the standard deviation of c in it."""

    c: float
    bound: float
    effective: float
    scores: float
    swing: float
    end: int

    @classmethod
    def of(cls, steps: list[_Step], end: int) -> "_Window":
        values = torch.tensor(steps, dtype=torch.float64)
        c, bound, effective, scores = values.mean(0).tolist()
        return cls(c, bound, effective, scores, swing=float(values[:, 0].std()), end=end)
