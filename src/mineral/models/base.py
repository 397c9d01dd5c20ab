"""What a model is: a learned log density ratio that scores new pairs, and its file.

A model file is one safetensors file: the numbers as tensors, what they mean as JSON in the header.
A file may be damaged, or made to do harm. Nothing in it is run, its size is believed only as far as
its tensors bear it out, and every number is checked before a model is made of it.
"""

import json
import os
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mineral.basics.types import CriticFactory, PerSample, X, Y
from mineral.errors import InputError, MineralError
from mineral.samples import new_pairs
from mineral.system import storage

FORMAT = 1
MOST_TENSORS = 20_000  # a network of 152 layers has about 1,000
LONGEST_HEADER = 1 << 22  # bytes: 20,000 tensors take 2 MB, and 400,000 took 9 s to read
Sides: TypeAlias = tuple[Float[np.ndarray, "n _"], Float[np.ndarray, "n _"]]


class Model(ABC):
    """A learned log density ratio log p(x, y) / p(x) p(y)."""

    kind: ClassVar[str]
    dim_x: int
    dim_y: int

    def _seen(self, x: X, y: Y) -> Sides:
        """What the log density ratio looks at in each side, row by row: scores, or the side."""
        return x, y

    @abstractmethod
    def _ratio(self, x: X, y: Y) -> PerSample:
        """The log density ratio of checked pairs, of what it sees of them."""

    @abstractmethod
    def _tensors(self) -> dict[str, Tensor]:
        """The numbers."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """What the numbers mean, as JSON can hold it."""

    def pmi(self, x: Any, y: Any) -> PerSample:  # noqa: ANN401
        """The pointwise mutual information of new pairs.

        Args:
            x: Shape (n,), (n, dx) or (n, ...), of the width that the model was made with.
            y: The same for y, with as many rows. One row is enough.

        Returns:
            Nats, shape (n,).

        Raises:
            InputError: If the pairs are not finite or not of the model's width, or if the model
                is so far beyond them that no number comes out.
            InputTypeError: If they cannot be read as numbers.
        """
        pairs = new_pairs(x, y, self.dim_x, self.dim_y)
        with np.errstate(all="ignore"):  # what is not finite is refused below
            found = self._ratio(*self._seen(*pairs))
        if not np.isfinite(found).all():
            raise InputError(
                f"The model gives no finite value for row {int((~np.isfinite(found)).argmax())}: "
                "its weights, or the row's values, are too large. Standardize the samples, and "
                "train again."
            )
        return found

    def of_products(self, x: X, y: Y, partners: Int[np.ndarray, "n m"]) -> Float[np.ndarray, "n m"]:
        """Of each row of x with the y of its m partners, in nats; each row is looked at once."""
        of_x, of_y = self._seen(*new_pairs(x, y, self.dim_x, self.dim_y))
        return np.column_stack([self._ratio(of_x, of_y[rows]) for rows in partners.T])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one safetensors file; `mineral.load` reads it.

        Raises:
            InputError: If the file cannot be written.
        """
        from safetensors.torch import save

        # One entry: safetensors writes several in random order, and the same model would differ.
        header = {"mineral": json.dumps({"format": FORMAT, "kind": self.kind} | self._settings())}
        tensors = {
            name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, value in self._tensors().items()
        }
        storage.write(path, save(tensors, metadata=header))


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What a model file holds. Its tensors are finite; the rest is for `rebuild` to check.

    Attributes:
        path: Where it was read, for messages.
        settings: What the numbers mean.
        tensors: The numbers.
        critic: Builds a critic of the caller's own from (dx, dy): given to `load`, not stored.
    """

    path: str | os.PathLike[str]
    settings: dict[str, Any]
    tensors: Mapping[str, Tensor]
    critic: CriticFactory | None

    def array(self, name: str, *, axes: int = 1) -> np.ndarray:
        """A tensor of float64, with rows.

        Raises:
            ValueError: If it is another kind of tensor.
        """
        tensor = self.tensors[name]
        check(f"numbers in {name}", tensor.dtype == torch.float64 and tensor.ndim == axes)
        check(f"rows in {name}", len(tensor) > 0)
        return tensor.numpy()

    def whole(self, name: str) -> np.ndarray:
        """A vector of int64.

        Raises:
            ValueError: If it is another kind of tensor.
        """
        tensor = self.tensors[name]
        check(f"whole {name}", tensor.dtype == torch.int64 and tensor.ndim == 1)
        return tensor.numpy()


T = TypeVar("T")  # what a file holds: a model, or an encoder
Rebuild: TypeAlias = Callable[[Stored], T]


def check(what: str, holds: object) -> None:
    """Refuse a file that lacks something. Raises ValueError, which `read` makes a sentence of."""
    if not holds:
        raise ValueError(f"it lacks {what}")


def read(
    path: str | os.PathLike[str], critic: CriticFactory | None, kinds: Mapping[str, Rebuild[T]]
) -> T:
    """Read what `save` wrote: a model, or whatever else is stored so.

    Args:
        path: The file.
        critic: Builds the critic from (dx, dy), where the model was trained with one of your own.
        kinds: For each kind of model, what makes it of what is stored.

    Raises:
        InputError: If the file is missing, damaged, or not a model of Mineral's.
        OptionError: If `critic` builds another network than the one that was saved.
    """
    header, tensors = _content(Path(path))
    try:
        settings = json.loads(header["mineral"])
        check(f"the format marker {FORMAT}", settings["format"] == FORMAT)
        check("values that are finite", all(torch.isfinite(v).all() for v in tensors.values()))
        kind = settings["kind"]
        if kind not in kinds:
            raise InputError(f"`{path}` holds a model of an unknown kind, {kind!r}.")
        with np.errstate(all="ignore"):  # `pmi` and `encode` refuse what comes of huge numbers
            return kinds[kind](Stored(path=path, settings=settings, tensors=tensors, critic=critic))
    except MineralError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as e:
        reason = textwrap.shorten(str(e), 200)
        raise InputError(f"`{path}` is damaged or of another version ({reason}).") from None


def _content(path: Path) -> tuple[Mapping[str, str], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    storage.check_file(path)
    with path.open("rb") as opened:
        if int.from_bytes(opened.read(8), "little") > LONGEST_HEADER:
            raise InputError(
                f"`{path}` cannot be read as safetensors: its header is longer than Mineral writes."
            )
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            names = list(file.keys())
            if len(names) > MOST_TENSORS:
                raise InputError(
                    f"`{path}` holds {len(names):,} tensors, more than the {MOST_TENSORS:,} of "
                    "any model: it was not written by Mineral."
                )
            # Copies: what the file's pages show may change with the file.
            tensors = {name: file.get_tensor(name).clone() for name in names}
    except (OSError, SafetensorError) as error:
        raise InputError(f"`{path}` cannot be read as safetensors: {error}.") from None
    if "mineral" not in header:
        raise InputError(f"`{path}` was not written by Mineral: pass what `model.save` wrote.")
    return header, tensors
