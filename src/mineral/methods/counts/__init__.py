"""Contingency tables and cells: entropies of counts, their bias, and intervals.

Read in this order:

    entropies.py   counts → the entropy of the distribution that they were drawn from
    system/chance.py      the information that a table shows where none is
    shrunk.py      a table shrunk towards independence: bias and sampling error of any filling
    designs.py     crossed designs: tables too regular for a random sample
    adjusted.py    the correction `adjusted`, made of these
    discrete.py    the estimator `discrete`: each different row is a symbol
    histogram.py   the estimator `histogram`: numbers in cells that follow the samples
"""
