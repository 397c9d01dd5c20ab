"""The views of the samples that candidates use: none of these changes I(X; Y)."""

from dataclasses import replace
from enum import Enum

import numpy as np
from numpy.random import Generator

from mineral.basics.types import Matrix, Rows
from mineral.samples import Paired, canonical_order, normal_scores, spread_ties


class View(Enum):
    """How values reach a candidate."""

    AS_GIVEN = "as given"
    LABEL = "a label as given, ties of the other side broken at random"
    UNTIED = "ties broken at random"
    SCORES = "normal scores, ties broken at random"


class Views:
    """The views of some samples, each made once.

    Args:
        samples: The samples.
        rng: Breaks ties; rows get the same draws in whatever order they come.

    Attributes:
        order: Of the rows, which random splits follow.
    """

    def __init__(self, samples: Paired, rng: np.random.Generator) -> None:
        self.order = order = canonical_order(samples.x, samples.y)
        x, y = (
            _untied(side, names, samples.words, order, rng)
            for side, names in ((samples.x, samples.x_names), (samples.y, samples.y_names))
        )
        untied = replace(samples, x=x, y=y)
        x_is_label = len(np.unique(samples.x, axis=0)) <= len(np.unique(samples.y, axis=0))
        label = replace(untied, x=samples.x) if x_is_label else replace(untied, y=samples.y)
        self._made = {View.AS_GIVEN: samples, View.LABEL: label, View.UNTIED: untied}

    @property
    def untied(self) -> Paired:
        """The samples, ties broken at random."""
        return self._made[View.UNTIED]

    def __getitem__(self, view: View) -> Paired:
        if view not in self._made:
            x, y = normal_scores(self.untied.x), normal_scores(self.untied.y)
            self._made[view] = replace(self.untied, x=x, y=y)
        return self._made[view]


def _untied(
    side: Matrix, names: tuple[str, ...], words: tuple[str, ...], order: Rows, rng: Generator
) -> Matrix:
    """The side with ties of its numbers broken; categories keep their codes."""
    numbers = np.flatnonzero([name not in words for name in names])
    untied = side.copy()
    untied[np.ix_(order, numbers)] = spread_ties(side[np.ix_(order, numbers)], rng)
    return untied
