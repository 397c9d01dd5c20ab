"""Layers of several equal networks at once, whose gradients are written out.

Each layer is an activation and a linear map, of (critics, rows, columns). It keeps what its
gradient needs, and writes into arrays that are allocated once, as few as possible: no graph is
recorded, no memory is requested in a step, and more of it stays in the processor's cache.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

Named = Mapping[str, Tensor]  # a parameter or its gradient by name, (critics, *shape)


class Activation(ABC):
    """A function of each entry, which replaces the entries.

    Args:
        like: Of the shape of the entries.
    """

    def __init__(self, like: Tensor) -> None:
        self.kept = torch.empty_like(like)

    @abstractmethod
    def apply(self, rows: Tensor) -> Tensor:
        """Replace the entries by their function."""

    @abstractmethod
    def slope(self, values: Tensor) -> Tensor:
        """The derivative where `apply` returned these values, which are left as they are."""


class SiLU(Activation):
    """a = h s with s = σ(h), of derivative s + a (1 − s)."""

    def __init__(self, like: Tensor) -> None:
        super().__init__(like)
        self.one = like.new_ones(1)

    def apply(self, rows: Tensor) -> Tensor:
        return rows.mul_(torch.sigmoid(rows, out=self.kept))

    def slope(self, values: Tensor) -> Tensor:
        return torch.lerp(self.kept, self.one, values, out=self.kept)


class ReLU(Activation):
    """max(h, 0)."""

    def apply(self, rows: Tensor) -> Tensor:
        return rows.clamp_min_(0)

    def slope(self, values: Tensor) -> Tensor:
        return torch.sign(values, out=self.kept)


class ELU(Activation):
    """h where it is positive, a = exp(h) − 1 elsewhere, of derivative 1 + a there."""

    def apply(self, rows: Tensor) -> Tensor:
        return nn.functional.elu_(rows)

    def slope(self, values: Tensor) -> Tensor:
        return torch.clamp(values, max=0, out=self.kept).add_(1)


_ACTIVATIONS: dict[type[nn.Module], type[Activation]] = {
    nn.SiLU: SiLU,
    nn.ReLU: ReLU,
    nn.ELU: ELU,
}


class Layer:
    """W a(h) + b.

    Args:
        weight: W, shape (critics, out, in), and its gradient.
        bias: b, shape (critics, out), and its gradient, or None.
        rows: How many h.
        activation: a, or None for the identity of data, which need no gradient.
    """

    def __init__(
        self,
        weight: tuple[Tensor, Tensor],
        bias: tuple[Tensor, Tensor] | None,
        *,
        rows: int,
        activation: Activation | None = None,
    ) -> None:
        self.weight, self.of_weight = weight
        self.transposed = self.weight.transpose(1, 2)
        self.bias = None if bias is None else bias[0][:, None]
        self.of_bias = None if bias is None else bias[1][:, None]
        self.activation = activation
        self.out = self.weight.new_empty(len(self.weight), rows, self.weight.shape[1])
        self.values, self._gradient = self.out, (self.out, self.out.transpose(1, 2))

    def forward(self, rows: Tensor) -> Tensor:
        """Its values; an activation replaces the rows."""
        self.values = rows if self.activation is None else self.activation.apply(rows)
        if self.bias is None:
            return torch.bmm(self.values, self.transposed, out=self.out)
        return torch.baddbmm(self.bias, self.values, self.transposed, out=self.out)

    def backward(self, gradient: Tensor) -> Tensor:
        """The parameters' gradient from that of the values; that of the rows, in their place.

        Without an activation, the rows are data, and are returned.
        """
        if gradient is not self._gradient[0]:  # a training loop has the same array in every step
            self._gradient = gradient, gradient.transpose(1, 2)
        torch.bmm(self._gradient[1], self.values, out=self.of_weight)
        if self.of_bias is not None:
            torch.sum(gradient, 1, keepdim=True, out=self.of_bias)
        if self.activation is None:
            return self.values
        slope = self.activation.slope(self.values)
        if self.weight.shape[1] == 1:  # an outer product
            torch.mul(gradient, self.weight, out=self.values)
        else:
            torch.bmm(gradient, self.weight, out=self.values)
        return self.values.mul_(slope)


def is_written_out(layers: nn.Sequential) -> bool:
    """Whether `Chain` has every layer: linear maps, with at most one activation before each."""
    kinds = "".join(
        "l" if type(layer) is nn.Linear else "a" if type(layer) in _ACTIVATIONS else "?"
        for layer in layers
    )
    elu = all(layer.alpha == 1 for layer in layers if isinstance(layer, nn.ELU))
    return elu and kinds.removeprefix("l") == "al" * (len(kinds) // 2)


class Chain:
    """The layers of a `nn.Sequential`, one after another.

    Args:
        layers: As `is_written_out` accepts them.
        prefix: Of the names of its parameters.
        values: Of the parameters.
        gradients: Of the parameters.
        rows: Rows at a time.
        of: What the first layer's rows are, if an activation comes first. None for data.
    """

    def __init__(
        self,
        layers: nn.Sequential,
        prefix: str,
        values: Named,
        gradients: Named,
        *,
        rows: int,
        of: Tensor | None = None,
    ) -> None:
        self.layers = list[Layer]()
        like, activation = of, None
        for name, layer in layers.named_children():
            if type(layer) is not nn.Linear:
                assert like is not None
                activation = _ACTIVATIONS[type(layer)](like)
                continue
            weight, bias = f"{prefix}{name}.weight", f"{prefix}{name}.bias"
            made = Layer(
                (values[weight], gradients[weight]),
                (values[bias], gradients[bias]) if bias in values else None,
                rows=rows,
                activation=activation,
            )
            like = made.out
            self.layers.append(made)

    def forward(self, rows: Tensor) -> Tensor:
        """The values of the last layer."""
        for layer in self.layers:
            rows = layer.forward(rows)
        return rows

    def backward(self, gradient: Tensor) -> Tensor:
        """The gradient of all parameters from that of the values; that of the first rows."""
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient
