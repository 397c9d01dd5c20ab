"""Encoders that are networks: trained ones, and custom modules."""

import copy
import itertools
import math
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mineral.basics.types import X
from mineral.errors import OptionError
from mineral.models.base import Stored, check
from mineral.shaping.encoder import Codes, Encoder

Moments: TypeAlias = Tensor | tuple[Tensor, Tensor]
"""The output of a module: the code's mean, or mean and scale."""

AT_ONCE = 8192  # rows a pass
LOUDEST = 1.0  # the largest scale of learned noise: half the range of a bounded code
ACTIVATIONS: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "tanh": nn.Tanh, "relu": nn.ReLU}


class Network(nn.Module):
    """Linear layers of the given widths with an activation between them.

    Args:
        widths: dx, hidden layers, dz.
        activation: "silu", "tanh" or "relu".
        bounded: Whether tanh follows the last layer, so that codes lie within (−1, 1).
        noise: The standard deviation of Gaussian noise on the code; 0 for none. On a bounded code
            its relative size is bounded below, so that it limits the information of any coordinate.
        gives_scale: Whether the network also returns the noise scale of each coordinate of a row,
            from `noise` to `LOUDEST`.

    Raises:
        OptionError: If an option is out of range.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        *,
        activation: str = "silu",
        bounded: bool = False,
        noise: float = 0.0,
        gives_scale: bool = False,
    ) -> None:
        super().__init__()
        if len(widths) < 2 or min(widths) < 1:
            raise OptionError(f"`widths` must be two or more of at least 1, got {widths}.")
        if activation not in ACTIVATIONS:
            raise OptionError(
                f"`activation` must be one of {', '.join(ACTIVATIONS)}, got {activation!r}."
            )
        _check_noise(noise)
        if gives_scale and not 0 < noise < LOUDEST:
            raise OptionError(
                f"`noise` must lie between 0 and {LOUDEST:g} if the scale is learned, of which it "
                f"is the minimum; got {noise}."
            )
        self.widths, self.activation, self.bounded = tuple(widths), activation, bounded
        self.noise, self.gives_scale = float(noise), gives_scale
        last = widths[-1] * (2 if gives_scale else 1)
        layers = [
            layer
            for a, b in itertools.pairwise((*widths[:-1], last))
            for layer in (nn.Linear(a, b), ACTIVATIONS[activation]())
        ][:-1]
        self.net = nn.Sequential(*layers)

    def forward(self, x: Float[Tensor, "n dx"]) -> Moments:
        """The code without its noise, shape (n, dz); and the noise scale if `gives_scale`."""
        code: Tensor = self.net(x)
        mean, *learned = code.chunk(2, dim=-1) if self.gives_scale else (code,)
        mean = mean.tanh() if self.bounded else mean
        if not learned:
            return mean
        steps = math.log(LOUDEST / self.noise)
        return mean, self.noise * (steps * learned[0].sigmoid()).exp()

    def options(self) -> dict[str, Any]:
        """What it was built with."""
        return {
            "widths": list(self.widths),
            "activation": self.activation,
            "bounded": self.bounded,
            "noise": self.noise,
            "gives_scale": self.gives_scale,
        }


def moments(found: Moments, noise: float) -> tuple[Tensor, Tensor]:
    """Mean and scale of the code, both (n, dz), from what a module gives."""
    mean, scale = found if isinstance(found, tuple) else (found, torch.full_like(found, noise))
    return mean.flatten(1), scale.flatten(1)


def _check_noise(noise: float) -> None:
    if not 0 <= noise < np.inf:
        raise OptionError(f"`noise` must be finite and not below 0, got {noise}.")


class ModuleEncoder(Encoder):
    """z = module((x − center) / scale) + noise · ε with standard normal ε.

    Args:
        module: Maps (n, dx) to (n, dz), or to a pair of these, mean and scale of a Gaussian; each
            row for itself: batch normalization is used as in evaluation. A copy is kept, on the
            CPU.
        center, scale: Shape (dx,); nothing is subtracted or divided by without them.
        noise: Standard deviation of the code's noise where the module gives no scale; that of a
            `Network` unless given.
        gives_scale: Whether the module gives a pair; a `Network` knows.
        name: What tables and figures call it.
        columns: Names of the features.

    Raises:
        OptionError: If noise, center or scale is out of range.
    """

    kind: ClassVar[str] = "network"

    def __init__(
        self,
        module: nn.Module,
        *,
        center: Float[np.ndarray, " dx"] | None = None,
        scale: Float[np.ndarray, " dx"] | None = None,
        noise: float | None = None,
        gives_scale: bool = False,
        name: str = "module",
        columns: tuple[str, ...] = (),
    ) -> None:
        if isinstance(module, Network):
            noise = module.noise if noise is None else noise
            gives_scale = module.gives_scale
        noise = 0.0 if noise is None else float(noise)
        _check_noise(noise)
        if scale is not None and not (np.asarray(scale) > 0).all():
            raise OptionError("`scale` must be above 0 for every feature.")
        self.module = copy.deepcopy(module).cpu().eval()
        self.center, self.scale, self.noise = center, scale, noise
        self.gives_scale, self.name, self.columns = gives_scale, name, columns

    @property
    def stochastic(self) -> bool:  # type: ignore[override]
        return self.noise > 0 or self.gives_scale

    @property
    def dim_x(self) -> int | None:  # type: ignore[override]
        if isinstance(self.module, Network):
            return self.module.widths[0]
        return None if self.center is None else len(self.center)

    @torch.no_grad()
    def moments(self, x: X) -> tuple[Codes, Codes]:
        """Mean and scale of q(z | x), both (n, dz) in float64, for checked rows."""
        like = next(iter(self.module.parameters()), torch.zeros(0))
        means, scales = [], []
        for start in range(0, len(x), AT_ONCE):
            rows = x[start : start + AT_ONCE]
            rows = rows if self.center is None else rows - self.center
            rows = rows if self.scale is None else rows / self.scale
            mean, spread = moments(self.module(torch.from_numpy(rows).to(like)), self.noise)
            means.append(mean.double().numpy())
            scales.append(spread.double().numpy())
        return np.concatenate(means), np.concatenate(scales)

    def _encode(self, x: X, rng: np.random.Generator) -> Codes:
        mean, scale = self.moments(x)
        return mean + scale * rng.standard_normal(mean.shape) if self.stochastic else mean

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {f"module.{name}": value for name, value in self.module.state_dict().items()}
        for name, value in (("center", self.center), ("scale", self.scale)):
            if value is not None:
                tensors[name] = torch.from_numpy(np.asarray(value, np.float64))
        return tensors

    def _settings(self) -> dict[str, Any]:
        ours = isinstance(self.module, Network)
        return {
            "module": self.module.options() if ours else None,  # type: ignore[operator]
            "noise": self.noise,
            "gives_scale": self.gives_scale,
        }


def rebuild_network(stored: Stored, name: dict[str, Any], module: nn.Module | None) -> Encoder:
    """From a file, into the caller's module if it is a custom one."""
    weights = {
        key.removeprefix("module."): value
        for key, value in stored.tensors.items()
        if key.startswith("module.")
    }
    options = stored.settings["module"]
    if options is not None:
        module = _ours(options, weights)
    elif module is None:
        raise OptionError(
            f"`{stored.path}` was made from a custom module: pass `module=`, a module of the same "
            "architecture."
        )
    else:
        module = copy.deepcopy(module)
        try:
            module.load_state_dict(weights)
        except RuntimeError:
            raise OptionError(
                f"`module` has other weights than those in `{stored.path}`: pass a module of the "
                "saved architecture."
            ) from None
    center, scale = (
        stored.array(each) if each in stored.tensors else None for each in ("center", "scale")
    )
    check("as many scales as centers", center is None or scale is None or len(center) == len(scale))
    return ModuleEncoder(
        module,
        center=center,
        scale=scale,
        noise=float(stored.settings["noise"]),
        gives_scale=bool(stored.settings["gives_scale"]),
        **name,
    )


def _ours(options: dict[str, Any], weights: dict[str, Tensor]) -> Network:
    """A size that the file claims takes no memory until its weights confirm it."""
    widths = tuple(options["widths"])
    check("whole widths", all(type(width) is int for width in widths))
    check("weights of its layers", len(weights) == 2 * (len(widths) - 1))
    with torch.device("meta"):
        network = Network(
            widths,
            activation=options["activation"],
            bounded=bool(options["bounded"]),
            noise=float(options["noise"]),
            gives_scale=bool(options["gives_scale"]),
        )
    network.load_state_dict(weights, assign=True)
    return network
