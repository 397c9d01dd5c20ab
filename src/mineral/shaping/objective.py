"""The terms of the objective: differentiable in the code.

    I(Z; L)          kept: `LabelInformation`, exact entropy minus a classifier's cross-entropy
    I(X; Z)          hidden, where everything is: `rate`, an upper bound, as q(z | x) is known
    I(Z; S)          hidden, where a label is: `LabelInformation` again, the gain of an adversary;
                     where numbers are: CLUB, an upper bound if its density is learned well
    any of these     `Dependence`: ReMINE as in the thesis, InfoNCE, …

A minimized lower bound may fall only because its critic fails. So an upper bound is minimized if
there is one; and with an adversary, `distance_correlation` is added, which is not a bound on
information but is zero only under independence, and does not depend on an adversary.

A mixture of the q(z | x) of a batch would give I(Z; S) without an adversary, too. As a loss it
fails: the encoder learns to separate rows of the same S, which lowers the estimate without limit.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mineral import bounds
from mineral.basics.types import Nats
from mineral.critics import JointCritic, mlp
from mineral.learning import Information


class LabelInformation(nn.Module):
    """I(Z; L) ≥ H(L) − CE(L | Z), with the cross-entropy of a classifier of the code.

    A lower bound in expectation on held-out rows, tight if the classifier is the posterior. A
    `Term`: `learn` improves the classifier, calling it gives the code a gradient and the classifier
    none.

    Args:
        dim_z: dz.
        classes: Of the label.
        entropy: H(L), in nats.
        hidden: Width of each hidden layer of the classifier.
        learning_rate: Of its Adam.

    References:
        Barber & Agakov (2003), The IM Algorithm, with a label for x.
    """

    def __init__(
        self,
        dim_z: int,
        classes: int,
        entropy: float,
        *,
        hidden: tuple[int, ...] = (64, 64),
        learning_rate: float = 1e-3,
    ) -> None:
        super().__init__()
        self.entropy = entropy
        # Coordinates at one scale: the classifier must not ignore one of small variance.
        self.classifier = nn.Sequential(
            nn.BatchNorm1d(dim_z, affine=False), *mlp(dim_z, *hidden, classes)
        )
        self.optimizer = torch.optim.Adam(self.classifier.parameters(), lr=learning_rate)

    def learn(self, label: Int[Tensor, " n"], z: Float[Tensor, "n dz"]) -> float:
        """A step of the classifier, on detached codes; the value before it."""
        self.train()
        loss = cross_entropy(self.classifier(z.detach()), label)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return self.entropy - loss.item()

    def forward(self, label: Int[Tensor, " n"], z: Float[Tensor, "n dz"]) -> Nats:
        """H(L) − CE(L | Z), differentiable in z."""
        self.eval()
        weights = dict(self.classifier.named_parameters())
        fixed = {name: weight.detach() for name, weight in weights.items()}
        logits = torch.func.functional_call(self.classifier, fixed, (z,))
        return self.entropy - cross_entropy(logits, label)


class Dependence(nn.Module):
    """Information between any two variables, by a variational bound of `mineral.bounds`: a `Term`.

    The critic is trained on the bound's objective, and the encoder on its value, without the
    penalty of ReMINE, which is not information.

    Args:
        dim_x: Of the variable beside the code.
        dim_z: dz.
        bound: As of `Information`: "remine", "mine", "infonce", ….
        learning_rate: Of the critic's Adam.
        seed: Of the partners.

    Raises:
        OptionError: If there is no such bound.
    """

    def __init__(
        self, dim_x: int, dim_z: int, bound: str, *, learning_rate: float = 1e-3, seed: int = 0
    ) -> None:
        super().__init__()
        critic = JointCritic(dim_x, dim_z)
        self.learning = Information(critic, bound, learning_rate=learning_rate, seed=seed)
        value = bounds.BOUNDS[bound].value
        alike = [name for name, each in bounds.BOUNDS.items() if each.objective is value]
        self.encoding = Information(critic, alike[0] if alike else bound, seed=seed)

    def learn(self, x: Float[Tensor, "n dx"], z: Float[Tensor, "n dz"]) -> float:
        """A step of the critic, on detached samples."""
        return self.learning.learn(x, z)

    def forward(self, x: Float[Tensor, "n dx"], z: Float[Tensor, "n dz"]) -> Nats:
        """The bound's value, differentiable in x and z."""
        value: Nats = self.encoding(x, z)
        return value


def log_densities(
    mean: Float[Tensor, "n dz"], scale: Float[Tensor, "n dz"], z: Float[Tensor, "n dz"]
) -> Float[Tensor, "n n"]:
    """log q(z_j | x_i) at [i, j], up to a constant, of Gaussians with independent coordinates."""
    # The square expanded into matrix products; in float64, since terms cancel.
    z, mean, precision = z.double(), mean.double(), scale.double().pow(-2)
    linear = precision * mean
    constant = (linear * mean).sum(dim=1) + 2 * scale.double().log().sum(dim=1)
    return linear @ z.T - 0.5 * (precision @ z.square().T + constant[:, None])


def rate(
    mean: Float[Tensor, "n dz"], scale: Float[Tensor, "n dz"], z: Float[Tensor, "n dz"]
) -> Nats:
    """I(X; Z) ≤ E[log q(z | x) − log mean q(z | x')], the mean over the other rows of the batch.

    See `mineral.bounds.leave_one_out_upper`.
    """
    return bounds.leave_one_out_upper(log_densities(mean, scale, z))


def distance_correlation(z: Float[Tensor, "n dz"], s: Float[Tensor, "n ds"]) -> Float[Tensor, ""]:
    """The squared distance correlation of two samples, bias-corrected: 0 if independent, at most 1.

    For a label as one-hot rows it is the energy distance between the codes of its classes. It is
    sensitive to dependence of every kind, and invariant to the scale of z.

    References:
        Székely & Rizzo (2014), the bias-corrected statistic, arXiv:1310.2926.
    """
    a, b = _centered(z), _centered(s)
    return (a * b).sum() / (a.square().sum() * b.square().sum()).clamp(min=1e-12).sqrt()


def _centered(rows: Tensor) -> Tensor:
    """Distances between rows, U-centered: unbiased, with a zero diagonal."""
    n = len(rows)
    squared = (rows[:, None] - rows).square().sum(dim=-1)
    apart = (squared + 1e-12).sqrt()  # else the slope is infinite where rows are equal
    apart = apart * (1 - torch.eye(n).to(rows))
    sums = apart.sum(dim=1)
    centered = apart - (sums[:, None] + sums) / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    return centered * (1 - torch.eye(n).to(rows))
