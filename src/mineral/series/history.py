"""How many lags of its own past predict a series best, by blocked cross-validation.

Normal scores of each column are predicted linearly from 1, 2, … lags of all columns, on the same
rows for every number of lags. Blocks of consecutive rows are held out in turn, without the rows at
either end that share lags with the training rows. The number with the smallest held-out error wins.

References:
    Ragwitz & Kantz (2002), embedding by prediction error, doi:10.1103/PhysRevE.65.056201.
    Racine (2000), blocks with a gap, doi:10.1016/S0304-4076(00)00030-0.
"""

import numpy as np
from jaxtyping import Float

from mineral.basics.types import Matrix
from mineral.samples import indicators, normal_scores
from mineral.samples.columns.variable import columns
from mineral.series.embedding import Embedding, Lags, embed
from mineral.series.reading import Series

BLOCKS = 5  # held out in turn
ROWS_PER_COLUMN = 10  # of a regression, at least: more lags are not tried
RIDGE = 1e-6  # of the largest eigenvalue: columns of a constant or of a copy are harmless


def choose_history(series: Series, most: int) -> int:
    """The number of lags, from 1 to `most`, with the smallest held-out prediction error.

    Args:
        series: The series; rows with missing values are left out.
        most: The largest number of lags.
    """
    width = len(series.names)
    longest = max(series.lengths)
    while most > 1 and (longest - most) < ROWS_PER_COLUMN * width * most:
        most -= 1
    if most == 1:
        return 1
    rows = embed({"series": [Lags(series=series, lags=range(most + 1))]}, missing="drop")
    tables = [_numbers(rows, width, lag) for lag in range(most + 1)]
    errors = [_error(tables[0], np.hstack(tables[1 : h + 1]), most) for h in range(1, most + 1)]
    return int(np.argmin(errors)) + 1


def _numbers(rows: Embedding, width: int, lag: int) -> Matrix:
    """Normal scores of the columns of one lag; categories as indicators."""
    labels = list(rows.sides["series"])[lag * width : (lag + 1) * width]
    part = columns("series", {label: rows.sides["series"][label] for label in labels}, text=True)
    return normal_scores(indicators(part.values, part.categorical))


def _error(present: Matrix, past: Float[np.ndarray, "n lags"], gap: int) -> float:
    """The sum over columns of the log mean squared held-out error."""
    n = len(present)
    squared = np.zeros(present.shape)
    for block in np.array_split(np.arange(n), BLOCKS):
        training = np.ones(n, dtype=bool)
        training[max(0, block[0] - gap) : block[-1] + 1 + gap] = False
        mean_past, mean = past[training].mean(axis=0), present[training].mean(axis=0)
        centered = past[training] - mean_past
        squares = centered.T @ centered
        ridge = RIDGE * np.trace(squares) + np.finfo(float).tiny
        weights = np.linalg.solve(
            squares + ridge * np.eye(len(squares)), centered.T @ (present[training] - mean)
        )
        squared[block] = (present[block] - mean - (past[block] - mean_past) @ weights) ** 2
    return float(np.log(squared.mean(axis=0).clip(min=np.finfo(float).tiny)).sum())
