"""I(column; target) of each column: by closed form, by nearest neighbours, or the better of both.

"auto" starts from the closed form. Where the test of `pvalues.py` finds dependence, the estimate
by nearest neighbours replaces it if it is larger by two standard errors of the paired difference:
the closed form misses dependence that is not monotone and differences between classes beyond their
means and variances, and where it misses none it is the more precise of the two.

References:
    Kraskov, Stögbauer & Grassberger (2004), for two numbers, arXiv:cond-mat/0305641.
    Ross (2014), for a class and a number, doi:10.1371/journal.pone.0087357.
"""

from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from sklearn.utils.parallel import Parallel, delayed

from mineral.basics.special import ndtri
from mineral.errors import OptionError
from mineral.methods.neighbours.knn import KSG
from mineral.methods.neighbours.mixed import in_company, ross
from mineral.selection.closed_form import (
    Correction,
    PerColumn,
    class_pmi,
    pair_pmi,
    with_all_columns,
)
from mineral.selection.columns import Table, Variable
from mineral.selection.pvalues import p_values

Relevance: TypeAlias = Literal["auto", "copula", "ksg"]
PerRow: TypeAlias = Float[np.ndarray, " n"]

NEIGHBOURS = 3  # as in `KSG` and `Mixed`
FEWEST_ROWS = NEIGHBOURS + 3  # below, the third neighbour is nearly the farthest row
DEPENDENT = 0.05  # p-values above it keep the closed form: both estimates are close to 0
# Standard errors of the paired difference. Of seven laws at 300 to 3,000 rows, the root mean
# squared error of 1.5 was up to 0.006 nats larger where the copula is exact, and that of 3 up to
# 0.02 larger where it is not.
LARGER_BY = 2.0
COLUMNS_PER_TASK = 16  # a tenth of a second of KSG at 1,000 rows


def scores_and_p_values(
    table: Table,
    target: Variable,
    *,
    by: Relevance = "auto",
    correction: Correction = "miller-madow",
    n_jobs: int | None = None,
    seed: int = 0,
) -> tuple[PerColumn, PerColumn]:
    """The information of each column about the target, in nats, and p-values of independence.

    Args:
        table: The columns.
        target: A class or a number.
        by: "copula" for the closed form, "ksg" for nearest neighbours, "auto" for the better one.
            Two discrete variables are counted always.
        correction: Of counts.
        n_jobs: Threads for nearest neighbours, as scikit-learn has it.
        seed: Orders the rows of equal values, which neighbours need to be distinct. A column's
            value depends neither on the other columns nor on `n_jobs`.

    Raises:
        OptionError: If `by` or `correction` is unknown.
    """
    one_of("relevance", by, ("auto", "copula", "ksg"))
    one_of("correction", correction, ("miller-madow", "none"))
    found = p_values(table, target, smooth=by != "copula")
    nats = with_all_columns(table, target, correction)
    if by != "copula" and table.n >= FEWEST_ROWS:
        _use_neighbours(nats, table, target, found if by == "auto" else None, n_jobs, seed)
    return nats, found


def one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    """Refuse an unknown option.

    Raises:
        OptionError: If the value is none of those known.
    """
    if value not in known:
        raise OptionError(
            f"`{name}` must be {', '.join(map(repr, known[:-1]))} or {known[-1]!r}, got {value!r}."
        )


def _use_neighbours(
    nats: PerColumn,
    table: Table,
    target: Variable,
    p_value: PerColumn | None,
    n_jobs: int | None,
    seed: int,
) -> None:
    """Replace the closed form: everywhere, or with p-values only where it is clearly smaller."""
    places = np.flatnonzero(~(table.discrete & (target.codes is not None)))
    if p_value is not None:
        places = places[p_value[places] <= DEPENDENT]
    tasks = [places[i : i + COLUMNS_PER_TASK] for i in range(0, len(places), COLUMNS_PER_TASK)]
    found = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_of_columns)(table, target, columns, seed) for columns in tasks
    )
    pointwise = [rows for task in found for rows in task]
    for place, rows in zip(places.tolist(), pointwise, strict=True):
        if p_value is None or _is_clearly_larger(rows, _closed_pmi(table, target, place)):
            nats[place] = rows.mean()


def _of_columns(
    table: Table, target: Variable, places: Int[np.ndarray, " columns"], seed: int
) -> list[PerRow]:
    of_target = _distinct_scores(target.ranks, np.random.default_rng(seed))
    return [_neighbours(table.column(j), target, of_target, seed, j) for j in places.tolist()]


def _neighbours(
    column: Variable, target: Variable, of_target: PerRow, seed: int, place: int
) -> PerRow:
    """The contribution of each row to the estimate by nearest neighbours."""
    if column.codes is not None:
        return _by_classes(column.codes, of_target)
    scores = _distinct_scores(column.ranks, np.random.default_rng([seed, place]))
    if target.codes is not None:
        return _by_classes(target.codes, scores)
    return KSG(k=NEIGHBOURS).contributions(scores[:, None], of_target[:, None])


def _by_classes(codes: Int[np.ndarray, " n"], scores: PerRow) -> PerRow:
    """Contributions to Ross's estimate; 0 for rows alone in their class."""
    several = in_company(codes)
    rows = np.zeros(len(codes))
    if several.sum() > NEIGHBOURS and len(np.unique(codes[several])) > 1:
        rows[several] = ross(codes[several], scores[several, None], NEIGHBOURS)
    return rows


def _distinct_scores(ranks: Int[np.ndarray, " n"], rng: np.random.Generator) -> PerRow:
    """Normal scores of ranks in which equal values are ordered at random.

    The column is a function of them, and what is added is independent of everything else, so that
    the information is that of the column (see `mineral.samples.ties`).
    """
    order = np.lexsort((rng.random(len(ranks)), ranks))
    place = np.empty(len(ranks))
    place[order] = np.arange(1, len(ranks) + 1)
    return np.asarray(ndtri(place / (len(ranks) + 1)))


def _closed_pmi(table: Table, target: Variable, place: int) -> PerRow:
    column = table.column(place)
    if column.codes is not None:
        return class_pmi(target, column.codes)
    return pair_pmi(column, target) if target.codes is None else class_pmi(column, target.codes)


def _is_clearly_larger(rows: PerRow, closed: PerRow) -> bool:
    difference = rows - closed
    return bool(difference.mean() > LARGER_BY * difference.std(ddof=1) / np.sqrt(len(difference)))
