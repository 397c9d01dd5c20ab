"""Strong dependence between two numbers: y = f(x) + noise, with 2 to 8 nats by quadrature."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import signal, stats

FUNCTIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "line": lambda u: u,
    "cube": lambda u: (2 * u - 1) ** 3,
    "parabola": lambda u: (2 * u - 1) ** 2,
    "sine": lambda u: np.sin(2 * np.pi * u),
    "steps": lambda u: np.floor(5 * u) / 5 + 0.1 * u,
    "root": np.sqrt,
    "exponential": lambda u: np.exp(3 * u) / 20,
}
NOISES = {"normal": stats.norm(), "laplace": stats.laplace(), "uniform": stats.uniform(-1, 2)}
SIDES = {"uniform": stats.uniform(), "normal": stats.norm(), "exponential": stats.expon()}
PER_NOISE = 20  # points of the grid in one deviation of the noise
QUANTILES = 400_001


@dataclass(frozen=True)
class Law:
    """One law: x by its distribution, y = f(quantile of x) + scale × noise."""

    name: str
    function: str
    noise: str
    side: str
    scale: float

    def draw(self, n: int, rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Samples of x and y, of shape (n,) each."""
        u = rng.random(n)
        noise = NOISES[self.noise].rvs(n, random_state=rng)
        return SIDES[self.side].ppf(u), FUNCTIONS[self.function](u) + self.scale * noise

    def information(self) -> float:
        """I(X; Y) = h(Y) − h(noise), in nats: the density of y is a convolution."""
        centers = FUNCTIONS[self.function]((np.arange(QUANTILES) + 0.5) / QUANTILES)
        step, reach = self.scale / PER_NOISE, 25 * self.scale
        edges = np.arange(centers.min() - reach, centers.max() + reach, step)
        mass = np.histogram(centers, edges)[0] / QUANTILES
        away = np.arange(-reach, reach + step / 2, step)
        kernel = NOISES[self.noise].pdf(away / self.scale) / self.scale
        density = signal.fftconvolve(mass, kernel / (kernel.sum() * step))
        density = np.maximum(density, 0.0)
        logs = np.log(density, out=np.zeros_like(density), where=density > 1e-15)
        return float(
            -(density * logs).sum() * step - NOISES[self.noise].entropy() - np.log(self.scale)
        )


def law(number: int) -> Law:
    """A law at random, the same for the same number."""
    rng = np.random.default_rng([16, number])
    function, noise, side = (str(rng.choice(list(t))) for t in (FUNCTIONS, NOISES, SIDES))
    scale = float(np.exp(rng.uniform(np.log(0.0003), np.log(0.05))))
    return Law(f"strong-{number}-{function}-{noise}", function, noise, side, scale)
