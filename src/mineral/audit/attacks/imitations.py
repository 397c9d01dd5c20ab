"""Imitations of an encoder from raw rows and codes of different people.

Unlike look-alikes, they need no common rows, and hence no matching: the kind of encoder is assumed,
and its parameters are fitted to the distribution of codes.

noise             raw rows plus noise with the excess variance of the codes
components the adversary's own principal components, rotated and scaled to the distribution of the
                  codes, by MMD
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from mineral.audit.attacks.lookalike import FEW_PRINCIPAL, Principal, discrepancy
from mineral.system.chance import Chance, learning

STEPS, BATCH, LEARNING_RATE = 300, 250, 1e-2
COMPARED = 500  # rows of a comparison of signs
PASSES = 3  # over the signs of all components


@dataclass(frozen=True)
class Imitation:
    """An imitation of the encoder.

    Attributes:
        encode: Raw rows (n, d) to codes (n, k) like the victim's.
        how: In words.
    """

    encode: Callable[[np.ndarray], np.ndarray]
    how: str


def imitations(
    raw: Float[np.ndarray, "n d"], codes: Float[np.ndarray, "m k"], *, seed: int = 0
) -> Iterator[Imitation]:
    """All imitations.

    Args:
        raw: Rows of the adversary's own.
        codes: Of other people.
        seed: Of noise and of training.
    """
    raw, codes = np.asarray(raw, np.float64), np.asarray(codes, np.float64)
    if raw.shape[1] == codes.shape[1]:
        yield _noise(raw, codes, seed)
    yield _components(raw, codes, seed)


def _noise(raw: np.ndarray, codes: np.ndarray, seed: int) -> Imitation:
    excess = float(np.median(codes.var(axis=0) - raw.var(axis=0)))
    scale = max(0.0, excess) ** 0.5

    def encode(rows: np.ndarray) -> np.ndarray:
        drawn = np.random.default_rng(seed).standard_normal(rows.shape)
        return np.asarray(rows + scale * drawn)

    return Imitation(encode, "noise of the observed scale")


def _components(raw: np.ndarray, codes: np.ndarray, seed: int) -> Imitation:
    of_raw, of_codes = Principal.fit(raw), Principal.fit(codes)
    count = min(of_raw.directions.shape[1], of_codes.directions.shape[1], FEW_PRINCIPAL)
    x, z = of_raw(raw)[:, :count], of_codes(codes)[:, :count]
    start = z.std(axis=0) / x.std(axis=0)
    mixing = _turned(x, z, np.diag(start * _signs(x * start, z)), seed)

    def encode(rows: np.ndarray) -> np.ndarray:
        turned = of_raw(rows)[:, :count] @ mixing
        return np.asarray(turned @ of_codes.directions[:, :count].T + of_codes.center)

    return Imitation(encode, "principal components, rotated by MMD")


def _signs(x: np.ndarray, z: np.ndarray) -> Float[np.ndarray, " k"]:
    """Of each component: skewed as the codes', then any turned over that come nearer so."""
    some, others = torch.from_numpy(x[:COMPARED]), torch.from_numpy(z[:COMPARED])
    skewness = (x**3).mean(axis=0) * (z**3).mean(axis=0)
    signs = torch.from_numpy(np.where(skewness < 0, -1.0, 1.0))
    apart = discrepancy(some * signs, others).item()
    for _ in range(PASSES):
        before = apart
        for j in range(len(signs)):
            turned = signs.clone()
            turned[j] *= -1
            now = discrepancy(some * turned, others).item()
            if now < apart:
                signs, apart = turned, now
        if apart == before:
            break
    return np.asarray(signs.numpy())


def _turned(
    x: np.ndarray, z: np.ndarray, start: Float[np.ndarray, "k k"], seed: int
) -> Float[np.ndarray, "k k"]:
    """A linear map near the start after which x is distributed as z."""
    size = float(z.std()) or 1.0
    a, b = (torch.from_numpy(side / size).float() for side in (x, z))
    generator = Chance(seed).generator()
    with learning():
        mixing = torch.from_numpy(start).float().requires_grad_()
        optimizer = torch.optim.Adam([mixing], lr=LEARNING_RATE)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS)
        for _ in range(STEPS):
            some, others = (
                side[torch.randperm(len(side), generator=generator)[:BATCH]] for side in (a, b)
            )
            loss = discrepancy(some @ mixing, others)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            decay.step()
    return mixing.detach().double().numpy()
