"""Nearest neighbours: counts of close rows, where nothing is trained.

Read in this order:

    geometry.py     exact neighbour counts in the maximum norm
    knn.py          the estimator `ksg`
    lnc.py          `lnc`: boxes turned to where the samples are
    mixed.py        `mixed`: values that repeat beside values that do not
    subsampling.py  standard errors from disjoint parts of the samples
"""
