"""Random views of images, and the critic that compares their codes.

Two views of an image are independent given the image, so that the information between their codes
is at most that between the image and one code: I(Z; Z') ≤ I(X; Z). What maximizes it keeps what all
views share, and drops position, slant and size.

References:
    Bachman, Hjelm & Buchwalter (2019), arXiv:1906.00910; Chen et al. (2020), SimCLR, §3,
    arXiv:2002.05709.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample, normalize

from mineral.critics import mlp
from mineral.errors import OptionError

ROTATION = 0.35  # radians at most, either way
SCALE = (0.8, 1.25)  # of height and of width
SHEAR = 0.3
SHIFT = 0.25  # of half the side


def random_views(
    images: Float[Tensor, "n c h w"], generator: torch.Generator
) -> Float[Tensor, "n c h w"]:
    """Each image rotated, scaled, sheared and shifted by random amounts of its own.

    What comes into view repeats the border. Uniform: rotation to ±0.35 radians, factors of height
    and width from 0.8 to 1.25, shear to ±0.3, shift to ±1/8 of the side.

    Args:
        images: n of them.
        generator: Of the amounts, on the processor.

    Returns:
        Shape and values' range of `images`; differentiable.
    """

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(len(images), generator=generator) * (high - low) + low

    angle, shear = uniform(-ROTATION, ROTATION), uniform(-SHEAR, SHEAR)
    wide, high = uniform(*SCALE), uniform(*SCALE)
    right, down = uniform(-SHIFT, SHIFT), uniform(-SHIFT, SHIFT)
    across = torch.stack([wide * angle.cos(), shear - high * angle.sin(), right], dim=1)
    along = torch.stack([wide * angle.sin(), high * angle.cos(), down], dim=1)
    grid = affine_grid(
        torch.stack([across, along], dim=1).to(images), list(images.shape), align_corners=False
    )
    return grid_sample(images, grid, padding_mode="border", align_corners=False)


class CosineCritic(nn.Module):
    """f(z, z') = cos(h(z), h(z')) / τ: the same network h for both codes.

    Args:
        dim_z: Of a code.
        hidden: Width of h's hidden layer.
        features: Length of h(z).
        temperature: τ.

    Raises:
        OptionError: If the temperature is not above 0.
    """

    def __init__(
        self, dim_z: int, *, hidden: int = 128, features: int = 64, temperature: float = 0.2
    ) -> None:
        super().__init__()
        if temperature <= 0:
            raise OptionError(f"`temperature` must be above 0, got {temperature}.")
        self.h, self.temperature = mlp(dim_z, hidden, features), temperature

    def forward(
        self, z: Float[Tensor, "*n dz"], others: Float[Tensor, "*m dz"]
    ) -> Float[Tensor, "..."]:
        """Scores of pairs, broadcast over the leading axes."""
        g, h = normalize(self.h(z), dim=-1), normalize(self.h(others), dim=-1)
        cosines: Tensor = torch.einsum("...i,...i->...", g, h)
        return cosines / self.temperature
