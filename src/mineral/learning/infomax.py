"""Deep InfoMax: an encoder z = e(x) that maximizes I(X; Z), trained without labels.

    model = infomax(images, objective="infonce")    # any array of images, or of rows
    z = model.encode(others)                        # (n, dim_z), for a downstream task

The global objective is information between the features of an image and its code. Either a critic
classifies an image's own code against those of others, and encoder and critic maximize a bound; or
MIGE raises the entropy of the code, which for an encoder without noise is the same: I(X; Z) = H(Z)
up to a constant that may be infinite but has no gradient. The objective `"views"` is InfoNCE
between the codes of two random views of an image, a lower bound on the same I(X; Z).

References:
    Hjelm et al. (2019), Deep InfoMax, arXiv:1808.06670. Wen et al. (2020), MIGE, arXiv:2005.01123.
    Bachman, Hjelm & Buchwalter (2019), views, arXiv:1906.00910.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mineral import bounds
from mineral.critics import SeparableCritic, split_scores
from mineral.errors import InputError, OptionError
from mineral.gradients import entropy_gradient
from mineral.learning.views import CosineCritic, random_views
from mineral.system.chance import Chance, learning

OBJECTIVES = ("jensen-shannon", "infonce", "mige", "views")


class Orthonormal(nn.Module):
    """z = W x with W Wᵀ = 1: a projection, which can choose directions but not enlarge them.

    Args:
        dim_in: Of x.
        dim_out: Of z, at most `dim_in`.
    """

    def __init__(self, dim_in: int, dim_out: int) -> None:
        super().__init__()
        if dim_out > dim_in:
            raise OptionError(f"`dim_z` must be at most the {dim_in} features, got {dim_out}.")
        self.free = nn.Parameter(torch.randn(dim_out, dim_in) / math.sqrt(dim_in))

    def forward(self, x: Float[Tensor, "n a"]) -> Float[Tensor, "n b"]:
        factor = torch.linalg.cholesky(self.free @ self.free.T)
        weight = torch.linalg.solve_triangular(factor, self.free, upper=False)
        z: Tensor = x @ weight.T
        return z


class InfoMax(nn.Module):
    """An encoder with its training objective.

    Convolutions for images, each halving height and width, or one hidden layer for rows, both with
    batch normalization; then orthonormal directions of these features are the code. Without a limit
    to its size, entropy would grow by size alone. Standardizing each coordinate is a limit too, but
    a bad one: the entropy of noise is then as high as that of image content.

    Args:
        shape: Of one sample: (channels, height, width), or (columns,).
        objective: `"jensen-shannon"` or `"infonce"`, with a critic g(features) · h(z); `"mige"`; or
            `"views"`, with a critic of the codes of two random views, for images only.
        dim_z: Of the code.
        channels: Of the convolutions; of rows, the width of the hidden layer is their sum times 16.
        learning_rate: Of Adam.
        view: Images and a generator to random views of them.
        seed: Of the views.

    Raises:
        OptionError: If there is no such objective, it needs images and gets rows, or a number is
            out of range.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        objective: str = "infonce",
        dim_z: int = 64,
        channels: tuple[int, ...] = (32, 64),
        learning_rate: float = 1e-3,
        view: Callable[[Tensor, torch.Generator], Tensor] = random_views,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if objective not in OBJECTIVES:
            raise OptionError(
                f"`objective` must be one of {', '.join(OBJECTIVES)}, got {objective!r}."
            )
        if dim_z < 1 or learning_rate <= 0:
            raise OptionError("`dim_z` must be at least 1, and `learning_rate` above 0.")
        if len(shape) not in (1, 3):
            raise OptionError(f"`shape` must be (c, h, w) or (columns,), got {shape}.")
        if objective == "views" and len(shape) == 1:
            raise OptionError("`objective` views needs images, got rows: use infonce.")
        self.shape, self.objective = tuple(shape), objective
        self.view, self.chance = view, torch.Generator().manual_seed(seed)
        self.features, width = _features(self.shape, channels)
        self.code = Orthonormal(width, dim_z)
        self.critic: nn.Module | None = None
        if objective == "views":
            self.critic = CosineCritic(dim_z)
        elif objective != "mige":
            self.critic = SeparableCritic(width, dim_z, hidden=(256,), features=64)
        self.optimizer = torch.optim.Adam(self.parameters(), lr=learning_rate)

    def forward(self, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n dim_z"]:
        """The code of each sample."""
        z: Tensor = self.code(self.features(x))
        return z

    def learn(self, x: Float[Tensor, "n ..."]) -> float:
        """A step of encoder and critic; returns the objective before it (0 for MIGE)."""
        self.train()
        if self.critic is None:
            value = entropy_gradient(self(x))
        else:
            name = "infonce" if self.objective == "views" else self.objective
            objective = bounds.BOUNDS[name].objective
            assert objective is not None
            value = objective(*self._scores(x, self.chance))
        self.optimizer.zero_grad(set_to_none=True)
        (-value).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return value.item()

    @torch.no_grad()
    def nats(self, x: Float[Tensor, "n ..."]) -> float:
        """InfoNCE of the critic, for any training objective: an estimate on new samples.

        A lower bound on I(features; Z), or on I(Z; Z') of two views, never above log n.

        Raises:
            OptionError: If the objective is MIGE, which estimates no information.
        """
        if self.critic is None:
            raise OptionError("MIGE gives a gradient and no value: use an estimator for the value.")
        self.eval()
        return float(bounds.infonce(*self._scores(x, torch.Generator().manual_seed(0))))

    @torch.no_grad()
    def encode(self, images: "np.ndarray | Tensor") -> Float[np.ndarray, "n dim_z"]:
        """Codes of arrays or tensors as `infomax` takes them."""
        x = prepared(images)
        if tuple(x.shape[1:]) != self.shape:
            raise InputError(f"`images` must be of shape {self.shape}, got {tuple(x.shape[1:])}.")
        self.eval()
        device = next(self.parameters()).device
        parts = [self(part.to(device)).cpu() for part in x.split(1000)]  # type: ignore[no-untyped-call]
        return torch.cat(parts).numpy()

    def _scores(self, x: Tensor, chance: torch.Generator) -> tuple[Tensor, Tensor]:
        """Joint and product scores: of features and codes, or of the codes of two views."""
        assert self.critic is not None
        if self.objective == "views":  # both in one batch: they share its normalization
            of_first, z = self(torch.cat([self.view(x, chance), self.view(x, chance)])).chunk(2)
        else:
            of_first = self.features(x)
            z = self.code(of_first)
        return split_scores(self.critic(of_first[:, None], z[None]))


def infomax(
    images: "np.ndarray | Tensor",
    *,
    objective: str = "infonce",
    dim_z: int = 64,
    channels: tuple[int, ...] = (32, 64),
    epochs: int = 10,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
    device: str | torch.device = "cpu",
    progress: Callable[[float], None] = lambda _: None,
) -> InfoMax:
    """Train an encoder on images, or on rows, without labels.

    Args:
        images: Shape (n, h, w), (n, c, h, w) or (n, columns); whole numbers of 8 bits are divided
            by 255.
        objective: Of `OBJECTIVES`.
        dim_z: Of the code.
        channels: Of the convolutions.
        epochs: Over all images.
        batch_size: Images a step; a critic compares a code with those of all others. MIGE needs
            more than `dim_z` + 2.
        learning_rate: Of Adam.
        seed: Of weights, batches and views.
        device: Where to train.
        progress: Called with the share of the epochs that is done.

    Raises:
        InputError: If images have another shape, are not finite, or are fewer than 4.
        OptionError: If an option is out of range.

    Example:
        >>> rows = torch.randn(512, 8, generator=torch.Generator().manual_seed(0))
        >>> infomax(rows, dim_z=2, epochs=1).encode(rows).shape
        (512, 2)
    """
    x, where = prepared(images), torch.device(device)
    if epochs < 1 or batch_size < 4:
        raise OptionError("`epochs` must be at least 1, and `batch_size` at least 4.")
    if len(x) < 4:
        raise InputError(f"`images` must be at least 4, got {len(x)}.")
    rng = np.random.default_rng(seed)
    size = min(batch_size, len(x))
    with learning():
        with Chance(seed):  # layers use random numbers only for initialization
            model = InfoMax(
                tuple(x.shape[1:]),
                objective=objective,
                dim_z=dim_z,
                channels=channels,
                learning_rate=learning_rate,
                seed=seed,
            ).to(where)
        for epoch in range(epochs):
            order = torch.from_numpy(rng.permutation(len(x)))
            for rows in order[: len(x) // size * size].view(-1, size):
                model.learn(x[rows].to(where))
            progress((epoch + 1) / epochs)
    return model.eval()


def prepared(images: "np.ndarray | Tensor") -> Float[Tensor, "n ..."]:
    """Images as floats with an axis of channels, or rows as they are.

    Raises:
        InputError: If they have another shape, or are not finite.
    """
    x = torch.as_tensor(images)
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    if x.ndim not in (2, 3, 4):
        raise InputError(
            f"`images` must be of shape (n, h, w), (n, c, h, w) or (n, columns), got "
            f"{tuple(x.shape)}."
        )
    if not bool(torch.isfinite(x).all()):
        raise InputError("`images` must be finite.")
    return x[:, None] if x.ndim == 3 else x


def _features(shape: tuple[int, ...], channels: tuple[int, ...]) -> tuple[nn.Module, int]:
    """The critic's input for a sample, and its dimension."""
    if len(shape) == 1:
        width = 16 * sum(channels)
        linear = nn.Linear(shape[0], width)
        return nn.Sequential(linear, nn.BatchNorm1d(width), nn.ReLU()), width
    layers: list[nn.Module] = []
    width, *size = shape
    for count in channels:
        layers += [
            nn.Conv2d(width, count, 4, stride=2, padding=1),
            nn.BatchNorm2d(count),
            nn.ReLU(),
        ]
        width, size = count, [side // 2 for side in size]
    if min(size) < 1:
        raise OptionError(f"`channels` has {len(channels)} layers, too many to halve {shape[1:]}.")
    return nn.Sequential(*layers, nn.Flatten()), width * math.prod(size)
