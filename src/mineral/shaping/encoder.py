"""The base class of encoders: rows of features → rows of codes, independently; and its file.

Every encoder has the same interface, so that all can be trained, compared and attacked in the same
way. The code of a row depends on the row, its place and the seed, never on other rows: otherwise it
would leak them. An encoder that adds noise is `stochastic`; a deterministic one of continuous data
has infinite I(X; Z), even if Z does not resemble X.
"""

import json
import os
from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mineral.basics.types import X
from mineral.errors import InputError, OptionError
from mineral.models.base import FORMAT
from mineral.samples.columns.variable import columns
from mineral.system import storage

Codes: TypeAlias = Float[np.ndarray, "n dz"]
APART = 0x656E636F  # else noise of seed 0 would be the very numbers of data that seed 0 drew


class Encoder(ABC):
    """Features x of shape (n, dx) to codes z of shape (n, dz).

    Attributes:
        kind: Of its file: see `mineral.shaping.files`.
        name: Its name in tables and figures.
        stochastic: Whether the code has noise, fixed by the seed.
        dim_x: Features that it takes, or None if it takes any number.
        columns: Their names where they have some, in order.
    """

    kind: ClassVar[str]
    name: str
    stochastic: bool
    dim_x: int | None
    columns: tuple[str, ...]

    @abstractmethod
    def _encode(self, x: X, rng: np.random.Generator) -> Codes:
        """The codes of checked rows, whose noise is drawn row by row: the same in any batch.

        `rng.standard_normal((n, dz))` does so.
        """

    @abstractmethod
    def _tensors(self) -> dict[str, Tensor]:
        """The numbers, for a file."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """The description of the tensors, as JSON."""

    def encode(self, x: Any, *, seed: int = 0) -> Codes:  # noqa: ANN401
        """The codes of rows, as float32.

        Args:
            x: Shape (n, dx) or (n, ...), or a table of columns. One row is enough.
            seed: Of the noise, if there is any. Each release of data needs a new seed: the
                difference of two codes with the same noise has no noise.

        Raises:
            InputError: If x is not finite or of another width, or a code is not finite.
            InputTypeError: If x cannot be read as numbers.
            OptionError: If the seed is negative.
        """
        if seed < 0:
            raise OptionError(f"`seed` must be a whole number of at least 0, got {seed}.")
        rows = columns("x", x).values
        if self.dim_x is not None and rows.shape[1] != self.dim_x:
            raise InputError(
                f"`x` must have the {self.dim_x} features that the encoder {self.name!r} was "
                f"trained on, got {rows.shape[1]}."
            )
        if not np.isfinite(rows).all():
            row = int((~np.isfinite(rows).all(axis=1)).argmax())
            raise InputError(
                f"`x` has a value that is missing or infinite, the first at row {row}: drop or "
                "replace it."
            )
        with np.errstate(over="ignore"):  # what leaves float32 is refused below
            code = np.asarray(self._encode(rows, np.random.default_rng([seed, APART])), np.float32)
        if code.ndim != 2 or len(code) != len(rows) or code.shape[1] == 0:
            raise InputError(
                f"The encoder {self.name!r} must give a row of numbers for each of {len(rows)} "
                f"rows, got shape {code.shape}."
            )
        if not np.isfinite(code).all():
            row = int((~np.isfinite(code).all(axis=1)).argmax())
            raise InputError(
                f"The encoder {self.name!r} gives codes that are not finite, the first at row "
                f"{row}: train it again, with a lower learning rate."
            )
        return code


def save_encoder(encoder: Encoder, path: str | os.PathLike[str]) -> None:
    """Write an encoder to one safetensors file; `load_encoder` reads it.

    Raises:
        InputError: If the file cannot be written.
    """
    from safetensors.torch import save

    described = {"name": encoder.name, "columns": list(encoder.columns)} | encoder._settings()
    header = {"mineral": json.dumps({"format": FORMAT, "kind": encoder.kind} | described)}
    tensors = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in encoder._tensors().items()
    }
    storage.write(path, save(tensors, metadata=header))
