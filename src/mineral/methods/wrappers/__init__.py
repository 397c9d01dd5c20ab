"""Wrappers: each estimates parts of the samples with an inner estimator, and combines them.

A wrapper has `measure`, as an estimator does, and takes one: `Thinned(KSG())`. The default wraps
its search for the best candidate in all of them. Read in any order:

    distinct.py            rows that are copies of another one count once
    time_series.py         autocorrelated or evenly spaced rows: the mean over thinned parts
    by_atoms.py            values that many rows share are split off into a table
    by_block.py            blocks of columns that are independent of each other are summed
    independent_blocks.py  the detection of these blocks
    consistent.py          no interval excludes 0 if a permutation test detects no dependence
"""
