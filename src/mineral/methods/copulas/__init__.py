"""Copulas of few parameters: exact where they fit, in milliseconds.

Read in this order:

    gaussian.py      `gaussian` and `copula`: closed forms, with an exact correction for bias
    student.py       `t-copula`: tails that depend
    contaminated.py  `contaminated-copula`: a share of the rows is paired at random
    likeliest.py     the likeliest of the three, which the default reports
"""
