"""Plates and rectangles: images that are invertible functions of two or four hidden numbers.

The numbers of X and of Y are uniform on (0, 1), and joined in pairs like those of a Gaussian. As an
image determines its numbers exactly, I(X; Y) and pmi are those of the numbers: of a few dimensions,
in images of hundreds. Every image is one row, pixel by pixel.

References:
    Butakov et al. (2024), arXiv:2306.00608: plates and rectangles as tests of estimators.
    Chen, Ou, Weller & Gutmann (2025), arXiv:2510.20968: the same at 1, 3 and 7 nats.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mineral.basics.special import ndtr
from mineral.basics.types import PerSample
from mineral.tasks.families.elliptical import Pairs
from mineral.tasks.laws import declared
from mineral.tasks.task import Task
from mineral.tasks.transforms import transformed

SOURCE = "Butakov et al. (2024), arXiv:2306.00608"
LEVELS = (1, 3, 7)  # nats
SIDES = (16, 32)  # pixels
WIDTH = 0.2  # of a plate, its deviation; of a rectangle, its least side


def coverage(
    start: Float[np.ndarray, " n"], end: Float[np.ndarray, " n"], pixels: int
) -> Float[np.ndarray, "n pixels"]:
    """The share of each of a row of pixels, which fill (0, 1), that lies between start and end.

    Example:
        >>> coverage(np.array([0.25]), np.array([0.625]), 4)
        array([[0. , 1. , 0.5, 0. ]])
    """
    edges = np.arange(pixels + 1) / pixels
    inside = np.clip(edges, start[:, None], end[:, None])
    return np.asarray(np.diff(inside, axis=1) * pixels)


@dataclass(frozen=True)
class Plate:
    """A round Gaussian of height 1 at (u₁, u₂), at the centers of the pixels of a square.

    Where Φ of the two numbers given is u. No other place makes the same image.

    Attributes:
        side: Pixels on each side.
    """

    side: int

    def __call__(self, values: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n pixels"]:
        centers = (np.arange(self.side) + 0.5) / self.side
        apart = centers - ndtr(values)[:, :, None]
        across, down = np.exp(-(apart**2) / (2 * WIDTH**2)).transpose(1, 0, 2)
        return _outer(down, across)


@dataclass(frozen=True)
class Rectangle:
    """A white rectangle, its edges at numbers that Φ of the four given decides, pixels in part.

    A side is longer than two pixels: some pixel is covered all along it, and the two at its ends
    determine its start and end by their shades. So the image determines all four numbers.

    Attributes:
        side: Pixels on each side of the image, at least 11.
    """

    side: int

    def __call__(self, values: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n pixels"]:
        u = ndtr(values)
        across, down = (
            coverage(*self.interval(u[:, i], u[:, i + 1]), pixels=self.side) for i in (0, 2)
        )
        return _outer(down, across)

    def interval(self, u: PerSample, v: PerSample) -> tuple[PerSample, PerSample]:
        """Start and end: of two uniform numbers, uniform among the intervals of sufficient length.

        Starts s have a density in proportion to the room left, 1 − WIDTH − s.
        """
        room = 1 - WIDTH
        start = room * (1 - np.sqrt(1 - u))
        return start, start + WIDTH + v * (room - start)


def _outer(
    down: Float[np.ndarray, "n side"], across: Float[np.ndarray, "n side"]
) -> Float[np.ndarray, "n pixels"]:
    """Images as products of what runs down and what runs across, a row each."""
    return np.asarray((down[:, :, None] * across[:, None, :]).reshape(len(down), -1))


def pictured(family: str, draw: Plate | Rectangle, numbers: int, nats: int) -> Task:
    """Images of so many hidden numbers each, which share so much."""
    rho = math.sqrt(-math.expm1(-2 * nats / numbers))
    hidden = declared(
        Pairs(correlations=(rho,) * numbers, dim_x=numbers, dim_y=numbers),
        name="hidden",
        family=family,
        source=SOURCE,
        known_by="closed form, of the numbers that an image determines",
        rho=rho,
    )
    return transformed(
        hidden,
        name=f"{family}-{draw.side}-{nats}",
        family=family,
        of_x=draw,
        of_y=draw,
        dim_x=draw.side**2,
        dim_y=draw.side**2,
        side=draw.side,
    )


TASKS: tuple[Task, ...] = (
    *(pictured("plates", Plate(side), 2, nats) for side in SIDES for nats in LEVELS),
    *(pictured("rectangles", Rectangle(side), 4, nats) for side in SIDES for nats in LEVELS),
)
