"""The definition of an experiment: independent cells of work, and a conclusion from them.

A cell is the unit that is kept when a run is killed: one training, one row of a table. It gets a
`Context` and returns numbers, as JSON. The conclusion is a function only of the settings and of all
cells' numbers, so that it can be recomputed for a finished run.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np
import torch

from mineral.errors import OptionError
from mineral.system.chance import seed_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

S = TypeVar("S")  # the settings of an experiment: a frozen dataclass of numbers, texts and tuples
Numbers: TypeAlias = Mapping[str, Any]  # as JSON can hold them
MODES = ("quick", "standard", "full")


def nowhere(_name: str, _value: float, _step: int) -> None:
    """Log nothing."""


@dataclass(frozen=True, kw_only=True)
class Context(Generic[S]):
    """What a cell may use.

    Attributes:
        settings: Of the run.
        key: Of the cell.
        seed: Of the run: `rng` and `seed_for` derive others from it.
        device: Where networks train.
        progress: To be called with the share of the cell that is done.
        folder: Room for the cell's checkpoints: not made yet, and kept over a kill.
        log: Called as log(name, value, step), for training curves; they are written only to
            TensorBoard, if enabled.
    """

    settings: S
    key: str
    seed: int
    device: torch.device
    progress: Callable[[float], None]
    folder: Path
    log: Callable[[str, float, int], None] = nowhere

    def rng(self, *names: str) -> np.random.Generator:
        """A generator for `names`, whichever the cell: two cells that ask for the same get it."""
        return np.random.default_rng(self.seed_for(*names))

    def seed_for(self, *names: str) -> int:
        """A seed for `names`, derived from the run's: below 2^63."""
        return seed_of("\n".join([str(self.seed), *names]).encode())


Cell: TypeAlias = Callable[[Context[S]], Numbers]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a report, with published figures and their sources."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The result of an experiment.

    Attributes:
        metrics: The numbers that matter, by name.
        tables: Our numbers with published ones.
        figures: By the name of the file, without its ending.
        sentences: Interpretation: differences from published results, and their reasons.
    """

    metrics: Numbers
    tables: Sequence[Table] = ()
    figures: "Mapping[str, Figure]" = field(default_factory=dict)
    sentences: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Experiment(Generic[S]):
    """An experiment of a paper, in two or three sizes.

    Attributes:
        name: Its name on the command line.
        title: One line.
        source: Authors, year, arXiv; and where the published figures were read.
        quick: Settings that show the effect on a CPU within minutes.
        full: Settings of the paper.
        standard: Settings that aim at the published results on two CPU cores within hours; None if
            the experiment has no such settings.
        cells: Settings to cells by key: lower-case letters, digits and `.+-`.
        conclude: Settings and the numbers of every cell, by key, to a conclusion.
    """

    name: str
    title: str
    source: str
    quick: S
    full: S
    cells: Callable[[S], Mapping[str, Cell[S]]]
    conclude: Callable[[S, Mapping[str, Numbers]], Conclusion]
    standard: S | None = None

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that have settings, of `MODES`."""
        return tuple(mode for mode in MODES if getattr(self, mode) is not None)

    def settings(self, mode: str = "quick", changes: Mapping[str, Any] | None = None) -> S:
        """The settings of a mode of `modes`, with changes by name; lists serve as tuples.

        Raises:
            OptionError: If there is no such mode or setting, or a value is of another kind.
        """
        if mode not in self.modes:
            modes = " or ".join(map(repr, self.modes))
            raise OptionError(f"`mode` must be {modes} for {self.name}, got {mode!r}.")
        settings: Any = getattr(self, mode)
        known = {each.name: getattr(settings, each.name) for each in dataclasses.fields(settings)}
        fitting = {}
        for name, value in (changes or {}).items():
            if name not in known:
                raise OptionError(
                    f"`{name}` is not a setting of {self.name}: choose from {', '.join(known)}."
                )
            fitting[name] = _fitting(name, value, like=known[name])
        changed: S = dataclasses.replace(settings, **fitting)
        return changed


def _fitting(name: str, value: Any, *, like: Any) -> Any:  # noqa: ANN401
    """The value, if it is of the kind of `like`."""
    if isinstance(like, tuple) and isinstance(value, (list, tuple)) and value:
        return tuple(_fitting(name, item, like=like[0]) for item in value)
    if isinstance(like, float) and type(value) is int:
        return float(value)
    if type(value) is not type(like):
        kind = f"a list such as {list(like)}" if isinstance(like, tuple) else f"as {like!r}"
        raise OptionError(f"`{name}` must be {kind}, got {value!r}.")
    return value
