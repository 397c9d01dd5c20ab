"""Model files, read back without trust.

A file may be damaged, or made to do harm. Nothing in it is run, its size is believed only as far as
its tensors bear it out, and every number is checked before a model is made of it.
"""

import json
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mineral.errors import InputError, MineralError, OptionError
from mineral.models import (
    CRITICS,
    FORMAT,
    CopulaModel,
    CriticModel,
    GaussianModel,
    Marginal,
    Member,
    Model,
)
from mineral.samples import Standardizer
from mineral.types import CriticFactory

FLOATS = ({torch.float32}, {torch.float64})


def load(path: str | os.PathLike[str], *, critic: CriticFactory | None = None) -> Model:
    """Read a model that `save` wrote. Runs no code from the file.

    Args:
        path: The file.
        critic: Builds the critic from (dx, dy), where the model was trained with one of your own.

    Raises:
        InputError: If the file is missing, damaged, or not a model of Mineral's.
        OptionError: If `critic` builds another network than the one that was saved.
    """
    header, tensors = _read(Path(path))
    try:
        settings = json.loads(header["mineral"])
        _check(f"the mark of format {FORMAT}", settings["format"] == FORMAT)
        return _rebuild(settings, tensors, critic, path)
    except MineralError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as e:
        reason = textwrap.shorten(str(e), 200)
        raise InputError(f"`{path}` is damaged or of another version ({reason}).") from None


def _read(path: Path) -> tuple[Mapping[str, str], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            # Copies: what the file's pages show may change with the file.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise InputError(f"There is no file `{path}`.") from None
    except (OSError, SafetensorError) as error:
        raise InputError(f"`{path}` cannot be read as safetensors: {error}.") from None
    if "mineral" not in header:
        raise InputError(f"`{path}` was not written by Mineral: pass what `model.save` wrote.")
    return header, tensors


def _rebuild(
    settings: dict[str, Any],
    tensors: dict[str, Tensor],
    critic: CriticFactory | None,
    path: str | os.PathLike[str],
) -> Model:
    _check("values that are finite", all(torch.isfinite(value).all() for value in tensors.values()))
    kind = settings["kind"]
    if kind == GaussianModel.kind:
        return _gaussian(settings, tensors)
    if kind == CopulaModel.kind:
        return _copula(settings, tensors)
    if kind == CriticModel.kind:
        return _critics(settings, tensors, critic, path)
    raise InputError(f"`{path}` holds a model of an unknown kind, {kind!r}.")


def _check(what: str, holds: object) -> None:
    if not holds:
        raise ValueError(f"it lacks {what}")


def _array(tensors: dict[str, Tensor], name: str, *, axes: int = 1) -> np.ndarray:
    tensor = tensors[name]
    _check(f"numbers in {name}", tensor.dtype == torch.float64 and tensor.ndim == axes)
    _check(f"rows in {name}", len(tensor) > 0)
    return tensor.numpy()


def _gaussian(settings: dict[str, Any], tensors: dict[str, Tensor]) -> GaussianModel:
    map_x, map_y = (_array(tensors, name, axes=2) for name in ("map_x", "map_y"))
    mean_x, mean_y, rho = (_array(tensors, name) for name in ("mean_x", "mean_y", "rho"))
    offset = float(settings["offset"])
    _check("a map of x", map_x.shape == (len(mean_x), len(rho)))
    _check("a map of y", map_y.shape == (len(mean_y), len(rho)))
    _check("correlations below 1", (np.abs(rho) < 1).all() and np.isfinite(offset))
    return GaussianModel(
        map_x=map_x, map_y=map_y, mean_x=mean_x, mean_y=mean_y, rho=rho, offset=offset
    )


def _copula(settings: dict[str, Any], tensors: dict[str, Tensor]) -> CopulaModel:
    gaussian, n = _gaussian(settings, tensors), int(settings["n"])
    values, ranks, knots = _array(tensors, "values"), _array(tensors, "ranks"), tensors["knots"]
    _check("whole knots", knots.dtype == torch.int64 and knots.ndim == 1)
    _check("knots for its values", ((knots > 0) & (knots <= len(values))).all())
    _check("knots for its values", knots.sum() == len(values) == len(ranks))
    _check("ranks within n", ((ranks > 0) & (ranks <= n)).all())
    ends = np.cumsum(knots.numpy())[:-1]
    marginals = tuple(
        Marginal(values=part, ranks=of_part, n=n)
        for part, of_part in zip(np.split(values, ends), np.split(ranks, ends), strict=True)
    )
    _check("sorted values", all((np.diff(marginal.values) > 0).all() for marginal in marginals))
    split = int(settings["dim_x"])
    of_x, of_y = marginals[:split], marginals[split:]
    _check(
        "a marginal for each coordinate", (len(of_x), len(of_y)) == (gaussian.dim_x, gaussian.dim_y)
    )
    return CopulaModel(gaussian=gaussian, of_x=of_x, of_y=of_y)


def _critics(
    settings: dict[str, Any],
    tensors: dict[str, Tensor],
    factory: CriticFactory | None,
    path: str | os.PathLike[str],
) -> CriticModel:
    if settings["critic"] is None and factory is None:
        raise InputError(
            f"`{path}` was trained with a critic of your own: pass `critic=`, a function that "
            "builds it from (dx, dy)."
        )
    members = []
    for i, log_partition in enumerate(settings["log_partition"]):
        of_x, of_y = (_standardizer(tensors, f"{i}.{side}") for side in ("x", "y"))
        dims = len(of_x.center), len(of_y.center)
        prefix = f"{i}.critic."
        weights = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        with torch.random.fork_rng(devices=[]):  # initial weights draw from the global generator
            if factory is None:
                critic = _known_critic(settings, dims, weights)
            else:
                critic = _your_critic(factory, dims, weights, path)
        _check("finite partitions", np.isfinite(log_partition))
        members.append(
            Member(critic=critic.eval(), of_x=of_x, of_y=of_y, log_partition=float(log_partition))
        )
    _check(
        "critics of the same width",
        len({(m.of_x.center.shape, m.of_y.center.shape) for m in members}) == 1,
    )
    return CriticModel(members=tuple(members))


def _standardizer(tensors: dict[str, Tensor], side: str) -> Standardizer:
    center, scale = (_array(tensors, f"{side}.{part}") for part in ("center", "scale"))
    _check("positive scales", center.shape == scale.shape and (scale > 0).all())
    return Standardizer(center=center, scale=scale)


def _known_critic(
    settings: dict[str, Any], dims: tuple[int, int], weights: dict[str, Tensor]
) -> nn.Module:
    """One of ours. A size that the file claims takes no memory until its weights confirm it."""
    options = dict(settings["critic_options"])
    hidden = tuple(options.pop("hidden"))
    sizes = {size for value in weights.values() for size in value.shape if size > 0}
    widths = {*hidden, *(value for value in options.values() if isinstance(value, int))}
    _check("weights of its layers", widths <= sizes)
    _check("a weight for each layer", len(hidden) < len(weights))
    _check("one kind of weights", {value.dtype for value in weights.values()} in FLOATS)
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
        critic.load_state_dict(weights)
    except (AttributeError, RuntimeError):
        raise OptionError(
            f"`critic` builds a network without the weights in `{path}`: pass what it was trained "
            "with."
        ) from None
    return critic
