"""Contingency tables and histograms: entropies of counts, their bias, and intervals.

Read in this order:

    entropies.py   counts → the entropy of the distribution that they were drawn from
    chance.py      the information that a table shows where none is
    shrunk.py      a table shrunk towards independence: bias and sampling error of any filling
    designs.py     crossed designs: tables too regular for a random sample
    adjusted.py    the correction `adjusted`, which uses these
    discrete.py    the estimator `discrete`: each distinct row is a symbol
    histogram.py   the estimator `histogram`: adaptive cells of numbers
"""
