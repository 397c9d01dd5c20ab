"""Points of the plane whose modes are known, and how many of these a sample has.

The grid has 25 Gaussians of standard deviation 0.05 at {−4, −2, 0, 2, 4}². A sample is of high
quality if the nearest mean is within 3 standard deviations, and a mode is covered if one of high
quality lies there. The spirals are two arms with noise of 0.05 across them; what share of their
length is covered is measured in the same way.

References:
    Lin et al. (2018), PacGAN, arXiv:1712.04086; Srivastava et al. (2017), VEEGAN, arXiv:1705.07761.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

SD = 0.05
WITHIN = 3.0  # standard deviations
ALONG = 400  # places along an arm
CENTRES = np.stack(np.meshgrid(*[np.arange(-4.0, 5.0, 2.0)] * 2), axis=-1).reshape(-1, 2)


def grid(n: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    """Samples of the 25 Gaussians."""
    return CENTRES[rng.integers(len(CENTRES), size=n)] + SD * rng.standard_normal((n, 2))


def arms() -> Float[np.ndarray, "2 along 2"]:
    """Places along both arms, evenly by length; the outer ends have radius 2."""
    fine = np.linspace(0.5 * np.pi, 3 * np.pi, 20_000)
    curve = fine[:, None] * np.column_stack([np.cos(fine), np.sin(fine)]) * (2 / fine[-1])
    length = np.concatenate([[0], np.hypot(*np.diff(curve, axis=0).T).cumsum()])
    even = np.linspace(0, length[-1], ALONG)
    arm = np.column_stack([np.interp(even, length, side) for side in curve.T])
    return np.stack([arm, -arm])


def spirals(n: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    """Samples of the two arms."""
    places = arms().reshape(-1, 2)
    return places[rng.integers(len(places), size=n)] + SD * rng.standard_normal((n, 2))


def reverse_kl(counts: Int[np.ndarray, " modes"]) -> float:
    """KL(generated ‖ uniform) over modes, in nats: log of their number if all is in one."""
    share = counts[counts > 0] / counts.sum()
    return float((share * np.log(share * len(counts))).sum())


def modes(points: Float[np.ndarray, "n 2"]) -> dict[str, float]:
    """Of the grid: modes covered, share of high quality, and reverse KL of the nearest modes."""
    distance, nearest = cKDTree(CENTRES).query(points)
    good = distance <= WITHIN * SD
    return {
        "modes": float(len(np.unique(nearest[good]))),
        "quality": float(good.mean()),
        "kl": reverse_kl(np.bincount(nearest, minlength=len(CENTRES))),
    }


def length_covered(points: Float[np.ndarray, "n 2"]) -> dict[str, float]:
    """Of the spirals: the share of each arm's length that is covered, and of high quality."""
    both = arms()
    tree = cKDTree(points)
    first, second = (float((tree.query(arm)[0] <= WITHIN * SD).mean()) for arm in both)
    good = cKDTree(both.reshape(-1, 2)).query(points)[0] <= WITHIN * SD
    return {"first": first, "second": second, "quality": float(good.mean())}
