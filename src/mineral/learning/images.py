"""Generators and discriminators of images of 28 × 28 pixels from −1 to 1, after DCGAN.

References:
    Radford, Metz & Chintala (2016), DCGAN, arXiv:1511.06434.
"""

from jaxtyping import Float
from torch import Tensor, nn

SIDE = 28
SLOPE = 0.2  # of leaky ReLU below zero


class ImageGenerator(nn.Module):
    """x = G(z): a layer to 7 × 7, then strided convolutions to 14 × 14 and 28 × 28.

    Batch normalization and ReLU follow every layer but the last, which is followed by tanh only, so
    that every value from −1 to 1 can be reached.

    Args:
        dim_z: Of the latent.
        channels: Of an image.
        width: Channels at 14 × 14; twice as many at 7 × 7.
    """

    def __init__(self, dim_z: int, channels: int = 1, *, width: int = 64) -> None:
        super().__init__()
        quarter = SIDE // 4
        self.net = nn.Sequential(
            nn.Linear(dim_z, 2 * width * quarter**2, bias=False),
            nn.Unflatten(1, (2 * width, quarter, quarter)),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, z: Float[Tensor, "n dz"]) -> Float[Tensor, "n c 28 28"]:
        x: Tensor = self.net(z)
        return x


class ImageFeatures(nn.Module):
    """Features of images: two strided convolutions with leaky ReLU, flattened.

    Args:
        channels: Of an image.
        width: Channels at 14 × 14; twice as many at 7 × 7.
        norm: Batch normalization of the second layer. With it, a discriminator depends on the whole
            batch, and can detect missing modes; without it, on single images.

    Attributes:
        dim: Of the features.
    """

    def __init__(self, channels: int = 1, *, width: int = 64, norm: bool = True) -> None:
        super().__init__()
        self.dim = 2 * width * (SIDE // 4) ** 2
        self.net = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=not norm),
            nn.BatchNorm2d(2 * width) if norm else nn.Identity(),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
        )

    def forward(self, x: Float[Tensor, "n c 28 28"]) -> Float[Tensor, "n d"]:
        features: Tensor = self.net(x)
        return features


class ImageDiscriminator(nn.Module):
    """D(x), the log odds that an image is data: a linear layer of its features.

    Args:
        channels: Of an image.
        width, norm: Of `ImageFeatures`.
    """

    def __init__(self, channels: int = 1, *, width: int = 64, norm: bool = True) -> None:
        super().__init__()
        self.features = ImageFeatures(channels, width=width, norm=norm)
        self.head = nn.Linear(self.features.dim, 1)

    def forward(self, x: Float[Tensor, "n c 28 28"]) -> Float[Tensor, " n"]:
        odds: Tensor = self.head(self.features(x))
        return odds.squeeze(-1)
