"""Labels: words and codes, recoded, predicted by numbers, beside numbers, rare, nearly unique."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Shaped
from scipy import stats

from mineral.basics.types import PerSample
from mineral.tasks.everyday import marginals as of
from mineral.tasks.everyday.densities import Classes
from mineral.tasks.everyday.tables import Cells, diagonal, rounded_normal
from mineral.tasks.everyday.wrappers import Beside, alike, independent, joined, known, words
from mineral.tasks.task import Draw, Task

KIND = "labels"
SUM = "sum over the table"
TEN_THOUSANDS = 1e-4


@dataclass(frozen=True, eq=False)
class WordAndNumber:
    """X is a word and a number z, Y = mean of the word + b z + σN.

    I = I(word; Y') with Y' of the same means and the noise √(b² + σ²) N, plus ½ log(1 + b² / σ²).
    """

    means: Float[np.ndarray, " k"]
    slope: float
    sigma: float

    dim_x = 2
    dim_y = 1

    @property
    def _by_word(self) -> Classes:
        k = len(self.means)
        return Classes(np.ones(k), self.means, math.hypot(self.slope, self.sigma), words(k))

    @property
    def information(self) -> float:
        return self._by_word.information + math.log1p((self.slope / self.sigma) ** 2) / 2

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        law = self._by_word
        word = rng.integers(len(self.means), size=n)
        z, noise = rng.standard_normal((2, n))
        y = self.means[word] + self.slope * z + self.sigma * noise
        pmi = -(noise**2) / 2 - math.log(self.sigma * math.sqrt(2 * math.pi))
        marginal = law._log_marginal(y)
        return Draw(joined(law.x_values[word][:, None], z[:, None]), y[:, None], pmi - marginal)


def spread(count: int, width: float) -> PerSample:
    """Evenly spaced means between −width and width, in an order that spelling does not follow."""
    order = np.random.default_rng(count).permutation(count)
    return np.asarray(np.linspace(-width, width, count)[order])


def classes(name: str, count: int, width: float, sigma: float, *, coded: bool = False) -> Task:
    """A label, and a number that is normal in each class."""
    values = np.arange(count) if coded else words(count)
    law = Classes(np.ones(count), spread(count, width), sigma, values)
    return known(KIND, name, law, classes=count, width=width, sigma=sigma)


def recoded(
    count: int, redrawn: float = 0.0, *, exponent: float = 0.0, coded: bool = False
) -> Task:
    """A word and its number, or another word for it; drawn anew with a probability."""
    table = diagonal(np.arange(1, count + 1) ** -exponent, redrawn)
    other = np.random.default_rng(count).permutation(count) + 1
    law = Cells(table, other[::-1].copy() if coded else words(count), other)
    endings = ((redrawn, f"-{redrawn:g}"), (exponent, "-zipf"), (coded, "-codes"))
    name = f"recoded-{count}" + "".join(ending for given, ending in endings if given)
    return known(KIND, name, law, by=SUM, classes=count, redrawn=redrawn)


def _rare(share: float, name: str) -> Task:
    """A class of two in ten thousand, six standard deviations off on each side: x at ±6."""
    law = Classes(np.array([1 - share, share]), np.array([0.0, 6.0]), 1.0, np.arange(2))
    return known(KIND, name, law, share=share)


def _postal_codes() -> Task:
    """Five digits: the first two name a region, on which a number depends; the rest do not."""
    regions = np.arange(10, 30)
    law = Classes(np.ones(20), spread(20, 2.0), 0.7, regions)
    return known(KIND, "postal-codes", PostalCodes(law), regions=20)


@dataclass(frozen=True)
class PostalCodes:
    """The codes of a label, followed by three random digits."""

    law: Classes

    dim_x = 1
    dim_y = 1

    @property
    def information(self) -> float:
        return self.law.information

    def __call__(self, n: int, rng: np.random.Generator) -> Draw:
        drawn = self.law(n, rng)
        return Draw(1000 * drawn.x + rng.integers(1000, size=(n, 1)), drawn.y, drawn.pmi)


def _two_words() -> Task:
    """Two words against one: a table of 3 × 4 cells by 5."""
    pairs: Shaped[np.ndarray, "a 2"] = np.array([[a, b] for a in words(3) for b in words(7)[3:]])
    joint = np.exp(np.random.default_rng(5).normal(size=(12, 5)))
    return known(KIND, "two-words", Cells(joint, pairs, words(12)[7:]), by=SUM)


def _detection_as_words() -> Task:
    """Laboratory values as text: "<0.5", "0.5", "1.0", …, against another laboratory's numbers."""
    steps = np.arange(1, 12) * 0.5
    shown = np.array(["<0.5", *(f"{value:.1f}" for value in steps)])
    edges = np.log(steps)
    law = rounded_normal(0.8, edges.tolist(), edges.tolist(), shown, np.append(0.25, steps))
    return known(KIND, "below-detection-words", law, by=SUM, rho=0.8)


def _classes_in_tenths() -> Task:
    """Three species, and a length in tenths of a unit: most values occur a few times."""
    means, values = (0.0, 1.0, 2.0), np.round(np.arange(-45, 66) / 10, 1)
    edges = np.array([-np.inf, *(values[1:] - 0.05), np.inf])
    table = np.array([np.diff(stats.norm.cdf(edges, loc=mean)) for mean in means])
    return known(KIND, "classes-3-tenths", Cells(table, words(3), values), by=SUM)


def _sales() -> Task:
    """One row a sale: the price of a product, of 40, and its category, of 8."""
    rng = np.random.default_rng(40)
    prices = rng.choice(np.arange(100, 9000), 40, replace=False) / 100
    table = np.eye(8)[:, rng.integers(8, size=40)]
    return known(KIND, "sales", Cells(table, words(8), prices), by=SUM)


WORDS = {count: partial(of.labels, count=count) for count in (2, 5, 30, 200)}
CODES = {count: partial(of.codes, count=count) for count in (2, 8, 50)}
WORD_BESIDE = partial(of.beside, parts=(WORDS[5], of.normal))
TASKS: tuple[Task, ...] = (
    independent(KIND, "coins-apart", CODES[2], CODES[2]),
    independent(KIND, "words-5-apart", WORDS[5], WORDS[5]),
    independent(KIND, "words-codes-apart", WORDS[30], CODES[8]),
    independent(KIND, "words-200-apart", WORDS[200], WORDS[5]),
    alike(KIND, "zipf-apart", partial(of.labels, count=50, exponent=1.0)),
    independent(KIND, "words-number-apart", WORDS[5], of.normal),
    independent(KIND, "words-30-number-apart", WORDS[30], of.normal),
    independent(KIND, "codes-50-number-apart", CODES[50], of.amounts),
    independent(KIND, "rare-apart", partial(of.rare, share=2 * TEN_THOUSANDS), of.normal),
    alike(KIND, "rare-0.02-apart", partial(of.rare, share=0.02)),
    independent(KIND, "identifiers-apart", of.identifiers, of.normal),
    independent(KIND, "names-apart", of.names, of.normal),
    independent(KIND, "names-words-apart", of.names, WORDS[5]),
    independent(KIND, "word-beside-apart", WORD_BESIDE, of.normal, (2, 1)),
    recoded(2),
    recoded(2, coded=True),
    recoded(8),
    recoded(8, coded=True),
    recoded(30, 0.2),
    recoded(200),
    recoded(10, 0.3, exponent=1.0),
    classes("classes-2", 2, 1.0, 1.0),
    classes("classes-5", 5, 2.0, 0.5),
    classes("classes-5-codes", 5, 2.0, 0.5, coded=True),
    classes("classes-30", 30, 2.0, 0.3),
    classes("classes-200", 200, 3.0, 1.0),
    _rare(2 * TEN_THOUSANDS, "rare"),
    _rare(0.02, "rare-0.02"),
    _classes_in_tenths(),
    _sales(),
    _postal_codes(),
    _two_words(),
    _detection_as_words(),
    known(KIND, "word-and-number", WordAndNumber(spread(5, 2.0), 0.7, 0.5), classes=5),
    known(KIND, "word-30-and-number", WordAndNumber(spread(30, 2.0), 0.7, 0.3), classes=30),
    known(
        KIND,
        "words-30-beside",
        Beside(
            Classes(np.ones(30), spread(30, 3.4), 0.3, words(30)), more_y=of.normal, dims=(0, 1)
        ),
        classes=30,
    ),
)
