"""Wrappers: each estimates parts of the samples by an inner estimator, and puts them together.

A wrapper has `measure`, as an estimator does, and takes one: `Thinned(KSG())`. The default wraps
its search for the best candidate in all of them. Read in any order:

    distinct.py            rows that are copies of another one count once
    time_series.py         autocorrelated or evenly spaced rows: the mean over thinned parts
    by_atoms.py            values that many rows share are a table of their own
    by_block.py            blocks of columns that are independent of each other are summed
    independent_blocks.py  how these blocks are found
    consistent.py          no interval excludes 0 where a permutation test finds no dependence
"""
