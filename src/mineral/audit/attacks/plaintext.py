"""Known plaintext: a few raw rows with their codes identify the other codes."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mineral.audit.attacks.lookalike import assigned
from mineral.audit.rows import Attack
from mineral.basics.intervals import share
from mineral.errors import InputError

RIDGES = tuple(10.0**k for k in range(-3, 6))


def attack(
    raw: Float[np.ndarray, "n d"],
    codes: Float[np.ndarray, "n k"],
    *,
    known: int = 100,
    seed: int = 0,
) -> Attack:
    """The share of other rows that are matched to their own code; chance is one in their number.

    Raw rows are predicted from codes and codes from raw rows, linearly and by a Gaussian kernel.
    A quarter of the known pairs selects one of the four.

    Args:
        raw: Rows.
        codes: Their codes, row by row.
        known: Pairs that the adversary knows.
        seed: Which of them.

    Raises:
        InputError: If there are not twice as many rows as known pairs.
    """
    n = len(raw)
    if n < 2 * known or known < 8:
        raise InputError(f"`known` must be between 8 and half of the {n} rows, got {known}.")
    order = np.random.default_rng(seed).permutation(n)
    fit, chosen, other = order[: known * 3 // 4], order[known * 3 // 4 : known], order[known:]
    sides = raw.astype(np.float64), codes.astype(np.float64)
    best: tuple[float, str, bool, bool] = (-1.0, "", False, False)
    for backwards in (False, True):
        for bent in (False, True):
            found = _matched(sides, fit, chosen, backwards=backwards, bent=bent, seed=seed)
            name = f"{'a kernel' if bent else 'a linear'} {'decoder' if backwards else 'encoder'}"
            right = float((found == np.arange(len(chosen))).mean())
            best = max(best, (right, name, backwards, bent))
    _, name, backwards, bent = best
    found = _matched(sides, order[:known], other, backwards=backwards, bent=bent, seed=seed)
    right = int((found == np.arange(len(other))).sum())
    return Attack(
        name="known plaintext",
        value=right / len(other),
        interval=share(right, len(other)),
        chance=1 / len(other),
        unit="share",
        how=f"{name}, from {known} known pairs",
        n=len(other),
    )


def _matched(
    sides: tuple[np.ndarray, np.ndarray],
    fit: Int[np.ndarray, " f"],
    rows: Int[np.ndarray, " r"],
    *,
    backwards: bool,
    bent: bool,
    seed: int,
) -> Int[np.ndarray, " r"]:
    source, target = sides[::-1] if backwards else sides
    model = _regression(len(fit), bent=bent, seed=seed).fit(source[fit], target[fit])
    predicted = model.predict(source[rows]).reshape(len(rows), -1)
    scale = np.where(target[rows].std(axis=0) > 0, target[rows].std(axis=0), 1.0)
    return assigned(predicted / scale, target[rows] / scale)


def _regression(n: int, *, bent: bool, seed: int) -> Any:  # noqa: ANN401
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kernel = [Nystroem(n_components=n, random_state=seed)] if bent else []
    return make_pipeline(StandardScaler(), *kernel, RidgeCV(RIDGES))
