"""An encoder like the victim's, from unpaired raw rows and codes.

Several guesses of the pairs are made and refined iteratively: a linear map is fitted to the pairs,
and codes are matched again with its predictions. The guess whose map predicts held-out pairs best
is kept.

the same row      a code may lie nearest to its own row
invariants        an invertible linear map keeps all inner products of whitened rows
components        the leading principal components of both may agree up to signs
inner products    are nearly kept by random projections and principal components: a matching of the
                  two graphs of inner products, by FAQ
MMD               a network whose codes are distributed as the victim's, by kernels of many widths

References:
    Vogelstein et al. (2015), Fast approximate quadratic programming, PLOS ONE
    10(4):e0121002.
    Gretton et al. (2012), A kernel two-sample test, JMLR 13:723–773.
    Yala et al. (2021), NeuraCrypt, arXiv:2106.02484: their attack by MMD.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mineral.samples import principal_directions, whiten
from mineral.system.chance import Chance, learning

RIDGES = tuple(10.0**k for k in range(-3, 6))
PRINCIPAL, FEW_PRINCIPAL = 200, 32  # directions that are looked at; by the network
ROUNDS = 15
CERTAIN = 0.999  # share of the variance of left-out codes beyond which no other guess is tried
PROFILE = tuple(np.linspace(0.005, 1.0, 24))  # quantiles of a row's distances to all others
MOMENTS = (3, 4, 5)
WIDEST, WIDTHS = 16.0, 9  # of kernels, times the median distance: each half the one before
STEPS, BATCH, HIDDEN = 300, 128, 64

Order = Int[np.ndarray, " n"]  # for each raw row, the row of its code


@dataclass(frozen=True)
class Lookalike:
    """A guess of the encoder.

    Attributes:
        order: For each raw row, the row of its code.
        encode: Raw rows (n, d) to codes (n, k) like the victim's.
        explained: Share of the variance of codes that a linear map predicts of left-out pairs.
        how: In words.
    """

    order: Order
    encode: Callable[[np.ndarray], np.ndarray]
    explained: float
    how: str


@dataclass(frozen=True)
class Principal:
    """Rows in their leading principal directions, each as large as it is."""

    center: Float[np.ndarray, " d"]
    directions: Float[np.ndarray, "d p"]

    @classmethod
    def fit(cls, values: Float[np.ndarray, "n d"]) -> "Principal":
        center = values.mean(axis=0)
        return cls(center, principal_directions(values - center, PRINCIPAL)[0])

    def __call__(self, values: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n p"]:
        return np.asarray((values - self.center) @ self.directions)

    def back(self, values: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n d"]:
        return np.asarray(values @ self.directions.T + self.center)


def lookalike(
    raw: Float[np.ndarray, "n d"], codes: Float[np.ndarray, "n k"], *, seed: int = 0
) -> Lookalike:
    """The best guess from raw rows and codes of the same people in any order, as many of each.

    Args:
        raw: What was encoded.
        codes: In an order of their own.
        seed: Of training.
    """
    found = []
    for each in lookalikes(raw, codes, seed=seed):
        found.append(each)
        if each.explained > CERTAIN:
            break
    return max(found, key=lambda each: each.explained)


def lookalikes(
    raw: Float[np.ndarray, "n d"], codes: Float[np.ndarray, "n k"], *, seed: int = 0
) -> Iterator[Lookalike]:
    """All guesses, the cheapest first."""
    raw, codes = np.asarray(raw, np.float64), np.asarray(codes, np.float64)
    of_raw, of_codes = Principal.fit(raw), Principal.fit(codes)
    x, z = of_raw(raw), of_codes(codes)
    if raw.shape[1] == codes.shape[1]:
        order = assigned(raw, codes)
        yield Lookalike(order, lambda rows: rows, _fit(x, z[order])[1], "the row itself")

    def learned(order: Order, how: str) -> Lookalike:
        explained, order = max(
            ((_fit(x, z[each])[1], each) for each in _refined(x, z, order)),
            key=lambda each: each[0],
        )
        model = _fit(x, z[order])[0]

        def encode(rows: np.ndarray) -> np.ndarray:
            return of_codes.back(np.asarray(model.predict(of_raw(rows))).reshape(len(rows), -1))

        return Lookalike(order, encode, explained, how)

    whitened, other = (whiten(side)[0] * len(side) ** 0.5 for side in (x, z))
    if whitened.shape == other.shape and whitened.shape[1] < len(x) - 1:
        order = _nearest(_invariants(whitened), _invariants(other))
        yield learned(order, "moments that are invariant under a linear map")
    few = min(x.shape[1], z.shape[1])
    order = assigned(*(_signed(side[:, :few]) for side in (x, z)))
    yield learned(order, "principal components matched")
    yield learned(_graphs(x, z), "graphs of inner products matched")
    yield _trained(raw, codes, of_raw, of_codes, seed)


def assigned(predicted: Float[np.ndarray, "n k"], actual: Float[np.ndarray, "n k"]) -> Order:
    """One to one, at the least squared distance in all."""
    from scipy.optimize import linear_sum_assignment  # half a second to import

    return np.asarray(linear_sum_assignment(_squares(predicted, actual))[1])


def _squares(a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, "n m"]:
    return np.asarray(np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * a @ b.T)


def _nearest(a: np.ndarray, b: np.ndarray) -> Order:
    """By features in units of their spread."""
    scale = np.where(b.std(axis=0) > 0, b.std(axis=0), 1.0)
    return assigned(a / scale, b / scale)


def _fit(x: np.ndarray, z: np.ndarray) -> tuple[Any, float]:
    """A ridge regression, and the share of variance that it explains of left-out rows."""
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(RIDGES).fit(x, z)  # its score is the negative leave-one-out squared error
    return model, 1 + float(model.best_score_) / float(z.var(axis=0).mean())


def _refined(x: np.ndarray, z: np.ndarray, order: Order) -> list[Order]:
    """A guess, and what becomes of it."""
    first = order
    for _ in range(ROUNDS):
        model = _fit(x, z[order])[0]
        before, order = order, assigned(model.predict(x).reshape(z.shape), z)
        if np.array_equal(before, order):
            break
    return [first, order]


def _invariants(whitened: np.ndarray) -> Float[np.ndarray, "n features"]:
    """Of each row its squared length, and moments of its inner products with all rows."""
    inner = whitened @ whitened.T
    powers = [np.mean(inner**k, axis=1) for k in MOMENTS]
    roots = [np.sign(m) * np.abs(m) ** (1 / k) for k, m in zip(MOMENTS, powers, strict=True)]
    return np.stack([inner.diagonal(), *roots], axis=1)


def _signed(values: np.ndarray) -> np.ndarray:
    """Principal components, each so turned that it is skewed upwards."""
    return np.asarray(values * np.where((values**3).mean(axis=0) < 0, -1.0, 1.0))


def _graphs(x: np.ndarray, z: np.ndarray) -> Order:
    """From rows of like distances to all others, on to like inner products."""
    from scipy.optimize import quadratic_assignment

    start = np.eye(len(x))[_nearest(_profile(x), _profile(z))]
    inner = [v @ v.T / np.linalg.norm(v @ v.T) for v in (x, z)]
    options = {"maximize": True, "P0": (start + 1 / len(x)) / 2, "maxiter": 30}
    return np.asarray(quadratic_assignment(*inner, method="faq", options=options).col_ind)


def _profile(values: np.ndarray) -> Float[np.ndarray, "n quantiles"]:
    apart = np.sqrt(np.maximum(_squares(values, values), 0))
    typical = float(np.median(apart)) or 1.0
    return np.asarray(np.quantile(apart / typical, PROFILE, axis=1).T)


def _trained(
    raw: np.ndarray, codes: np.ndarray, of_raw: Principal, of_codes: Principal, seed: int
) -> Lookalike:
    """A network with a linear path beside it, whose codes are distributed as the victim's."""
    x, z = of_raw(raw)[:, :FEW_PRINCIPAL], of_codes(codes)
    few = z[:, :FEW_PRINCIPAL]
    sizes = [float(v.std()) or 1.0 for v in (x, few)]
    a, b = (torch.from_numpy(v / s).float() for v, s in zip((x, few), sizes, strict=True))
    chance = Chance(seed)
    generator = chance.generator()
    with learning():
        with chance:
            network = _Residual(a.shape[1], b.shape[1])
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS)
        for _ in range(STEPS):
            some, others = (
                side[torch.randperm(len(side), generator=generator)[:BATCH]] for side in (a, b)
            )
            loss = discrepancy(network(some), others)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            decay.step()

    def reduced(rows: np.ndarray) -> np.ndarray:
        given = torch.from_numpy(of_raw(rows)[:, :FEW_PRINCIPAL] / sizes[0]).float()
        with torch.no_grad():
            return np.asarray(network(given).double().numpy() * sizes[1])

    def encode(rows: np.ndarray) -> np.ndarray:
        back = of_codes.directions[:, :FEW_PRINCIPAL].T
        return np.asarray(reduced(rows) @ back + of_codes.center)

    order = assigned(reduced(raw), few)
    explained = _fit(of_raw(raw), z[order])[1]
    return Lookalike(order, encode, explained, "a network trained by MMD")


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.straight = nn.Linear(inputs, outputs)
        self.bent = nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.straight(x) + self.bent(x)
        return found


def discrepancy(a: Float[Tensor, "n k"], b: Float[Tensor, "m k"]) -> Float[Tensor, ""]:
    """MMD² of Gaussian kernels of all widths, the biased estimate: 0 for equal samples."""
    typical = torch.cdist(b, b).median().clamp_min(1e-6).item()
    a, b = a / typical, b / typical

    def kernel(p: Tensor, q: Tensor) -> Tensor:
        squares = (p**2).sum(1)[:, None] + (q**2).sum(1) - 2 * p @ q.T
        values = (-squares.clamp_min(0) / (2 * WIDEST**2)).exp()
        scores = [values.mean()]
        for _ in range(WIDTHS - 1):  # half the width: the fourth power
            values = values.square().square()
            scores.append(values.mean())
        return torch.stack(scores).mean()

    return kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)
