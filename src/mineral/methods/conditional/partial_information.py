"""What the residuals of X and Y share, once Z is regressed out: the default without a condition."""

from dataclasses import dataclass, replace

from mineral.methods.base import Measurement, Measures, Run
from mineral.methods.conditional.regressed import VALID, OfResiduals, Regressed, Regressions
from mineral.methods.default.search import Search
from mineral.methods.projections.projection import Budget
from mineral.methods.wrappers.by_atoms import ByAtoms
from mineral.results import Caution
from mineral.samples import Paired


@dataclass(frozen=True, kw_only=True)
class PartialInformation(OfResiduals):
    """The default's I(r_x; r_y) of residuals: of X and Y after a smooth regression on Z.

    As a partial correlation is the correlation of residuals. Equal to I(X; Y | Z) where the
    residuals are independent of Z, and a lower bound where those of one side are; too large where
    both still depend on Z, with the caution `condition-remains`. Idle columns of Z cost no more
    than a regression on them does. Categories and columns that mostly repeat are not regressed.

    Args:
        scores: Whether x and y are replaced by normal scores before the regression, which suits
            skewed variables; in their own units, sums such as y = x + f(z) + noise stay sums.
        budget: How much the default may train on the residuals: "fast" trains no network.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x, e = rng.standard_normal((2, 1000))
        >>> z = rng.uniform(-0.5, 0.5, size=(1000, 20))
        >>> y = x + z[:, 0] + 0.1 * e  # I(X; Y | Z) = log(101) / 2 ≈ 2.31; I(X; Y) ≈ 1.2
        >>> round(PartialInformation(scores=False).estimate(x, y, given=z).value, 1)
        2.3
    """

    scores: bool = True
    budget: Budget = "fast"

    name = "partial-information"
    kind = "neither"
    labels = True

    def measure_residuals(self, regressions: Regressions, run: Run) -> Measurement:
        left = regressions.scores if self.scores else regressions.units
        if left.is_determined:
            return nothing_left(left)
        inner: Measures[Paired] = ByAtoms(Search(self.budget))
        # A pair that nothing is regressed out of is measured as it is, ties and labels included.
        pair = left.pair if left.freedom else regressions.samples.pair
        found = inner.measure(left.varying(pair), run)
        sentence = f"Z is regressed out of X and Y (basis: {left.basis})."
        return replace(
            found,
            model=None,
            path=(sentence, *found.path),
            cautions=(*_remains(left), *found.cautions),
        )


def nothing_left(left: Regressed) -> Measurement:
    """0, where X or Y is a function of Z."""
    which = "X" if left.determined_x.all() else "Y"
    return Measurement(
        value=0.0, stderr=0.0, path=(f"{which} is a function of the condition: I(X; Y | Z) = 0.",)
    )


def _remains(left: Regressed) -> tuple[Caution, ...]:
    if left.is_lower_bound:
        return ()
    return (
        Caution(
            "condition-remains",
            "The residuals of x and of y both depend on the condition (permutation tests, p < "
            f"{VALID:g}), so that the value can be too large: compare with estimator='cmi-knn'.",
        ),
    )
