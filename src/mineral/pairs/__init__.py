"""Mutual information of every pair of columns of a table.

sheet.py    a table of any kind → columns with recognised types
request.py  all options, checked, as JSON can hold them
plan.py     which pairs, in which order; chunks of them, and their results
copula.py   the Gaussian copula of many pairs: one product of score matrices
each.py     any other estimator, pair by pair
nulls.py    p-values in closed form, q-values
execute.py  chunks in threads and processes; progress, forecast
folder.py   finished chunks in a folder, to resume from
run.py      `mineral.matrix`, shares of it, and their merging
result.py   the `Matrix`; files.py writes it, pages/ draws it
"""

from mineral.pairs.result import Matrix
from mineral.pairs.run import matrix, merge, share

__all__ = ["Matrix", "matrix", "merge", "share"]
