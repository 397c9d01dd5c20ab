"""Selection of columns by their information about a target, as scikit-learn selects.

columns.py      columns as ranks and codes; which of them are discrete
target.py       the target: a class or a number
closed_form.py  I(column; variable) of all columns at once: correlations, variances, counts
pvalues.py      a test of independence for each column, and Holm's correction
relevance.py    I(column; target) by closed form, nearest neighbours, or the better of both
greedy.py       forward selection: mRMR
joint.py        forward selection by tables of two columns and the target: JMI and CMIM
selector.py     `SelectByInformation`
scoring.py      score functions for `SelectKBest`, `SelectFdr` and `SelectFwe`
"""

from mineral.selection.scoring import information_classification, information_regression
from mineral.selection.selector import SelectByInformation

__all__ = ["SelectByInformation", "information_classification", "information_regression"]
