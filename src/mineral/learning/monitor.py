"""Lightning callback: mutual information between two tensors of a network, during training.

    monitor = InformationMonitor(x=lambda model, batch: batch[0], z="encoder.2")
    Trainer(callbacks=[monitor]).fit(model, training, validation)

logs `information/x;encoder.2` with the ends of its interval at the end of each validation, on rows
of the validation set. Importing this module needs the extra `lightning`; nothing else does.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from mineral.api import estimate, resolve
from mineral.basics.types import Matrix
from mineral.errors import (
    InputError,
    MineralError,
    MissingExtraError,
    OptionError,
    suggestion,
)
from mineral.methods import Estimator
from mineral.system.chance import Chance

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError:
    raise MissingExtraError("`InformationMonitor`", "lightning") from None

Tap: TypeAlias = str | Callable[[LightningModule, Any], Tensor]


class Reading(NamedTuple):
    """The estimate after an epoch, in nats; `doubts` are its warnings as text."""

    epoch: int
    value: float
    low: float
    high: float
    doubts: tuple[str, ...]


class InformationMonitor(Callback):
    """Estimates I(X; Z) between two tensors of a network, after validation, and logs it.

    The network is only observed: its mode, its hooks, the random state, gradients and training are
    not changed.

    **If z is a deterministic function of a continuous x, information is infinite**: the logged
    value then reflects only the estimator and the number of rows. Monitor layers behind dropout or
    noise, stochastic codes, or the information about a label.

    Args:
        x: A module by name, as in `named_modules`, whose output is used; or a function of (model,
            batch) that returns a tensor with a row for each sample, such as
            `lambda model, batch: batch[0]`.
        z: The same.
        every_n_epochs: Estimate after each n-th epoch.
        estimator: A name of `mineral.estimators()`, or an estimator object. The default may take a
            while on wide layers; "ksg" or "gaussian" take seconds.
        rows: Maximum number, drawn at random from all validation rows.
        seed: Of that draw and of the estimator.
        name: The logged quantities are `information/NAME`, and its `/low` and `/high`; by default
            x;z.

    Attributes:
        readings: All so far.

    Raises:
        OptionError: If an option is out of range; or, when training begins, if the network has no
            such module, naming the closest.

    Example:
        >>> InformationMonitor("encoder.0", "encoder.2", estimator="ksg").name
        'encoder.0;encoder.2'
    """

    def __init__(
        self,
        x: Tap,
        z: Tap,
        *,
        every_n_epochs: int = 1,
        estimator: str | Estimator = "auto",
        rows: int = 2000,
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        super().__init__()
        if every_n_epochs < 1:
            raise OptionError(f"`every_n_epochs` must be at least 1, got {every_n_epochs}.")
        if rows < 10:
            raise OptionError(f"`rows` must be at least 10, got {rows}.")
        self.taps: dict[str, Tap] = {"x": x, "z": z}
        self.every_n_epochs, self.rows, self.seed = every_n_epochs, rows, seed
        self.estimator = resolve(estimator)
        parts = [tap if isinstance(tap, str) else side for side, tap in self.taps.items()]
        self.name = name or ";".join(parts)
        self.readings: list[Reading] = []
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        self._seen: dict[str, list[Tensor]] = {}
        self._kept, self._chance = _Kept(rows, seed), Chance(seed)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check the names before training."""
        for side in self.taps:
            self._module(pl_module, side)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start collecting."""
        self._stop()
        due = (trainer.current_epoch + 1) % self.every_n_epochs == 0
        if trainer.sanity_checking or not due:
            return
        self._kept, self._chance = _Kept(self.rows, self.seed), Chance(self.seed)
        for side in self.taps:
            module, self._seen[side] = self._module(pl_module, side), []
            if module is not None:
                self._handles.append(module.register_forward_hook(partial(self._look, side)))

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Collect the values of the batch."""
        if not self._seen:
            return
        outputs_of = {side: list(seen) for side, seen in self._seen.items()}
        shown = {side: self._shown(pl_module, side, batch, outputs_of[side]) for side in self.taps}
        # without the modules that the functions called
        self._seen = {side: [] for side in self.taps}
        if len(shown["x"]) != len(shown["z"]):
            raise InputError(
                f"`x` and `z` must have the same number of rows in a batch: {self.name} has "
                f"{len(shown['x'])} and {len(shown['z'])}."
            )
        self._kept.add(shown)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Estimate, and log."""
        looking = bool(self._seen)
        self._stop()
        if not looking:
            return
        reading = self._reading(trainer.current_epoch)
        self.readings.append(reading)
        for ending in ("", "/low", "/high"):
            value = getattr(reading, ending.strip("/") or "value")
            pl_module.log(f"information/{self.name}{ending}", value)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Remove all hooks."""
        self._stop()

    def _reading(self, epoch: int) -> Reading:
        """A failed estimate must not stop training."""
        try:
            found = estimate(
                self._kept.rows["x"],
                self._kept.rows["z"],
                estimator=self.estimator,
                seed=self.seed,
            )
        except MineralError as error:
            warnings.warn(f"information/{self.name} cannot be computed: {error}", stacklevel=2)
            return Reading(epoch, math.nan, math.nan, math.nan, (str(error),))
        return Reading(epoch, found.value, *found.interval, tuple(map(str, found.warnings)))

    def _module(self, model: LightningModule, side: str) -> nn.Module | None:
        """The module of a side; None if it is a function."""
        tap = self.taps[side]
        if not isinstance(tap, str):
            return None
        modules: dict[str, nn.Module] = dict(model.named_modules())
        if tap not in modules or not tap:
            hint = suggestion(tap, filter(None, modules), always=True)
            raise OptionError(f"`{side}` {tap!r} is not a module of {type(model).__name__}.{hint}")
        return modules[tap]

    def _look(self, side: str, _module: nn.Module, _inputs: Any, output: Any) -> None:  # noqa: ANN401
        if not isinstance(output, Tensor):
            raise InputError(
                f"`{side}` {self.taps[side]!r} returns {type(output).__name__} and no tensor: pass "
                "a function of (model, batch) that does."
            )
        self._seen[side].append(output.detach())

    def _shown(
        self,
        model: LightningModule,
        side: str,
        batch: Any,  # noqa: ANN401
        outputs: list[Tensor],
    ) -> Matrix:
        """This batch's rows: of a module that was called more than once, one below the other."""
        tap = self.taps[side]
        if isinstance(tap, str):
            if not outputs:
                raise InputError(f"`{side}` {tap!r} is not called in validation: name another.")
            values = torch.cat([output.flatten(1) for output in outputs])
        else:
            with torch.no_grad(), self._chance:
                values = tap(model, batch).detach()
        values = values.reshape(len(values), -1)
        return values.to("cpu", torch.float64).numpy()

    def _stop(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles, self._seen = [], {}


class _Kept:
    """A uniform random sample of the rows (the lowest random keys)."""

    def __init__(self, most: int, seed: int) -> None:
        self.most, self.rng = most, np.random.default_rng(seed)
        self.lots = np.empty(0)
        self.rows: dict[str, Matrix] = {}

    def add(self, rows: Mapping[str, Matrix]) -> None:
        lots = np.concatenate([self.lots, self.rng.random(len(rows["x"]))])
        keep = np.argsort(lots)[: self.most]
        together = {
            side: np.concatenate([self.rows[side], values]) if self.rows else values
            for side, values in rows.items()
        }
        self.lots = lots[keep]
        self.rows = {side: values[keep] for side, values in together.items()}
