"""Gaussian process regression on several predictors, with automatic relevance determination.

    k(x, x') = a exp(−½ Σ (x_i − x'_i)² / ℓ_i²) + Σ b_i x_i x'_i + c,      y = f(x) + noise

The length scale ℓ and the linear weight b of each coordinate maximize the marginal likelihood on
some rows, so that irrelevant coordinates drop out. The leave-one-out residuals follow without
another fit (Rasmussen & Williams (2006), 5.12): with K the covariance of kernel plus noise,

    y_i − f₋ᵢ(x_i) = [K⁻¹ y]_i / [K⁻¹]_ii.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mineral.basics.types import X

LEARNED = 300  # rows that length scales are fitted to
STEPS, RATE = 40, 0.2  # of Adam
TEACH = 2000  # rows that predict the others
AT_ONCE = 2000  # rows predicted at a time, which bounds memory
QUIETEST = 1e-8  # variance of the noise, for the kernel to have an inverse

Values = Float[Tensor, " n"]


@dataclass(frozen=True)
class Process:
    """The hyperparameters, all as logarithms.

    Attributes:
        length: ℓ.
        line: b.
        bump: a.
        constant: c.
        noise: Variance of the noise.
    """

    length: Float[Tensor, " d"]
    line: Float[Tensor, " d"]
    bump: Float[Tensor, ""]
    constant: Float[Tensor, ""]
    noise: Float[Tensor, ""]

    @classmethod
    def learned(cls, x: Float[Tensor, "n d"], y: Values) -> "Process | None":
        """The maximum of the marginal likelihood on rows of about unit spread; None if it fails.

        Gradients must be on.
        """
        d = x.shape[1]
        start = (
            torch.full((d,), math.log(d) / 2),
            torch.full((d,), -2.0),
            torch.tensor(0.0),
            torch.tensor(-2.0),
            torch.tensor(-1.5),
        )
        process = cls(*(value.double().requires_grad_() for value in start))
        optimizer = torch.optim.Adam(process.parts(), lr=RATE)
        for _ in range(STEPS):
            root, failed = torch.linalg.cholesky_ex(process.covariance(x))
            if failed:
                return None
            predicted = torch.cholesky_solve(y[:, None], root)[:, 0]
            loss = y @ predicted / 2 + root.diagonal().log().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return cls(*(value.detach() for value in process.parts()))

    def parts(self) -> tuple[Tensor, ...]:
        """All hyperparameters."""
        return self.length, self.line, self.bump, self.constant, self.noise

    def kernel(self, a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
        """The kernel matrix of two sets of rows."""
        one, other = a / self.length.exp(), b / self.length.exp()
        squared = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
        bumps = (self.bump - squared.clamp(min=0) / 2).exp()
        return bumps + (a * self.line.exp()) @ b.T + self.constant.exp()

    def covariance(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n n"]:
        """The covariance of y at these rows, with the noise."""
        noise = (self.noise.exp() + QUIETEST) * torch.eye(len(x), dtype=x.dtype)
        return self.kernel(x, x) + noise

    def residuals(
        self, x: Float[Tensor, "n d"], y: Values, own: Int[Tensor, " m"]
    ) -> Float[Tensor, " m"] | None:
        """Leave-one-out residuals of some y; beyond `TEACH` rows, the first predict the others."""
        teach = min(len(x), TEACH)
        root, failed = torch.linalg.cholesky_ex(self.covariance(x[:teach]))
        if failed:
            return None
        inverse = torch.cholesky_inverse(root)
        weights = inverse @ y[:teach]
        inside, beyond = own[own < teach], own[own >= teach]
        of_others = y[beyond] - self._predict(x[beyond], x[:teach], weights)
        residuals = torch.empty(len(own), dtype=y.dtype)
        residuals[own < teach] = (weights / inverse.diagonal())[inside]
        residuals[own >= teach] = of_others
        return residuals

    def predict(
        self, x: Float[Tensor, "n d"], y: Values, of: Float[Tensor, "m d"]
    ) -> Float[Tensor, " m"] | None:
        """Predictions of y at other rows from these rows."""
        x, y = x[:TEACH], y[:TEACH]
        root, failed = torch.linalg.cholesky_ex(self.covariance(x))
        return (
            None if failed else self._predict(of, x, torch.cholesky_solve(y[:, None], root)[:, 0])
        )

    def _predict(
        self, of: Float[Tensor, "m d"], x: Float[Tensor, "n d"], weights: Values
    ) -> Float[Tensor, " m"]:
        parts = [
            self.kernel(of[start : start + AT_ONCE], x) @ weights
            for start in range(0, len(of), AT_ONCE)
        ]
        return torch.cat(parts) if parts else weights.new_zeros(0)


def left_out(
    x: X, y: Float[np.ndarray, " n"], halves: tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"]]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]] | None:
    """Leave-one-out residuals of each y, and its prediction from the other half of the rows.

    The hyperparameters for each half are fitted to the other half, so that no y is used to predict
    itself. A leave-one-out prediction depends on its own y through the mean of all others, and is
    therefore informative about y. A prediction from the other half is not.

    None if the fit fails.

    Args:
        x: Shape (n, d), each coordinate of about unit spread, rows in random order.
        y: Shape (n,), the same.
        halves: Of the rows.
    """
    rows, values = torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(y.copy())
    residuals, predicted = np.empty(len(y)), np.empty(len(y))
    for own, other in (halves, halves[::-1]):
        process = Process.learned(rows[other[:LEARNED]], values[other[:LEARNED]])
        if process is None:
            return None
        by_all = process.residuals(rows, values, torch.from_numpy(own))
        by_other = process.predict(rows[other], values[other], rows[own])
        if by_all is None or by_other is None or not by_all.isfinite().all():
            return None
        residuals[own], predicted[own] = by_all.numpy(), by_other.numpy()
    return residuals, predicted
