"""Conditional mutual information I(X; Y | Z): estimators, and the default's search among them.

Read in this order:

    bases.py                functions of Z, from none to smooth
    regressed.py            Z regressed out of X and Y, and tests of what remains
    partial_copula.py       the Gaussian formula on residuals of normal scores
    neighbours.py           neighbour counts given Z
    cmi_knn.py              the estimator that counts them, among residuals
    strata.py               the sum over the values of a discrete Z
    partial_information.py  the default without condition, on residuals
    candidates.py           the table of candidates, each with its precondition
    search.py               candidates that apply are measured and compared: `auto` with `given=`
    bias_allowance.py       by how much intervals reach further up, and what measured it
    independence.py         the permutation test given Z
"""
