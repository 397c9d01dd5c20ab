"""Networks of series: which past values of which columns drive each column of a table.

grid.py        columns of a table as functions of normal scores, and their lags
candidates.py  squared partial correlations of all lags at once, and of rotated residuals
greedy.py      forward selection with maximum statistics, and backward pruning
surrogates.py  the p-value of a link, against surrogates of its source
values.py      the information of a link, with an interval
target.py      all of one target
request.py     a table and options, checked, as JSON can hold them
folder.py      finished targets in a folder, to resume from
run.py         `mineral.network`: targets in processes, progress
result.py      the `Network`; pages/ draws it

Read `greedy.py` first, then `candidates.py`.
"""

from mineral.links.result import Network
from mineral.links.run import network

__all__ = ["Network", "network"]
