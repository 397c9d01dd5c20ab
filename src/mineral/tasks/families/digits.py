"""Pairs of MNIST images that share their digits to a known extent, and nothing else.

A channel draws the digits of X and of Y, and then each gets an image of its digit, on its own and
from its own half of the training part. Each of these finitely many images is of one digit, so that
I(X; Y) is that of the channel, and pmi that of the two digits. To estimate it, an estimator must
distinguish the digits of images that it has not seen, which people can.

References:
    Gowri, Lun, Klein & Yin (2024), arXiv:2409.02732: zeros and ones, some pairs of which are mixed.
    Lee & Rhee (2024), arXiv:2410.10924: ten digits an image, through a binary symmetric channel.
"""

import math
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int, UInt8

from mineral import mnist
from mineral.tasks.families.discrete import Zipf, crossover_for
from mineral.tasks.families.images import coverage
from mineral.tasks.laws import Law, Repeated, declared
from mineral.tasks.task import Draw, Task

Images: TypeAlias = UInt8[np.ndarray, "_ 28 28"]
Pools: TypeAlias = tuple[tuple[Images, ...], tuple[Images, ...]]

GOWRI = "Gowri et al. (2024), arXiv:2409.02732"
LEE = "Lee & Rhee (2024), arXiv:2410.10924"
KNOWN = "closed form, assuming that an image determines its digit"
ROWS, COLUMNS, SIDE = 2, 5, 64  # digits in a canvas, and pixels of the picture on each side
AT_ONCE = 500  # canvases in memory


@lru_cache(maxsize=1)
def _halves(_folder: str | None) -> Pools:
    """Images of each digit for X, and others for Y, by what the environment says now."""
    images, labels = mnist.load("train")
    of_each = [images[labels == digit] for digit in range(10)]
    return tuple(each[0::2] for each in of_each), tuple(each[1::2] for each in of_each)


def _shown(digits: Int[np.ndarray, "n k"], rng: np.random.Generator, side: int) -> np.ndarray:
    """An image of each digit from the half of X, side 0, or of Y, 1: shape (n, k, 28, 28)."""
    pools = _halves(os.environ.get(mnist.VARIABLE))[side]
    found = np.empty((*digits.shape, mnist.SIDE, mnist.SIDE), np.uint8)
    for digit in np.unique(digits):
        chosen, pool = digits == digit, pools[digit]
        found[chosen] = pool[rng.integers(len(pool), size=int(chosen.sum()))]
    return found


def _inked(images: np.ndarray) -> np.ndarray:
    return np.asarray(images, np.float32) / 255


@dataclass(frozen=True)
class Digits:
    """One image each, of the digits 0 to k − 1 that the channel gives; ink is 1.

    Attributes:
        channel: Between whole numbers below 10.
    """

    channel: Zipf

    dim_x = mnist.SIDE**2
    dim_y = mnist.SIDE**2

    @property
    def information(self) -> float:
        return self.channel.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        digits = self.channel(n, rng)
        x, y = (_shown(each, rng, side) for side, each in enumerate((digits.x, digits.y)))
        return Draw(_inked(x).reshape(n, -1), _inked(y).reshape(n, -1), digits.pmi)


@dataclass(frozen=True)
class Canvases:
    """Ten images in two rows of five, each a zero or a one, shrunk to 64 × 64; ink is 1.

    Attributes:
        channel: Between ten bits and ten bits.
    """

    channel: Repeated

    dim_x = SIDE**2
    dim_y = SIDE**2

    @property
    def information(self) -> float:
        return self.channel.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        bits = self.channel(n, rng)
        x, y = (self._painted(each, rng, side) for side, each in enumerate((bits.x, bits.y)))
        return Draw(x, y, bits.pmi)

    def _painted(
        self, bits: Int[np.ndarray, "n 10"], rng: np.random.Generator, side: int
    ) -> Float[np.ndarray, "n d"]:
        found = np.empty((len(bits), SIDE**2), np.float32)
        down, across = shrinking(ROWS * mnist.SIDE), shrinking(COLUMNS * mnist.SIDE)
        for start in range(0, len(bits), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            tiles = _inked(_shown(bits[rows], rng, side))
            grid = tiles.reshape(-1, ROWS, COLUMNS, mnist.SIDE, mnist.SIDE)
            canvas = grid.swapaxes(2, 3).reshape(-1, ROWS * mnist.SIDE, COLUMNS * mnist.SIDE)
            found[rows] = (down @ canvas @ across.T).reshape(-1, SIDE**2)
        return found


def shrinking(pixels: int) -> Float[np.ndarray, "side pixels"]:
    """A matrix from `pixels` shades to 64: each new pixel is the mean of what it covers."""
    edges = np.arange(SIDE + 1) / SIDE
    shares = coverage(edges[:-1], edges[1:], pixels)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)


def resampled(mixed: float) -> Task:
    """A zero each or a one each, with Y redrawn in a share of the pairs."""
    return _task(f"mnist-01-{mixed}", Digits(Zipf(2, 0.0, mixed)), GOWRI, mixed=mixed)


def same_digit(mixed: float) -> Task:
    """The same of ten digits, in equal shares."""
    return _task(f"mnist-digits-{mixed}", Digits(Zipf(10, 0.0, mixed)), "Mineral", mixed=mixed)


def ten_bits(bits: int) -> Task:
    """Ten zeros or ones each; the flip probability of a bit sets the mutual information in bits.

    This assumes that a shrunk canvas still determines its ten digits.
    """
    redrawn = 2 * crossover_for(bits * math.log(2) / 10)
    law = Canvases(Repeated(Zipf(2, 0.0, redrawn), 10))
    return _task(f"mnist-canvas-{bits}-bits", law, LEE, bits=bits)


def _task(name: str, law: Law, source: str, **parameters: int | float) -> Task:
    return declared(law, name=name, family="mnist", source=source, known_by=KNOWN, **parameters)


TASKS: tuple[Task, ...] = (
    *map(resampled, (0.0, 0.1, 0.25, 0.5, 1.0)),
    *map(same_digit, (0.0, 0.3, 0.7)),
    *map(ten_bits, (2, 4, 6, 8, 10)),
)
