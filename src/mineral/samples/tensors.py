"""Samples for a network: tensors remain differentiable; other input is read as by `gate`."""

import numpy as np
import torch
from torch import Tensor, nn

from mineral.errors import InputError, InputTypeError
from mineral.samples.columns.variable import columns
from mineral.samples.transform import KNEE, Standardizer


def as_tensor(name: str, values: object) -> Tensor:
    """Rows of real numbers as a tensor of two or more axes, in their own precision.

    A tensor is returned as it is, or with a second axis; anything else as float64, with missing
    values as NaN.

    Args:
        name: The argument's name, for messages.
        values: Shape (n,), (n, d) or (n, ...): a tensor, an array, a list, a frame.

    Raises:
        InputError: If it is a single number, or empty.
        InputTypeError: If it cannot be read as real numbers.
    """
    if not isinstance(values, Tensor):
        read = columns(name, values).values
        tensor = torch.from_numpy(read)
        return tensor.reshape(values.shape) if np.ndim(read) < _axes(values) else tensor  # type: ignore[attr-defined]
    if values.layout != torch.strided or values.is_quantized or values.is_meta:
        raise InputTypeError(
            f"`{name}` must be an ordinary dense tensor, got {values.layout} of {values.dtype} on "
            f"{values.device}."
        )
    if values.is_complex():
        raise InputTypeError(
            f"`{name}` is complex ({values.dtype}): pass real and imaginary parts as two columns."
        )
    if values.ndim == 0 or values.numel() == 0:
        raise InputError(
            f"`{name}` must have a row for each sample and at least one column, got shape "
            f"{tuple(values.shape)}."
        )
    return values[:, None] if values.ndim == 1 else values


def _axes(values: object) -> int:
    return values.ndim if isinstance(values, np.ndarray) else 0


def refuse_not_finite(**named: Tensor | None) -> None:
    """Refuse NaN and infinite values, with a single synchronization for all tensors on a GPU.

    Raises:
        InputError: If there is one.
    """
    given = {name: values for name, values in named.items() if values is not None}
    if torch.compiler.is_compiling() or bool(
        torch.stack([torch.isfinite(values).all() for values in given.values()]).all()
    ):
        return
    for name, values in given.items():
        rows = ~torch.isfinite(values.detach()).flatten(1).all(dim=1)
        if rows.any():
            raise InputError(
                f"`{name}` has a value that is missing, infinite or beyond the range of "
                f"{str(values.dtype).removeprefix('torch.')} in {int(rows.sum()):,} of "
                f"{len(rows):,} rows, the first at row {int(rows.int().argmax())}: replace it, or "
                "drop the row."
            )


class Units(nn.Module):
    """A `Standardizer` as a layer: the identity until one is set, then saved with the module."""

    center: Tensor | None
    scale: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("center", None)
        self.register_buffer("scale", None)

    def set(self, standardizer: Standardizer, device: torch.device) -> None:
        """Set the center and scale."""
        self.center = torch.from_numpy(standardizer.center).to(device)
        self.scale = torch.from_numpy(standardizer.scale).to(device)

    def forward(self, values: Tensor, name: str) -> Tensor:
        """Standardized values, in float64 unless no standardizer is set.

        Raises:
            InputError: If they have another number of columns than those that set the scale.
        """
        if self.center is None or self.scale is None:
            return values
        flat = values.flatten(1)
        if flat.shape[1] != len(self.center):
            raise InputError(
                f"`{name}` must have the {len(self.center)} columns of the samples in `optimize`, "
                f"got {flat.shape[1]}."
            )
        z = (flat - self.center) / self.scale
        beyond = (z.abs() - KNEE).clamp(min=0)
        return (z.clamp(-KNEE, KNEE) + z.sign() * beyond.log1p()).view_as(values)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: object
    ) -> None:
        like = state_dict.get(f"{prefix}center"), state_dict.get(f"{prefix}scale")
        self.center, self.scale = (None if v is None else torch.empty_like(v) for v in like)
        super()._load_from_state_dict(state_dict, prefix, *args)
