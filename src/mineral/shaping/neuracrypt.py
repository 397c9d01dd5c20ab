"""NeuraCrypt: a secret random network on the patches of an image, which are then shuffled.

    h = relu(patch · W + b)                            one strided convolution
    h = relu(normalize(h · W + b))                     `depth` times
    z = relu(h + secret position) · W + b              then the patches change places at random

All weights are random and never trained; together they are the key. With depth −1 it is the linear
encoder: the first convolution alone. It is here as a target of attacks: no encoder of this kind is
known to be private, and `mineral.audit.attacks.matching` breaks this one.

The published code normalizes with the moments of the batch, so that the code of an image depends on
its neighbours, and leaks them. Here the moments belong to the key, unless `published`.

References:
    Yala et al. (2021), NeuraCrypt, arXiv:2106.02484.
    Carlini et al. (2021), NeuraCrypt is not private, arXiv:2108.07256.
"""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mineral.errors import OptionError
from mineral.models.base import Stored, check
from mineral.shaping.encoder import Encoder
from mineral.shaping.simple import named

AT_ONCE = 2**24  # activations a layer
CALIBRATION = 256  # random images whose moments the key keeps
EPSILON = 1e-5  # that batch normalization adds to variances


@dataclass(frozen=True, eq=False, kw_only=True)
class NeuraCrypt(Encoder):
    """A key for images of one shape. `NeuraCrypt.draw` makes one.

    Attributes:
        shape: Channels, height and width of an image; rows of features are images, flattened so.
        patch: Side of the square patches, in pixels.
        width: Numbers that encode a patch. The code of an image is `patches` times as many.
        depth: Normalized layers; −1 for the linear encoder. NeuraCrypt-7 has 4.
        shuffle: Whether the patches of each image change places, by the seed of `encode`.
        published: Whether to normalize with the moments of all rows that `encode` is given.
        tensors: The key.
    """

    shape: tuple[int, int, int]
    patch: int
    width: int
    depth: int
    shuffle: bool
    published: bool
    tensors: dict[str, Tensor] = field(repr=False)
    name: str = "neuracrypt"
    columns: tuple[str, ...] = ()

    kind: ClassVar[str] = "neuracrypt"

    def __post_init__(self) -> None:
        _, height, width = self.shape
        if min(self.shape) < 1:
            raise OptionError(f"`shape` must be channels, height and width, got {self.shape}.")
        if self.patch < 1 or height % self.patch or width % self.patch:
            raise OptionError(
                f"`patch` must divide the height and the width of {height} × {width} pixels, got "
                f"{self.patch}."
            )
        if self.width < 1 or self.depth < -1:
            raise OptionError(
                f"`width` must be at least 1 and `depth` at least −1, got {self.width} and "
                f"{self.depth}."
            )

    @classmethod
    def draw(
        cls,
        shape: tuple[int, int, int],
        *,
        patch: int = 16,
        width: int = 2048,
        depth: int = 4,
        shuffle: bool = True,
        published: bool = False,
        seed: int = 0,
    ) -> "NeuraCrypt":
        """A key with the weights that PyTorch's layers start from, by a seed.

        Raises:
            OptionError: If an option is out of range.
        """
        empty = cls(
            shape=shape,
            patch=patch,
            width=width,
            depth=depth,
            shuffle=shuffle,
            published=published,
            tensors={},
        )
        empty.tensors.update(_key(empty, torch.Generator().manual_seed(seed)))
        return empty

    @property
    def stochastic(self) -> bool:  # type: ignore[override]
        """Only in the order of patches: their average over an image has no noise at all."""
        return self.shuffle

    @property
    def dim_x(self) -> int:  # type: ignore[override]
        return math.prod(self.shape)

    @property
    def patches(self) -> int:
        """Of an image: a code is `code.reshape(n, patches, width)`."""
        return self.shape[1] * self.shape[2] // self.patch**2

    def cut(self, x: Float[Tensor, "n dx"]) -> Float[Tensor, "n patches pixels"]:
        """Images into patches, row by row, each with its channels."""
        c, h, w = self.shape
        p = self.patch
        grid = x.reshape(-1, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5)
        return grid.reshape(len(x), self.patches, c * p * p)

    @torch.no_grad()
    def unshuffled(self, x: Float[Tensor, "n dx"]) -> Float[Tensor, "n patches width"]:
        """Codes of patches in their places, as float32."""
        at_once = len(x) if self.published else AT_ONCE // (self.patches * self.width)
        parts = torch.split(x.float(), max(1, at_once))
        return torch.cat([self._layers(self.cut(part)) for part in parts])

    def _layers(self, h: Tensor) -> Tensor:
        h = self._linear(h, "first")
        if self.depth < 0:
            return h
        h = h.relu()
        for layer in range(self.depth):
            h = self._linear(h, f"layer{layer}")
            if self.published:
                mean, variance = h.mean((0, 1)), h.var((0, 1), correction=0)
            else:
                mean = self.tensors[f"layer{layer}.mean"]
                variance = self.tensors[f"layer{layer}.variance"]
            h = ((h - mean) / (variance + EPSILON).sqrt()).relu()
        return self._linear((h + self.tensors["positions"]).relu(), "mixer")

    def _linear(self, h: Tensor, name: str) -> Tensor:
        return h @ self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]

    def _encode(
        self, x: Float[np.ndarray, "n dx"], rng: np.random.Generator
    ) -> Float[np.ndarray, "n dz"]:
        code = self.unshuffled(torch.from_numpy(x))
        if self.shuffle:
            order = torch.from_numpy(rng.random(code.shape[:2]).argsort(axis=1))
            code = code.gather(1, order[..., None].expand_as(code))
        return code.flatten(1).numpy()

    def _tensors(self) -> dict[str, Tensor]:
        return self.tensors

    def _settings(self) -> dict[str, Any]:
        names = ("patch", "width", "depth", "shuffle", "published")
        return {"shape": list(self.shape)} | {name: getattr(self, name) for name in names}


def _key(of: NeuraCrypt, generator: torch.Generator) -> dict[str, Tensor]:
    key: dict[str, Tensor] = {}
    pixels = of.shape[0] * of.patch**2

    def linear(name: str, inputs: int) -> None:
        reach = 1 / math.sqrt(inputs)
        for part, size in (("weight", (inputs, of.width)), ("bias", (of.width,))):
            key[f"{name}.{part}"] = reach * (2 * torch.rand(size, generator=generator) - 1)

    linear("first", pixels)
    if of.depth < 0:
        return key
    for layer in range(of.depth):
        linear(f"layer{layer}", of.width)
    key["positions"] = torch.randn(of.patches, of.width, generator=generator)
    linear("mixer", of.width)
    # Patches of every contrast, since real ones are flat here and full of edges there.
    contrast = torch.rand(CALIBRATION, 1, generator=generator)
    h = contrast * torch.rand(CALIBRATION, pixels, generator=generator)
    h = (h @ key["first.weight"] + key["first.bias"]).relu()
    for layer in range(of.depth):
        h = h @ key[f"layer{layer}.weight"] + key[f"layer{layer}.bias"]
        mean, variance = h.mean(0), h.var(0, correction=0)
        key |= {f"layer{layer}.mean": mean, f"layer{layer}.variance": variance}
        h = ((h - mean) / (variance + EPSILON).sqrt()).relu()
    return key


def rebuild_neuracrypt(stored: Stored) -> NeuraCrypt:
    """From a file."""
    settings = stored.settings
    sizes = {each: settings[each] for each in ("patch", "width", "depth")}
    flags = {each: settings[each] for each in ("shuffle", "published")}
    shape = tuple(settings["shape"])
    check("whole sizes", all(type(size) is int for size in (*sizes.values(), *shape)))
    check("flags", all(type(flag) is bool for flag in flags.values()))
    check("a shape of three", len(shape) == 3)
    tensors = dict(stored.tensors)
    found = NeuraCrypt(shape=shape, **sizes, **flags, tensors=tensors, **named(stored))
    check("floats", all(tensor.dtype == torch.float32 for tensor in tensors.values()))
    held = {each: tuple(tensor.shape) for each, tensor in tensors.items()}
    check("weights of its layers", held == _sizes(found))
    return found


def _sizes(of: NeuraCrypt) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a key."""

    def linear(name: str, inputs: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (inputs, of.width), f"{name}.bias": (of.width,)}

    sizes = linear("first", of.shape[0] * of.patch**2)
    if of.depth >= 0:
        sizes |= linear("mixer", of.width) | {"positions": (of.patches, of.width)}
    for layer in range(of.depth):
        sizes |= linear(f"layer{layer}", of.width)
        sizes |= {f"layer{layer}.{each}": (of.width,) for each in ("mean", "variance")}
    return sizes
