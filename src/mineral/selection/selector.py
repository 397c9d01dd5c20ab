"""`SelectByInformation`: scikit-learn's transformer that selects columns by mutual information."""

from numbers import Integral, Real
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Bool
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from mineral.errors import OptionError
from mineral.selection.columns import DiscreteFeatures, Table, Variable
from mineral.selection.greedy import Order, Redundancy, mrmr, then_by
from mineral.selection.joint import Start, select_jointly
from mineral.selection.pvalues import holm
from mineral.selection.relevance import Relevance, one_of, scores_and_p_values
from mineral.selection.scoring import seed_of
from mineral.selection.target import Target, target_of

Criterion: TypeAlias = Literal["max", "mrmr", "jmi", "cmim"]


class SelectByInformation(SelectorMixin, BaseEstimator):  # type: ignore[misc]
    """Select columns by their mutual information with the target.

    Criteria, with the selected columns S:

        "max"    I(x_j; y)
        "mrmr"   I(x_j; y) − 1/|S| Σ_s I(x_j; x_s), or the quotient        (Peng et al. 2005)
        "jmi"    Σ_s I(x_j, x_s; y)                                        (Yang & Moody 1999)
        "cmim"   min_s I(x_j; y | x_s)                                     (Fleuret 2004)

    "max" and "mrmr" judge a column by itself: each is quick, for thousands of columns. "jmi" and
    "cmim" find two columns that inform only together, as an exclusive or does; their first two
    columns are the best pair of all (`start`).

    Args:
        criterion: One of the above.
        k: Columns to select. With neither `k` nor `alpha`, half of them, as scikit-learn's `RFE`.
        alpha: Select only columns whose p-value, corrected by Holm's method for the number of
            columns, is at most this: the probability of selecting any column that is independent
            of the target. With `k`, at most k of these.
        redundancy: "difference" or "quotient", of "mrmr".
        relevance: How I(x_j; y) is estimated for `scores_`, "max" and "mrmr": "copula" by a closed
            form on normal scores, "ksg" by nearest neighbours, "auto" by the better of both.
            Redundancy is estimated by the closed form. "jmi" and "cmim" count tables of binned
            ranks, and accept "auto" only.
        n_jobs: Threads for nearest neighbours. Results do not depend on it.
        random_state: Orders equal values for nearest neighbours. None is 0, so that results are
            the same in every run.
        target: "classification", "regression", or "auto" for what scikit-learn's `type_of_target`
            recognizes: whole numbers are classes.
        discrete_features: Which columns are discrete: a bool for all, a mask, or indices. "auto"
            for columns of two values, and of at most 20 values with ten rows each on average.
        start: Of "jmi" and "cmim": "pair" counts all pairs of columns, in time that grows with
            the square of their number; "column" starts from the best column, as in the articles.

    Attributes:
        scores_: I(x_j; y) of each column in nats, shape (n_features,); negative values are not
            clipped.
        pvalues_: Of a test that the column is independent of the target, not corrected. Rows must
            be independent draws.
        adjusted_pvalues_: The same by Holm's method: compared with `alpha`.
        ranking_: 1 for the column that is selected first, then 2, 3, …; columns that are not
            selected follow by the last value of the criterion.
        target_type_: "classification" or "regression".
        n_features_in_, feature_names_in_: As scikit-learn has them.

    References:
        Peng, Long & Ding (2005), doi:10.1109/TPAMI.2005.159. Yang & Moody (1999), NIPS 12.
        Fleuret (2004), JMLR 5. Brown, Pocock, Zhao & Luján (2012), JMLR 13, on all of them.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.standard_normal((500, 20))
        >>> X[:, 1] = X[:, 0] + 0.1 * rng.standard_normal(500)  # redundant
        >>> y = X[:, 0] + X[:, 2] + rng.standard_normal(500)
        >>> SelectByInformation("mrmr", k=2).fit(X, y).get_support(indices=True)
        array([0, 2])
    """

    def __init__(
        self,
        criterion: Criterion = "max",
        k: int | None = None,
        alpha: float | None = None,
        redundancy: Redundancy = "difference",
        relevance: Relevance = "auto",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        *,
        target: Target = "auto",
        discrete_features: DiscreteFeatures = "auto",
        start: Start = "pair",
    ) -> None:
        self.criterion = criterion
        self.k = k
        self.alpha = alpha
        self.redundancy = redundancy
        self.relevance = relevance
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.target = target
        self.discrete_features = discrete_features
        self.start = start

    def fit(self, X: Any, y: Any) -> "SelectByInformation":  # noqa: ANN401
        """Select columns.

        Args:
            X: Shape (n, n_features): an array or a frame of numbers.
            y: Shape (n,): classes or numbers.

        Raises:
            ValueError: If X or y cannot be used, or a parameter is out of range.
        """
        self._check_options()
        values, of_y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        target = target_of(of_y, self.target)
        self.target_type_ = "regression" if target.codes is None else "classification"
        table = Table.of(values, self.discrete_features)
        self.scores_, self.pvalues_ = scores_and_p_values(
            table, target, by=self.relevance, n_jobs=self.n_jobs, seed=seed_of(self.random_state)
        )
        self.adjusted_pvalues_ = holm(self.pvalues_)
        order, count = self._order(table, target)
        self.ranking_ = np.empty(len(table), dtype=np.int64)
        self.ranking_[order] = np.arange(1, len(table) + 1)
        self._support = self.ranking_ <= count
        return self

    def _order(self, table: Table, target: Variable) -> tuple[Order, int]:
        """All columns, the selected ones first, and how many are selected."""
        columns = len(table)
        candidates = np.arange(columns)
        if self.alpha is not None:
            candidates = np.flatnonzero(self.adjusted_pvalues_ <= self.alpha)
        k = self.k
        if k is None:
            k = max(1, columns // 2) if self.alpha is None else columns
        elif k > columns:
            raise OptionError(f"`k` is {k}, and `X` has {columns} columns: pass at most {columns}.")
        k = min(k, len(candidates))
        if not len(candidates):
            return then_by(self.scores_, []), 0
        chosen = self._ordered(table.keep(candidates), target, self.scores_[candidates], k)
        return then_by(self.scores_, candidates[chosen].tolist()), k

    def _ordered(self, table: Table, target: Variable, scores: np.ndarray, k: int) -> Order:
        if self.criterion == "max":
            return then_by(scores, [])
        if self.criterion == "mrmr":
            return mrmr(table, scores, k, self.redundancy)
        return select_jointly(table, target, k, self.criterion, self.start)

    def _check_options(self) -> None:
        one_of("criterion", self.criterion, ("max", "mrmr", "jmi", "cmim"))
        one_of("redundancy", self.redundancy, ("difference", "quotient"))
        one_of("start", self.start, ("pair", "column"))
        if self.criterion in ("jmi", "cmim") and self.relevance != "auto":
            raise OptionError(
                f"criterion={self.criterion!r} counts tables of binned ranks, and `relevance` must "
                f"be 'auto', got {self.relevance!r}."
            )
        k, alpha = self.k, self.alpha
        if k is not None and (isinstance(k, bool) or not isinstance(k, Integral) or k < 1):
            raise OptionError(f"`k` must be a whole number, at least 1, or None, got {k!r}.")
        if alpha is not None and not (isinstance(alpha, Real) and 0 < alpha < 1):
            raise OptionError(f"`alpha` must lie between 0 and 1, or be None, got {alpha!r}.")

    def _get_support_mask(self) -> Bool[np.ndarray, " n_features"]:
        check_is_fitted(self)
        return self._support

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
