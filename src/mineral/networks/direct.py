"""Critics whose gradients are written out: `JointCritic`, `SeparableCritic` and your own MLP.

autograd records a graph and requests memory for every operation of every step. For small networks
that takes as long as the arithmetic. Here a step is a fixed sequence of matrix products, with the
same formulas; other critics are differentiated by autograd (`training.py`).
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mineral.critics import (
    Baselined,
    BilinearCritic,
    Concatenated,
    ConvolutionalCritic,
    JointCritic,
    MarginalCritic,
    SeparableCritic,
)
from mineral.networks.flat import Flat
from mineral.networks.layers import Chain, Layer, is_written_out


class Direct(ABC):
    """Several equal critics, scored on blocks of rows, with the gradient of their parameters.

    Args:
        critics: As `is_direct` accepts them, of the same widths.
        rows: Joint samples a step, a multiple of `block`.
        block: Joint samples whose pairs with each other are scored.
        dim_x: dx.
    """

    def __init__(self, critics: Sequence[nn.Module], rows: int, block: int, dim_x: int) -> None:
        self.critics, self.dim_x, self.flat = critics, dim_x, Flat(critics)
        self.rows, self.block = rows, block
        self.shape = len(critics), rows // block, block, block

    def keep(self, places: Sequence[int]) -> "Direct":
        """The critics at these places only, which go on where they are."""
        flat = self.flat
        flat.release()
        kept = type(self)([self.critics[i] for i in places], self.rows, self.block, self.dim_x)
        kept.flat.go_on(flat, places)
        return kept

    @abstractmethod
    def scores(self, x: Tensor, y: Tensor) -> Tensor:
        """scores[c, k, i, j] = f_c(x_i, y_j) of the rows i and j of block k.

        Args:
            x: Shape (critics, rows, dx).
            y: Shape (critics, rows, dy).
        """

    @abstractmethod
    def backward(self, gradient: Tensor) -> None:
        """From the gradient of the last scores to that of the parameters."""


class _Joint(Direct):
    """net([x, y]): the first layer is one of x and one of y, added for each pair."""

    def __init__(self, critics: Sequence[nn.Module], rows: int, block: int, dim_x: int) -> None:
        super().__init__(critics, rows, block, dim_x)
        values, gradients = self.flat.values, self.flat.gradients
        first, bias, rest, prefix = _split_first(critics[0])
        if len(first) == 2:
            sides = [[each[name] for name in first] for each in (values, gradients)]
        else:
            sides = [
                [each[first[0]][:, :, :dim_x], each[first[0]][:, :, dim_x:]]
                for each in (values, gradients)
            ]
        (of_x, of_y), (grad_x, grad_y) = sides
        own = (values[bias], gradients[bias]) if bias in values else None
        self.of_x = Layer((of_x, grad_x), own, rows=rows)
        self.of_y = Layer((of_y, grad_y), None, rows=rows)
        pairs, width = (len(critics), rows * block), of_x.shape[1]
        self.rows_of_pairs = of_x.new_empty(*pairs, width)
        self.rest = Chain(rest, prefix, values, gradients, rows=pairs[1], of=self.rows_of_pairs)
        self.slopes = [of_x.new_empty(len(critics), rows, width) for _ in range(2)]
        # Views of these arrays, made once.
        self.grid = self.rest.layers[-1].out.view(self.shape)
        self.of_pairs = self.rows_of_pairs.view(*self.shape, width)
        blocks = (*self.shape[:3], width)
        self.of_rows = [
            self.of_x.out.view(blocks).unsqueeze(3),
            self.of_y.out.view(blocks).unsqueeze(2),
        ]
        self.slopes_in_blocks = [slope.view(blocks) for slope in self.slopes]

    def scores(self, x: Tensor, y: Tensor) -> Tensor:
        self.of_x.forward(x)
        self.of_y.forward(y)
        torch.add(*self.of_rows, out=self.of_pairs)
        self.rest.forward(self.rows_of_pairs)
        return self.grid

    def backward(self, gradient: Tensor) -> None:
        out = self.rest.layers[-1].out
        self.rest.backward(out if gradient is self.grid else gradient.view(out.shape))
        for layer, slope, view, axis in zip(
            (self.of_x, self.of_y), self.slopes, self.slopes_in_blocks, (3, 2), strict=True
        ):
            torch.sum(self.of_pairs, axis, out=view)
            layer.backward(slope)


def _split_first(critic: nn.Module) -> tuple[tuple[str, ...], str, nn.Sequential, str]:
    """The first layer's weights and bias by name, the other layers, and the prefix of these."""
    if isinstance(critic, JointCritic):
        return ("of_x.weight", "of_y.weight"), "of_x.bias", critic.rest, "rest."
    assert isinstance(critic, Concatenated) and isinstance(critic.net, nn.Sequential)
    name = next(name for name, _ in critic.net.named_children())
    rest = nn.Sequential(OrderedDict(list(critic.net.named_children())[1:]))
    return (f"net.{name}.weight",), f"net.{name}.bias", rest, "net."


class _Separable(Direct):
    """g(x) · h(y)."""

    def __init__(self, critics: Sequence[nn.Module], rows: int, block: int, dim_x: int) -> None:
        super().__init__(critics, rows, block, dim_x)
        critic = critics[0]
        assert isinstance(critic, SeparableCritic)
        values, gradients = self.flat.values, self.flat.gradients
        self.g = Chain(critic.g, "g.", values, gradients, rows=rows)
        self.h = Chain(critic.h, "h.", values, gradients, rows=rows)
        blocks = self.shape[0] * self.shape[1]
        self.out = self.flat.vector.new_empty(blocks, block, block)
        self.grid = self.out.view(self.shape)
        ends = [side.layers[-1].out for side in (self.g, self.h)]
        self.of_x, self.of_y = (end.view(blocks, block, -1) for end in ends)
        self.slopes = [torch.empty_like(end) for end in ends]
        self.slopes_in_blocks = [slope.view(blocks, block, -1) for slope in self.slopes]

    def scores(self, x: Tensor, y: Tensor) -> Tensor:
        self.g.forward(x)
        self.h.forward(y)
        torch.bmm(self.of_x, self.of_y.transpose(1, 2), out=self.out)
        return self.grid

    def backward(self, gradient: Tensor) -> None:
        gradient = gradient.view(self.out.shape)
        torch.bmm(gradient, self.of_y, out=self.slopes_in_blocks[0])
        torch.bmm(gradient.transpose(1, 2), self.of_x, out=self.slopes_in_blocks[1])
        self.g.backward(self.slopes[0])
        self.h.backward(self.slopes[1])


_KINDS: dict[type[nn.Module], type[Direct]] = {
    JointCritic: _Joint,
    Concatenated: _Joint,
    SeparableCritic: _Separable,
}


_WITHOUT_CHANCE = (
    *_KINDS,
    BilinearCritic,
    MarginalCritic,
    ConvolutionalCritic,
    Baselined,
    nn.Sequential,
    nn.ModuleList,
    nn.Linear,
    nn.Conv2d,
    nn.SiLU,
    nn.ReLU,
    nn.ELU,
)


def is_direct(critic: nn.Module, dim_x: int, dim_y: int) -> bool:
    """Whether `direct` has this critic: known layers on a CPU, whose calls nothing else watches."""
    parameters = list(critic.parameters())
    return (
        type(critic) in _KINDS
        and (not isinstance(critic, Concatenated) or _is_mlp(critic.net, dim_x + dim_y))
        and all(is_written_out(m) for m in critic.modules() if isinstance(m, nn.Sequential))
        and draws_nothing(critic)
        and all(p.requires_grad and p.device.type == "cpu" for p in parameters)
        and {p.dtype for p in parameters} in ({torch.float32}, {torch.float64})
        and not any(
            module._forward_hooks or module._forward_pre_hooks or module._backward_hooks
            for module in critic.modules()
        )
    )


def draws_nothing(critic: nn.Module) -> bool:
    """Whether every part of a critic is of a class that is known to draw no random numbers."""
    return all(type(module) in _WITHOUT_CHANCE for module in critic.modules())


def _is_mlp(net: nn.Module, dim_in: int) -> bool:
    """Whether this is a sequence of layers from `dim_in` columns to one score, not all linear."""
    layers = list(net) if isinstance(net, nn.Sequential) else []
    return (
        len(layers) > 2
        and isinstance(layers[0], nn.Linear)
        and layers[0].in_features == dim_in
        and isinstance(layers[-1], nn.Linear)
        and layers[-1].out_features == 1
    )


def direct(critics: Sequence[nn.Module], rows: int, block: int, dim_x: int) -> Direct:
    """The critics, in the form of which a step is fast; see `Direct` for the arguments."""
    return _KINDS[type(critics[0])](critics, rows, block, dim_x)


def entries(critic: nn.Module, rows: int, block: int) -> int:
    """Numbers that the widest layer of a critic has in a step, scores included."""
    widest = max(m.out_features for m in critic.modules() if isinstance(m, nn.Linear))
    if isinstance(critic, SeparableCritic):
        return rows * (2 * widest + block)
    return rows * block * widest


def shapes(critic: nn.Module) -> tuple[object, ...]:
    """What two critics have in common that can be trained side by side."""
    layers = [(type(m), getattr(m, "bias", None) is None) for m in critic.modules()]
    return type(critic), *layers, *((n, p.shape, p.dtype) for n, p in critic.named_parameters())
