"""Forward selection by relevance and redundancy (mRMR).

With the relevance D_j = I(x_j; y) and the mean redundancy R_j = 1/|S| Σ_{s ∈ S} I(x_j; x_s) of the
selected columns S, the next column has the largest

    D_j − R_j    "difference", Peng's MID            D_j / R_j    "quotient", Peng's MIQ

The first has the largest relevance. R_j is a running sum: one product of the normal scores with
those of the latest column. A quotient is not defined for R_j ≤ 0, and pointless below the value of
1 / 2n that the closed form has on average for independent columns before its bias is subtracted:
smaller R_j count as 1 / 2n. A D_j ≤ 0 stays as it is, since a quotient would rank the most
redundant of the irrelevant columns first.

References:
    Peng, Long & Ding (2005), doi:10.1109/TPAMI.2005.159.
    Ding & Peng (2005), difference and quotient, doi:10.1142/S0219720005001004.
    Brown, Pocock, Zhao & Luján (2012), a review of criteria, JMLR 13:27–66.
"""

from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Int

from mineral.selection.closed_form import PerColumn, with_all_columns
from mineral.selection.columns import Table

Redundancy: TypeAlias = Literal["difference", "quotient"]
Order: TypeAlias = Int[np.ndarray, " columns"]


def mrmr(table: Table, relevance: PerColumn, k: int, redundancy: Redundancy) -> Order:
    """All columns in order: the first k as selected, the others by their last criterion.

    Args:
        table: The columns.
        relevance: Of each, in nats.
        k: Columns to select.
        redundancy: How it enters.
    """
    # Redundancy needs no more than six digits, and half of the bytes take half of the time.
    light = replace(table, scores=table.scores.astype(np.float32))
    order: list[int] = []
    total = np.zeros(len(table))
    criterion = relevance
    for _ in range(k):
        if order:
            total += with_all_columns(light, light.column(order[-1]))
            criterion = _criterion(relevance, total / len(order), redundancy, table.n)
        order.append(best(criterion, order))
    return then_by(criterion, order)


def best(criterion: PerColumn, taken: list[int]) -> int:
    """The column of the largest criterion among those that are not taken; the first of equals."""
    rest = criterion.copy()
    rest[taken] = -np.inf
    return int(rest.argmax())


def then_by(criterion: PerColumn, first: list[int]) -> Order:
    """These columns, then all others by decreasing criterion."""
    order = np.argsort(-criterion, kind="stable")
    rest = order[~np.isin(order, first)]
    return np.concatenate([np.array(first, dtype=np.int64), rest])


def _criterion(relevance: PerColumn, redundancy: PerColumn, how: Redundancy, n: int) -> PerColumn:
    if how == "difference":
        return np.asarray(relevance - redundancy)
    quotient = relevance / np.maximum(redundancy, 1 / (2 * n))
    return np.asarray(np.where(relevance > 0, quotient, relevance))
