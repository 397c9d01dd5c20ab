"""Critics as models: networks that were trained on different parts of the samples."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mineral.basics.types import CriticFactory, PerSample, X, Y
from mineral.critics import Baselined, JointCritic, MarginalCritic, RowCritic, SeparableCritic
from mineral.errors import InputError, OptionError
from mineral.models.base import Model, Stored, check
from mineral.networks.densities import DiagonalRatio
from mineral.samples import Standardizer
from mineral.system.chance import Chance

CRITICS: dict[str, type[nn.Module]] = {
    critic.__name__: critic
    for critic in (JointCritic, SeparableCritic, MarginalCritic, DiagonalRatio)
}
"""Those that a file can name. To load another, the caller builds it."""

FLOATS = ({torch.float32}, {torch.float64})


@dataclass(frozen=True, kw_only=True)
class Member:
    """One trained critic, with the map of its inputs and the constant of its scores.

    Attributes:
        log_partition: log E_q[exp f], which turns scores f into pmi = f − log_partition.
    """

    critic: nn.Module
    of_x: Standardizer
    of_y: Standardizer
    log_partition: float

    def inputs(self, x: X, y: Y) -> tuple[Tensor, Tensor]:
        """Standardized samples, as the critic takes them: its dtype, its device."""
        like = next(self.critic.parameters())
        of_x, of_y = (torch.from_numpy(v) for v in (self.of_x(x), self.of_y(y)))
        return of_x.to(like), of_y.to(like)


@dataclass(frozen=True, kw_only=True)
class CriticModel(Model):
    """The mean log density ratio of critics that were trained on different parts of the samples."""

    members: tuple[Member, ...]

    kind = "critics"

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return len(self.members[0].of_x.center)

    @property
    def dim_y(self) -> int:  # type: ignore[override]
        return len(self.members[0].of_y.center)

    @torch.no_grad()
    def _ratio(self, x: X, y: Y) -> PerSample:
        with Chance(0):
            values = [m.critic(*m.inputs(x, y)).double() - m.log_partition for m in self.members]
        return np.asarray(torch.stack(values).mean(dim=0).cpu().numpy())

    def _tensors(self) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        for i, member in enumerate(self.members):
            tensors |= standardizer_tensors(f"{i}.x", member.of_x)
            tensors |= standardizer_tensors(f"{i}.y", member.of_y)
            for name, value in member.critic.state_dict().items():
                tensors[f"{i}.critic.{name}"] = value
        return tensors

    def _settings(self) -> dict[str, Any]:
        critic = self.members[0].critic
        partition = {"log_partition": [member.log_partition for member in self.members]}
        if isinstance(critic, Baselined):
            baseline = {"baseline": _described(critic.baseline)}
            return _described(critic.critic) | baseline | partition
        return _described(critic) | partition


def rebuild_critics(stored: Stored) -> CriticModel:
    """From a file, and from the caller's critic where it is none of ours."""
    settings = stored.settings
    if settings["critic"] is None and stored.critic is None:
        raise InputError(
            f"`{stored.path}` was trained with a custom critic: pass `critic=`, a function that "
            "builds it from (dx, dy)."
        )
    members = []
    for i, log_partition in enumerate(settings["log_partition"]):
        of_x, of_y = (rebuild_standardizer(stored, f"{i}.{side}") for side in ("x", "y"))
        dims = len(of_x.center), len(of_y.center)
        weights = _inside(f"{i}.critic", dict(stored.tensors))
        with Chance(0):  # whatever the initial weights, they are replaced
            critic = _critic(stored, settings, dims, weights)
        check("finite partitions", np.isfinite(log_partition))
        members.append(
            Member(critic=critic.eval(), of_x=of_x, of_y=of_y, log_partition=float(log_partition))
        )
    widths = {(member.of_x.center.shape, member.of_y.center.shape) for member in members}
    check("critics of the same width", len(widths) == 1)
    return CriticModel(members=tuple(members))


def standardizer_tensors(prefix: str, standardizer: Standardizer) -> dict[str, Tensor]:
    """A standardizer's numbers, for a file."""
    return {
        f"{prefix}.center": torch.from_numpy(standardizer.center),
        f"{prefix}.scale": torch.from_numpy(standardizer.scale),
    }


def rebuild_standardizer(stored: Stored, prefix: str) -> Standardizer:
    """From a file."""
    center, scale = stored.array(f"{prefix}.center"), stored.array(f"{prefix}.scale")
    check("positive scales", center.shape == scale.shape and (scale > 0).all())
    return Standardizer(center=center, scale=scale)


def _described(critic: nn.Module) -> dict[str, Any]:
    known = type(critic) in CRITICS.values()
    return {
        "critic": type(critic).__name__ if known else None,
        "critic_options": critic.options() if known else {},  # type: ignore[operator]
    }


def _critic(
    stored: Stored, settings: dict[str, Any], dims: tuple[int, int], weights: dict[str, Tensor]
) -> nn.Module:
    if "baseline" in settings:
        plain = {name: value for name, value in settings.items() if name != "baseline"}
        critic = _critic(stored, plain, dims, _inside("critic", weights))
        of_baseline = _inside("baseline", weights)
        return Baselined(critic, _known_critic(settings["baseline"], dims, of_baseline))
    if stored.critic is None:
        return _known_critic(settings, dims, weights)
    return _your_critic(stored.critic, dims, weights, stored.path)


def _inside(name: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of one part of a network, by their names within it."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): w for key, w in weights.items() if key.startswith(prefix)}


def _known_critic(
    settings: dict[str, Any], dims: tuple[int, int], weights: dict[str, Tensor]
) -> nn.Module:
    """One of ours. A size that the file claims takes no memory until its weights confirm it."""
    options = dict(settings["critic_options"])
    hidden = tuple(options.pop("hidden"))
    sizes = {size for value in weights.values() for size in value.shape if size > 0}
    widths = {*hidden, *(value for value in options.values() if isinstance(value, int))}
    check("weights of its layers", widths <= sizes)
    check("a weight for each layer", len(hidden) < len(weights))
    check("one kind of weights", {value.dtype for value in weights.values()} in FLOATS)
    with torch.device("meta"):
        critic: nn.Module = CRITICS[settings["critic"]](*dims, hidden=hidden, **options)
    critic.load_state_dict(weights, assign=True)
    return critic


def _your_critic(
    factory: CriticFactory,
    dims: tuple[int, int],
    weights: dict[str, Tensor],
    path: str | os.PathLike[str],
) -> nn.Module:
    critic = factory(*dims)
    try:
        if weights.keys() == {f"critic.{name}" for name in critic.state_dict()}:
            critic = RowCritic(critic)
        critic.load_state_dict(weights)
    except (AttributeError, RuntimeError):
        raise OptionError(
            f"`critic` builds a network that does not match the weights in `{path}`: pass the "
            "function it was trained with."
        ) from None
    return critic
