"""`Mine`: the statistics network of the MINE paper as a module for your own training loop.

    mine = Mine(T=statistics_network, loss="mine", method="concat")
    mi = mine.optimize(X, Y, iters=100)    # train on a part, report on the rest
    loss = mine(x, z)                      # or: minus the bound, to backpropagate through
    mine.mi(x, z)                          # the estimate, on samples it was not trained on

This is the friendly entrance, in the spelling that readers of that line of work know. The same
mathematics, with cross-fitting, intervals and warnings, is `mineral.estimate(estimator="mine")`.

References:
    Belghazi et al. (2018), Mutual Information Neural Estimation, arXiv:1801.04062.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from mineral import bounds
from mineral.basics.types import Bound, JointScores
from mineral.errors import InputError, InputTypeError, MineralError, OptionError
from mineral.samples import Standardizer, Units, as_tensor, paired, refuse_not_finite, shifted
from mineral.stability import EarlyStopping
from mineral.system.threads import SMALL, multiplications, one_torch_thread

Pairs: TypeAlias = tuple[Tensor, Tensor]  # x of shape (n, dx) and z of shape (n, dz)
Samples: TypeAlias = Any  # an array or a tensor of shape (n,) or (n, d)

PAIRS = 2**17  # product samples that `mi` scores, as far as the rows allow
LOOK_PAIRS = 2**11  # of each half of the held-out rows: a look costs about two steps of 256 rows
AT_ONCE = 2**14  # pairs scored at a time without a gradient: their activations fit in the cache
FEWEST = 10  # rows that `optimize` can split three ways
BETWEEN = 10  # steps between looks at the held-out rows, at least
# Of Adam, at first. After 80 steps, 2,000 rows of 0.51 nats: 0.46, and 0.30 at a constant 1e-3.
RATE = 2e-2

_LOSSES = ("mine", "mine_biased", "fdiv")


class Mine(nn.Module):
    """Minus a lower bound on I(X; Z), through a statistics network T.

    Args:
        T: The network. Called as T(x, z), or as T([x, z]) with `method="concat"`; returns one score
            for each row, shape (n,) or (n, 1).
        loss: `"mine"`: Donsker–Varadhan with the bias-corrected gradient of the paper.
            `"mine_biased"`: Donsker–Varadhan as it is. `"fdiv"`: the f-divergence bound, MINE-f.
        alpha: Weight of the newest batch in the moving average behind `"mine"`.
        method: None or `"concat"`.
        seed: Of the module's own generator, which draws product samples and the batches of
            `optimize`. The initial weights of T are yours.

    Raises:
        OptionError: If `loss`, `method` or `alpha` is out of range.
    """

    def __init__(
        self,
        T: nn.Module,
        loss: Literal["mine", "mine_biased", "fdiv"] = "mine",
        alpha: float = 0.01,
        method: Literal["concat"] | None = None,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not isinstance(T, nn.Module):
            raise OptionError(f"`T` must be a torch.nn.Module, got a {type(T).__name__}.")
        if loss not in _LOSSES:
            raise OptionError(f"`loss` must be one of {', '.join(_LOSSES)}, got {loss!r}.")
        if method not in (None, "concat"):
            raise OptionError(f"`method` must be None or 'concat', got {method!r}.")
        if not isinstance(alpha, (int, float)) or not 0 < alpha < 1:
            raise OptionError(f"`alpha` must lie between 0 and 1, got {alpha!r}.")
        if not _is_whole(seed) or seed < 0:
            raise OptionError(f"`seed` must be a whole number of at least 0, got {seed!r}.")
        self.T, self.loss, self.method = T, loss, method
        self.corrected = bounds.MovingAverageDV(rate=alpha)
        self.of_x, self.of_z = Units(), Units()
        self._rng = np.random.default_rng(seed)

    def forward(self, x: Samples, z: Samples, z_marg: Samples | None = None) -> Tensor:
        """The loss: minus the bound in nats, to minimize over T, or over an encoder to maximize I.

        In training mode `"mine"` updates the moving average; its gradient is the corrected one.

        Args:
            x: Shape (n,) or (n, dx). A tensor stays differentiable.
            z: Shape (n,) or (n, dz), paired with x row by row.
            z_marg: Product samples, paired with x as if by chance: n rows. None takes the rows of
                z in random order, no row with its own x.

        Raises:
            InputError: If there are fewer than 2 rows, rows do not match, a value is not finite,
                or T does not score them.
            InputTypeError: If samples cannot be read as real numbers.
        """
        x, z, product_z = self._read(x, z, z_marg)
        joint = self._score(x, z)
        if product_z is None:
            product_z = z[self._partners(len(x), 1)[:, 0]]
        return -self._bound()(joint, self._score(x, product_z)[:, None])

    def mi(self, x: Samples, z: Samples, z_marg: Samples | None = None) -> float:
        """The bound in nats, without gradient: an estimate if T was not trained on these samples.

        Uses many product samples for each row, and leaves the moving average and the module's mode
        as they are.

        Args:
            x: Shape (n,) or (n, dx).
            z: Shape (n,) or (n, dz).
            z_marg: Product samples, n rows; None to take other rows of z.

        Raises:
            InputError: As `forward`, or if a score is not finite.
            InputTypeError: As `forward`.
        """
        x, z, product_z = self._read(x, z, z_marg)
        if product_z is None:
            value = self._value(x, z, z, self._some_partners(len(x), PAIRS))
        else:
            value = self._value(x, z, product_z, torch.arange(len(x), device=x.device)[:, None])
        if not math.isfinite(value):
            raise InputError(
                "`T` returns scores that are not finite: its weights have diverged, or the samples "
                "are too large."
            )
        return value

    def optimize(
        self,
        X: Samples,
        Y: Samples,
        iters: int,
        batch_size: int = 256,
        opt: torch.optim.Optimizer | None = None,
    ) -> float:
        """Train T on 60 % of the samples, and return the estimate on the other 40 %.

        Each half of the other rows is scored by T as it was after the pass that did best on the
        opposite half, and the two values are averaged: no row is used both to choose T and to
        report. T itself is left as it was after the pass that did best on both.

        Both sides are standardized by the training rows, far tails compressed; the module does so
        with whatever it is called on from then on, and saves the numbers in its state.

        Each call draws a new split. After a second call on the same samples, T has also trained on
        rows that now report, and the value is biased upwards: to train longer, raise `iters`.

        Args:
            X: Shape (n,) or (n, dx): NumPy, torch, lists, frames.
            Y: The same, with as many rows.
            iters: Passes over the training rows.
            batch_size: Joint samples a step, or a few more: each pass is cut into equal batches.
            opt: An optimizer of T's parameters; None for Adam with a rate of 2e-2 that falls to
                zero along a cosine.

        Returns:
            The estimate in nats.

        Raises:
            InputError: If the samples are too few or cannot be used, or T does not score them.
            InputTypeError: If they cannot be read as numbers.
            OptionError: If `iters`, `batch_size` or `opt` is out of range, or T has no parameters.
        """
        for name, count, least in (("iters", iters, 1), ("batch_size", batch_size, 2)):
            if not _is_whole(count) or count < least:
                raise OptionError(f"`{name}` must be at least {least}, got {count!r}.")
        samples = paired(X, Y)
        samples.at_least(FEWEST, "Mine.optimize")
        schedule = _Optimizer(self.T, opt)
        n = len(samples)
        training, *halves = np.split(self._rng.permutation(n), [n * 3 // 5, n * 4 // 5])
        device = self._like().device
        self.of_x.set(Standardizer.fit(samples.x[training]), device)
        self.of_z.set(Standardizer.fit(samples.y[training]), device)
        x, y, _ = self._read(samples.x, samples.y, None)
        held = [(x[half], y[half]) for half in halves]
        with torch.inference_mode(mode=False), torch.enable_grad():
            by_first, by_second, by_both = self._train(
                (x[training], y[training]), held, int(iters), int(batch_size), schedule
            )
        values = []
        for best, (x, y) in zip((by_second, by_first), held, strict=True):
            best.restore(self)
            values.append(self._value(x, y, y, self._some_partners(len(x), PAIRS)))
        by_both.restore(self)
        return sum(values) / 2

    def _train(
        self,
        rows: Pairs,
        held: list[Pairs],
        iters: int,
        batch_size: int,
        schedule: "_Optimizer",
    ) -> list[EarlyStopping]:
        """Train T on `rows`; keep it at the best looks at each half of `held`, and at both."""
        n = len(rows[0])
        # The same product samples at every look: the differences between looks are of T alone.
        halves = [(x, y, y, self._some_partners(len(x), LOOK_PAIRS)) for x, y in held]
        with multiplications(self.T) as counts:
            first_look = self._look(halves)
        looked = sum(partners.numel() + len(partners) for *_, partners in halves)
        a_step = sum(counts) / looked * 2 * min(batch_size, n)
        best, since = [EarlyStopping(patience=None) for _ in first_look], 0
        for each, value in zip(best, first_look, strict=True):
            each.update(value, self)
        batches = max(1, n // batch_size)
        modes = {module: module.training for module in self.modules()}
        self.train()
        bound = self._bound()
        with _restored(modes), one_torch_thread(when=a_step < SMALL):
            for done in range(iters):
                # Rows in random order: the next row of a batch is a partner by chance.
                order = torch.from_numpy(self._rng.permutation(n)).to(rows[0].device)
                parts = (side[order].tensor_split(batches) for side in rows)
                for i, (x, y) in enumerate(zip(*parts, strict=True)):
                    share = (done + i / batches) / iters
                    schedule.step(-self._batch(bound, x, y), share)
                since += batches
                if since < BETWEEN and done < iters - 1:
                    continue
                for each, value in zip(best, self._look(halves), strict=True):
                    each.update(value, self)
                since = 0
        return best

    def _look(self, halves: list[tuple[Tensor, Tensor, Tensor, Tensor]]) -> list[float]:
        """The bound of each half of the held-out rows, and their sum; −∞ where it is no number."""
        values = [self._value(*half) for half in halves]
        return [v if math.isfinite(v) else -math.inf for v in (*values, sum(values))]

    def _batch(self, bound: Bound, x: Tensor, y: Tensor) -> Tensor:
        """The bound of a batch whose rows are in random order, by one call of T."""
        scores = self._score(torch.cat([x, x]), torch.cat([y, y.roll(1, 0)]))
        return bound(scores[: len(x)], scores[len(x) :, None])

    @torch.no_grad()
    def _value(self, x: Tensor, z: Tensor, product_z: Tensor, partners: Tensor) -> float:
        """The bound in evaluation mode; row i meets the rows `partners[i]` of `product_z`."""
        n, m = partners.shape
        bound = self._bound(corrected=False)
        modes = {module: module.training for module in self.modules()}
        self.eval()
        with _restored(modes):
            with multiplications(self.T) as counts:
                joint = self._score(x, z).double()
            columns = max(1, AT_ONCE // n)
            product = joint.new_empty((n, m))
            with one_torch_thread(when=sum(counts) * columns < SMALL):
                for start in range(0, m, columns):
                    rows = partners[:, start : start + columns]
                    many = x.repeat_interleave(rows.shape[1], 0)
                    scores = self._score(many, product_z[rows.flatten()])
                    product[:, start : start + columns] = scores.view(n, -1)
        return float(bound(joint, product))

    def _bound(self, *, corrected: bool = True) -> Bound:
        if self.loss == "fdiv":
            return bounds.nwj
        return self.corrected if self.loss == "mine" and corrected else bounds.donsker_varadhan

    def _like(self) -> Tensor:
        """A tensor of T's dtype, on its device."""
        return next(self.T.parameters(), torch.zeros((), dtype=torch.float32))

    def _read(
        self, x: Samples, z: Samples, z_marg: Samples | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Checked and standardized, of T's dtype, on its device; differentiable if it came so."""
        x, z = as_tensor("x", x), as_tensor("z", z)
        product_z = None if z_marg is None else as_tensor("z_marg", z_marg)
        if len(x) != len(z):
            raise InputError(
                f"`x` and `z` must have the same number of rows: got {len(x)} and {len(z)}."
            )
        if len(x) < 2:
            raise InputError("`x` and `z` need at least 2 rows, to form product samples.")
        if product_z is not None and len(product_z) != len(x):
            raise InputError(f"`z_marg` must have the {len(x)} rows of `x`, got {len(product_z)}.")
        if product_z is not None and product_z.shape != z.shape:
            raise InputError(
                f"`z_marg` must have the shape of `z`, {tuple(z.shape)}, got "
                f"{tuple(product_z.shape)}."
            )
        like = self._like()
        x, z = self._fed(self.of_x, "x", x, like), self._fed(self.of_z, "z", z, like)
        if product_z is not None:
            product_z = self._fed(self.of_z, "z_marg", product_z, like)
        refuse_not_finite(x=x, z=z, z_marg=product_z)
        return x, z, product_z

    def _fed(self, units: Units, name: str, values: Tensor, like: Tensor) -> Tensor:
        values = values.flatten(1) if self.method == "concat" else values
        return units(values.to(like.device), name).to(like.dtype)  # type: ignore[no-any-return]

    def _partners(self, n: int, m: int) -> Tensor:
        return torch.from_numpy(shifted(n, m, self._rng)).to(self._like().device)

    def _some_partners(self, n: int, pairs: int) -> Tensor:
        """As many for each of n rows as make `pairs`, as far as there are other rows."""
        return self._partners(n, min(n - 1, max(1, pairs // n)))

    def _score(self, x: Tensor, z: Tensor) -> JointScores:
        """One score a row, of shape (n,)."""
        try:
            scores = self.T(torch.cat([x, z], dim=1)) if self.method == "concat" else self.T(x, z)
        except (MineralError, torch.OutOfMemoryError):
            raise
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            shapes = (
                f"`T([x, z])` fails on [x, z] of shape {(len(x), x.shape[1] + z.shape[1])}"
                if self.method == "concat"
                else f"`T(x, z)` fails on shapes {tuple(x.shape)} and {tuple(z.shape)}"
            )
            reason = " ".join(str(error).split())[:200]
            other = "" if self.method else "; if T takes [x, z], pass method='concat'"
            raise InputError(f"{shapes} ({reason}): make T for these inputs{other}.") from error
        if not isinstance(scores, Tensor):
            raise InputTypeError(f"`T` must return a tensor, got a {type(scores).__name__}.")
        if scores.numel() != len(x):
            raise InputError(
                f"`T` must return one score for each of the {len(x)} rows: got shape "
                f"{tuple(scores.shape)}."
            )
        return scores.reshape(len(x))


@contextmanager
def _restored(modes: dict[nn.Module, bool]) -> Iterator[None]:
    """Every module in its own mode again, training or evaluation, after what is inside."""
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


class _Optimizer:
    """The caller's optimizer, or Adam with a rate that falls to zero along a cosine."""

    def __init__(self, T: nn.Module, opt: torch.optim.Optimizer | None) -> None:
        trained = [parameter for parameter in T.parameters() if parameter.requires_grad]
        if not trained:
            raise OptionError("`T` has no parameters to train: use `mi` alone.")
        if opt is not None and not isinstance(opt, torch.optim.Optimizer):
            raise OptionError(f"`opt` must be a torch optimizer, got a {type(opt).__name__}.")
        self.decays = opt is None
        self.opt = torch.optim.Adam(trained, lr=RATE, fused=True) if opt is None else opt

    def step(self, loss: Tensor, done: float) -> None:
        """One step down the loss, after a share `done` of all."""
        if self.decays:
            self.opt.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * done)) / 2
        self.opt.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.opt.step()


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
