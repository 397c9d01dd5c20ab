"""Nearest neighbours: counts of close rows, without training.

Read in this order:

    geometry.py     exact neighbour counts in the maximum norm
    knn.py          the estimator `ksg`
    lnc.py          `lnc`: a local correction by principal axes, for strong dependence
    mixed.py        `mixed`: discrete with continuous variables, and mixtures of both
    subsampling.py  standard errors from disjoint parts of the samples
"""
