"""`Mine`: the statistics network of the MINE paper as a module for your own training loop.

    mine = Mine(T=statistics_network, loss="mine", method="concat")
    mi = mine.optimize(X, Y, iters=100)    # train on a part, report on another
    loss = mine(x, z)                      # or: minus the bound, to backpropagate through
    mine.mi(x, z)                          # the estimate, on samples it was not trained on

This is the friendly entrance, in the spelling that readers of that line of work know. The same
mathematics, with cross-fitting, intervals and warnings, is `mineral.estimate(estimator="mine")`.

References:
    Belghazi et al. (2018), Mutual Information Neural Estimation, arXiv:1801.04062.
"""

import copy
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor, nn

from mineral import bounds
from mineral.errors import InputError, OptionError
from mineral.samples import paired, shifted
from mineral.types import Bound, JointScores

Samples: TypeAlias = Any  # an array or a tensor of shape (n,) or (n, d)

PAIRS = 2**18  # product samples that `mi` scores, as far as the rows allow
FEWEST = 10  # rows that `optimize` can split three ways

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
        if loss not in _LOSSES:
            raise OptionError(f"`loss` must be one of {', '.join(_LOSSES)}, got {loss!r}.")
        if method not in (None, "concat"):
            raise OptionError(f"`method` must be None or 'concat', got {method!r}.")
        if not 0 < alpha < 1:
            raise OptionError(f"`alpha` must lie between 0 and 1, got {alpha}.")
        self.T, self.loss, self.method = T, loss, method
        self.corrected = bounds.MovingAverageDV(rate=alpha)
        self._rng = np.random.default_rng(seed)

    def forward(self, x: Samples, z: Samples, z_marg: Samples | None = None) -> Tensor:
        """The loss: minus the bound in nats, to minimize over T, or over an encoder to maximize I.

        In training mode `"mine"` updates the moving average; its gradient is the corrected one.

        Args:
            x: Shape (n,) or (n, dx).
            z: Shape (n,) or (n, dz), paired with x row by row.
            z_marg: Product samples, paired with x as if by chance: n rows. None takes the rows of
                z in random order, no row with its own x.

        Raises:
            InputError: If there are fewer than 2 rows, or rows do not match.
        """
        x, z = self._rows(x, z)
        joint = self._score(x, z)
        product = self._score(x, z[self._partners(x, 1)[:, 0]] if z_marg is None else z_marg)
        return -self._bound()(joint, product[:, None])

    @torch.no_grad()
    def mi(self, x: Samples, z: Samples, z_marg: Samples | None = None) -> float:
        """The bound in nats, without gradient: an estimate if T was not trained on these samples.

        Uses many product samples for each row, and leaves the moving average and the module's mode
        as they are.

        Args:
            x: Shape (n,) or (n, dx).
            z: Shape (n,) or (n, dz).
            z_marg: Product samples, n rows; None to take other rows of z.
        """
        x, z = self._rows(x, z)
        mode, bound = self.training, self._bound(corrected=False)
        self.eval()
        try:
            joint = self._score(x, z).double()
            if z_marg is not None:
                product = self._score(x, z_marg)[:, None]
            else:
                partners = self._partners(x, min(len(x) - 1, max(1, PAIRS // len(x))))
                product = torch.stack([self._score(x, z[rows]) for rows in partners.T], dim=1)
        finally:
            self.train(mode)
        return float(bound(joint, product.double()))

    def optimize(
        self,
        X: Samples,
        Y: Samples,
        iters: int,
        batch_size: int = 256,
        opt: torch.optim.Optimizer | None = None,
    ) -> float:
        """Train T on 60 % of the samples, and return the estimate on 20 % that it never saw.

        The remaining 20 % choose: T is left as it was after the pass that did best on them. The
        samples are used as they are: give T inputs of unit scale.

        Args:
            X: Shape (n,) or (n, dx): NumPy, torch, lists, frames.
            Y: The same, with as many rows.
            iters: Passes over the training rows.
            batch_size: Joint samples a step, or a few more: each pass is cut into equal batches.
            opt: An optimizer of T's parameters; None for Adam with rate 1e-3.

        Returns:
            The estimate in nats.

        Raises:
            InputError: If the samples are too few or cannot be used.
            InputTypeError: If they cannot be read as numbers.
            OptionError: If `iters` or `batch_size` is out of range.
        """
        for name, count, least in (("iters", iters, 1), ("batch_size", batch_size, 2)):
            if count < least:
                raise OptionError(f"`{name}` must be at least {least}, got {count}.")
        samples = paired(X, Y)
        samples.at_least(FEWEST, "Mine.optimize")
        x, y = (self._tensor(v) for v in (samples.x, samples.y))
        n = len(x)
        order = self._rng.permutation(n)
        training, validation, test = np.split(order, [n * 3 // 5, n * 4 // 5])
        opt = torch.optim.Adam(self.T.parameters(), lr=1e-3) if opt is None else opt
        best, best_value = copy.deepcopy(self.state_dict()), self.mi(x[validation], y[validation])
        mode = self.training
        for _ in range(iters):
            self.train()
            batches = max(1, len(training) // batch_size)
            for rows in np.array_split(self._rng.permutation(training), batches):
                opt.zero_grad(set_to_none=True)
                self(x[rows], y[rows]).backward()
                opt.step()
            value = self.mi(x[validation], y[validation])
            if value > best_value:
                best, best_value = copy.deepcopy(self.state_dict()), value
        self.load_state_dict(best)
        self.train(mode)
        return self.mi(x[test], y[test])

    def _bound(self, *, corrected: bool = True) -> Bound:
        if self.loss == "fdiv":
            return bounds.nwj
        return self.corrected if self.loss == "mine" and corrected else bounds.donsker_varadhan

    def _rows(self, x: Samples, z: Samples) -> tuple[Tensor, Tensor]:
        x, z = self._tensor(x), self._tensor(z)
        if len(x) != len(z):
            raise InputError(f"`x` and `z` must have as many rows: got {len(x)} and {len(z)}.")
        if len(x) < 2:
            raise InputError("`x` and `z` need at least 2 rows, to pair different ones by chance.")
        return x, z

    def _tensor(self, values: Samples) -> Tensor:
        """As a matrix of T's dtype, on its device; differentiable if it came so."""
        tensor = values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
        like = next(self.T.parameters(), None)
        tensor = tensor.float() if like is None else tensor.to(like.device, like.dtype)
        return tensor[:, None] if tensor.ndim == 1 else tensor

    def _partners(self, x: Tensor, m: int) -> Tensor:
        return torch.from_numpy(shifted(len(x), m, self._rng)).to(x.device)

    def _score(self, x: Tensor, z: Samples) -> JointScores:
        z = self._tensor(z)
        if len(z) != len(x):
            raise InputError(f"`z_marg` must have the {len(x)} rows of `x`, got {len(z)}.")
        scores = self.T(torch.cat([x, z], dim=1)) if self.method == "concat" else self.T(x, z)
        if scores.numel() != len(x):
            raise InputError(
                f"`T` must return one score for each of the {len(x)} rows: got shape "
                f"{tuple(scores.shape)}."
            )
        return cast(Tensor, scores.reshape(len(x)))
