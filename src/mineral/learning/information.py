"""Mutual information as a term of another loss, with a critic that is trained alongside.

    information = Information(critic)             # its own optimizer is inside
    ...
    information.learn(x, z)                       # a step of the critic: the bound rises
    loss = loss - beta * information(x, z)        # maximize I(x; z); + minimizes it

When information is minimized, training is adversarial: the critic maximizes the bound, the encoder
minimizes it, and neither step changes the other's parameters. Call `learn` before the term enters a
loss, never between that and `backward`.

The state of a term includes its optimizer and its random generator, so that a saved training
resumes exactly. Where `torch.distributed` runs several processes, each `learn` averages the
gradients over all of them. With `gather=True`, product samples come from the batches of all
processes, and objectives are those of the joined batch: the mean over processes of any gradient is
that of one process on all rows.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, distributed, nn

from mineral import bounds
from mineral.basics.types import JointScores, Nats, ProductScores
from mineral.critics import broadcasts, score_rows
from mineral.errors import InputError, InputTypeError, OptionError
from mineral.networks.densities import DensityRatio, DiagonalRatio
from mineral.samples import shifted


@runtime_checkable
class Term(Protocol):
    """Information between two batches, as part of a loss.

    The batches x and z have shape (n, ...), flattened to (n, dx) and (n, dz).
    """

    def learn(self, x: Tensor, z: Tensor) -> float:
        """A step of the critic, on detached samples; returns the objective before the step."""
        ...

    def __call__(self, x: Tensor, z: Tensor) -> Tensor:
        """The estimate in nats, differentiable in x and z; the critic gets no gradient."""
        ...


class _Learned(nn.Module):
    """A network with its own optimizer, and random partners from a seed."""

    def __init__(
        self,
        network: nn.Module,
        partners: int,
        learning_rate: float,
        seed: int,
        *,
        gather: bool,
        fused: bool = False,
    ) -> None:
        super().__init__()
        if partners < 1:
            raise OptionError(f"`partners` must be at least 1, got {partners}.")
        if learning_rate <= 0:
            raise OptionError(f"`learning_rate` must be above 0, got {learning_rate}.")
        self.network, self.partners, self.gather = network, partners, gather
        # None, not False: torch then chooses as it does by default.
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=learning_rate, fused=fused or None
        )
        self._rng = np.random.default_rng(seed)
        self._broadcasts: bool | None = None  # determined by the first samples
        self._in_step = False

    def get_extra_state(self) -> dict[str, Any]:
        """The states of the optimizer and of the random generator."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "generator": self._rng.bit_generator.state,
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the result of `get_extra_state`."""
        self.optimizer.load_state_dict(state["optimizer"])
        self._rng.bit_generator.state = state["generator"]
        self._in_step = False

    def _rows(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        for name, values in (("x", x), ("z", z)):
            if (
                not isinstance(values, Tensor)
                or values.is_complex()
                or values.is_sparse
                or values.is_meta
            ):
                raise InputTypeError(
                    f"`{name}` must be a dense tensor of real numbers, got {type(values).__name__}."
                )
            if not values.ndim:
                raise InputError(f"`{name}` must have rows, got a single number.")
        if len(x) != len(z) or len(x) < 2:
            raise InputError(
                f"`x` and `z` must have the same 2 or more rows: got {len(x)} and {len(z)}."
            )
        like = next(self.network.parameters())
        x, z = (v.flatten(1).to(like) if v.ndim > 1 else v[:, None].to(like) for v in (x, z))
        if self._broadcasts is None:
            self._broadcasts = broadcasts(self.network, x, z)
        return x, z

    def _scores(self, x: Tensor, z: Tensor) -> tuple[JointScores, ProductScores]:
        """Scores of the rows of this process or, with `gather`, of all processes."""
        gathers = self.gather and _processes() > 1
        candidates, first = z, 0
        if gathers:
            _refuse_unequal(x)
            candidates, first = _gathered(z), distributed.get_rank() * len(x)
        everyone = len(candidates)
        rows = torch.from_numpy(shifted(everyone, min(self.partners, everyone - 1), self._rng))
        partners = candidates[rows[first : first + len(x)].to(z.device)]
        if self._broadcasts:
            joint, product = self.network(x, z), self.network(x[:, None], partners)
        else:
            joint = score_rows(self.network, x, z)
            product = score_rows(self.network, x[:, None], partners)
        return (_gathered(joint), _gathered(product)) if gathers else (joint, product)

    def _step(self, objective: Tensor) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        (-objective).backward()  # type: ignore[no-untyped-call]
        if _processes() > 1:
            self._average_gradients()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return objective.item()

    def _follow(self, *, buffers_only: bool = False) -> None:
        """Copy the first process's parameters."""
        for parameter in () if buffers_only else self.parameters():
            distributed.broadcast(parameter.detach(), src=0)
        for buffer in self.buffers():
            distributed.broadcast(buffer, src=0)

    def _before_learning(self) -> None:
        """Synchronize the network of all processes; steps keep it synchronized."""
        if _processes() > 1:
            self._follow(buffers_only=self._in_step)
            self._in_step = True

    def _average_gradients(self) -> None:
        trained = [p for p in self.network.parameters() if p.requires_grad]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
        flat = torch.cat([gradient.flatten() for gradient in gradients]) / _processes()
        distributed.all_reduce(flat)
        sizes = [gradient.numel() for gradient in gradients]
        for parameter, part in zip(trained, torch.split(flat, sizes), strict=True):
            parameter.grad = part.view_as(parameter)

    def _frozen(self, x: Tensor, z: Tensor) -> tuple[JointScores, ProductScores]:
        """Scores whose gradient reaches x and z, and no parameter of the network."""
        trained = [p for p in self.network.parameters() if p.requires_grad]
        for parameter in trained:
            parameter.requires_grad_(False)  # noqa: FBT003
        try:
            return self._scores(x, z)
        finally:
            for parameter in trained:
                parameter.requires_grad_(True)  # noqa: FBT003


class Information(_Learned):
    """A variational bound on I(X; Z), and its critic.

    Args:
        critic: f(x, z) of rows, (n, dx) and (n, dz), with scores (n,) or (n, 1), or one that
            broadcasts over leading axes, as those of `mineral.critics`: these are faster. Images
            come flattened.
        bound: A name of `bounds.BOUNDS` whose bound takes joint and product scores: "mine",
            "remine", "jensen-shannon", "infonce", "smile", …
        learning_rate: Of the critic's Adam.
        partners: Product samples for each joint sample, from the same batch. The value of
            "infonce" never exceeds log(partners + 1).
        fused: Adam's step as one kernel: faster for small critics, and rounded otherwise.
        seed: Of the partners.
        gather: Whether the batch is that of all processes of `torch.distributed`: product samples
            come from all of them, at most the joined number of rows − 1, and values and gradients,
            averaged over processes, are those of one process on the joined batch. Each process
            needs the same number of rows and the same seed, and calls `learn`, the term and `nats`
            equally often. Scores are computed once each; representations and scores are sent.

    Raises:
        OptionError: If there is no such bound, or a number is out of range.

    Example:
        >>> from mineral.critics import JointCritic
        >>> x, noise = torch.randn(2, 256, 1, generator=torch.Generator().manual_seed(0))
        >>> information = Information(JointCritic(1, 1), learning_rate=1e-2)
        >>> for _ in range(50):
        ...     value = information.learn(x, x + noise)
        >>> 0.2 < float(information(x, x + noise)) < 0.4  # truth: log(2) / 2 = 0.35
        True
    """

    def __init__(
        self,
        critic: nn.Module,
        bound: str = "mine",
        *,
        learning_rate: float = 1e-3,
        partners: int = 15,
        fused: bool = False,
        seed: int = 0,
        gather: bool = False,
    ) -> None:
        super().__init__(critic, partners, learning_rate, seed, gather=gather, fused=fused)
        entry = bounds.BOUNDS.get(bound)
        objective = None if entry is None else entry.fresh_objective()
        if entry is None or objective is None or entry.takes != ("joint", "product"):
            fitting = [
                name
                for name, each in bounds.BOUNDS.items()
                if each.takes == ("joint", "product")
                and each.objective is not None
                and not name.startswith("vclub")
            ]
            raise OptionError(f"`bound` must be one of {', '.join(fitting)}, got {bound!r}.")
        self.bound, self.kind = bound, entry.kind
        self.objective, self.value = objective, entry.value

    def learn(self, x: Tensor, z: Tensor) -> float:
        """One training step of the critic; returns the objective before the step."""
        self._before_learning()
        x, z = (values.detach() for values in self._rows(x, z))
        self.train()
        return self._step(self.objective(*self._scores(x, z)))

    def forward(self, x: Tensor, z: Tensor) -> Nats:
        """The critic's objective, differentiable in x and z: shapes (n, …), with the same n.

        For "jensen-shannon" and others whose objective is not an estimate, `nats` has the value.
        """
        x, z = self._rows(x, z)
        # Only the critic's steps update the moving average of an objective.
        self.eval()
        return self.objective(*self._frozen(x, z))

    @torch.no_grad()
    def nats(self, x: Tensor, z: Tensor) -> float:
        """The bound's value: an estimate if the critic was not trained on these samples."""
        x, z = self._rows(x, z)
        self.eval()
        joint, product = self._scores(x, z)
        return float(self.value(joint.double(), product.double()))


class UpperInformation(_Learned):
    """CLUB: an upper bound on I(X; Z) if q(z | x) is learned well.

    Minimize an upper bound: a lower bound may fall because the critic fails. It is loose: for a
    Gaussian z = x + noise of unit variances, 1 nat a dimension instead of 0.35. The batches x and z
    have shape (n, ...), flattened to (n, dx) and (n, dz).

    Args:
        ratio: A model of log q(z | x): one of `mineral.networks.densities`.
        learning_rate: Of its Adam.
        partners: Product samples for each joint sample, from the same batch.
        seed: Of the partners.
        gather: Whether the batch is that of all processes, as `Information` has it.

    References:
        Cheng et al. (2020), CLUB, arXiv:2006.12013.
    """

    kind = "neither"  # an upper bound only if q(z | x) is exact

    def __init__(
        self,
        ratio: DensityRatio,
        *,
        learning_rate: float = 1e-3,
        partners: int = 15,
        seed: int = 0,
        gather: bool = False,
    ) -> None:
        super().__init__(_Conditional(ratio), partners, learning_rate, seed, gather=gather)

    @classmethod
    def gaussian(cls, dim_x: int, dim_z: int, **options: float) -> "UpperInformation":
        """With a diagonal Gaussian q(z | x), whose moments are networks."""
        return cls(DiagonalRatio(dim_x, dim_z), **options)  # type: ignore[arg-type]

    def learn(self, x: Tensor, z: Tensor) -> float:
        """One likelihood step of q(z | x); returns the likelihood before the step."""
        self._before_learning()
        x, z = (values.detach() for values in self._rows(x, z))
        likelihood = self.network(x, z)
        gathers = self.gather and _processes() > 1
        return self._step((_gathered(likelihood) if gathers else likelihood).mean())

    def forward(self, x: Tensor, z: Tensor) -> Nats:
        """Mean log q(z | x) over joint samples, minus that over product samples, in nats."""
        return bounds.club(*self._frozen(*self._rows(x, z)))

    @torch.no_grad()
    def nats(self, x: Tensor, z: Tensor) -> float:
        """The value as a number."""
        return float(self(x, z))


def _processes() -> int:
    """The number of processes in the training."""
    started = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if started else 1


def _gathered(values: Tensor) -> Tensor:
    """The rows of all processes, in their order.

    Differentiable: the gradient of a row is the sum over the processes, each of which computes the
    same objective. So the mean over processes, as `DistributedDataParallel` takes it, of the
    parameters' gradients is that of the objective.
    """
    # Not in builds of torch without distributed; renamed in torch 2.13.
    from torch.distributed import _functional_collectives as collectives

    name = "all_gather_single_autograd"
    gather = getattr(collectives, name, collectives.all_gather_tensor_autograd)
    group = distributed.group.WORLD
    assert group is not None
    gathered: Tensor = gather(values.contiguous(), 0, group)
    return gathered


def _refuse_unequal(x: Tensor) -> None:
    size = torch.tensor([len(x)], device=x.device)
    sizes = [torch.empty_like(size) for _ in range(_processes())]
    distributed.all_gather(sizes, size)
    rows = [int(each) for each in sizes]
    if len(set(rows)) > 1:
        raise InputError(
            f"`gather` needs the same number of rows in each process, got {rows}: drop the last "
            "batch (`drop_last=True`)."
        )


class _Conditional(nn.Module):
    """log q(z | x) as a critic."""

    def __init__(self, ratio: DensityRatio) -> None:
        super().__init__()
        self.ratio = ratio

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.ratio.log_conditional(x, z)
