"""Score functions: (scores, p-values) of each column, for scikit-learn's own selectors.

As in `SelectKBest(information_classification, k=10)`, or with options by `functools.partial`:
`SelectFdr(partial(information_regression, relevance="copula"), alpha=0.05)`.
"""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state, check_X_y

from mineral.selection.closed_form import Correction, PerColumn
from mineral.selection.columns import DiscreteFeatures, Table
from mineral.selection.relevance import Relevance, scores_and_p_values
from mineral.selection.target import target_of


def information_classification(
    X: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    *,
    relevance: Relevance = "auto",
    discrete_features: DiscreteFeatures = "auto",
    correction: Correction = "miller-madow",
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[PerColumn, PerColumn]:
    """Information of each column about a class, in nats, and p-values of independence.

    Values are not clipped: a column without information has values around 0.

    Args:
        X: Shape (n, columns), numbers.
        y: Shape (n,), the class of each row: numbers or text.
        relevance: "copula" for a closed form on normal scores, "ksg" for nearest neighbours
            (Ross 2014), "auto" for the better of both. Discrete columns are counted always.
        discrete_features: Which columns are discrete: a bool for all, a mask, or indices. "auto"
            for columns of two values, and of at most 20 values with ten rows each on average.
        correction: Of counts: "miller-madow", or "none" for the plug-in value, which
            `sklearn.feature_selection.mutual_info_classif(discrete_features=True)` returns.
        n_jobs: Threads for nearest neighbours. Results do not depend on it.
        random_state: Orders equal values for nearest neighbours. None is 0, so that results are
            the same in every run.

    Returns:
        Scores, and p-values of `SelectByInformation`, which are not corrected for many columns.

    Raises:
        ValueError: If X or y cannot be used, or an option is unknown.

    Example:
        >>> from sklearn.feature_selection import SelectKBest
        >>> rng = np.random.default_rng(0)
        >>> X, y = rng.standard_normal((500, 5)), rng.integers(2, size=500)
        >>> X[:, 3] += y
        >>> SelectKBest(information_classification, k=1).fit(X, y).get_support(indices=True)
        array([3])
    """
    values, of_y = check_X_y(X, y, dtype=np.float64)
    return scores_and_p_values(
        Table.of(values, discrete_features),
        target_of(of_y, "classification"),
        by=relevance,
        correction=correction,
        n_jobs=n_jobs,
        seed=seed_of(random_state),
    )


def information_regression(
    X: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    *,
    relevance: Relevance = "auto",
    discrete_features: DiscreteFeatures = "auto",
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[PerColumn, PerColumn]:
    """Information of each column about a number, in nats, and p-values of independence.

    Args:
        X: Shape (n, columns), numbers.
        y: Shape (n,), numbers.
        relevance: "copula" for a closed form on normal scores, "ksg" for nearest neighbours,
            "auto" for the better of both.
        discrete_features: As `information_classification` has it.
        n_jobs: Threads for nearest neighbours.
        random_state: Orders equal values for nearest neighbours; None is 0.

    Returns:
        Scores, and p-values that are not corrected for many columns.

    Raises:
        ValueError: If X or y cannot be used, or an option is unknown.

    Example:
        >>> from sklearn.feature_selection import SelectFwe
        >>> rng = np.random.default_rng(0)
        >>> X = rng.standard_normal((500, 5))
        >>> y = X[:, 1] ** 2 + rng.standard_normal(500)
        >>> SelectFwe(information_regression, alpha=0.01).fit(X, y).get_support(indices=True)
        array([1])
    """
    values, of_y = check_X_y(X, y, dtype=np.float64, y_numeric=True)
    return scores_and_p_values(
        Table.of(values, discrete_features),
        target_of(of_y, "regression"),
        by=relevance,
        n_jobs=n_jobs,
        seed=seed_of(random_state),
    )


def seed_of(random_state: int | np.random.RandomState | None) -> int:
    """The seed of scikit-learn's parameter; 0 for None, so that no global state is used.

    Raises:
        ValueError: If it is neither.
    """
    if random_state is None:
        return 0
    return int(check_random_state(random_state).randint(2**31 - 1))
